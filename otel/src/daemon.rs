//! [`Daemon`]: X-Ray documents by UDP, each by itself.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as StdSocket};

use tokio::net::UdpSocket;
use tokio::sync::watch;

use crate::config::Error;
use crate::lane::Lane;
use crate::segment::document;

/// What precedes every document in its datagram.
const HEADER: &[u8] = b"{\"format\": \"json\", \"version\": 1}\n";

/// Sends a lane's hops to an X-Ray daemon.
#[derive(Debug)]
pub(crate) struct Daemon {
    socket: UdpSocket,
    service: String,
    lane: Lane,
    /// Whether the last datagram may yet turn out to be refused.
    unsettled: bool,
}

impl Daemon {
    pub(crate) fn new(daemon: SocketAddr, service: String, lane: Lane) -> Result<Self, Error> {
        let socket = connect(daemon).map_err(|source| Error::Socket { daemon, source })?;
        Ok(Self { socket, service, lane, unsettled: false })
    }

    /// Sends until the lane ends.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let batch = self.lane.next(&mut stop).await;
            if batch.is_empty() {
                break;
            }
            for hop in batch {
                let document = document(&hop, &self.service);
                if document.truncated {
                    self.lane.truncated();
                }
                self.send(&[HEADER, &document.json].concat()).await;
            }
            self.settle();
        }
    }

    async fn send(&mut self, datagram: &[u8]) {
        self.settle();
        match self.socket.send(datagram).await {
            Ok(_) => self.unsettled = true,
            Err(error) => self.lane.failed(1, &error),
        }
    }

    /// Learns what became of the last datagram. A refusal comes back after the datagram was sent, and would be taken for
    /// the failure of the next one, which would then not be sent at all.
    fn settle(&mut self) {
        let sent = usize::from(std::mem::take(&mut self.unsettled));
        match self.socket.take_error() {
            Ok(None) => self.lane.exported(sent),
            Ok(Some(error)) | Err(error) => self.lane.failed(sent, &error),
        }
    }
}

fn connect(address: SocketAddr) -> io::Result<UdpSocket> {
    let local: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = StdSocket::bind(local)?;
    socket.connect(address)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}
