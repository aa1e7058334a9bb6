//! From a file's shape to what it means: every check that the shape alone cannot make.
//!
//! A reading function returns nothing where it has recorded an error, so that one pass finds all of them.

mod aggregation;
mod bus;
mod case;
mod certain;
mod completion;
mod condition;
mod consumer;
mod cycle;
mod expected;
mod json;
mod key;
mod names_file;
mod pattern;
mod published;
mod retry;
mod syntax;
mod target;
mod template;
mod time;
mod values;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use event::eventbridge::Identity;
use miette::NamedSource;

use self::bus::default_bus;
use self::values::UrlKind;
use super::error::{Code, ConfigError, Finding, Source};
use super::file::{At, File, RouterTable, TraceTable};
use super::model::{Config, Trace};

/// What a configuration can name that is not in its file.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// Returns the value of an environment variable.
    pub(crate) variable: &'a dyn Fn(&str) -> Option<String>,
    /// Returns the text of a file.
    pub(crate) file: &'a dyn Fn(&Path) -> io::Result<String>,
}

/// What is said where a configuration that has none names something of its surroundings.
const STANDS_ALONE: &str = "is not read: this configuration has to stand alone";

/// What no configuration at all means.
impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7245)),
            data_dir: None,
            identity: Identity { account: "000000000000".to_owned(), region: "us-east-1".to_owned() },
            drain: Duration::from_secs(10),
            allowed_targets: Vec::new(),
            schemas: None,
            trace: Trace { service: "railpost".to_owned(), otlp: None, xray_daemon: None, sample: 1.0 },
            buses: vec![default_bus()],
            consumers: Vec::new(),
            aggregations: Vec::new(),
            cases: Vec::new(),
        }
    }
}

impl Config {
    /// Reads a file, and the files of names and the environment variables that it names; returns what it means, and
    /// warnings.
    ///
    /// Relative paths in the file are relative to the file's own folder.
    ///
    /// # Errors
    ///
    /// Returns every error that was found: that the file cannot be read, or is not TOML, or else the keys that do not
    /// exist and the values of the wrong type, or else all others.
    pub fn load(path: &Path) -> Result<(Self, Vec<Finding>), ConfigError> {
        let name = path.display().to_string();
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &name),
            Err(error) => Err(unreadable(&name, &error)),
        }
    }

    /// Reads a file's text as [`Config::load`] does; `file_name` is its path.
    ///
    /// # Errors
    ///
    /// As [`Config::load`], apart from reading that file.
    pub fn parse(text: &str, file_name: &str) -> Result<(Self, Vec<Finding>), ConfigError> {
        let variable = |name: &str| env::var(name).ok();
        let file = |path: &Path| fs::read_to_string(path);
        parse_with(text, file_name, Surroundings { variable: &variable, file: &file })
    }

    /// Reads the text of a file that somebody else has: it means what it says itself. No file of this machine is read, and
    /// no environment variable, which all stand for nothing.
    pub(crate) fn parse_alone(text: &str, file_name: &str) -> Result<(Self, Vec<Finding>), ConfigError> {
        parse_with(text, file_name, None)
    }
}

/// Reads a file's text with the surroundings given; without any, it is an error to name a file of names.
pub(crate) fn parse_with<'a>(
    text: &'a str,
    file_name: &str,
    surroundings: impl Into<Option<Surroundings<'a>>>,
) -> Result<(Config, Vec<Finding>), ConfigError> {
    let surroundings = surroundings.into();
    let origin: Source = Arc::new(NamedSource::new(file_name, text.to_owned()));
    let folder = Path::new(file_name).parent().unwrap_or(Path::new("")).to_owned();
    let mut reader = Reader { text, origin, folder, surroundings, findings: Vec::new() };
    let config = match syntax::parse(&mut reader) {
        Some(file) => reader.config(&file),
        None => Config::default(),
    };
    match ConfigError::from_findings(reader.findings.clone()) {
        Some(error) => Err(error),
        None => Ok((config, reader.findings)),
    }
}

fn unreadable(name: &str, error: &io::Error) -> ConfigError {
    let origin: Source = Arc::new(NamedSource::new(name, String::new()));
    let mut finding = Finding::new(&origin, Code::Unreadable, format!("cannot read `{name}`: {error}"));
    finding.help("check the path, and that the file may be read");
    ConfigError::from(finding)
}

/// One reading of one file.
struct Reader<'a> {
    text: &'a str,
    origin: Source,
    folder: PathBuf,
    surroundings: Option<Surroundings<'a>>,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    /// Records a finding at a place; `label` says what is wrong there.
    fn finding(
        &mut self,
        code: Code,
        span: &Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> &mut Finding {
        let mut finding = Finding::new(&self.origin, code, message);
        finding.label(span, label);
        self.findings.push_mut(finding)
    }

    /// Reads the whole file; what has an error has its default instead.
    fn config(&mut self, file: &File) -> Config {
        let mut config = Config::default();
        self.router(&file.router, &mut config);
        self.trace(&file.trace, &mut config.trace);
        config.buses = self.buses(&file.bus);
        self.unique("consumer", file.consumer.iter().map(|consumer| &consumer.name));
        self.unique("aggregation", file.aggregation.iter().map(|aggregation| &aggregation.name));
        let consumers = file.consumer.iter();
        config.consumers = consumers.filter_map(|table| self.consumer(table, &config.buses)).collect();
        let aggregations = file.aggregation.iter();
        config.aggregations =
            aggregations.filter_map(|table| self.aggregation(table, &config.buses)).collect();
        self.unique("case", file.case.iter().map(|case| &case.value.name));
        config.cases = file.case.iter().filter_map(|case| self.case(case, file, &config.buses)).collect();
        self.cycles(file, &config);
        self.schemas_are_there(file);
        config
    }

    fn router(&mut self, table: &RouterTable, config: &mut Config) {
        if let Some(listen) = &table.listen {
            config.listen = self.socket(listen).unwrap_or(config.listen);
        }
        config.data_dir = table.data_dir.as_ref().map(|path| self.folder.join(path.as_str()));
        config.drain = self.length_or(table.drain.as_ref(), config.drain);
        if let Some(account) = &table.account {
            if account.value.len() != 12 || !account.value.bytes().all(|byte| byte.is_ascii_digit()) {
                let message = format!("`{}` is not an account", account.value);
                self.finding(Code::Name, &account.span, message, "an account has 12 digits")
                    .help("leave the key out for `000000000000`");
            }
            config.identity.account.clone_from(&account.value);
        }
        if let Some(region) = &table.region {
            self.not_empty(region, "a region");
            config.identity.region.clone_from(&region.value);
        }
        config.schemas = table.schemas.as_ref().map(|path| self.folder.join(path.as_str()));
        config.allowed_targets = table.allow_targets.iter().filter_map(|text| self.range(text)).collect();
    }

    fn trace(&mut self, table: &TraceTable, trace: &mut Trace) {
        if let Some(service) = &table.service {
            self.not_empty(service, "a service's name");
            trace.service.clone_from(&service.value);
        }
        trace.otlp = table.otlp.as_ref().and_then(|url| self.url(url, &UrlKind::OTLP));
        trace.xray_daemon = table.xray_daemon.as_ref().and_then(|address| self.socket(address));
        if let Some(sample) = &table.sample {
            if !(0.0..=1.0).contains(&sample.value) {
                let message = format!("`sample` is {}", sample.value);
                self.finding(Code::OutOfRange, &sample.span, message, "not from 0 to 1")
                    .help("`1.0` records every trace started here, `0.1` one of ten, `0.0` none");
            }
            trace.sample = sample.value;
        }
    }

    /// Records every name but the first of its kind.
    fn unique<'n>(&mut self, kind: &str, names: impl Iterator<Item = &'n At<String>>) {
        let mut seen: BTreeMap<&str, &Range<usize>> = BTreeMap::new();
        for name in names {
            if let Some(first) = seen.get(name.as_str()) {
                let message = format!("two {kind}s are named `{}`", name.value);
                self.finding(Code::DuplicateName, &name.span, message, "the same name again")
                    .label(first, "the first")
                    .help(format!("give each {kind} a name of its own"));
            } else {
                seen.insert(name.as_str(), &name.span);
            }
        }
    }

    /// Warns of the first schema that is asked for, if there is no folder of schemas.
    fn schemas_are_there(&mut self, file: &File) {
        let asked = file.consumer.iter().find_map(|consumer| consumer.schema.as_ref());
        if let (None, Some(schema)) = (&file.router.schemas, asked) {
            let message = "a schema is asked for, and there is no folder of schemas";
            self.finding(Code::NoSchemas, &schema.accept.span, message, "cannot be found")
                .help("name the folder: `[router]` and below it `schemas = \"schemas\"`");
        }
    }
}

/// Returns what was read where there was something to read; none if that had an error.
#[expect(clippy::option_option, reason = "nothing to read and an error are different answers")]
fn all_or_none<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        Some(value) => value.map(Some),
        None => Some(None),
    }
}
