//! What a daemon gets.

use std::collections::HashSet;
use std::sync::Arc;

use event::hop::Link;
use event::{Hop, Step};
use railpost_otel::Config;
use serde_json::Value;

use crate::peers::Daemon;
use crate::{PUBLISHER, export, hops};

/// Hops of the table that have no document: a match, a gate that was passed, and what is not sampled.
const WITHOUT_DOCUMENT: usize = 3;

#[tokio::test]
async fn a_daemon_gets_a_document_of_every_visit_and_call() {
    let documents = documents().await;
    let texts: Vec<String> = documents.iter().map(|one| serde_json::to_string_pretty(one).unwrap()).collect();
    insta::assert_snapshot!(texts.join("\n"));
}

#[tokio::test]
async fn every_document_has_its_parent_in_the_trace_or_is_the_only_root() {
    let documents = documents().await;
    let known: HashSet<(&Value, &str)> =
        documents.iter().map(|one| (&one["trace_id"], one["id"].as_str().unwrap())).collect();
    assert_eq!(known.len(), documents.len(), "two documents have one id");
    for document in &documents {
        let Some(parent) = document.get("parent_id") else { continue };
        let parent = parent.as_str().unwrap();
        assert!(
            parent == PUBLISHER || known.contains(&(&document["trace_id"], parent)),
            "an orphan: {document}"
        );
    }
    let roots: Vec<&Value> = documents.iter().filter(|one| one.get("parent_id").is_none()).collect();
    assert_eq!(roots.len(), 1, "{roots:?}");
    assert_eq!(roots[0]["name"], "orders-router/aggregation/daily-sales");
}

#[tokio::test]
async fn an_oversize_document_arrives_without_its_details_and_harms_no_other() {
    let table = hops();
    let release = table.iter().find(|hop| matches!(hop.step, Step::Released { .. })).unwrap();
    let oversize = Arc::new(with_parts(release, 400));
    let daemon = Daemon::start().await;
    let config = Config { xray_daemon: Some(daemon.address), ..Config::default() };
    let counters = export(config, &[table[0].clone(), oversize, table[7].clone()]).await;
    assert_eq!((counters.exported_xray, counters.failed_xray, counters.truncated_xray), (3, 0, 1));

    let documents = daemon.expect(3).await;
    assert_eq!(documents[1]["id"], release.span.to_string());
    assert_eq!(documents[1]["links"].as_array().unwrap().len(), 20);
    assert_eq!(documents[1]["metadata"]["railpost"]["truncated"], true);
    assert_eq!(documents[1]["annotations"]["railpost_group_key"], "2026-11-21");
    assert_eq!(documents[0]["metadata"]["railpost"]["railpost.via"], "http-binary");
    assert_eq!(documents[2]["id"], table[7].span.to_string());
}

async fn documents() -> Vec<Value> {
    let daemon = Daemon::start().await;
    let config = Config {
        service: "orders-router".to_owned(),
        xray_daemon: Some(daemon.address),
        ..Config::default()
    };
    let counters = export(config, &hops()).await;
    let expected = hops().len() - WITHOUT_DOCUMENT;
    assert_eq!((counters.exported_xray, counters.failed_xray), (expected as u64, 0), "{counters:?}");
    daemon.expect(expected).await
}

/// Returns the release with that many parts, and as many names that never came.
fn with_parts(release: &Hop, count: usize) -> Hop {
    let mut hop = release.clone();
    if let Step::Released { missing, links, parts, .. } = &mut hop.step {
        *parts = count;
        *missing = (0..count).map(|part| format!("{part:0>240}")).collect();
        *links = vec![Link { trace: release.trace, span: release.span }; count];
    }
    hop
}
