use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Version;
use axum::response::Response;
use axum::serve::Listener;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{
    Connections, Outcome, Seen, beside, beside_server, connect_by, error, http_target, in_words, order, send,
};
use crate::deliver::targets::tls::Tls;

/// A certificate for the name `localhost`, which signs itself, and its key.
const CERTIFICATE: &[u8] = include_bytes!("certificate/localhost.pem");
const KEY: &[u8] = include_bytes!("certificate/key.pem");

struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl TlsListener {
    async fn bind(protocols: &[&[u8]]) -> Self {
        let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
        let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config =
            builder.unwrap().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap(), acceptor: Arc::new(config).into() }
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (socket, address) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(socket).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Sends two orders to `https://HOST:PORT/` of a server with TLS, knowing servers by these certificates.
async fn send_two(host: &str, protocols: &[&[u8]], certificates: &[&[u8]]) -> (Vec<Outcome>, Vec<Seen>) {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(CertificateDer::from_pem_slice(certificate).unwrap()).unwrap();
    }
    let mut connections = Connections::new(&[]);
    connections.tls = Tls::with(Tls::trusting(roots).unwrap());
    let work = async |address: SocketAddr| {
        let target = http_target(format!("https://{host}:{}/", address.port()));
        let client = connect_by(&mut connections, &target, 1).await.unwrap();
        vec![send(&client, &order("1")).await, send(&client, &order("2")).await]
    };
    let taken = || Response::builder().status(204).body(Body::empty()).unwrap();
    beside(TlsListener::bind(protocols).await, taken, work).await
}

#[tokio::test]
async fn http_2_is_spoken_where_the_server_offers_it() {
    for (protocols, version) in [
        (&[&b"h2"[..], b"http/1.1"][..], Version::HTTP_2),
        (&[b"http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        let (outcomes, seen) = send_two("localhost", protocols, &[CERTIFICATE]).await;
        assert_eq!(outcomes, vec![Outcome::Delivered { status: Some(204) }; 2]);
        assert_eq!(seen.iter().map(|request| request.version).collect::<Vec<_>>(), [version; 2]);
        assert_eq!(seen[0].body, r#"{"total":1.10}"#);
    }
}

#[tokio::test]
async fn a_server_that_cannot_prove_its_name_gets_nothing() {
    for (host, certificates, text) in [
        ("localhost", &[][..], "cannot connect: invalid peer certificate: UnknownIssuer"),
        (
            "127.0.0.1",
            &[CERTIFICATE],
            "cannot connect: invalid peer certificate: certificate not valid for name",
        ),
    ] {
        let (outcomes, seen) = send_two(host, &[], certificates).await;
        for outcome in outcomes {
            assert_eq!(in_words(&outcome), "retryable");
            let error = error(outcome);
            assert!(error.starts_with(text), "{error}");
        }
        assert_eq!(seen.len(), 0);
    }
}

#[tokio::test]
async fn a_server_without_tls_gets_nothing() {
    let mut connections = Connections::new(&[]);
    connections.tls = Tls::with(Tls::none().unwrap());
    let work = async |address| {
        let client =
            connect_by(&mut connections, &http_target(format!("https://{address}/")), 1).await.unwrap();
        send(&client, &order("1")).await
    };
    let (outcome, seen) = beside_server(|| Response::new(Body::empty()), work).await;
    assert_eq!((in_words(&outcome), seen.len()), ("retryable".to_owned(), 0));
    let error = error(outcome);
    assert!(error.starts_with("cannot connect: received corrupt message"), "{error}");
}
