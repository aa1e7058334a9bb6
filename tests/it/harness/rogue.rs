//! A target that speaks TCP and breaks the rules of HTTP, or of good manners.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What it does to those who connect.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// It takes the request and never answers.
    Hangs,
    /// It answers one byte a second.
    Trickles,
    /// It answers at once, and then sends the body of its answer one byte a second.
    TricklesBody,
    /// It resets the connection in the middle of the request.
    Resets,
    /// It takes the request and ends its half of the connection without an answer.
    HangsUp,
    /// It answers the first request of a connection, and then is as a machine that was switched off.
    GoesDead,
}

/// A target of one manner, on a free port. It lives as long as the test.
pub(crate) struct Rogue {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Instant>>>,
}

impl Rogue {
    /// Starts a target.
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let rogue = Self { address: listener.local_addr().unwrap(), requests: Arc::default() };
        let requests = Arc::clone(&rogue.requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let requests = Arc::clone(&requests);
                std::thread::spawn(move || drop(serve(stream, manner, &requests)));
            }
        });
        rogue
    }

    /// Its address as a URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// How many requests it began to read.
    pub(crate) fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

fn serve(mut stream: TcpStream, manner: Manner, requests: &Mutex<Vec<Instant>>) -> std::io::Result<()> {
    let mut first = [0];
    stream.read_exact(&mut first)?;
    requests.lock().unwrap().push(Instant::now());
    if matches!(manner, Manner::Resets) {
        // What lies unread when a socket is closed makes a reset of it.
        return Ok(());
    }
    read_request(&mut stream)?;
    match manner {
        Manner::Resets => {}
        Manner::Hangs => wait_for_the_end(stream),
        Manner::Trickles => trickle(&mut stream, b"HTTP/1.1 204 No Content\r\n\r\n")?,
        Manner::TricklesBody => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 60\r\n\r\n")?;
            trickle(&mut stream, &[b'x'; 60])?;
        }
        Manner::HangsUp => {
            stream.shutdown(Shutdown::Write)?;
            wait_for_the_end(stream);
        }
        Manner::GoesDead => {
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
            wait_for_the_end(stream);
        }
    }
    Ok(())
}

/// Reads a request that has a length.
fn read_request(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    stream.read_exact(&mut body)
}

fn trickle(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes {
        stream.write_all(&[*byte])?;
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}

/// Keeps a connection open and says nothing until the other side ends it.
fn wait_for_the_end(mut stream: TcpStream) {
    drop(std::io::copy(&mut stream, &mut std::io::sink()));
}
