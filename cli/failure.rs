//! [`Failure`]: why a command could not do what it was asked.

use std::borrow::Cow;
use std::error::Error;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use miette::{Diagnostic, GraphicalReportHandler, Severity};
use router::config::{ConfigError, Finding};
use router::rehearse::CaseOutcome;

use crate::exit::Exit;
use crate::screen;
use crate::text::{escape, one_line};

/// Why a command could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The router did not answer, or refused.
    #[error(transparent)]
    Api(#[from] api::Error),
    /// The configuration has errors.
    #[error("the configuration is not valid")]
    Config(Box<ConfigError>),
    /// The configuration's folder of schemas cannot be used.
    #[error("cannot load the schemas that {} asks for", .file.display())]
    SchemaFolder {
        /// The configuration file.
        file: PathBuf,
        /// Which file of the folder, and why.
        source: schemas::Error,
    },
    /// Consumers ask for schemas that are not there.
    #[error("{} asks for schemas that are not there", .file.display())]
    Schemas {
        /// The configuration file.
        file: PathBuf,
        /// The consumers and what each one asks for.
        missing: Vec<MissingSchema>,
    },
    /// A data directory cannot be listed.
    #[error("cannot list {}", .folder.display())]
    DataDir {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The files of a bus cannot be verified or repaired.
    #[error("cannot go through the files of bus `{bus}`")]
    Files {
        /// The bus.
        bus: String,
        /// Why.
        source: store::OpenError,
    },
    /// The command line asks for something that cannot be.
    #[error("{reason}")]
    Usage {
        /// What and why.
        reason: String,
    },
    /// The payload on the command line is no JSON.
    #[error("the payload is not JSON: {reason}")]
    Payload {
        /// Where and why.
        reason: String,
        /// How to write it instead.
        help: Option<String>,
    },
    /// The router has nothing of that name.
    #[error("there is no {what} `{name}`")]
    UnknownName {
        /// What was asked for.
        what: &'static str,
        /// Its name.
        name: String,
        /// Which names there are.
        help: String,
    },
    /// A tail broke before the router ended it.
    #[error("the connection to the router at {base} broke before the router ended it")]
    TailBroke {
        /// The router's address.
        base: String,
        /// What went wrong.
        source: Box<api::Error>,
    },
    /// The consumer has no dead letter there.
    #[error("there is no dead letter of `{consumer}` at position {position}")]
    NoDeadLetter {
        /// The consumer.
        consumer: String,
        /// Where the event would be.
        position: u64,
    },
    /// The router did not carry out an order about some of many dead letters.
    #[error("the router did not finish: {done} were {past} before, and perhaps some of the next {batch}")]
    DeadLettersBroke {
        /// What is done with them: `redriven` or `purged`.
        past: &'static str,
        /// How many are done for certain.
        done: u64,
        /// How many were ordered last.
        batch: u32,
        /// What went wrong.
        source: Box<api::Error>,
    },
    /// A signal came a second time before the router answered.
    #[error("stopped at once by a second signal; {done} were {past}, and perhaps some of the next {batch}")]
    DeadLettersForced {
        /// What is done with them: `redriven` or `purged`.
        past: &'static str,
        /// How many are done for certain.
        done: u64,
        /// How many were ordered last.
        batch: u32,
    },
    /// The aggregation has no such group.
    #[error("there is no open group `{group}` of aggregation `{aggregation}`")]
    NoGroup {
        /// The aggregation.
        aggregation: String,
        /// The group's key or id.
        group: String,
    },
    /// Test cases of a configuration do not hold.
    #[error("{} has cases that do not hold", .file.display())]
    Cases {
        /// The configuration file.
        file: PathBuf,
        /// Every case that ran.
        outcomes: Vec<CaseOutcome>,
    },
    /// The router does not know a replay any more.
    #[error("the router no longer knows the replay `{name}`")]
    ReplayGone {
        /// Its name.
        name: String,
    },
    /// No home directory, so no place for the data.
    #[error("no state directory is known for this user")]
    NoStateDirectory,
    /// The router did not start.
    #[error("the router did not start")]
    Start(#[source] router::StartError),
    /// The store failed, and the router with it.
    #[error("the store failed: {reason}")]
    Store {
        /// What the store said.
        reason: String,
    },
    /// The dashboard ended by itself.
    #[error("the dashboard failed")]
    Dashboard(#[source] dashboard::Error),
    /// A file cannot be read or written.
    #[error("cannot use {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Standard output or standard input failed.
    #[error("standard input or output failed")]
    Stream(#[from] io::Error),
    /// The process could not get its threads or signals.
    #[error("the operating system refused threads or signals")]
    Runtime {
        /// What the system said.
        source: io::Error,
    },
    /// The answer of the EventBridge API was a refusal or none at all.
    #[cfg(feature = "aws")]
    #[error("the EventBridge API of {url} did not take the events: {reason}")]
    EventBridge {
        /// The router's address.
        url: String,
        /// What it said.
        reason: String,
    },
    /// A signal came a second time while the router was draining.
    #[error("stopped at once by a second signal; what was pending is still in the log")]
    Forced,
}

/// A schema that a consumer asks for and that is not there.
#[derive(Debug)]
pub(crate) struct MissingSchema {
    /// The consumer.
    pub(crate) consumer: String,
    /// The schema and the versions that will do.
    pub(crate) schema: String,
    /// How to mend it.
    pub(crate) help: String,
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(Box::new(error))
    }
}

impl Failure {
    /// Returns the exit code for it. A reader that went away, as `head` does, is no failure.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } | Self::Payload { .. } => Exit::Usage,
            Self::Stream(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            _ => Exit::Failed,
        }
    }

    /// Prints it to standard error: what, why, and what to do about it.
    pub(crate) fn report(&self) {
        let text = match self {
            Self::Stream(error) if error.kind() == io::ErrorKind::BrokenPipe => return,
            Self::Config(error) => findings(error),
            _ => self.to_text(),
        };
        screen::note(text.trim_end());
    }

    /// Returns what, why, and what to do about it, as lines.
    pub(crate) fn to_text(&self) -> String {
        let what = match self {
            Self::Schemas { file, missing } => return missing_schemas(file, missing),
            Self::Cases { file, outcomes } => return failed_cases(file, outcomes),
            Self::Api(api::Error::Refused { status, problem }) => refusal(*status, problem),
            _ => self.to_string(),
        };
        let mut text = format!("error: {}", escape(&what));
        for cause in self.causes() {
            text.extend(["\n  because: ", &escape(&cause)]);
        }
        if let Some(help) = self.help() {
            text.extend(["\n  help: ", &escape(&help)]);
        }
        text
    }

    /// Returns what led to it, nearest first, each thing said once. Of a connection that failed only the root is worth
    /// a line: the layers above it say in other words that it failed.
    fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut source = self.source();
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        if matches!(
            self,
            Self::Api(api::Error::Unreachable { .. })
                | Self::TailBroke { .. }
                | Self::DeadLettersBroke { .. }
        ) {
            causes.drain(..causes.len().saturating_sub(1));
        }
        let mut said = self.to_string();
        causes.retain(|cause| {
            let new = !said.contains(cause.as_str());
            said.push_str(cause);
            new
        });
        causes
    }

    fn help(&self) -> Option<Cow<'_, str>> {
        let fixed = match self {
            Self::Api(api::Error::Refused { problem, .. }) => {
                return problem.help.as_deref().map(Cow::Borrowed);
            }
            Self::Payload { help, .. } => return help.as_deref().map(Cow::Borrowed),
            Self::UnknownName { help, .. } => help,
            Self::Api(api::Error::Unreachable { .. }) => {
                "start a router with `railpost run`, or name another one with --url or RAILPOST_URL"
            }
            Self::Api(api::Error::Answer { .. }) => {
                "check that --url names a router, and that it has this command's version"
            }
            Self::NoDeadLetter { .. } => {
                "`railpost dead-letters list` has their positions; one that was redriven or purged is gone"
            }
            Self::NoGroup { .. } => "`railpost groups` has the open ones; one that has ended is not open",
            Self::DeadLettersBroke { .. } | Self::DeadLettersForced { .. } => {
                "what was not done is a dead letter still; the same command goes on with the rest"
            }
            #[cfg(feature = "aws")]
            Self::EventBridge { .. } => "check that a router answers there: `railpost status`",
            Self::Start(router::StartError::Store { source: store::OpenError::Corrupt { .. }, .. }) => {
                "`railpost verify` says what is damaged and what could be lost; `railpost verify --repair` mends it"
            }
            Self::Files { source: store::OpenError::Locked { .. }, .. } => "stop the router first",
            Self::NoStateDirectory => "name a directory with --data-dir or RAILPOST_DATA_DIR",
            Self::Store { .. } => "every acknowledged event is on disk; start again when the cause is mended",
            _ => return None,
        };
        Some(Cow::Borrowed(fixed))
    }
}

/// Returns a router's refusal in words, without its help: the field where the reason does not name it, and the reason.
pub(crate) fn refusal(status: u16, problem: &api::Problem) -> String {
    if problem.reason.is_empty() {
        return format!("the router answered with status {status} and no reason");
    }
    match &problem.field {
        Some(field) if !problem.reason.contains(field.as_str()) => format!("`{field}`: {}", problem.reason),
        _ => problem.reason.clone(),
    }
}

fn missing_schemas(file: &Path, missing: &[MissingSchema]) -> String {
    let line = |missing: &MissingSchema| {
        let MissingSchema { consumer, schema, help } = missing;
        let what = format!("consumer `{consumer}` accepts `{schema}`, which the schema folder does not hold");
        let file = file.display().to_string();
        format!("{}: error: {}\n  help: {}", escape(&file), escape(&what), escape(help))
    };
    missing.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Returns what was expected and what was found where a case does not hold, and how many do not.
fn failed_cases(file: &Path, outcomes: &[CaseOutcome]) -> String {
    let file = file.display().to_string();
    let mut text = Vec::new();
    for CaseOutcome { name, failures, .. } in outcomes {
        for failure in failures {
            let (file, name) = (escape(&file), escape(name));
            let (expected, found) = (escape(&failure.expected), escape(&failure.found));
            text.push(format!(
                "{file}:{}: case \"{name}\": expected {expected}, found {found}",
                failure.line
            ));
        }
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).count();
    text.push(format!("{failed} of {} cases failed", outcomes.len()));
    text.join("\n")
}

/// Returns every finding of a file that means nothing, and how many there are.
fn findings(error: &ConfigError) -> String {
    let mut text: Vec<String> =
        error.findings().map(|finding| diagnostic(finding).trim_end().to_owned()).collect();
    if text.len() > 1 {
        text.push(error.to_string());
    }
    text.join("\n")
}

/// Returns a configuration's finding as text: drawn for a terminal, otherwise as a compiler would put it.
pub(crate) fn diagnostic(finding: &Finding) -> String {
    if !io::stderr().is_terminal() {
        return compact(finding);
    }
    let theme = if screen::colours_wanted() {
        miette::GraphicalTheme::unicode()
    } else {
        miette::GraphicalTheme::unicode_nocolor()
    };
    let mut text = String::new();
    match GraphicalReportHandler::new_themed(theme).render_report(&mut text, finding) {
        Ok(()) => text,
        Err(_) => compact(finding),
    }
}

/// Returns a finding as a line, `FILE:LINE:COLUMN: error[CODE]: MESSAGE`, and a line with the help, if there is one.
fn compact(finding: &Finding) -> String {
    let place = finding.place().map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
    let severity = match finding.severity() {
        Some(Severity::Warning | Severity::Advice) => "warning",
        Some(Severity::Error) | None => "error",
    };
    let (file, code) = (escape(finding.file()), finding.code());
    let mut text = format!("{file}{place}: {severity}[{code}]: {}", one_line(&finding.to_string()));
    if let Some(help) = finding.help() {
        text.extend(["\n  help: ", &one_line(&help.to_string())]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        let of = |kind| Failure::Stream(io::Error::from(kind)).exit();
        assert_eq!(of(io::ErrorKind::BrokenPipe), Exit::Done);
        assert_eq!(of(io::ErrorKind::StorageFull), Exit::Failed);
    }

    #[test]
    fn a_failure_says_what_and_why() {
        let source = io::Error::new(io::ErrorKind::NotFound, "no such file");
        let failure = Failure::File { path: PathBuf::from("events\n.jsonl"), source };
        assert_eq!(failure.to_text(), "error: cannot use events\\n.jsonl\n  because: no such file");
        let failure = Failure::Store { reason: "disk full".to_owned() };
        let help = "every acknowledged event is on disk; start again when the cause is mended";
        assert_eq!(failure.to_text(), format!("error: the store failed: disk full\n  help: {help}"));
    }

    #[test]
    fn a_finding_is_a_line_and_its_help() {
        use router::config::Config;
        let text = "[[consumer]]\nname = \"a\"\nfliter = { source = [\"s\"] }\ntarget = { stdout = true }\n";
        let error = Config::parse(text, "m.toml").unwrap_err();
        let said: Vec<String> = error.findings().map(compact).collect();
        let (first, help) = said[0].split_once('\n').unwrap();
        assert!(first.starts_with("m.toml:3:1: error[E0102]: ") && first.contains("`fliter`"), "{first}");
        assert!(help.starts_with("  help: ") && help.contains("filter") && !help.contains('\n'), "{help}");
    }

    #[test]
    fn a_case_that_fails_is_a_line_of_the_file() {
        use router::rehearse::CaseFailure;
        let failure =
            CaseFailure { line: 41, expected: "1 release".to_owned(), found: "no release\u{1b}".to_owned() };
        let outcome = |name: &str, failures| CaseOutcome { name: name.to_owned(), line: 40, failures };
        let outcomes = vec![outcome("a", Vec::new()), outcome("b", vec![failure])];
        let expected =
            "m.toml:41: case \"b\": expected 1 release, found no release\\u{1b}\n1 of 2 cases failed";
        assert_eq!(Failure::Cases { file: PathBuf::from("m.toml"), outcomes }.to_text(), expected);
    }

    #[test]
    fn a_refusal_is_told_without_its_status() {
        let check = |field: &str, reason: &str, expected: &str| {
            let problem = api::Problem {
                error: "unknown-name".to_owned(),
                field: Some(field.to_owned()),
                reason: reason.to_owned(),
                help: Some("look again".to_owned()),
            };
            let failure = Failure::Api(api::Error::Refused { status: 404, problem });
            assert_eq!(failure.to_text(), format!("error: {expected}\n  help: look again"));
        };
        check("event", "there is no event `x`", "there is no event `x`");
        check("source", "must not be empty", "`source`: must not be empty");
        check("source", "", "the router answered with status 404 and no reason");
    }
}
