//! Orders about dead letters, given to a router that is none; and how a dead letter looks.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::{Attempt, Client, DeadLetter, DeadLetterFilter, DeadLetterOrder, DeadLetterReport};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use event::Timestamp;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::order::{Deed, Ended, Work, batch};
use super::show::render;
use crate::failure::Failure;
use crate::screen::Screen;

/// How long anything may take before a test fails.
const DEADLINE: Duration = Duration::from_secs(30);

/// A router that knows dead letters and nothing else.
#[derive(Clone)]
struct Double {
    address: SocketAddr,
    inner: Arc<Inner>,
}

struct Inner {
    /// How many dead letters there are, and how many of them it can do.
    letters: Mutex<(u64, u64)>,
    orders: Mutex<Vec<DeadLetterOrder>>,
    /// Told of each order that comes.
    asked: Notify,
    /// After how many orders it refuses.
    refuses_after: usize,
}

impl Double {
    async fn start(there: u64, possible: u64, refuses_after: usize) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = Inner {
            letters: Mutex::new((there, possible)),
            orders: Mutex::default(),
            asked: Notify::new(),
            refuses_after,
        };
        let double = Self { address: listener.local_addr().unwrap(), inner: Arc::new(inner) };
        let routes =
            Router::new().route("/api/v1/dead-letters/purge", post(answer)).with_state(double.clone());
        #[expect(clippy::disallowed_methods, reason = "a test's double lives as long as the test")]
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        double
    }

    fn work(&self, wanted: u64, rate: Option<f64>) -> Work {
        let filter =
            DeadLetterFilter { until: Some(Timestamp::from_millis(5)), ..DeadLetterFilter::default() };
        let client = Client::new(&format!("http://{}", self.address)).unwrap();
        Work { client, deed: Deed::Purge, filter, wanted, rate, done: 0, left: wanted }
    }

    /// The sizes of the batches that were ordered.
    fn batches(&self) -> Vec<u32> {
        self.inner.orders.lock().unwrap().iter().map(|order| order.limit).collect()
    }
}

async fn answer(
    State(double): State<Double>,
    headers: HeaderMap,
    Json(order): Json<DeadLetterOrder>,
) -> Result<Json<DeadLetterReport>, StatusCode> {
    assert_eq!(headers["content-type"], "application/json");
    double.inner.asked.notify_one();
    let mut orders = double.inner.orders.lock().unwrap();
    if orders.len() >= double.inner.refuses_after {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let mut letters = double.inner.letters.lock().unwrap();
    let done = letters.1.min(u64::from(order.limit));
    letters.0 -= done;
    letters.1 -= done;
    orders.push(order);
    Ok(Json(DeadLetterReport { done, left: letters.0 }))
}

/// Does the work without a signal.
async fn undisturbed(work: &mut Work) -> Result<Ended, Failure> {
    timeout(DEADLINE, work.run(&mut async || std::future::pending::<()>().await)).await.unwrap()
}

#[tokio::test]
async fn batches_follow_one_another_until_all_is_done() {
    let double = Double::start(2_500, 2_500, usize::MAX).await;
    let mut work = double.work(2_500, None);
    assert_eq!(undisturbed(&mut work).await.unwrap(), Ended::Whole);
    assert_eq!((work.done, work.left), (2_500, 0));
    assert_eq!(double.batches(), [1_000, 1_000, 500]);
    let orders = double.inner.orders.lock().unwrap();
    assert!(orders.iter().all(|order| order.filter == work.filter && !order.dry_run));
}

#[tokio::test]
async fn no_more_are_done_than_are_asked_for() {
    let double = Double::start(2_500, 2_500, usize::MAX).await;
    let mut work = double.work(1_200, None);
    assert_eq!(undisturbed(&mut work).await.unwrap(), Ended::Whole);
    assert_eq!((work.done, work.left), (1_200, 1_300));
    assert_eq!(double.batches(), [1_000, 200]);
}

#[tokio::test]
async fn what_the_router_cannot_do_does_not_go_on_for_ever() {
    let double = Double::start(1_500, 1_100, usize::MAX).await;
    let mut work = double.work(1_500, None);
    assert_eq!(undisturbed(&mut work).await.unwrap(), Ended::Stuck);
    assert_eq!((work.done, work.left), (1_100, 400));
}

#[tokio::test]
async fn a_rate_paces_the_batches() {
    let double = Double::start(40, 40, usize::MAX).await;
    let mut work = double.work(40, Some(20.0));
    let began = Instant::now();
    assert_eq!(undisturbed(&mut work).await.unwrap(), Ended::Whole);
    assert_eq!(double.batches(), [20, 20]);
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_signal_leaves_the_rest() {
    let double = Double::start(10, 10, usize::MAX).await;
    let mut work = double.work(10, Some(0.5));
    let mut signal = async || double.inner.asked.notified().await;
    let ended = timeout(DEADLINE, work.run(&mut signal)).await.unwrap().unwrap();
    assert_eq!(ended, Ended::Stopped);
    // The batch that was under way when the signal came is counted.
    assert_eq!((work.done, work.left), (1, 9));
    assert_eq!(
        work.deed.told(ended, work.done, work.left),
        "stopped: 1 dead letter purged, 9 left as they were"
    );
}

#[tokio::test]
async fn an_order_that_fails_says_how_many_were_done() {
    let double = Double::start(5_000, 5_000, 2).await;
    let failure = undisturbed(&mut double.work(5_000, None)).await.unwrap_err().to_text();
    let expected =
        "error: the router did not finish: 2000 were purged before, and perhaps some of the next 1000";
    assert_eq!(failure.lines().next(), Some(expected));
}

#[test]
fn a_batch_is_about_a_second_of_a_rate() {
    let check = |more, rate, expected| assert_eq!(batch(more, rate), expected, "{more} at {rate:?}");
    check(5_000, None, 1_000);
    check(7, None, 7);
    check(5_000, Some(0.5), 1);
    check(5_000, Some(99.5), 100);
    check(5_000, Some(1e9), 1_000);
    check(3, Some(100.0), 3);
}

#[test]
fn what_would_be_done_and_what_was_is_said_in_words() {
    assert_eq!(Deed::Redrive.would(2, 0), "2 dead letters would be redriven");
    assert_eq!(Deed::Purge.would(1, 7), "1 dead letter would be purged, 7 others left");
    assert_eq!(Deed::Redrive.told(Ended::Whole, 3, 0), "3 dead letters redriven");
    assert_eq!(Deed::Redrive.told(Ended::Whole, 3, 4), "3 dead letters redriven, 4 others left");
    assert_eq!(Deed::Purge.told(Ended::Whole, 0, 0), "no dead letter is like that");
}

fn letter(event: &str, rule: &str, attempts: Vec<Attempt>) -> DeadLetter {
    DeadLetter {
        consumer: "billing".to_owned(),
        bus: "landing".to_owned(),
        position: 4_711,
        id: "17".to_owned(),
        reason: "400 Bad Request is permanent: total\u{1b} must be positive".to_owned(),
        at: Timestamp::from_millis(43_201_234),
        attempts,
        event: serde_json::value::RawValue::from_string(event.to_owned()).unwrap(),
        rule: rule.to_owned(),
    }
}

#[test]
fn a_dead_letter_is_shown_whole() {
    let attempt = |number, status, error: &str| Attempt {
        number,
        at: Timestamp::from_millis(43_200_000),
        took_us: 30_000,
        status,
        error: error.to_owned(),
    };
    let attempts = vec![
        attempt(1, None, "cannot connect: connection refused"),
        attempt(185, Some(400), "Bad Request: total must be positive"),
    ];
    let shown = render(&letter("{\"id\":\"17\"}", "{\"source\":[\"shop\"]}", attempts), Screen::none());
    let expected = "\
billing did not get position 4711 of bus landing
given up 1970-01-01T12:00:01.234Z: 400 Bad Request is permanent: total\\u{1b} must be positive

The event
  {
    \"id\": \"17\"
  }

The rule that chose it
  {
    \"source\": [
      \"shop\"
    ]
  }

The attempts
     1  1970-01-01T12:00:00.000Z    -    30ms  cannot connect: connection refused
        183 attempts between are not kept
   185  1970-01-01T12:00:00.000Z  400    30ms  Bad Request: total must be positive";
    assert_eq!(shown, expected);
}

#[test]
fn a_dead_letter_without_event_or_attempt_says_so() {
    let shown = render(&letter("null", "all events", Vec::new()), Screen::none());
    for line in ["  the log no longer holds it", "  all events", "  it was never tried"] {
        assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
    }
}
