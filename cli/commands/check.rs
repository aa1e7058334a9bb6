//! `railpost check`: a configuration file, without running it, and its test cases.

use std::path::Path;

use router::config::{Config, config_schema};
use router::rehearse::{self, CaseOutcome};
use schemas::{Registry, Requirement, Schema};

use crate::args::Check;
use crate::exit::Exit;
use crate::failure::{Failure, MissingSchema, diagnostic};
use crate::screen;
use crate::text::{count, escape, list};

/// Prints what is wrong with a configuration file, or what it holds; then runs its cases.
pub(crate) fn run(args: &Check) -> Result<Exit, Failure> {
    let Some(file) = &args.file else {
        screen::print(config_schema().trim_end())?;
        return Ok(Exit::Done);
    };
    let (mut config, findings) = Config::load(file)?;
    for finding in &findings {
        screen::note(diagnostic(finding).trim_end());
    }
    gates(file, &config)?;
    choose(&mut config, &args.case)?;
    screen::print(&format!("{} is valid: {}", file.display(), contents(&config)))?;
    cases(file, rehearse::run_cases(&config))
}

/// Leaves only the cases that are named, or all of them if none is.
fn choose(config: &mut Config, names: &[String]) -> Result<(), Failure> {
    let there: Vec<&str> = config.cases.iter().map(|case| case.name.as_str()).collect();
    if let Some(unknown) = names.iter().find(|name| !there.contains(&name.as_str())) {
        let help = format!("the file has {}", list(&there));
        return Err(Failure::UnknownName { what: "case", name: unknown.clone(), help });
    }
    config.cases.retain(|case| names.is_empty() || names.contains(&case.name));
    Ok(())
}

/// Prints which cases hold; one that does not is a failure.
fn cases(file: &Path, outcomes: Vec<CaseOutcome>) -> Result<Exit, Failure> {
    let held: Vec<&CaseOutcome> = outcomes.iter().filter(|outcome| outcome.failures.is_empty()).collect();
    for outcome in &held {
        screen::print(&format!("case \"{}\": ok", escape(&outcome.name)))?;
    }
    if held.len() < outcomes.len() {
        return Err(Failure::Cases { file: file.to_owned(), outcomes });
    }
    match held.len() {
        0 => {}
        1 => screen::print("1 case holds")?,
        number => screen::print(&format!("{number} cases hold"))?,
    }
    Ok(Exit::Done)
}

/// Makes sure that a router would find the schema of every consumer that asks for one.
fn gates(file: &Path, config: &Config) -> Result<(), Failure> {
    let registry = match &config.schemas {
        Some(folder) => Registry::load(folder)
            .map_err(|source| Failure::SchemaFolder { file: file.to_owned(), source })?,
        None => Registry::empty(),
    };
    let mut missing = Vec::new();
    for consumer in &config.consumers {
        let Some(gate) = &consumer.gate else { continue };
        if registry.resolve(&gate.accept).is_none() {
            missing.push(MissingSchema {
                consumer: consumer.name.clone(),
                schema: gate.accept.to_string(),
                help: mend(config.schemas.as_deref(), &registry, &gate.accept),
            });
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(Failure::Schemas { file: file.to_owned(), missing }) }
}

/// Returns how a schema that is asked for comes to be there.
fn mend(folder: Option<&Path>, registry: &Registry, wanted: &Requirement) -> String {
    let Some(folder) = folder else {
        return "name the folder of schemas: `[router]` and below it `schemas = \"schemas\"`".to_owned();
    };
    let family = format!("{}/{}@", wanted.registry, wanted.name);
    let of_family = |schema: &&Schema| schema.name().starts_with(&family);
    let versions: Vec<String> =
        registry.list().filter(of_family).map(|schema| schema.version().to_string()).collect();
    let place = folder.join(&wanted.registry).join(&wanted.name);
    if versions.is_empty() {
        return format!("put it into the schema folder, such as `{}`", place.join("1.json").display());
    }
    format!("`{}` has {}: change `accept`, or add a version to it", place.display(), versions.join(", "))
}

fn contents(config: &Config) -> String {
    let count = |number: usize, noun| count(u64::try_from(number).unwrap_or(u64::MAX), noun);
    let buses = count(config.buses.len(), "bus");
    let consumers = count(config.consumers.len(), "consumer");
    let aggregations = count(config.aggregations.len(), "aggregation");
    format!("{buses}, {consumers}, {aggregations}")
}

#[cfg(test)]
mod tests {
    use event::Timestamp;
    use router::config::Case;

    use super::*;

    /// Checks what is said of a consumer that accepts `accept`, where version 1 is in the folder.
    fn check(accept: &str, expected: Option<&str>) {
        let folder = tempfile::tempdir().unwrap();
        let family = folder.path().join("shop/Order");
        std::fs::create_dir_all(&family).unwrap();
        std::fs::write(family.join("1.json"), "{}").unwrap();
        let folder_name = folder.path().display();
        let text = format!(
            "[router]\nschemas = \"{folder_name}\"\n[[consumer]]\nname = \"billing\"\n\
             schema = {{ accept = \"{accept}\" }}\ntarget = {{ stdout = true }}\n"
        );
        let (config, _) = Config::parse(&text, "m.toml").unwrap();
        let said = gates(Path::new("m.toml"), &config).map_err(|failure| failure.to_text());
        let expected = expected.map(|expected| expected.replace("FOLDER", &folder_name.to_string()));
        assert_eq!(said.err(), expected);
    }

    #[test]
    fn cases_are_chosen_by_their_names() {
        let case = |name: &str| Case {
            name: name.to_owned(),
            line: 1,
            bus: "default".to_owned(),
            start: Timestamp::EPOCH,
            steps: Vec::new(),
        };
        let check = |names: &[&str], expected: Result<&[&str], &str>| {
            let mut config = Config { cases: vec![case("a"), case("b"), case("c")], ..Config::default() };
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let chosen = choose(&mut config, &names).map_err(|failure| failure.to_text());
            let left: Vec<&str> = config.cases.iter().map(|case| case.name.as_str()).collect();
            let expected = expected.map_err(str::to_owned);
            assert_eq!(chosen.map(|()| left.as_slice()), expected);
        };
        check(&[], Ok(&["a", "b", "c"]));
        check(&["c", "a"], Ok(&["a", "c"]));
        check(&["a", "d"], Err("error: there is no case `d`\n  help: the file has a, b, c"));
    }

    #[test]
    fn every_gate_must_find_its_schema() {
        check("shop/Order@^1", None);
        check(
            "shop/Order@^2",
            Some(
                "m.toml: error: consumer `billing` accepts `shop/Order@^2`, which the schema folder does not hold\n  \
                 help: `FOLDER/shop/Order` has 1.0.0: change `accept`, or add a version to it",
            ),
        );
        check(
            "shop/Other",
            Some(
                "m.toml: error: consumer `billing` accepts `shop/Other`, which the schema folder does not hold\n  \
                 help: put it into the schema folder, such as `FOLDER/shop/Other/1.json`",
            ),
        );
    }
}
