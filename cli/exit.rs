//! [`Exit`]: how a command ends.

use std::process::ExitCode;

use crate::args;

/// The exit codes of every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done, or the answer is yes.
    Done,
    /// 1: failed, or the answer is no.
    Failed,
    /// 2: the command line asks for something that cannot be.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
        })
    }
}

/// Prints what parsing the command line ended with: the help, the version, or a mistake.
pub(crate) fn of_parsing(error: clap::Error) -> Exit {
    let error = args::explained(error);
    // Nobody is left to tell when the terminal itself is gone.
    drop(error.print());
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}
