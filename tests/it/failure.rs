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
    let filling = event("2", "/s", "t", json!("x".repeat(900_000))).to_string();
    let headers = [("content-type", "application/cloudevents+json")];
    let status = wait_for("the router to end", || {
        // It ends between two requests or within one.
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(router.try_post("/", &headers, filling.clone()));
        });
        router.ended()
    });
    assert_eq!(status.code(), Some(1), "{}", router.log());
    assert!(router.log().contains("store"), "{}", router.log());
}
