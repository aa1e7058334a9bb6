//! The invariants of ARCHITECTURE.md, held by reading the tree.

use std::path::{Path, PathBuf};

use crate::harness::root;

const LINES_MAX: usize = 600;

/// A word that only some files may contain.
struct Reserved {
    words: &'static [&'static str],
    within: &'static str,
    except: &'static [&'static str],
    why: &'static str,
}

const RESERVED: &[Reserved] = &[
    Reserved {
        words: &["router::"],
        within: "dashboard/src",
        except: &[],
        why: "the dashboard knows only the api",
    },
    Reserved { words: &["router::"], within: "api/src", except: &[], why: "the api knows only events" },
    Reserved {
        words: &["event::", "CloudEvent"],
        within: "store/src",
        except: &[],
        why: "the store knows bytes",
    },
    Reserved {
        words: &["CloudEvent", "tokio"],
        within: "pattern/src",
        except: &[],
        why: "patterns know JSON",
    },
    Reserved {
        words: &["async ", "tokio", "fastrand", "clock::", "Instant", "SystemTime", "std::fs", "std::net"],
        within: "router/src/core",
        except: &[],
        why: "the core is pure",
    },
    Reserved {
        words: &["tokio::spawn(", "JoinSet"],
        within: "",
        except: &["router/src/tasks.rs"],
        why: "only tasks.rs spawns",
    },
    Reserved {
        words: &[".commit("],
        within: "router/src",
        except: &["router/src/pipeline/"],
        why: "one writer",
    },
    Reserved {
        words: &["SystemTime::now"],
        within: "",
        except: &["router/src/clock.rs", "cli/clock.rs"],
        why: "one clock a program",
    },
    Reserved {
        words: &["aws_sdk_", "aws_config"],
        within: "",
        except: &["router/src/deliver/targets", "cli/commands/publish"],
        why: "AWS stays at the edge",
    },
    Reserved {
        words: &["unsafe {", "unsafe fn"],
        within: "",
        except: &["pattern/src/block", "benches/peers/src/limits.rs"],
        why: "unsafe code is in one small place",
    },
    Reserved {
        words: &["unbounded_channel", "mpsc::unbounded"],
        within: "",
        except: &[],
        why: "queues have limits",
    },
    Reserved {
        words: &["TODO", "FIXME", "#[allow("],
        within: "",
        except: &[],
        why: "it is done or it is not there",
    },
];

/// Production sources by their path from the root.
fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for folder in [
        "api",
        "cli",
        "dashboard",
        "event",
        "otel",
        "pattern",
        "router",
        "schemas",
        "store",
        "tests",
        "benches",
    ] {
        collect(&root().join(folder), &mut files);
    }
    let relative = |path: &PathBuf| path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (relative(path), std::fs::read_to_string(path).unwrap())).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() && !path.ends_with(".venv") && !path.ends_with("target") {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Code without its comments.
fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn reserved_words_stay_where_they_belong() {
    let mut broken = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| !is_test(path)) {
        let code = code(text);
        for rule in RESERVED {
            let exempt = rule.except.iter().any(|except| path.starts_with(except));
            let word = rule.words.iter().find(|word| code.contains(**word));
            if let Some(word) = word.filter(|_| path.starts_with(rule.within) && !exempt) {
                broken.push(format!("{path}: `{word}`: {}", rule.why));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn files_are_short_and_ascii() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        if lines > LINES_MAX {
            broken.push(format!("{path} has {lines} lines"));
        }
        if let Some(line) = text.lines().position(|line| !line.is_ascii()) {
            broken.push(format!("{path}:{} is not ASCII", line + 1));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn crates_depend_only_downwards() {
    let allowed: &[(&str, &[&str])] = &[
        ("pattern", &[]),
        ("store", &[]),
        ("schemas", &[]),
        ("event", &[]),
        ("otel", &["event"]),
        ("api", &["event"]),
        ("dashboard", &["api", "event"]),
        ("router", &["api", "otel", "schemas", "pattern", "store", "event"]),
    ];
    let names: Vec<&str> = allowed.iter().map(|(name, _)| *name).collect();
    for (name, below) in allowed {
        let manifest = std::fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("[dev-dependencies]").next().unwrap();
        for other in &names {
            let depends = dependencies.lines().any(|line| line.starts_with(&format!("{other}.workspace")));
            assert!(!depends || below.contains(other), "{name} depends on {other}");
        }
    }
}

fn is_test(path: &str) -> bool {
    path.starts_with("tests/")
        || path.starts_with("benches/")
        || path.contains("/tests/")
        || path.ends_with("tests.rs")
}
