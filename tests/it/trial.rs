//! Trials: changed rules over what the log holds, beside the rules in force; and what a trial refuses.

use std::collections::BTreeMap;

use api::{Place, TriedAggregation, TryOrder, TryReport};
use serde_json::{Value, json};

use crate::harness::{Router, event};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// A configuration in which a day is complete with these stores, or after so long.
fn days(stores: &str, deadline: &str) -> String {
    format!(
        "[[aggregation]]\nname = \"days\"\nfilter = {{ type = [\"file\"] }}\nkey = \"$.data.day\"\n\
         part = \"$.data.store\"\ncomplete = {{ any = [{{ expected = {stores} }}, {{ deadline = \"{deadline}\" }}] }}\n\
         emit = {{ type = \"day\" }}\n"
    )
}

fn file(id: usize, day: &str, store: &str) -> Value {
    event(&id.to_string(), "/files", "file", json!({"day": day, "store": store}))
}

fn order(config: &str) -> TryOrder {
    let (config, file) = (config.to_owned(), "changed.toml".to_owned());
    TryOrder { config, file, aggregation: None, from: Place::Earliest, until: None }
}

async fn post(router: &Router, order: &TryOrder) -> (u16, Value) {
    let body = serde_json::to_string(order).unwrap();
    router.post("/api/v1/aggregations/try", &JSON, body).await
}

async fn attempt(router: &Router, order: &TryOrder) -> TriedAggregation {
    let (status, body) = post(router, order).await;
    assert_eq!(status, 200, "{body}");
    let mut report: TryReport = serde_json::from_value(body).unwrap();
    assert_eq!(report.aggregations.len(), 1);
    report.aggregations.remove(0)
}

/// What a router holds, as far as a trial could change it.
async fn standing(router: &Router) -> (u64, Value) {
    let overview = router.settled().await;
    (overview.buses[0].head, serde_json::to_value(&overview.aggregations).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_rule_is_tried_over_the_log_and_nothing_happens() {
    let present = days(r#"["lyon", "nice"]"#, "1h");
    let router = Router::start(&present);
    let files = [("1", "lyon"), ("1", "nice"), ("2", "lyon"), ("3", "nice"), ("3", "lyon"), ("1", "oslo")];
    for (id, (day, store)) in files.into_iter().enumerate() {
        router.publish(file(id, day, store)).await;
    }
    let before = standing(&router).await;

    let same = attempt(&router, &order(&present)).await;
    // The releases of the days 1 and 3 are in the log, and no parts.
    assert_eq!((same.events, same.same, same.different, same.is_known), (6, 3, 0, true));

    let oslo = attempt(&router, &order(&days(r#"["lyon", "nice", "oslo"]"#, "1h"))).await;
    assert_eq!((oslo.same, oslo.different), (0, 3));
    let by_key: BTreeMap<&str, _> =
        oslo.differences.iter().map(|one| (one.key.as_str(), (&one.now, &one.tried))).collect();
    let (now, tried) = by_key["1"];
    let (now, tried) = (now.as_ref().unwrap(), tried.as_ref().unwrap());
    assert_eq!((now.parts.join(" "), tried.parts.join(" ")), ("lyon nice".into(), "lyon nice oslo".into()));
    assert!(now.reason.starts_with("expected: ") && now.released < tried.released, "{now:?} {tried:?}");
    let (now, tried) = by_key["3"];
    assert!(now.as_ref().unwrap().released.is_some());
    let tried = tried.as_ref().unwrap();
    assert_eq!((tried.released, tried.missing.as_slice()), (None, ["oslo".to_owned()].as_slice()));

    // Neither rule knows of what lies before the range.
    let range = TryOrder { from: Place::Position(4), until: Some(Place::Position(1_000)), ..order(&present) };
    let part = attempt(&router, &range).await;
    assert!(part.events < 6 && part.same > 0 && part.different == 0, "{part:?}");

    // What a trial would send nowhere needs no secret.
    let consumer = "[[consumer]]\nname = \"c\"\ntarget = { http = \"http://127.0.0.1:9/\", headers = { x = \"${NOT_SET}\" } }\n";
    let other = present.replace("name = \"days\"", "name = \"other\"");
    let new = attempt(&router, &order(&format!("{consumer}{other}"))).await;
    assert_eq!((new.is_known, new.same, new.different), (false, 0, 3), "{new:?}");
    assert_eq!(standing(&router).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_refuses_what_it_does_not_understand_and_reads_no_file() {
    let router = Router::start(&days(r#"["a"]"#, "1h"));
    std::fs::write(router.folder().join("names.toml"), "names = [\"secret\"]").unwrap();
    let secrets = router.folder().join("names.toml").display().to_string();
    let named = |config: &str, name: &str| TryOrder { aggregation: Some(name.to_owned()), ..order(config) };
    let good = days(r#"["a"]"#, "1h");
    let cases = [
        (
            order("a = 1\nb = 2"),
            400,
            "invalid-config",
            vec!["changed.toml:1:1: E0102: ", "\nchanged.toml:2:1: E0102: "],
        ),
        (
            order(&days(&format!("{{ file = \"{secrets}\" }}"), "1h")),
            400,
            "invalid-config",
            vec![
                "changed.toml:6:",
                ": E0100: the file `",
                "names.toml` is not read: this configuration has to stand alone; write the names",
            ],
        ),
        (named(&good, "nights"), 404, "unknown-name", vec!["the configuration has no aggregation `nights`"]),
        (
            order(&format!("[bus.far]\n{good}bus = \"far\"\n")),
            404,
            "unknown-name",
            vec!["there is no bus `far`"],
        ),
    ];
    for (order, wanted, error, said) in cases {
        let (status, body) = post(&router, &order).await;
        assert_eq!((status, body["error"].as_str()), (wanted, Some(error)), "{body}");
        let reason = body["reason"].as_str().unwrap();
        assert!(said.iter().all(|part| reason.contains(part)) && !reason.contains("secret"), "{reason}");
    }
    let (status, _) = router.post("/api/v1/aggregations/try", &[], "{}".to_owned()).await;
    assert_eq!(status, 415);
    let large = order(&format!("# {}", "x".repeat(1 << 20)));
    assert_eq!(post(&router, &large).await.0, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trial_at_a_time_and_events_are_taken_meanwhile() {
    let config = days(r#"["a", "b"]"#, "1h");
    let router = Router::start(&config);
    let events: Vec<Value> =
        (0..6_000).map(|id| file(id, &(id / 2).to_string(), ["a", "b"][id % 2])).collect();
    router.publish_all("default", &events).await;
    router.settled().await;
    let changed = order(&days(r#"["a", "b", "c"]"#, "1h"));
    let publishing = async {
        for id in 6_000..6_020 {
            router.publish(file(id, "new", "a")).await;
        }
    };
    let (one, other, ()) = tokio::join!(post(&router, &changed), post(&router, &changed), publishing);
    let mut answers = [one, other];
    answers.sort_by_key(|(status, _)| *status);
    let [(first, report), (second, refusal)] = answers;
    assert_eq!((first, second, refusal["error"].as_str()), (200, 429, Some("busy")), "{refusal}");
    let report: TryReport = serde_json::from_value(report).unwrap();
    let tried = &report.aggregations[0];
    assert!(tried.different >= 3_000 && tried.differences.len() == 1_000, "{}", tried.different);
    // Its turn is over.
    assert_eq!(post(&router, &order(&config)).await.0, 200);
}
