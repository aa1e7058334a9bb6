//! [`Config`]: where traces go.

use std::net::SocketAddr;

/// Where traces go, and how many hops may wait for that.
#[derive(Clone, Debug)]
pub struct Config {
    /// The `service.name` of every span, and the beginning of every X-Ray segment's name.
    pub service: String,
    /// The gRPC endpoint of an OTLP collector, as `http://127.0.0.1:4317`; none for no OTLP.
    pub otlp: Option<String>,
    /// The UDP address of an X-Ray daemon; none for no X-Ray.
    pub xray_daemon: Option<SocketAddr>,
    /// Hops that may wait to be sent to each of the two. Past it a hop is dropped and counted.
    pub queue_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { service: "railpost".to_owned(), otlp: None, xray_daemon: None, queue_max: 8_192 }
    }
}

/// The exporter cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The OTLP endpoint is not one.
    #[error("cannot use the OTLP endpoint `{endpoint}`")]
    Endpoint {
        /// What was configured.
        endpoint: String,
        /// Why.
        #[source]
        source: opentelemetry_otlp::ExporterBuildError,
    },
    /// A queue without room would drop every hop.
    #[error("the queue of the trace exporter must hold at least one hop")]
    NoQueue,
    /// There is no UDP socket to reach the X-Ray daemon from.
    #[error("cannot open a socket to the X-Ray daemon at {daemon}")]
    Socket {
        /// The daemon's address.
        daemon: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
