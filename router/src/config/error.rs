//! [`ConfigError`], [`Finding`] and [`Code`]: what is wrong with a file, where, why, and how to mend it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode};

/// The kind of a [`Finding`]; its text, such as `E0106`, stays the same for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// `E0100`: a file cannot be read.
    Unreadable = 100,
    /// `E0101`: the file is not TOML, or a file of names is neither TOML nor JSON.
    Syntax = 101,
    /// `E0102`: a key that does not exist.
    UnknownKey = 102,
    /// `E0103`: a key that must be there and is not.
    MissingKey = 103,
    /// `E0104`: a value of the wrong type, or not one of those that its key takes.
    WrongValue = 104,
    /// `E0105`: a length of time that is none, or that is zero or without end.
    Duration = 105,
    /// `E0106`: a bus that is not configured.
    UnknownBus = 106,
    /// `E0107`: a name that is taken.
    DuplicateName = 107,
    /// `E0108`: a consumer with no target or with several.
    TargetCount = 108,
    /// `E0109`: an option that the consumer's target does not have.
    TargetOption = 109,
    /// `E0110`: a pattern that `EventBridge` would refuse.
    Pattern = 110,
    /// `E0111`: a regular expression that does not compile.
    Regex = 111,
    /// `E0112`: a template that is malformed or names what does not exist.
    Template = 112,
    /// `E0113`: a URL or a network address that is none.
    Address = 113,
    /// `E0114`: a time of day, or a time zone, that is none.
    Cutoff = 114,
    /// `E0115`: a completion that is none.
    Completion = 115,
    /// `E0116`: a condition that no group can reach, because another one is always first.
    Unreachable = 116,
    /// `E0117`: an environment variable that is missing or cannot be used.
    Environment = 117,
    /// `E0118`: a header that cannot be sent.
    Header = 118,
    /// `E0119`: a schema requirement that is none.
    Requirement = 119,
    /// `E0120`: a number out of its range.
    OutOfRange = 120,
    /// `E0121` (a warning): events that certainly go round for ever.
    Cycle = 121,
    /// `E0122`: a name with characters that it may not have.
    Name = 122,
    /// `E0123`: a path into the event that is none.
    Path = 123,
    /// `E0124` (a warning): a consumer asks for a schema, and there is no folder of schemas.
    NoSchemas = 124,
    /// `E0126` (a warning): parts are expected by name, and `part` is not set.
    UnnamedParts = 126,
    /// `E0127`: one thing that is said under two names.
    SaidTwice = 127,
    /// `E0128`: a key that has no effect beside the others.
    NoEffect = 128,
    /// `E0129`: a test case that cannot be run.
    Case = 129,
}

impl Code {
    /// Returns whether a finding of this kind leaves the configuration usable.
    pub const fn is_warning(self) -> bool {
        matches!(self, Self::Cycle | Self::NoSchemas | Self::UnnamedParts)
    }
}

/// Shows the stable form, such as `E0106`.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E{:04}", *self as u16)
    }
}

/// One thing that is wrong with a file.
///
/// Its text says what; as a [`Diagnostic`] it also shows where, why and how to mend it. The value of an environment
/// variable is never part of it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Finding {
    code: Code,
    message: String,
    help: Option<String>,
    labels: Vec<(Range<usize>, String)>,
    origin: Source,
}

/// A file's name and text.
pub(crate) type Source = Arc<NamedSource<String>>;

impl Finding {
    /// Makes a finding without a place.
    pub(crate) fn new(origin: &Source, code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, labels: Vec::new(), origin: Arc::clone(origin) }
    }

    /// Points at a part of the file and says something about it; the first such part is where the finding is.
    pub(crate) fn label(&mut self, span: &Range<usize>, text: impl Into<String>) -> &mut Self {
        self.labels.push((span.clone(), text.into()));
        self
    }

    /// Says how to mend it.
    pub(crate) fn help(&mut self, text: impl Into<String>) -> &mut Self {
        self.help = Some(text.into());
        self
    }

    /// Returns the kind.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Returns the file's name as it was given.
    pub fn file(&self) -> &str {
        self.origin.name()
    }

    /// Returns the line and the column in characters, both from 1; none if the file could not be read.
    pub fn place(&self) -> Option<(usize, usize)> {
        let (span, _) = self.labels.first()?;
        let before = self.origin.inner().get(..span.start)?;
        let line = before.rsplit('\n').next().unwrap_or(before);
        Some((before.matches('\n').count() + 1, line.chars().count() + 1))
    }

    /// Returns the part of the file that is at fault, in bytes; none if the file could not be read.
    pub fn span(&self) -> Option<Range<usize>> {
        self.labels.first().map(|(span, _)| span.clone())
    }
}

impl Diagnostic for Finding {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<Severity> {
        Some(if self.code.is_warning() { Severity::Warning } else { Severity::Error })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.labels.is_empty()).then_some(&self.origin as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labels = self.labels.iter().enumerate().map(|(index, (span, text))| match index {
            0 => LabeledSpan::new_primary_with_span(Some(text.clone()), span.clone()),
            _ => LabeledSpan::new_with_span(Some(text.clone()), span.clone()),
        });
        (!self.labels.is_empty()).then(|| Box::new(labels) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}

/// Why a file means nothing: its errors, in the order of the file.
#[derive(Clone, Debug)]
pub struct ConfigError {
    first: Finding,
    others: Vec<Finding>,
}

impl ConfigError {
    /// Makes an error of all findings that are not warnings; none if there are none.
    pub(crate) fn from_findings(findings: Vec<Finding>) -> Option<Self> {
        let mut errors: Vec<_> = findings.into_iter().filter(|finding| !finding.code.is_warning()).collect();
        errors.sort_by_key(|finding| finding.span().map(|span| span.start));
        let mut errors = errors.into_iter();
        let first = errors.next()?;
        Some(Self { first, others: errors.collect() })
    }

    /// Returns the errors in the order of the file; there is at least one.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl From<Finding> for ConfigError {
    fn from(first: Finding) -> Self {
        Self { first, others: Vec::new() }
    }
}

/// Shows the only error, or how many there are.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.others.len() {
            0 => self.first.fmt(f),
            others => write!(f, "`{}` has {} errors", self.first.file(), others + 1),
        }
    }
}

impl std::error::Error for ConfigError {}

/// One error is shown as itself; several are shown one after the other.
impl Diagnostic for ConfigError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.others.is_empty().then(|| Diagnostic::code(&self.first))?
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.others.is_empty().then(|| Diagnostic::help(&self.first))?
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.others.is_empty().then(|| self.first.source_code())?
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.others.is_empty().then(|| self.first.labels())?
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        let findings = self.findings().map(|finding| finding as &dyn Diagnostic);
        (!self.others.is_empty()).then(|| Box::new(findings) as Box<dyn Iterator<Item = &dyn Diagnostic>>)
    }
}
