//! A store that fails stops the router at once, and everybody can see it.

use serde_json::json;

use crate::harness::{Router, event, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_gone_ends_the_router_with_the_reason() {
    let mut router = Router::start("");
    router.publish(event("1", "/s", "t", json!({}))).await;
    router.settled().await;
    std::fs::remove_dir_all(router.folder().join("data")).unwrap();
    // What is open can still be written; the next segment cannot be made.
    let payload = "x".repeat(900_000);
    let headers = [("content-type", "application/cloudevents+json")];
    let mut number = 1;
    let status = wait_for("the router to end", || {
        // It ends between two requests or within one.
        number += 1;
        let filling = event(&number.to_string(), "/s", "t", json!(payload)).to_string();
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(router.try_post("/", &headers, filling));
        });
        router.ended()
    });
    assert_eq!(status.code(), Some(1), "{}", router.log());
    assert!(router.log().contains("store"), "{}", router.log());
}
