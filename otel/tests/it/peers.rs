//! The two that are sent to: a collector that keeps what it gets, and a daemon's socket.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use serde_json::{Value, json};
use tokio::net::UdpSocket;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// A collector that refuses as many requests as it is told, and keeps the others.
#[derive(Clone)]
pub struct Collector {
    pub address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    refuse: AtomicUsize,
    refused: AtomicUsize,
    taken: Mutex<Vec<ExportTraceServiceRequest>>,
}

impl Collector {
    pub fn start(refuse: usize) -> Self {
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = incoming.local_addr().unwrap();
        let seen = Arc::new(Seen { refuse: AtomicUsize::new(refuse), ..Seen::default() });
        let collector = Self { address, seen };
        let service = TraceServiceServer::new(collector.clone());
        #[expect(clippy::disallowed_methods, reason = "the peer ends with the test's runtime")]
        drop(tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming)));
        collector
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn refused(&self) -> usize {
        self.seen.refused.load(Ordering::SeqCst)
    }

    pub fn taken(&self) -> Vec<ExportTraceServiceRequest> {
        self.seen.taken.lock().unwrap().clone()
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let less_one = |left: usize| left.checked_sub(1);
        if self.seen.refuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less_one).is_ok() {
            self.seen.refused.fetch_add(1, Ordering::SeqCst);
            return Err(Status::unavailable("not now"));
        }
        self.seen.taken.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse { partial_success: None }))
    }
}

/// A daemon's socket.
pub struct Daemon {
    socket: UdpSocket,
    pub address: SocketAddr,
}

impl Daemon {
    pub async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        Self { socket, address }
    }

    /// Returns the documents that come, as many as are asked for; there must not be another.
    pub async fn expect(&self, count: usize) -> Vec<Value> {
        let mut documents = Vec::new();
        while documents.len() < count {
            let received = tokio::time::timeout(Duration::from_secs(10), self.receive()).await;
            documents.push(
                received.unwrap_or_else(|_| panic!("only {} of {count} documents came", documents.len())),
            );
        }
        let another = self.socket.try_recv(&mut [0; 16]);
        assert!(another.is_err(), "more than {count} documents came");
        documents
    }

    async fn receive(&self) -> Value {
        let mut buffer = vec![0; 65_536];
        let length = self.socket.recv(&mut buffer).await.unwrap();
        let datagram = std::str::from_utf8(&buffer[..length]).unwrap();
        let (header, document) = datagram.split_once('\n').unwrap();
        assert_eq!(serde_json::from_str::<Value>(header).unwrap(), json!({"format": "json", "version": 1}));
        assert!(document.len() <= 64_000, "{} bytes are too many for a document", document.len());
        serde_json::from_str(document).unwrap()
    }
}

/// Returns a TCP address where nobody listens.
pub fn nobody_by_tcp() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Returns a UDP address where nobody listens.
pub fn nobody_by_udp() -> SocketAddr {
    std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
