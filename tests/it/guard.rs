//! Where a name may lead: to public addresses, and to what the operator allowed.

use std::net::{SocketAddr, ToSocketAddrs};

use serde_json::json;

use crate::harness::receiver::Receiver;
use crate::harness::{Router, consumer, event, skip};

/// A name other than `localhost` that leads to this machine and nowhere else, and where.
fn name_of_this_machine() -> Option<(String, SocketAddr)> {
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let listed = hosts
        .lines()
        .filter(|line| line.starts_with("127."))
        .flat_map(|line| line.split_whitespace().skip(1));
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let candidates = [hostname.trim(), "localhost.localdomain"].into_iter().chain(listed);
    candidates.filter(|name| !name.is_empty() && *name != "localhost").find_map(|name| {
        let addresses: Vec<SocketAddr> = (name, 0).to_socket_addrs().ok()?.collect();
        let first = *addresses.first()?;
        addresses.iter().all(|one| one.ip().is_loopback() && one.is_ipv4()).then(|| (name.to_owned(), first))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_to_this_machine_needs_permission() {
    let Some((name, address)) = name_of_this_machine() else {
        return skip(
            "no name but `localhost` leads to 127.0.0.0/8, so that the guard of targets was not tested",
        );
    };
    let receiver = Receiver::start_at(&address.to_string()).await;
    let literal = receiver.url("/literal");
    let named = |host: &str| literal.replace(&address.ip().to_string(), host);
    let table = |consumer: &str, url: &str| {
        let retry = "retry = { interval = \"10ms\", interval_max = \"50ms\", attempts = 100000 }";
        format!("[[consumer]]\nname = \"{consumer}\"\ntarget = {{ http = \"{url}\" }}\n{retry}\n")
    };
    let consumers = table("named", &named(&name)) + &table("literal", &literal);
    let router = Router::start(&consumers);
    router.publish(event("1", "/s", "t", json!({}))).await;
    receiver.expect(1).await;
    let failed = |overview: &api::Overview| consumer(overview, "named").failures > 0;
    let overview = router.wait_until("a refused name", failed).await;
    let (refused, direct) = (consumer(&overview, "named"), consumer(&overview, "literal"));
    let error = refused.last_error.as_ref().unwrap();
    let range = address.ip().to_string();
    assert!(error.contains(&name) && error.contains(&range) && error.contains("allow_targets"), "{error}");
    assert_eq!(
        (refused.pending, refused.dead_lettered, direct.delivered),
        (1, 0, 1),
        "it waits for permission"
    );
    assert_eq!(receiver.count(), 1, "the name led here without permission");

    // What is allowed is another range.
    let allowed = |range: &str| format!("[router]\nallow_targets = [\"{range}\"]\n{consumers}");
    let router = router.crash_and_restart_with(&allowed("10.0.0.0/8"));
    router.wait_until("a refused name", failed).await;
    assert_eq!(receiver.count(), 1);
    let router = router.crash_and_restart_with(&allowed("127.0.0.0/8"));
    router.settled().await;
    assert_eq!(receiver.taken_each(), ["1", "1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn localhost_is_permission_enough_and_redirects_are_not_followed() {
    let (here, elsewhere) = (Receiver::start().await, Receiver::start().await);
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"c\"\ntarget = {{ http = \"{}\" }}\n",
        here.url("/").replace("127.0.0.1", "localhost")
    ));
    router.publish(event("0", "/s", "t", json!({}))).await;
    here.expect(1).await;
    let statuses = [301, 302, 303, 307, 308];
    for (number, status) in statuses.into_iter().enumerate() {
        here.redirect(status, &elsewhere.url("/"));
        router.publish(event(&(number + 1).to_string(), "/s", "t", json!({}))).await;
        router.settled().await;
    }
    let letters = router.client().dead_letters(Some("c"), 10).await.unwrap();
    for (letter, status) in letters.iter().rev().zip(statuses) {
        let expected = format!("{status} ");
        assert!(letter.reason.contains("redirects are not followed"), "{letter:?}");
        assert!(letter.reason.contains(&expected) && letter.attempts.len() == 1, "{letter:?}");
    }
    assert_eq!((letters.len(), here.count(), elsewhere.count()), (5, 6, 0));
}
