//! The hops of an attempt, and of a delivery that is over.

use event::stored::Stored;
use event::{Hop, SpanId, Step, Text, Timestamp};

use super::attempt::{Conclusion, Ended, Sender};
use super::retry::Sequel;
use crate::core::derived_span;

/// A hop's place in time and in the trace.
#[derive(Clone, Copy)]
struct Place {
    began: Timestamp,
    ended: Timestamp,
    span: SpanId,
    parent: SpanId,
}

/// Returns the hop of an attempt, and that of the delivery if it is over.
pub(crate) fn hops(sender: &Sender, ended: &Ended, conclusion: &Conclusion) -> Vec<Hop> {
    let Ended { parcel, began, at, .. } = ended;
    let stored = &parcel.stored;
    let Conclusion { number, status, error, sequel } = conclusion;
    let consumer = Text::clone(&sender.lane.name);
    let (retry_at, over) = match sequel {
        None => (None, Some(Step::Delivered { consumer: consumer.clone(), attempts: *number })),
        Some(Sequel::GiveUp { reason, .. }) => {
            let (consumer, reason) = (consumer.clone(), reason.clone());
            (None, Some(Step::DeadLettered { consumer, attempts: *number, reason }))
        }
        Some(Sequel::Again(next)) => (Some(*next), None),
        Some(Sequel::Stop(_)) => (None, None),
    };
    let (target, error) = (sender.lane.address(), error.clone());
    let attempted = Step::Attempted { consumer, target, attempt: *number, status: *status, error, retry_at };
    let delivery = delivery_span(sender, stored);
    let attempt = Place { began: *began, ended: *at, span: parcel.span, parent: delivery };
    let whole = Place { began: stored.logged, ended: *at, span: delivery, parent: stored.trace.span };
    let mut hops = Vec::with_capacity(2);
    hops.push(hop(sender, (parcel.position, stored), attempt, attempted));
    hops.extend(over.map(|step| hop(sender, (parcel.position, stored), whole, step)));
    hops
}

/// The span of the whole delivery, the same for each of its attempts.
fn delivery_span(sender: &Sender, stored: &Stored) -> SpanId {
    let step = Step::Delivered { consumer: Text::clone(&sender.lane.name), attempts: 0 };
    derived_span(stored.trace.span, sender.bus.name(), &step)
}

fn hop(sender: &Sender, (position, stored): (u64, &Stored), place: Place, step: Step) -> Hop {
    Hop {
        bus: Text::clone(sender.bus.text()),
        event: stored.event.id.clone(),
        position,
        started: place.began,
        ended: place.ended,
        trace: stored.trace.trace,
        span: place.span,
        parent: Some(place.parent),
        sampled: stored.trace.sampled,
        step,
    }
}
