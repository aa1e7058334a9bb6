//! [`Failure`]: why a command could not do what it was asked.

use std::error::Error;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use miette::{Diagnostic, GraphicalReportHandler, NarratableReportHandler};
use router::config::ConfigError;

use crate::exit::Exit;
use crate::screen;
use crate::text::escape;

/// Why a command could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The router did not answer, or refused.
    #[error(transparent)]
    Api(#[from] api::Error),
    /// The configuration has errors.
    #[error("the configuration is not valid")]
    Config(Box<ConfigError>),
    /// The command line asks for something that cannot be.
    #[error("{reason}")]
    Usage {
        /// What and why.
        reason: String,
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

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(Box::new(error))
    }
}

impl Failure {
    /// Returns the exit code for it. A reader that went away, as `head` does, is no failure.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } => Exit::Usage,
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

    fn to_text(&self) -> String {
        let mut text = format!("error: {}", escape(&self.to_string()));
        for cause in self.causes() {
            text.extend(["\n  because: ", &escape(&cause)]);
        }
        if let Some(help) = self.help() {
            text.extend(["\n  help: ", help]);
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
        if matches!(self, Self::Api(api::Error::Unreachable { .. })) {
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

    fn help(&self) -> Option<&'static str> {
        match self {
            Self::Api(api::Error::Unreachable { .. }) => {
                Some("start a router with `railpost run`, or name another one with --url or RAILPOST_URL")
            }
            Self::Api(api::Error::Answer { .. }) => {
                Some("check that --url names a router, and that it has this command's version")
            }
            #[cfg(feature = "aws")]
            Self::EventBridge { .. } => Some("check that a router answers there: `railpost status`"),
            Self::NoStateDirectory => Some("name a directory with --data-dir or RAILPOST_DATA_DIR"),
            Self::Store { .. } => {
                Some("every acknowledged event is on disk; start again when the cause is mended")
            }
            _ => None,
        }
    }
}

/// Returns every finding of a file that means nothing, and how many there are.
fn findings(error: &ConfigError) -> String {
    let mut text: Vec<String> = error.findings().map(|finding| diagnostic(finding)).collect();
    if text.len() > 1 {
        text.push(error.to_string());
    }
    text.join("\n")
}

/// Returns a configuration's finding as text: drawn for a terminal, in plain sentences otherwise.
pub(crate) fn diagnostic(finding: &dyn Diagnostic) -> String {
    let mut text = String::new();
    let rendered = if io::stderr().is_terminal() {
        let theme = if screen::colours_wanted() {
            miette::GraphicalTheme::unicode()
        } else {
            miette::GraphicalTheme::unicode_nocolor()
        };
        GraphicalReportHandler::new_themed(theme).render_report(&mut text, finding)
    } else {
        NarratableReportHandler::new().render_report(&mut text, finding)
    };
    if rendered.is_err() {
        text = finding.to_string();
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
}
