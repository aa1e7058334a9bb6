//! The names of expected parts: where they are, and files of them.

use super::*;

/// Reads a file that expects these parts, whose names other files have.
fn read_with(expected: &str, file: &dyn Fn(&Path) -> io::Result<String>) -> Result<Expected, ConfigError> {
    let text = format!(
        "[[aggregation]]\nname = 'a'\nkey = '$.subject'\npart = '$.id'\ncomplete = {{ expected = {expected} }}\n\
         emit = {{ type = 't' }}\n"
    );
    let surroundings = Surroundings { variable: &environment, file };
    let (mut config, _) = parse_with(&text, "/etc/railpost/railpost.toml", surroundings)?;
    let Way::Gather(Completion::Any(mut any)) = config.aggregations.remove(0).way else { panic!("{text}") };
    let Completion::Expected(expected) = any.remove(0) else { panic!("{text}") };
    Ok(expected)
}

fn read(expected: &str) -> Expected {
    let none = |path: &Path| panic!("{} was read", path.display());
    read_with(expected, &none).unwrap_or_else(|error| panic!("{}", render(&error)))
}

/// Reads a file of names with this name and text.
fn names(name: &str, text: &str) -> Result<NamesPerKey, String> {
    let file = |path: &Path| {
        assert_eq!(path, Path::new("/etc/railpost").join(name));
        Ok(text.to_owned())
    };
    let expected = read_with(&format!("{{ file = '{name}' }}"), &file).map_err(|error| error.to_string())?;
    let Names::PerKey(names) = expected.names else { panic!("{expected:?}") };
    Ok(names)
}

fn per_key(exact: &[(&str, &[&str])], wild: &[(&str, &[&str])]) -> NamesPerKey {
    let owned = |(key, names): &(&str, &[&str])| {
        ((*key).to_owned(), names.iter().map(|name| (*name).to_owned()).collect())
    };
    NamesPerKey { exact: exact.iter().map(owned).collect(), wild: wild.iter().map(owned).collect() }
}

#[test]
fn names_are_listed_and_some_are_optional_or_enough() {
    for (written, optional, quorum) in [
        ("['a', 'b']", vec![], None),
        ("{ names = ['a', 'b'] }", vec![], None),
        ("{ names = ['a', 'b'], optional = ['c'] }", vec!["c"], None),
        ("{ names = ['a', 'b'], quorum = 2 }", vec![], Some(2)),
        ("{ names = ['a', 'b'], optional = [], quorum = 1 }", vec![], Some(1)),
    ] {
        let read = read(written);
        let Names::Listed(names) = read.names else { panic!("{written}") };
        assert_eq!(names, ["a", "b"], "{written}");
        assert_eq!((read.optional, read.quorum), (optional.into_iter().map(str::to_owned).collect(), quorum));
    }
}

#[test]
fn an_event_names_the_parts_of_a_group_by_a_key_of_its_own_if_it_has_one() {
    let file = "{ path = '$.data.files.name', capture = '(?<n>.*)[.]csv', key = '{n}' }";
    for (key, count) in
        [("", None), (", key = '$.data.id'", Some(1)), (", key = ['$.data.id', '$.id']", Some(2))]
    {
        let written = format!("{{ manifest = {{ filter = {{ type = ['all'] }}, names = {file}{key} }} }}");
        let Names::Manifest(manifest) = read(&written).names else { panic!("{written}") };
        assert!(manifest.filter.matches(br#"{"type":"all"}"#).unwrap());
        assert_eq!(manifest.names.paths, [["data", "files", "name"]]);
        assert_eq!(manifest.names.key.pieces, [name("n")]);
        assert_eq!(manifest.key.map(|key| key.len()), count, "{written}");
    }
}

#[test]
fn a_file_has_names_for_all_keys_or_for_each() {
    let all = per_key(&[], &[("*", &["a", "b"])]);
    let some = per_key(&[("k", &["c"]), ("l", &["d"])], &[("x*", &["a"]), ("*", &["b"])]);
    for (name, text, expected) in [
        ("n.toml", "names = ['a', 'b']", &all),
        ("n.TOML", "names = ['a', 'b']", &all),
        ("n.json", r#"["a", "b"]"#, &all),
        ("n.json", r#"{"names": ["a", "b"]}"#, &all),
        ("deep/n.toml", "l = ['d']\n'x*' = ['a']\n'*' = ['b']\nk = ['c']", &some),
        ("n.json", r#"{"l": ["d"], "x*": ["a"], "*": ["b"], "k": ["c"]}"#, &some),
    ] {
        assert_eq!(names(name, text).as_ref(), Ok(expected), "{text}");
    }
}

#[test]
fn the_first_key_with_a_star_stays_the_first() {
    for text in [(r#"{"*9": ["a"], "2*": ["b"], "*": ["c"]}"#), (r#"{"*": ["c"], "2*": ["b"], "*9": ["a"]}"#)]
    {
        let keys: Vec<_> = names("n.json", text).unwrap().wild.into_iter().map(|(key, _)| key).collect();
        let toml = text.trim_matches(['{', '}']).replace("\":", "\" =").replace("],", "]\n");
        let same: Vec<_> = names("n.toml", &toml).unwrap().wild.into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, same, "{toml}");
        let first = text.split('"').nth(1).unwrap();
        assert_eq!(keys[0], first);
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_the_place() {
    for (name, text, said) in [
        ("n.toml", "a = ['x']\nb = 3", "line 2, column 5 of `/etc/railpost/n.toml`: `3` is not an array"),
        (
            "n.toml",
            "a = ['x']\nb = ['y', 3]",
            "line 2, column 11 of `/etc/railpost/n.toml`: `3` is not a string",
        ),
        ("n.toml", "a = [", "line 1, column 6 of `/etc/railpost/n.toml`: "),
        ("n.json", "{\n \"a\": [1]}", "line 2, column 8 of `/etc/railpost/n.json`: `1` is not a string"),
        (
            "n.json",
            "3",
            "line 1, column 1 of `/etc/railpost/n.json`: `3` is not a list of names, or a list for each key",
        ),
        ("n.json", "[\"a\"", "line 1, column 4 of `/etc/railpost/n.json`: EOF while parsing a list"),
        ("n.json", "{}", "`/etc/railpost/n.json`: it has no names"),
        ("n.json", "[]", "`/etc/railpost/n.json`: no parts are expected for the key `*`"),
        ("n.json", "{\"a\": [\"x\"], \"a\": [\"y\"]}", "`/etc/railpost/n.json`: the key `a` is there twice"),
        (
            "n.toml",
            "a = ['x', 'x']",
            "`/etc/railpost/n.toml`: the part `x` is expected twice for the key `a`",
        ),
        ("n.toml", "a = ['']", "`/etc/railpost/n.toml`: a part's name is empty for the key `a`"),
        (
            "n.toml",
            "names = ['x']\na = ['y']",
            "`/etc/railpost/n.toml`: `names` is a list for all keys, and there are others beside it",
        ),
    ] {
        let error = names(name, text).unwrap_err();
        assert!(error.starts_with(said), "{text}: {error}");
    }
}
