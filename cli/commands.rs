//! One file for each command.

mod aggregation;
mod archive;
mod check;
mod dead_letters;
mod demo;
mod explain;
mod groups;
mod pause;
mod publish;
mod replay;
mod run;
mod status;
mod tail;
mod top;
mod verify;

use api::Client;

use crate::args::{Command, RouterAddress};
use crate::exit::Exit;
use crate::failure::Failure;

/// Runs one command to its end.
pub(crate) async fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Run(args) => Box::pin(run::run(args)).await,
        Command::Top(args) => Box::pin(top::run(args)).await,
        Command::Publish(args) => Box::pin(publish::run(*args)).await,
        Command::Tail(args) => tail::run(args).await,
        Command::Explain(args) => explain::run(args).await,
        Command::Groups(args) => Box::pin(groups::run(*args)).await,
        Command::Aggregation(args) => Box::pin(aggregation::run(args)).await,
        Command::DeadLetters(args) => Box::pin(dead_letters::run(*args)).await,
        Command::Pause(args) => pause::pause(args).await,
        Command::Resume(args) => pause::resume(args).await,
        Command::Replay(args) => Box::pin(replay::run(args)).await,
        Command::Archive(args) => archive::run(args).await,
        Command::Status(args) => status::run(args).await,
        Command::Check(args) => check::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Demo(args) => Box::pin(demo::run(args)).await,
    }
}

fn client(router: &RouterAddress) -> Result<Client, Failure> {
    match Client::new(&router.url) {
        Err(error @ api::Error::Address { .. }) => Err(Failure::Usage { reason: error.to_string() }),
        other => Ok(other?),
    }
}
