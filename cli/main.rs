//! The `railpost` command: runs a router, watches it, publishes to it, asks it.
//!
//! Reading order: [`args`] says what can be asked for, [`commands`] holds one file for each command, [`failure`]
//! and [`exit`] say how a command ends, [`screen`], [`table`], [`hop_line`], [`progress`] and [`text`] how its answer
//! looks.

mod args;
mod commands;
mod exit;
mod failure;
mod hop_line;
mod progress;
mod screen;
mod signals;
mod table;
mod text;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;
use crate::exit::Exit;
use crate::failure::Failure;

/// Events are many small allocations that one thread makes and another frees; the system's allocator is slow at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs one command; the only place that decides how the process ends.
fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return exit::of_parsing(error).into(),
    };
    match execute(args) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.report();
            failure.exit().into()
        }
    }
}

fn execute(args: Args) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(|source| Failure::Runtime { source })?;
    let result = runtime.block_on(commands::run(args.command));
    // A read of standard input that nobody waits for any more must not hold the process.
    runtime.shutdown_background();
    result
}
