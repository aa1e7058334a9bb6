//! `railpost run`: a router until it is told to stop.

use std::path::PathBuf;

use etcetera::BaseStrategy;
use router::config::{Config, Target};
use tracing_subscriber::EnvFilter;

use crate::args::{LogForm, Run};
use crate::exit::Exit;
use crate::failure::{Failure, diagnostic};
use crate::screen;
use crate::signals::Signals;

/// Runs a router; ends when a signal stopped it or its store failed.
pub(crate) async fn run(args: Run) -> Result<Exit, Failure> {
    let config = configured(&args)?;
    let data_dir = data_dir(args.data_dir.as_ref(), &config)?;
    log_to_stderr(args.log);
    let mut signals = Signals::listen()?;
    let stdout_is_a_target =
        config.consumers.iter().any(|consumer| matches!(consumer.target, Target::Stdout));

    let running = router::start(config, data_dir.clone()).await.map_err(Failure::Start)?;
    let version = env!("CARGO_PKG_VERSION");
    let address = running.address();
    let line = format!("railpost {version} listening on http://{address}, data in {}", data_dir.display());
    if stdout_is_a_target {
        // Standard output carries events and nothing else.
        screen::note(&line);
    } else {
        screen::print(&line)?;
    }

    tokio::select! {
        reason = running.failed() => {
            running.abandon().await;
            return Err(Failure::Store { reason });
        }
        () = signals.next() => {}
    }
    screen::note("stopping; a second signal stops at once");
    tokio::select! {
        left = running.stop() => screen::note(&format!("stopped: {left}")),
        () = signals.next() => return Err(Failure::Forced),
    }
    Ok(Exit::Done)
}

fn configured(args: &Run) -> Result<Config, Failure> {
    let mut config = match &args.config {
        Some(path) => {
            let (config, findings) = Config::load(path)?;
            for finding in &findings {
                screen::note(diagnostic(finding).trim_end());
            }
            config
        }
        None => Config::default(),
    };
    if let Some(listen) = args.listen {
        config.listen = listen;
    }
    Ok(config)
}

/// Returns the flag's directory, the configured one, or the platform's place for a program's state.
pub(super) fn data_dir(flag: Option<&PathBuf>, config: &Config) -> Result<PathBuf, Failure> {
    if let Some(chosen) = flag.or(config.data_dir.as_ref()) {
        return Ok(chosen.clone());
    }
    let platform = etcetera::choose_base_strategy().map_err(|_| Failure::NoStateDirectory)?;
    Ok(platform.state_dir().unwrap_or_else(|| platform.data_dir()).join("railpost"))
}

fn log_to_stderr(form: LogForm) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match form {
        LogForm::Text => subscriber.with_ansi(false).init(),
        LogForm::Json => subscriber.json().init(),
    }
}
