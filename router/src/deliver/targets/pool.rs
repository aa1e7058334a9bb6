//! [`Pool`]: the HTTP connections to one host.

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Extensions, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{Connected, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

use super::resolver::Resolver;

/// How long an idle connection is kept.
const IDLE_KEPT: Duration = Duration::from_mins(1);

/// Bytes of an answer's head, at most.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// How long an HTTP/2 connection with requests under way may be silent before it is asked whether it is alive, and how
/// long its answer may take. Without that all requests would go to a dead connection until the system gives it up.
const SILENCE_MAX: Duration = Duration::from_secs(20);
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// The connections to one host: HTTP/1.1, or HTTP/2 where a TLS server offers it. Clones share them.
#[derive(Clone)]
pub(super) struct Pool {
    kept: Client,
    anew: Client,
}

type Client = legacy::Client<Connector, Full<Bytes>>;
type Socket = MaybeHttpsStream<TokioIo<TcpStream>>;

impl Pool {
    /// Returns a pool without connections. Opening one takes half the time of an attempt at most, all addresses of a
    /// name together, so that one dead address leaves time for the next.
    pub(super) fn new(resolver: Resolver, tls: Arc<ClientConfig>, timeout: Duration) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(timeout / 2));
        let connector = Connector(Arc::new(HttpsConnector::from((tcp, tls))));
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_KEPT)
            .http1_max_buf_size(HEAD_BYTES_MAX)
            .http2_keep_alive_interval(SILENCE_MAX)
            .http2_keep_alive_timeout(SIGN_OF_LIFE);
        let kept = builder.build(connector.clone());
        Self { kept, anew: builder.pool_max_idle_per_host(0).build(connector) }
    }

    /// Sends a request on any connection and returns the head of the answer.
    pub(super) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, legacy::Error> {
        let response = self.kept.request(request).await?;
        if let Some(Answered(answered)) = response.extensions().get() {
            answered.store(true, Ordering::Relaxed);
        }
        Ok(response)
    }

    /// Sends a request on a connection of its own.
    pub(super) async fn send_anew(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, legacy::Error> {
        self.anew.request(request).await
    }
}

/// Tells whether a request most likely met the end of a connection that the target had closed for idleness: it broke
/// without an answer on a connection that answered before. What was not written yet, the client sends again by itself.
pub(super) fn is_stale(error: &legacy::Error) -> bool {
    let mut extensions = Extensions::new();
    if let Some(connected) = error.connect_info() {
        connected.get_extras(&mut extensions);
    }
    let answered = extensions.get().is_some_and(|Answered(answered)| answered.load(Ordering::Relaxed));
    let cause = error.source().and_then(|source| source.downcast_ref::<hyper::Error>());
    answered && cause.is_some_and(|cause| !cause.is_parse() && !cause.is_user())
}

/// The client clones its connector with each request, so that this one is no more than a reference.
#[derive(Clone)]
struct Connector(Arc<HttpsConnector<HttpConnector<Resolver>>>);

/// A connection that remembers whether it ever carried an answer.
struct Connection {
    socket: Socket,
    answered: Answered,
}

#[derive(Clone, Default)]
struct Answered(Arc<AtomicBool>);

impl Service<Uri> for Connector {
    type Response = Connection;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Connection, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let mut connector = HttpsConnector::clone(&self.0);
        Box::pin(async move {
            poll_fn(|context| connector.poll_ready(context)).await?;
            Ok(Connection { socket: connector.call(uri).await?, answered: Answered::default() })
        })
    }
}

impl legacy::connect::Connection for Connection {
    fn connected(&self) -> Connected {
        self.socket.connected().extra(self.answered.clone())
    }
}

impl Connection {
    fn socket(self: Pin<&mut Self>) -> Pin<&mut Socket> {
        Pin::new(&mut self.get_mut().socket)
    }
}

impl Read for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.socket().poll_read(context, buffer)
    }
}

impl Write for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.socket().poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket().poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.socket().poll_write_vectored(context, slices)
    }
}
