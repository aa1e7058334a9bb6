//! What AWS targets do when AWS does not do its part.

use serde_json::json;

use crate::harness::peers;
use crate::harness::{Router, event};

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_does_not_exist_is_a_dead_letter_at_once() {
    let moto = peers::moto();
    let url = format!("{}/123456789012/missing", moto.address());
    let router = Router::start(&format!("[[consumer]]\nname = \"gone\"\ntarget = {{ sqs = \"{url}\" }}\n"));
    router.publish(event("1", "/s", "t", json!({}))).await;
    let overview = router.settled().await;
    assert_eq!(overview.consumers[0].dead_lettered, 1);
    let letters = router.client().dead_letters(Some("gone"), 10).await.unwrap();
    assert_eq!(letters[0].attempts.len(), 1, "{letters:?}");
    assert!(letters[0].reason.contains("refused"), "{letters:?}");
}
