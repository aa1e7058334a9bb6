//! `railpost pause` and `railpost resume`: holds a consumer, and lets it go on.

use super::client;
use crate::args::Held;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen;
use crate::text::value;

/// Pauses a consumer.
pub(crate) async fn pause(args: Held) -> Result<Exit, Failure> {
    client(&args.router)?.pause(&args.consumer).await?;
    let name = value(&args.consumer);
    screen::print(&format!("{name} is paused: what matches stays pending until `railpost resume {name}`"))?;
    Ok(Exit::Done)
}

/// Lets a consumer deliver again.
pub(crate) async fn resume(args: Held) -> Result<Exit, Failure> {
    client(&args.router)?.resume(&args.consumer).await?;
    screen::print(&format!("{} delivers again", value(&args.consumer)))?;
    Ok(Exit::Done)
}
