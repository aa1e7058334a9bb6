use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Host;

use super::{Connections, Outcome, connect_by, error, http_target, in_words, order, send};
use crate::config::Range;
use crate::deliver::targets::endpoint::Endpoint;
use crate::deliver::targets::guard::Guard;
use crate::deliver::targets::resolver::Lookup;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    address: IpAddr,
    why: String,
    verdict: String,
}

fn table() -> Vec<Case> {
    super::cases(include_str!("addresses.toml"))
}

fn range(text: &str) -> Range {
    let (address, bits) = text.split_once('/').unwrap();
    Range { address: address.parse().unwrap(), bits: bits.parse().unwrap() }
}

fn guard(host: &str, allowed: &[&str]) -> Guard {
    Guard::new(host, allowed.iter().map(|text| range(text)).collect())
}

#[test]
fn a_name_leads_to_public_addresses() {
    for Case { address, why, verdict } in table() {
        let verdict_here =
            if guard("shop.example", &[]).lets_through(address) { "allowed" } else { "refused" };
        assert_eq!(verdict_here, verdict, "{address}: {why}");
        let all = guard("shop.example", &["0.0.0.0/0", "::/0"]);
        assert!(all.lets_through(address), "{address} although all is allowed");
        let itself = Range { address, bits: if address.is_ipv4() { 32 } else { 128 } };
        assert!(
            Guard::new("shop.example", [itself].into()).lets_through(address),
            "{address} although allowed"
        );
    }
}

#[test]
fn a_name_leads_to_what_is_allowed_as_well() {
    for (allowed, address, expected) in [
        ("10.0.0.0/8", "10.255.0.1", true),
        ("10.0.0.7/8", "10.255.0.1", true),
        ("10.0.0.0/8", "11.0.0.1", true),
        ("10.0.0.0/8", "192.168.0.1", false),
        ("10.0.0.0/31", "10.0.0.1", true),
        ("10.0.0.0/31", "10.0.0.2", false),
        ("10.0.0.7/32", "::ffff:10.0.0.7", true),
        ("10.0.0.7/32", "64:ff9b::10.0.0.7", true),
        ("10.0.0.7/32", "64:ff9b::10.0.0.8", false),
        ("64:ff9b::/96", "64:ff9b::10.0.0.8", true),
        ("64:ff9b::/96", "10.0.0.8", false),
        ("fd00::/8", "fd12::1", true),
        ("fd00::/8", "fc12::1", false),
        ("fd00::1/128", "fd00::2", false),
        ("::/0", "10.0.0.1", false),
        ("0.0.0.0/0", "fd00::1", false),
    ] {
        let is_through = guard("shop.example", &[allowed]).lets_through(address.parse().unwrap());
        assert_eq!(is_through, expected, "{address} where {allowed} is allowed");
    }
}

#[test]
fn the_name_localhost_leads_to_this_machine() {
    for (host, address, expected) in [
        ("localhost", "127.0.0.1", true),
        ("LocalHost.", "::1", true),
        ("localhost", "::ffff:127.0.0.2", true),
        ("localhost", "10.0.0.7", false),
        ("localhost", "169.254.169.254", false),
        ("localhost.shop.example", "127.0.0.1", false),
        ("my-localhost", "127.0.0.1", false),
        ("a.localhost", "127.0.0.1", false),
    ] {
        let is_through = guard(host, &[]).lets_through(address.parse().unwrap());
        assert_eq!(is_through, expected, "{host} at {address}");
    }
}

/// A resolver that gives each question the next of these answers, and the last one for ever; it counts the questions.
fn lookup(answers: Vec<Vec<IpAddr>>) -> (Lookup, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&asked);
    let lookup: Lookup = Arc::new(move |name| {
        let mut asked = record.lock().unwrap();
        let answer = answers.get(asked.len()).or(answers.last()).cloned();
        asked.push(name);
        Box::pin(async move { answer.ok_or_else(|| io::Error::other("no such name")) })
    });
    (lookup, asked)
}

/// The addresses of this machine that the tests reach, and count the connections to.
const DOORS: [Ipv4Addr; 3] = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 3)];

/// Runs `work` beside servers at all of [`DOORS`], at the port that it is told; returns who was connected to, too.
async fn beside_doors<T>(work: impl AsyncFnOnce(u16) -> T) -> (T, BTreeSet<IpAddr>) {
    let (listeners, port) = open_doors().await;
    let reached = Mutex::new(BTreeSet::new());
    let doors = listeners.iter().map(async |listener| {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            reached.lock().unwrap().insert(socket.local_addr().unwrap().ip());
            let mut seen = Vec::new();
            while !seen.ends_with(b"{\"total\":1.10}") && socket.read_buf(&mut seen).await.unwrap_or(0) > 0 {}
            drop(socket.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await);
        }
    });
    let value = tokio::select! {
        value = work(port) => value,
        _ = join_all(doors) => unreachable!("doors stay open"),
    };
    (value, reached.into_inner().unwrap())
}

/// Listens at the same port of all doors; a port that is free at the first may be taken at another.
async fn open_doors() -> (Vec<TcpListener>, u16) {
    loop {
        let first = TcpListener::bind((DOORS[0], 0)).await.unwrap();
        let port = first.local_addr().unwrap().port();
        let others = join_all(DOORS[1..].iter().map(|door| TcpListener::bind((*door, port)))).await;
        if let Ok(others) = others.into_iter().collect::<io::Result<Vec<_>>>() {
            return (std::iter::once(first).chain(others).collect(), port);
        }
    }
}

/// Sends one order to `http://HOST:PORT/`.
async fn attempt(host: &str, port: u16, allowed: &[&str], lookup: &Lookup) -> Outcome {
    let allowed: Vec<_> = allowed.iter().map(|text| range(text)).collect();
    let mut connections = Connections::new(&allowed);
    connections.lookup = Arc::clone(lookup);
    let target = http_target(format!("http://{host}:{port}/"));
    send(&connect_by(&mut connections, &target, 1).await.unwrap(), &order("1")).await
}

#[tokio::test]
async fn a_name_that_leads_nowhere_public_waits_for_the_operator() {
    let (lookup, _) = lookup(vec![vec!["10.0.0.7".parse().unwrap(), "fd00::1".parse().unwrap()]]);
    let outcome = attempt("shop.example", 9, &[], &lookup).await;
    assert_eq!(in_words(&outcome), "retryable");
    let expected = "shop.example resolves to 10.0.0.7, which is not public: \
                    allow the range in [router] allow_targets";
    assert_eq!(error(outcome), expected);
}

#[tokio::test]
async fn a_name_that_is_unknown_is_no_connection() {
    let (lookup, _) = lookup(Vec::new());
    assert_eq!(error(attempt("shop.example", 9, &[], &lookup).await), "cannot connect: no such name");
}

#[tokio::test]
async fn addresses_that_are_refused_are_passed_over() {
    let (lookup, _) = lookup(vec![DOORS.map(IpAddr::V4).into()]);
    let work = async |port| attempt("shop.example", port, &["127.0.0.2/32"], &lookup).await;
    let (outcome, reached) = beside_doors(work).await;
    assert_eq!(in_words(&outcome), "delivered");
    assert_eq!(reached, BTreeSet::from([DOORS[1].into()]));
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_later_is_judged_again() {
    let (lookup, asked) = lookup(vec![vec![DOORS[0].into()], vec![DOORS[1].into()]]);
    let work = async |port| {
        let mut connections = Connections::new(&[range("127.0.0.1/32")]);
        connections.lookup = lookup;
        let target = http_target(format!("http://shop.example:{port}/"));
        let client = connect_by(&mut connections, &target, 1).await.unwrap();
        (send(&client, &order("1")).await, send(&client, &order("2")).await)
    };
    let ((first, second), reached) = beside_doors(work).await;
    assert_eq!(in_words(&first), "delivered");
    assert!(error(second).starts_with("shop.example resolves to 127.0.0.2, which is not public"));
    assert_eq!(reached, BTreeSet::from([DOORS[0].into()]));
    assert_eq!(asked.lock().unwrap().len(), 2, "each connection goes where its own answer leads");
}

#[tokio::test]
async fn an_address_is_what_the_url_standard_makes_of_it() {
    let (lookup, asked) = lookup(vec![Vec::new()]);
    for host in [
        "127.0.0.2",
        "127.0.0.2.",
        "127.2",
        "127.0.2",
        "0x7f.2",
        "0x7f.0x0.0x0.0x2",
        "0177.0.0.02",
        "2130706434",
        "0x7f000002",
        "017700000002",
        "%3127.0.0.2",
        "[::ffff:127.0.0.2]",
        "[::ffff:7f00:2]",
        "\u{ff11}\u{ff12}\u{ff17}.0.0.\u{ff12}",
        "127\u{3002}0\u{3002}0\u{3002}2",
    ] {
        let work = async |port| attempt(host, port, &[], &lookup).await;
        let (outcome, reached) = beside_doors(work).await;
        assert_eq!(in_words(&outcome), "delivered", "{host}: the operator wrote it");
        assert_eq!(reached, BTreeSet::from([DOORS[1].into()]), "{host}");
    }
    assert_eq!(*asked.lock().unwrap(), Vec::<String>::new(), "nobody is asked for an address");
}

#[tokio::test]
async fn a_name_is_asked_for_in_the_form_that_dns_knows() {
    for (host, name, expected) in [
        ("LOCALHOST", "localhost", "delivered"),
        ("localhost.", "localhost.", "delivered"),
        ("\u{ff4c}ocalhost", "localhost", "delivered"),
        ("l%6fcalhost", "localhost", "delivered"),
        ("loc\u{ad}alhost", "localhost", "delivered"),
        ("M\u{fc}nchen.example", "xn--mnchen-3ya.example", "retryable"),
        ("xn--mnchen-3ya.example.", "xn--mnchen-3ya.example.", "retryable"),
        ("127.0.0.1.nip.io", "127.0.0.1.nip.io", "retryable"),
        ("localhost.localdomain", "localhost.localdomain", "retryable"),
        ("user:password@inner.example", "inner.example", "retryable"),
        ("127.0.0.2@inner.example", "inner.example", "retryable"),
    ] {
        let (lookup, asked) = lookup(vec![vec![DOORS[0].into()]]);
        let work = async |port| attempt(host, port, &[], &lookup).await;
        let (outcome, reached) = beside_doors(work).await;
        assert_eq!(in_words(&outcome), expected, "{host}");
        assert_eq!(reached.len(), usize::from(expected == "delivered"), "{host}");
        assert_eq!(*asked.lock().unwrap(), [name], "{host}");
    }
}

fn any_host() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9.%@:\\[\\]_-]{0,20}",
        "(0x)?[0-9a-f]{1,10}(\\.(0x)?[0-9a-f]{1,10}){0,3}\\.?",
        "\\[[0-9a-f:.]{2,20}\\]",
        any::<[u8; 4]>().prop_map(|bytes| Ipv4Addr::from(bytes).to_string()),
        any::<u32>().prop_map(|bits| bits.to_string()),
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn whatever_the_url_its_host_is_an_address_that_it_spells_or_a_name_for_the_guard(
        scheme in "https?", host in any_host(), rest in any::<String>(),
    ) {
        if let Ok(endpoint) = Endpoint::parse(&format!("{scheme}://{host}{rest}")) {
            let connected = endpoint.host().trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
            let spelled = match endpoint.url.host() {
                Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
                Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
                _ => None,
            };
            prop_assert_eq!(connected, spelled);
            prop_assert_eq!(Some(endpoint.host()), endpoint.url.host_str());
            prop_assert_eq!(endpoint.uri.port_u16(), endpoint.url.port());
        }
    }

    #[test]
    fn what_the_standard_library_knows_to_be_local_is_never_let_through(bits in any::<u128>(), v4 in any::<u32>()) {
        let guard = guard("shop.example", &[]);
        let v4 = Ipv4Addr::from_bits(v4);
        let is_local = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_broadcast()
            || v4.is_documentation() || v4.is_multicast() || v4.is_unspecified();
        for address in [IpAddr::V4(v4), v4.to_ipv6_mapped().into(), v4.to_ipv6_compatible().into()] {
            prop_assert!(!(is_local && guard.lets_through(address)), "{}", address);
            prop_assert_eq!(guard.lets_through(address), guard.lets_through(v4.into()), "{}", address);
        }
        let v6 = std::net::Ipv6Addr::from_bits(bits);
        let is_local = v6.is_loopback() || v6.is_unspecified() || v6.is_multicast()
            || v6.is_unique_local() || v6.is_unicast_link_local();
        prop_assert!(!(is_local && guard.lets_through(v6.into())), "{}", v6);
    }
}

#[test]
fn whatever_the_url_connections_go_only_to_what_the_guard_lets_through() {
    let hosts = [
        "127.0.0.1",
        "0x7f.2",
        "2130706435",
        "[::ffff:127.0.0.3]",
        "localhost",
        "shop.example",
        "127.1.example",
    ];
    let strategy = (
        prop::sample::select(hosts.to_vec()),
        prop::collection::vec(prop::sample::subsequence(DOORS.to_vec(), 0..=3), 1..4),
        prop::sample::subsequence(vec!["127.0.0.1/32", "127.0.0.2/32", "127.0.0.3/32"], 0..=2),
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tries = AtomicUsize::new(0);
    let run = |(host, answers, allowed): (&str, Vec<Vec<Ipv4Addr>>, Vec<&str>)| {
        let answers =
            answers.into_iter().map(|answer| answer.into_iter().map(IpAddr::V4).collect()).collect();
        let (lookup, _) = lookup(answers);
        let work = async |port| {
            let outcomes = [(); 3].map(|()| attempt(host, port, &allowed, &lookup));
            join_all(outcomes).await
        };
        let (outcomes, reached) = runtime.block_on(beside_doors(work));
        let spelled = match Endpoint::parse(&format!("http://{host}/")).unwrap().url.host() {
            Some(Host::Ipv4(address)) => Some(address),
            Some(Host::Ipv6(address)) => address.to_ipv4_mapped(),
            _ => None,
        };
        let may = |address: &IpAddr| match spelled {
            Some(spelled) => *address == spelled,
            None => host == "localhost" || allowed.contains(&format!("{address}/32").as_str()),
        };
        prop_assert!(reached.iter().all(may), "{} led to {:?}", host, reached);
        let delivered = outcomes.iter().filter(|outcome| in_words(outcome) == "delivered").count();
        tries.fetch_add(delivered, Ordering::Relaxed);
        Ok(())
    };
    TestRunner::default().run(&strategy, run).unwrap();
    assert!(tries.into_inner() > 100, "most of them reach somebody");
}

#[tokio::test]
async fn the_system_is_asked_where_localhost_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let door = async {
        let (_, client): (_, SocketAddr) = listener.accept().await.unwrap();
        client.ip()
    };
    let target = http_target(format!("http://localhost:{port}/"));
    let client = connect_by(&mut Connections::new(&[]), &target, 1).await.unwrap();
    let event = order("1");
    let came_from = tokio::select! {
        ip = door => ip,
        outcome = send(&client, &event) => panic!("{outcome:?}"),
    };
    assert!(came_from.is_loopback());
}
