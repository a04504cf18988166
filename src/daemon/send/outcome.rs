//! Delivers outbox items, and records the outcomes.
//!
//! An item is marked as being sent before the request. It ends when it is delivered or refused; until then it is
//! retried with growing waits. A reply whose response was lost, or whose daemon died, is looked up at X before it is
//! sent again; a failed lookup proves nothing and is repeated with growing waits of its own. Mails and webhooks carry
//! an idempotency key instead, by which the receiver can recognise a duplicate, and are given up after `GIVE_UP_AFTER`.

use std::time::Duration;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::{Sending, mail, webhook};
use crate::{
    app::{Notice, Outcome, ticket},
    desk::{ConnectedAccount, Destination, Effect, Reason, ReasonKind, Recipient, Status, Ticket, Viewer, XId},
    present::ticket::conversation as conversation_of,
    store::{Next, OutboxItem, Receiver, StoreError, sending},
    x::Refusal,
};

/// First and maximum wait between two sends of an item.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(2);
const MAX_WAIT: SignedDuration = SignedDuration::from_mins(30);
/// Maximum wait between two attempts at a failing destination that names none.
const MAX_BACKOFF: SignedDuration = SignedDuration::from_mins(5);
/// Maximum wait between two lookups.
const MAX_LOOKUP_WAIT: SignedDuration = SignedDuration::from_mins(15);
/// How long a mail or webhook call is retried before it is given up.
const GIVE_UP_AFTER: SignedDuration = SignedDuration::from_hours(72);

/// How long a delivery in progress may take after the daemon is told to stop. One that takes longer is recovered as after
/// a crash.
const MAX_LAST_DELIVERY: Duration = Duration::from_secs(5);

/// Why an item was not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// Refused permanently by the receiver, or there is no recipient.
    Refused(Reason),
    /// Not delivered; a retry may succeed.
    Later(Reason),
    /// As `Later`, but the whole destination is failing. The receiver may have named a wait.
    NotWorking(Reason, Option<Duration>),
    /// X refuses the account as a whole.
    Paused(ConnectedAccount, Refusal),
    /// It may have been delivered, and has to be looked up at X.
    PossiblySent(Reason),
    /// The lookup failed or came too early, so the outcome is still open. X may have named a wait.
    LookupFailed(Reason, Option<Duration>),
    /// The lookup did not find it at X.
    NotThere,
    /// Whether it was delivered can no longer be determined.
    Unknown(Reason),
}

/// A delivered item.
#[derive(Debug, Clone)]
pub(super) struct Arrived {
    pub(super) what: &'static str,
    pub(super) text: String,
    pub(super) x_id: Option<XId>,
    /// Whom it did not reach, and why.
    pub(super) but: Option<String>,
}

impl Sending {
    /// Sends the next due item for a destination. Returns whether there was one.
    pub(super) async fn send_to(
        &self,
        destination: &Destination,
        stop: &CancellationToken,
    ) -> Result<bool, StoreError> {
        let Some(item) = self.app().store().claim(destination, self.app().clock().now()).await? else {
            return Ok(false);
        };
        let Some(outcome) = self.shared.unless_stopped(stop, MAX_LAST_DELIVERY, Box::pin(self.carry_out(&item))).await
        else {
            tracing::warn!("a delivery is still in progress; its outcome will be determined at the next start");
            return Ok(false);
        };
        // Retried, because the outcome is known only here until it is stored. If that fails, the next daemon finds the
        // item marked as being sent.
        while let Err(error) = self.record_outcome(&item, outcome.clone()).await {
            if stop.is_cancelled() || matches!(error, StoreError::Superseded) {
                return Err(error);
            }
            self.shared.trouble.tell_and_wait(&error).await;
        }
        Ok(true)
    }

    async fn record_outcome(&self, item: &OutboxItem, outcome: Result<Arrived, Failure>) -> Result<(), StoreError> {
        let now = self.app().clock().now();
        let at = |wait: SignedDuration| now.saturating_add(wait).unwrap_or(now);
        let (what, text) = described(&item.effect);
        let store = self.app().store();
        let (next, reason, receiver) = match outcome {
            Ok(arrived) => {
                let (x_id, but) = (arrived.x_id.as_ref(), arrived.but.as_deref());
                let mended = store.sent(item, x_id, &arrived.text, but, now).await?;
                self.tell_mended(&item.destination, mended);
                let outcome = if matches!(item.effect, Effect::AtX { .. }) { Outcome::Done } else { Outcome::Sent };
                self.tell(item, arrived.what, arrived.text, outcome);
                return Ok(());
            }
            Err(Failure::Paused(account, refusal)) => {
                let reason = Reason::new(kind_of(&refusal), refusal.to_string());
                store.not_sent(item, Next::Wait, &reason, &Receiver::Untried, now).await?;
                // One notice for the account, rather than one for each waiting item.
                return self.shared.pause(&account, sending(&item.destination), &refusal).await;
            }
            Err(Failure::NotThere) => {
                let reason = Reason::new(ReasonKind::AnswerLost, "the answer was lost, and it is not at X");
                // X may show a post later than expected, so the wait before the lookup doubles each time.
                (Next::Send(now), reason, Receiver::Untried)
            }
            Err(Failure::PossiblySent(reason)) => {
                let wait = match item.answers_lost {
                    0 => self.shared.visibility_delay(),
                    lost => doubled(self.shared.visibility_delay().max(FIRST_WAIT), lost + 1, MAX_LOOKUP_WAIT),
                };
                (Next::LookUp(at(wait)), reason, Receiver::Untried)
            }
            Err(Failure::LookupFailed(reason, wait)) => {
                let grown = doubled(self.shared.visibility_delay().max(FIRST_WAIT), item.lookups, MAX_LOOKUP_WAIT);
                (Next::LookUp(at(grown.max(signed(wait)))), reason, Receiver::Untried)
            }
            Err(Failure::Later(reason) | Failure::NotWorking(reason, _))
                if item.destination.account().is_none() && now.duration_since(item.first_send) > GIVE_UP_AFTER =>
            {
                let words = format!("{} (tried {} times)", reason.words, item.sends);
                (Next::Refused, Reason::new(ReasonKind::GivenUp, words), Receiver::Untried)
            }
            Err(Failure::Later(reason)) => {
                (Next::Send(at(spread(doubled(FIRST_WAIT, item.sends, MAX_WAIT), item.id))), reason, Receiver::Works)
            }
            Err(Failure::NotWorking(reason, wait)) => {
                let wait_for = |failures| {
                    let grown = spread(doubled(FIRST_WAIT, failures, MAX_BACKOFF), item.id);
                    Duration::try_from(grown).unwrap_or_default().max(wait.unwrap_or_default())
                };
                // Due with the next attempt, so that items not tried yet come first and one bad item does not block
                // the others.
                let failing = self.failing_again(&item.destination, &reason.words, wait_for).await?;
                (Next::Send(failing.retry_at), reason, Receiver::Fails(failing))
            }
            Err(Failure::Refused(reason)) => (Next::Refused, reason, Receiver::Works),
            Err(Failure::Unknown(reason)) => (Next::Unknown, reason, Receiver::Untried),
        };
        let mended = store.not_sent(item, next, &reason, &receiver, now).await?;
        self.tell_mended(&item.destination, mended);
        if let Receiver::Fails(failing) = &receiver {
            self.tell_failing(failing);
        }
        let outcome = match next {
            Next::Refused => Outcome::Refused(reason.words),
            Next::Unknown => Outcome::Unknown(reason.words),
            Next::LookUp(_) => Outcome::Later(format!("{}; checking at X whether it arrived", reason.words)),
            Next::Send(_) | Next::Wait => Outcome::Later(reason.words),
        };
        self.tell(item, what, text, outcome);
        Ok(())
    }

    fn tell(&self, item: &OutboxItem, what: &'static str, text: String, outcome: Outcome) {
        match item.ticket {
            Some(ticket) => self.app().notices().tell(Notice::Delivery { ticket, what, text, outcome }),
            None => match outcome {
                Outcome::Sent | Outcome::Done | Outcome::Found => tracing::info!("email to admins sent: {text}"),
                Outcome::Refused(why) | Outcome::Later(why) | Outcome::Unknown(why) => {
                    tracing::warn!("email to admins not sent: {text}: {why}");
                }
            },
        }
    }

    async fn carry_out(&self, item: &OutboxItem) -> Result<Arrived, Failure> {
        match &item.effect {
            Effect::Reply { text, .. } => self.reply(item, text).await,
            Effect::Message { text } => self.message(item, text).await,
            Effect::Notify { to, subject, body, conversation } => {
                self.notify(item, to, (subject, body, *conversation)).await
            }
            Effect::Webhook { name, body } => self.call(item, name, body.as_deref()).await,
            Effect::AtX { what } => self.at_x(item, *what).await,
            Effect::Remind { to, subject, body, conversation, .. } => match self.ticket_of(item).await? {
                Some(ticket) if ticket.status >= Status::Solved => {
                    Err(refused(ReasonKind::Solved, format!("the ticket is {} now", ticket.status)))
                }
                _ => self.notify(item, to, (subject, body, *conversation)).await,
            },
            // These effects are carried out when they are decided, and never enter the outbox.
            Effect::Note { .. } | Effect::Assign { .. } | Effect::Merge | Effect::Incident { .. } => {
                Err(refused(ReasonKind::NoRecipient, "nothing to send"))
            }
        }
    }

    pub(super) async fn ticket_of(&self, item: &OutboxItem) -> Result<Option<Ticket>, Failure> {
        self.app().store().ticket_of(item).await.map_err(stored)
    }

    /// Sends a mail: subject, body, and whether the conversation follows.
    async fn notify(
        &self,
        item: &OutboxItem,
        to: &[Recipient],
        (subject, body, conversation): (&str, &str, bool),
    ) -> Result<Arrived, Failure> {
        let ticket = self.ticket_of(item).await?.unwrap_or_default();
        let rules = self.app().rules();
        let mut addresses = rules.desk.addresses(to, &ticket);
        let shown = match conversation {
            true => self.app().store().tickets_of(item).await.map_err(stored)?,
            false => vec![],
        };
        let mut comments = vec![];
        for id in shown {
            let Some(sheet) = ticket::sheet(self.app().store(), Viewer::Owner, id).await.map_err(stored)? else {
                continue;
            };
            addresses = rules.desk.seeing(addresses, &sheet.ticket);
            comments.extend(sheet.comments);
        }
        comments.sort_by_key(|comment| comment.made);
        let missing = (!addresses.missing.is_empty()).then(|| addresses.missing.join("; "));
        if addresses.found.is_empty() {
            return Err(refused(ReasonKind::NoRecipient, missing.unwrap_or_default()));
        }
        let settings = self.app().settings();
        let Some(settings) = &settings.mail else {
            return Err(refused(ReasonKind::NoRecipient, "twite.toml has no `[mail]`"));
        };
        let mut body = body.to_owned();
        if conversation {
            body.push_str(&conversation_of(&comments));
        }
        mail::send(settings, &addresses.found, subject, &body, &self.delivery_id(item)).await?;
        let text = format!("{}: {subject}", addresses.found.join(", "));
        Ok(Arrived { what: "mail", text, x_id: None, but: missing })
    }

    async fn call(&self, item: &OutboxItem, name: &str, body: Option<&str>) -> Result<Arrived, Failure> {
        let settings = self.app().settings();
        let hook = settings
            .webhook(name)
            .ok_or_else(|| refused(ReasonKind::NoRecipient, format!("webhook `{name}` is no longer declared")))?;
        let body = match body {
            // It was being sent when its text was erased, or somebody sends it again.
            Some("") => {
                return Err(refused(ReasonKind::Gone, "its body repeated the text of a post that was deleted at X"));
            }
            Some(body) => body.to_owned(),
            None => serde_json::to_string(&self.ticket_of(item).await?)
                .map_err(|e| refused(ReasonKind::NotReady, e.to_string()))?,
        };
        webhook::call(&self.shared.http, hook, body, &self.delivery_id(item), self.app().clock().now()).await?;
        Ok(Arrived { what: "webhook", text: name.to_owned(), x_id: None, but: None })
    }

    /// Idempotency key: globally unique, and the same on every retry.
    fn delivery_id(&self, item: &OutboxItem) -> String {
        format!("{}.{}", item.key.replace('/', "."), self.app().store().id())
    }
}

/// The reason for a rejection by X, for the outbox.
pub(super) fn kind_of(refusal: &Refusal) -> ReasonKind {
    match refusal {
        Refusal::RateLimited { .. } => ReasonKind::RateLimited,
        Refusal::Unauthorised(_) | Refusal::GrantDead(_) => ReasonKind::Unauthorised,
        Refusal::NotAllowed(_) | Refusal::AppUnknown(_) | Refusal::AppNotAdmitted(_) | Refusal::AccountLocked(_) => {
            ReasonKind::NotAllowed
        }
        Refusal::OutOfCredit(_) | Refusal::Capped(_) => ReasonKind::NoCredit,
        Refusal::NotSummoned(_) => ReasonKind::NotSummoned,
        Refusal::Duplicate(_) => ReasonKind::Duplicate,
        Refusal::Gone(_) => ReasonKind::Gone,
        Refusal::TooLong(_) => ReasonKind::TooLong,
        Refusal::DirectClosed(_) => ReasonKind::DirectClosed,
        Refusal::Other { .. } => ReasonKind::RefusedByX,
    }
}

fn described(effect: &Effect) -> (&'static str, String) {
    match effect {
        Effect::Reply { text, .. } => ("reply", text.clone()),
        Effect::Message { text } => ("direct message", text.clone()),
        Effect::Note { text } => ("note", text.clone()),
        Effect::Remind { subject, .. } => ("reminder", subject.clone()),
        Effect::Assign { group, .. } => ("assignment", group.clone()),
        Effect::Merge => ("merge", String::new()),
        Effect::Incident { .. } => ("incident", String::new()),
        Effect::AtX { what } => (what.as_str(), String::new()),
        Effect::Notify { subject, .. } => ("mail", subject.clone()),
        Effect::Webhook { name, .. } => ("webhook", name.clone()),
    }
}

pub(super) fn refused(kind: ReasonKind, words: impl Into<String>) -> Failure {
    Failure::Refused(Reason::new(kind, words))
}

/// Refuses what a rule sends where it reached a limit of `twite.toml`. `count` is what rules did in the last hour, `most` the
/// limit, and `words` say what that was.
pub(super) fn within(count: i64, most: u32, words: impl FnOnce(i64) -> String, limit: &str) -> Result<(), Failure> {
    if count < i64::from(most) {
        return Ok(());
    }
    Err(refused(
        ReasonKind::Capped,
        format!("rules already {} in the last hour (`limits.{limit}` in twite.toml)", words(count)),
    ))
}

pub(super) fn stored(error: StoreError) -> Failure {
    Failure::Later(Reason::new(ReasonKind::NotReady, error.to_string()))
}

/// Exponential backoff after `times` failures: `first`, doubled for each failure after the first, at most `most`.
pub(in crate::daemon) fn doubled(first: SignedDuration, times: i64, most: SignedDuration) -> SignedDuration {
    let doublings = u32::try_from(times.saturating_sub(1).clamp(0, 30)).unwrap_or(0);
    first.checked_mul(2_i32.saturating_pow(doublings)).unwrap_or(most).min(most)
}

/// Adds up to a quarter to a wait, depending on the id, so that items that failed together are not retried together.
fn spread(wait: SignedDuration, id: i64) -> SignedDuration {
    wait.saturating_add((wait / 16).saturating_mul(i32::try_from(id.rem_euclid(5)).unwrap_or(0)))
}

fn signed(wait: Option<Duration>) -> SignedDuration {
    wait.and_then(|wait| SignedDuration::try_from(wait).ok()).unwrap_or_default()
}
