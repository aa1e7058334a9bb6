//! Events that go in a circle stop after 16 buses, and say which way they came.

use std::sync::Arc;

use crate::harness::peers::text;
use crate::harness::{Launch, Router, consumer, event, railpost};

const HOPS_MAX: usize = 16;

/// Waits for the one dead letter of a consumer, and returns the buses of its reason.
async fn way(router: &Router, name: &str) -> Vec<String> {
    router.wait_until("the dead letter", |overview| consumer(overview, name).dead_lettered == 1).await;
    let letters = router.client().dead_letters(Some(name), 10).await.unwrap();
    assert_eq!((letters.len(), letters[0].id.as_str(), letters[0].attempts.len()), (1, "round", 0));
    let reason = &letters[0].reason;
    let way = reason.strip_prefix("it goes round: it passed through 16 buses, ");
    way.unwrap_or_else(|| panic!("{reason}")).split(" > ").map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_buses_that_forward_to_each_other_stop_after_16() {
    let config = r#"
        [bus.left]
        [bus.right]
        [[consumer]]
        name = "to-right"
        bus = "left"
        target = { bus = "right" }
        [[consumer]]
        name = "to-left"
        bus = "right"
        target = { bus = "left" }
        "#;
    let router = Router::start(config);
    router.publish_all("left", &[event("round", "/s", "t", serde_json::json!({}))]).await;
    let way = way(&router, "to-right").await;
    let expected: Vec<&str> = ["railpost/left", "railpost/right"].repeat(HOPS_MAX / 2);
    assert_eq!(way, expected);
    let overview = router.settled().await;
    // The event came 9 times to the bus where it stopped, and its dead letter lies there too.
    assert_eq!(
        overview.buses.iter().map(|bus| (bus.name.as_str(), bus.head)).collect::<Vec<_>>(),
        [("default", 0), ("left", 10), ("right", 8)]
    );

    // The file that says so is valid, and warned of.
    let file = router.folder().join("railpost.toml");
    let checked = railpost().arg("check").arg(&file).output().unwrap();
    let warned = text(&checked.stderr);
    assert!(checked.status.success(), "{warned}");
    assert!(
        warned.contains("E0121") && warned.contains("to-right") && warned.contains("to-left"),
        "{warned}"
    );
    assert!(router.log().contains("E0121"), "{}", router.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_routers_that_post_to_each_other_stop_after_16() {
    // With it the first router would know the event when it comes back.
    let bus = "[bus.default]\ndedup = \"off\"\n";
    let config = |name: &str, other: &str| {
        let consumer =
            format!("name = \"onward\"\ntarget = {{ http = \"{other}\", mode = \"structured\" }}\n");
        format!("[trace]\nservice = \"{name}\"\n{bus}[[consumer]]\n{consumer}")
    };
    // The first is started before it can know where the second is.
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let first = Router::start_in(folder, &config("first", &format!("http://{address}/")));
    let second = Launch::within(Arc::new(tempfile::tempdir().unwrap())).listening(address);
    second.configure(&config("second", first.url()));
    let second = second.run();
    first.publish(event("round", "/s", "t", serde_json::json!({}))).await;
    let way = way(&first, "onward").await;
    assert_eq!(way, ["first/default", "second/default"].repeat(HOPS_MAX / 2));
    first.settled().await;
    let overview = second.settled().await;
    assert_eq!((overview.buses[0].head, consumer(&overview, "onward").delivered), (8, 8));
}
