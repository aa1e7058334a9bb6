//! Delivery: filters, gates, retries, Retry-After, dead letters, buses, files; each consumer by itself.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::receiver::{Received, Receiver};
use crate::harness::{Router, event};

#[tokio::test(flavor = "multi_thread")]
async fn each_consumer_gets_what_its_filter_names_under_either_vocabulary() {
    let (eventbridge, cloudevents) = (Receiver::start().await, Receiver::start().await);
    let router = Router::start(&format!(
        r#"
        [[consumer]]
        name = "by-eventbridge-names"
        filter = {{ source = ["shop.orders"], detail-type = ["OrderPlaced"], detail = {{ total = [{{ numeric = [">", 100] }}] }} }}
        target = {{ http = "{}" }}

        [[consumer]]
        name = "by-cloudevents-names"
        filter = '{{"type": ["OrderPlaced"], "subject": [{{"prefix": "vip/"}}], "data": {{"total": [{{"exists": true}}]}}}}'
        target = {{ http = "{}" }}
        "#,
        eventbridge.url("/"),
        cloudevents.url("/")
    ));
    let mut vip = event("3", "shop.orders", "OrderPlaced", json!({"total": 5}));
    vip["subject"] = json!("vip/7");
    router.publish(event("1", "shop.orders", "OrderPlaced", json!({"total": 101}))).await;
    router.publish(event("2", "shop.orders", "OrderPlaced", json!({"total": 100}))).await;
    router.publish(vip).await;
    let overview = router.settled().await;
    let ids = |receiver: &Receiver| receiver.received().iter().map(Received::id).collect::<Vec<_>>();
    assert_eq!((ids(&eventbridge), ids(&cloudevents)), (vec!["1".to_owned()], vec!["3".to_owned()]));
    assert_eq!(overview.consumers.iter().map(|one| one.matched).collect::<Vec<_>>(), [1, 1]);

    let detail = router.client().explain("2").await.unwrap();
    let reason = detail.decisions[0].fields.iter().find(|field| !field.matched).unwrap();
    assert_eq!((reason.path.as_str(), reason.found.as_str()), ("detail.total", "100"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_gate_skips_or_keeps_what_does_not_follow() {
    let receiver = Receiver::start().await;
    let folder = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let schema = folder.path().join("schemas/shop/Order");
    std::fs::create_dir_all(&schema).unwrap();
    let document =
        json!({"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]});
    std::fs::write(schema.join("1.json"), document.to_string()).unwrap();
    let gated = |name: &str, otherwise: &str| {
        format!(
            "[[consumer]]\nname = \"{name}\"\nschema = {{ accept = \"shop/Order@1\", otherwise = \"{otherwise}\" }}\n\
             target = {{ http = \"{}\" }}\n",
            receiver.url("/")
        )
    };
    let config = format!(
        "[router]\nschemas = \"schemas\"\n{}{}",
        gated("skips", "skip"),
        gated("keeps", "dead-letter")
    );
    let router = Router::start_in(folder, &config);
    router.publish(event("good", "/s", "Order", json!({"total": 3}))).await;
    router.publish(event("bad", "/s", "Order", json!({"total": "three"}))).await;
    let overview = router.settled().await;
    let counts = |name: &str| {
        let one = overview.consumers.iter().find(|one| one.name == name).unwrap();
        (one.matched, one.delivered, one.dropped, one.dead_lettered)
    };
    assert_eq!((counts("skips"), counts("keeps")), ((2, 1, 1, 0), (2, 1, 0, 1)));
    assert!(receiver.received().iter().all(|one| one.id() == "good"));
    let letters = router.client().dead_letters(Some("keeps"), 10).await.unwrap();
    assert!(letters[0].reason.contains("/total"), "{letters:?}");
    let payload: Value = serde_json::from_str(letters[0].event.get()).unwrap();
    assert_eq!(payload["data"], json!({"total": "three"}));
    let detail = router.client().explain("bad").await.unwrap();
    assert!(detail.decisions[0].schema.as_ref().unwrap().contains("/total"), "{detail:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_retried_and_a_target_that_asks_for_time_gets_it() {
    let receiver = Receiver::start().await;
    receiver.answer_next(503, None);
    receiver.answer_next(429, Some("1"));
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"c\"\ntarget = {{ http = \"{}\" }}\nretry = {{ interval = \"10ms\" }}\n",
        receiver.url("/")
    ));
    let began = Instant::now();
    router.publish(event("1", "/s", "t", json!({}))).await;
    assert_eq!(receiver.expect(3).await.len(), 3);
    assert!(began.elapsed() >= Duration::from_secs(1), "Retry-After was not honoured");
    let overview = router.settled().await;
    assert_eq!((overview.consumers[0].delivered, overview.consumers[0].failures), (1, 2));
    let hops = router.client().explain("1").await.unwrap().hops;
    let steps: Vec<&str> = hops.iter().map(|hop| hop.step.name()).collect();
    assert_eq!(steps, ["received", "matched", "attempted", "attempted", "attempted", "delivered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_delivered_is_kept_with_its_attempts_and_holds_up_nobody() {
    let (good, bad) = (Receiver::start().await, Receiver::start().await);
    bad.answer_always(500);
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"good\"\ntarget = {{ http = \"{}\" }}\n\
         [[consumer]]\nname = \"bad\"\ntarget = {{ http = \"{}\" }}\nretry = {{ attempts = 1, interval = \"10ms\" }}\n\
         [[consumer]]\nname = \"refuses\"\ntarget = {{ http = \"{}\" }}\nfilter = {{ type = [\"never\"] }}\n",
        good.url("/"),
        bad.url("/"),
        bad.url("/")
    ));
    // Fewer attempts than make the circuit open, which would take its time.
    for id in ["1", "2"] {
        router.publish(event(id, "/s", "t", json!({"id": id}))).await;
    }
    assert_eq!(good.expect(2).await.len(), 2);
    let overview = router.settled().await;
    assert_eq!(overview.consumers[1].dead_lettered, 2);
    let letters = router.client().dead_letters(None, 10).await.unwrap();
    assert_eq!(letters.len(), 2);
    assert!(
        letters.iter().all(|letter| letter.attempts.len() == 2 && letter.attempts[0].status == Some(500))
    );
    let output = router.command(&["dead-letters", "--json"]);
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 2);

    let router = router.crash_and_restart();
    let letters = router.client().dead_letters(Some("bad"), 10).await.unwrap();
    assert_eq!(letters.len(), 2, "dead letters survive a crash");
    router.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buses_and_files_are_targets() {
    let router = Router::start(
        r#"
        [bus.audit]
        [[consumer]]
        name = "to-audit"
        filter = { type = ["kept"] }
        target = { bus = "audit" }
        [[consumer]]
        name = "to-file"
        bus = "audit"
        target = { file = "{folder}/audit.jsonl" }
        "#,
    );
    router.publish(event("1", "/s", "kept", json!({"n": 1}))).await;
    router.publish(event("2", "/s", "other", json!({"n": 2}))).await;
    router
        .wait_until("the file's event", |overview| overview.consumers.iter().all(|one| one.delivered == 1))
        .await;
    let lines = std::fs::read_to_string(router.folder().join("audit.jsonl")).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1);
    assert_eq!((&lines[0]["id"], &lines[0]["data"]), (&json!("1"), &json!({"n": 1})));
    router.settled().await;

    // It is the first bus that explains it, also when the hops are gone and the log is searched.
    let detail = router.client().explain("1").await.unwrap();
    assert_eq!((detail.bus.as_str(), detail.decisions[0].name.as_str()), ("default", "to-audit"));
    assert!(!detail.hops.is_empty() && detail.hops.iter().all(|hop| *hop.bus == *"default"), "{detail:?}");
    let router = router.crash_and_restart();
    let detail = router.client().explain("1").await.unwrap();
    assert_eq!((detail.bus.as_str(), detail.hops.len()), ("default", 0));
}
