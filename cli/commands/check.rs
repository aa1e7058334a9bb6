//! `railpost check`: a configuration file, without running it.

use router::config::{Config, config_schema};

use crate::args::Check;
use crate::exit::Exit;
use crate::failure::{Failure, diagnostic};
use crate::screen;
use crate::text::count;

/// Prints what is wrong with a configuration file, or what it holds.
pub(crate) fn run(args: &Check) -> Result<Exit, Failure> {
    let Some(file) = &args.file else {
        screen::print(config_schema().trim_end())?;
        return Ok(Exit::Done);
    };
    let (config, findings) = Config::load(file)?;
    for finding in &findings {
        screen::note(diagnostic(finding).trim_end());
    }
    screen::print(&format!("{} is valid: {}", file.display(), contents(&config)))?;
    Ok(Exit::Done)
}

fn contents(config: &Config) -> String {
    let count = |number: usize, noun| count(u64::try_from(number).unwrap_or(u64::MAX), noun);
    let buses = count(config.buses.len(), "bus");
    let consumers = count(config.consumers.len(), "consumer");
    let aggregations = count(config.aggregations.len(), "aggregation");
    format!("{buses}, {consumers}, {aggregations}")
}
