//! [`Asking`]: questions and orders on their way to the router.

use api::{Client, GroupOrder};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};

use super::{Message, Question};
use crate::format;

/// How many questions are under way at most; more are not asked, the next round asks them again.
const UNDER_WAY_MAX: usize = 8;
/// How many dead letters are asked for.
const DEAD_LETTERS_MAX: usize = 100;

/// The questions under way, each at most once, and the order under way.
pub(super) struct Asking {
    client: Client,
    under_way: Vec<Question>,
    answers: FuturesUnordered<BoxFuture<'static, (Option<Question>, Message)>>,
}

impl Asking {
    pub(super) fn new(client: Client) -> Self {
        Self { client, under_way: Vec::new(), answers: FuturesUnordered::new() }
    }

    /// Asks what is not being asked already.
    pub(super) fn ask(&mut self, questions: Vec<Question>) {
        for question in questions {
            if self.under_way.len() >= UNDER_WAY_MAX || self.under_way.contains(&question) {
                continue;
            }
            self.under_way.push(question.clone());
            let client = self.client.clone();
            self.answers
                .push(async move { (Some(question.clone()), answer(&client, question).await) }.boxed());
        }
    }

    /// Sends an order, whatever else is under way; it is not sent again.
    pub(super) fn order(&mut self, order: GroupOrder) {
        let client = self.client.clone();
        let sent = async move { client.handle(&order).await.map_err(|error| format::chain(&error)) };
        self.answers.push(sent.map(|answer| (None, Message::Handled(answer))).boxed());
    }

    /// Returns the next answer, or none while nothing is under way.
    pub(super) async fn next(&mut self) -> Option<Message> {
        let (question, message) = self.answers.next().await?;
        self.under_way.retain(|asked| Some(asked) != question.as_ref());
        Some(message)
    }
}

async fn answer(client: &Client, question: Question) -> Message {
    let words = |error: api::Error| format::chain(&error);
    match question {
        Question::Overview => Message::Overview(client.overview().await.map_err(|error| unanswered(&error))),
        Question::Groups => Message::Groups(client.groups(None).await.map_err(words)),
        Question::DeadLetters => {
            Message::DeadLetters(client.dead_letters(None, DEAD_LETTERS_MAX).await.map_err(words))
        }
        Question::Event(id) => {
            let answer = client.explain(&id).await.map(Box::new).map_err(words);
            Message::Event { id, answer }
        }
    }
}

/// Returns why there is no overview; which router it is about is on the screen already.
fn unanswered(error: &api::Error) -> String {
    match error {
        api::Error::Unreachable { .. } => format::root(error),
        api::Error::Address { .. } | api::Error::Refused { .. } | api::Error::Answer { .. } => {
            format::chain(error)
        }
    }
}
