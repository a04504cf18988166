//! What agents do to tickets by hand, stored like everything else: one transaction, and a run of the triggers.

use super::{App, NoSuchRule, unit_of_work::outcome};
use crate::{
    desk::{
        Cause, Channel, Desk, Destination, Effect, Status, Ticket, TicketId, post_text::weighted_length, text::is_blank,
    },
    engine::{self, Decision},
    lang::rules::{Action, Macro, Mode, Rules},
    store::{Outgoing, StoreError},
};

/// Why nothing was done to a ticket.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// There is none of that number.
    #[error("there is no ticket {0}")]
    Unknown(TicketId),
    /// It is closed for good.
    #[error("ticket {0} is closed, and cannot be changed")]
    Closed(TicketId),
    /// A reply that is part of it cannot be sent, and why.
    #[error("ticket {0}: the reply cannot be sent: {1}")]
    Unsendable(TicketId, String),
    /// The store failed: nothing was done.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an agent's doing came to, or would come to.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The ticket before it.
    pub before: Ticket,
    /// What the agent asked to be carried out.
    pub effects: Vec<Effect>,
    /// The run of the triggers on it: the ticket after it all, and what rules asked for.
    pub decision: Decision,
}

/// The macros that agents can apply.
pub fn macros(rules: &Rules) -> impl Iterator<Item = &Macro> + Clone {
    rules.macros.iter().map(|found| &**found).filter(|found| found.mode == Mode::Live)
}

/// The macro with this title.
///
/// # Errors
/// When there is none, or it is not live.
pub fn find_macro<'r>(rules: &'r Rules, title: &str) -> Result<&'r Macro, NoSuchRule> {
    NoSuchRule::find("macro", title, macros(rules).map(|found| (&*found.title, found)))
}

/// What would come of it if an agent did these things to a ticket.
///
/// # Errors
/// When there is no such ticket, or it is closed.
pub async fn preview(app: &App, id: TicketId, actions: &[Action], cause: Cause) -> Result<Applied, NotDone> {
    let rules = app.rules();
    let before = app.store.ticket(id).await?.ok_or(NotDone::Unknown(id))?;
    if before.status == Status::Closed {
        return Err(NotDone::Closed(id));
    }
    let (now, mut notices) = (app.clock.now(), vec![]);
    let done = engine::agent_update(actions, &before, &rules.desk, now, cause);
    sendable(&before, &done.effects, &rules.desk)?;
    let decided = app.decider.decide(&rules, &done.ticket, &done.event, now);
    let decision = outcome(decided, id, &rules, &mut notices);
    notices.into_iter().for_each(|notice| app.notices.tell(notice));
    Ok(Applied { before, effects: done.effects, decision })
}

/// Does these things to a ticket as an agent. Whatever is to be sent is left to the daemon, which need not run now.
///
/// # Errors
/// When there is no such ticket, it is closed, or the store fails: then nothing was done.
pub async fn update(app: &App, id: TicketId, actions: &[Action], cause: Cause) -> Result<Applied, NotDone> {
    let mut unit = app.begin().await?;
    let now = unit.now();
    unit.catch_up(id, now).await?;
    let before = unit.tx.ticket(id).await?.ok_or(NotDone::Unknown(id))?;
    if before.status == Status::Closed {
        return Err(NotDone::Closed(id));
    }
    let done = engine::agent_update(actions, &before, &unit.rules.desk, now, cause);
    sendable(&before, &done.effects, &unit.rules.desk)?;
    let mut ticket = done.ticket;
    // One agent, one ticket, one instant: whatever else has this key is the same thing.
    let key = format!("hand/{id}/{}", now.as_nanosecond());
    let mut part = None;
    for (n, effect) in done.effects.iter().enumerate() {
        let key = format!("{key}/{n}");
        let is_reply = matches!(effect, Effect::Reply { text } if !is_blank(text));
        let outgoing = Outgoing {
            follows: is_reply.then(|| part.replace(key.clone())).flatten(),
            key,
            ticket: Some(id),
            rule: None,
            effect: effect.clone(),
            destination: Destination::of(effect, &ticket, &unit.rules.desk),
            answers: None,
            made: now,
            due: now,
        };
        unit.leave(&mut ticket, outgoing, None, now).await?;
    }
    let decision = unit.decide(&ticket, &done.event, now);
    unit.keep(&ticket, &done.event, &decision, None, now).await?;
    unit.commit().await?;
    Ok(Applied { before, effects: done.effects, decision })
}

/// What is known now to be refused later, an agent hears at once, and nothing of it is done.
fn sendable(ticket: &Ticket, effects: &[Effect], desk: &Desk) -> Result<(), NotDone> {
    let Some(addressed) = &ticket.account else { return Ok(()) };
    for effect in effects {
        let Effect::Reply { text } = effect else { continue };
        let Some(account) = desk.answering_account(addressed) else {
            return Err(NotDone::Unsendable(ticket.id, desk.why_unanswered(addressed)));
        };
        let (length, most) = (weighted_length(text), account.post_length);
        if ticket.channel != Channel::TwitterDm && length > most {
            let words = format!("it is {length} characters long; a post takes {most}");
            return Err(NotDone::Unsendable(ticket.id, words));
        }
    }
    Ok(())
}
