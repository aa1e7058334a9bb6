//! [`Stage`]: a router of this process in a directory that goes away.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use api::Client;
use router::Running;
use router::config::Config;
use tempfile::TempDir;

use super::story;
use crate::failure::Failure;

/// A router on a free port, with the example's configuration.
pub(super) struct Stage {
    client: Client,
    running: Running,
    directory: TempDir,
}

impl Stage {
    /// Writes the example's files to a temporary directory and starts a router there.
    pub(super) async fn open() -> Result<Self, Failure> {
        let directory = TempDir::with_prefix("railpost-demo-")?;
        let config = configure(directory.path())?;
        let running = router::start(config, directory.path().join("data")).await.map_err(Failure::Start)?;
        let client = Client::new(&format!("http://{}", running.address()))?;
        Ok(Self { client, running, directory })
    }

    /// Returns a connection to the router.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Stops the router and removes the directory.
    pub(super) async fn close(self) {
        self.running.stop().await;
        // What stays behind in the system's temporary directory is the system's to remove.
        drop(self.directory.close());
    }
}

fn configure(directory: &Path) -> Result<Config, Failure> {
    for (name, text) in story::FILES {
        let path = directory.join(name);
        write(&path, text).map_err(|source| Failure::File { path: path.clone(), source })?;
    }
    let (mut config, _) = Config::load(&directory.join(story::CONFIG))?;
    config.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Ok(config)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}
