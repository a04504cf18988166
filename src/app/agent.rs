//! Agents' updates of tickets: one transaction, and a run of the triggers.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{App, NoSuchRule, UnitOfWork, Viewer, unit_of_work::outcome};
use crate::{
    desk::{
        Accounts, Actor, Cause, Channel, Declarations, Destination, Effect, Status, Ticket, TicketId, Via,
        post_text::weighted_length, text::is_blank,
    },
    engine::{self, Decision, UpdatedTicket, changes},
    lang::{
        Diagnostic, SourceFile, SourceSet, check_sources, did_you_mean, nearest,
        rules::{Action, ActionKind, Macro, Mode, Part, Rules},
    },
    store::{Earlier, Outgoing, StoreError},
};

/// Why nothing was done to a ticket.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// There is none of that number.
    #[error("no ticket {0}")]
    Unknown(TicketId),
    /// It is closed for good.
    #[error("ticket {0} is closed and cannot be changed")]
    Closed(TicketId),
    /// A reply that is part of it cannot be sent, and why.
    #[error("ticket {0}: the reply cannot be sent: {1}")]
    Unsendable(TicketId, String),
    /// Somebody else has changed what this update changes.
    #[error("ticket {ticket} has changed since version {expected}: {}; it is at version {version} now", theirs.join(", "))]
    Conflict {
        /// The ticket.
        ticket: TicketId,
        /// The version that the agent saw.
        expected: i64,
        /// Its version now.
        version: i64,
        /// What else was changed of what this update changes, each in words.
        theirs: Vec<String>,
    },
    /// The version that was named is none that the ticket has had.
    #[error("ticket {0} is at version {1}, and has had no version {2}")]
    NoSuchVersion(TicketId, i64, i64),
    /// The store failed: nothing was done.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an agent does to a ticket in one step.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentUpdate {
    /// Who does it.
    pub by: Actor,
    /// Where from.
    pub via: Via,
    /// What is set, tagged and said, in order.
    pub actions: Vec<Action>,
    /// The macro that it is, by title.
    pub applies: Option<String>,
    /// The comment that its replies answer; by default the requester's latest.
    pub answers: Option<i64>,
    /// Nothing is sent before this, and may be withdrawn until then.
    pub not_before: Option<Timestamp>,
    /// The version of the ticket that the agent saw. What others have changed since is kept, and is a conflict where this
    /// update changes the same field. Tags merge.
    pub expected_version: Option<i64>,
}

/// An update as somebody describes it: names and values as the actions of a macro say them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Description<'d> {
    /// Fields, each with what follows `to` of `set … to`; for `group` and `assignee`, of `assign to group` and `assign to agent`.
    pub set: &'d [(String, String)],
    /// What follows `add tags`.
    pub add_tags: &'d [String],
    /// What follows `remove tags`.
    pub remove_tags: &'d [String],
    /// What is said to the requester.
    pub reply: Option<&'d str>,
    /// What is said to agents only.
    pub note: Option<&'d str>,
}

/// What an update came to, or would come to.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The ticket before it.
    pub before: Ticket,
    /// What the agent asked to be carried out.
    pub effects: Vec<Effect>,
    /// The run of the triggers on it: the ticket after it all, and what rules asked for.
    pub decision: Decision,
    /// The version of the ticket after it; before it, where it is only looked at.
    pub version: i64,
}

impl AgentUpdate {
    /// An update of nothing so far.
    pub fn new(by: Actor, via: Via, actions: Vec<Action>) -> Self {
        Self { by, via, actions, applies: None, answers: None, not_before: None, expected_version: None }
    }

    /// The update that applying a macro is.
    pub fn of_macro(by: Actor, via: Via, applied: &Macro) -> Self {
        Self { applies: Some(applied.title.clone()), ..Self::new(by, via, applied.then.clone()) }
    }

    fn apply(&self, before: &Ticket, desk: &Declarations, now: Timestamp) -> UpdatedTicket {
        let cause = self.applies.clone().map(Cause::Macro);
        engine::agent_update(&self.actions, before, desk, now, (self.by.clone(), self.via), cause)
    }

    /// The fields that it sets whatever they were. Tags are none: they are added and removed one by one.
    fn sets(&self) -> BTreeSet<String> {
        let set = self.actions.iter().flat_map(|action| match &action.kind {
            ActionKind::Set(field, _) | ActionKind::Clear(field) => vec![field.name().to_string()],
            ActionKind::Assign { .. } => vec!["group".to_owned(), "assignee".to_owned()],
            ActionKind::Snooze(_) => vec!["status".to_owned()],
            _ => vec![],
        });
        set.collect()
    }
}

impl Description<'_> {
    /// The actions that it describes, checked as those of a macro in a rule file are. What is said stays as it is written: it
    /// has no placeholders.
    ///
    /// # Errors
    /// What is wrong with it, in the source `name`.
    pub fn actions(&self, name: &str, desk: &Declarations) -> Result<Vec<Action>, (Vec<Diagnostic>, SourceSet)> {
        let mut lines: Vec<String> = vec![];
        for (field, value) in self.set {
            lines.push(match field.as_str() {
                "group" => format!("assign to group {value}"),
                "assignee" => format!("assign to agent {value}"),
                _ => format!("set {field} to {value}"),
            });
        }
        lines.extend(self.add_tags.iter().map(|tag| format!("add tags {tag}")));
        lines.extend(self.remove_tags.iter().map(|tag| format!("remove tags {tag}")));
        lines.extend(self.reply.map(|_| "reply \"text\"".to_owned()));
        lines.extend(self.note.map(|_| "note \"text\"".to_owned()));
        let text = format!("macro \"update\" {{\n  then\n    {}\n}}\n", lines.join("\n    "));
        let (rules, found) = check_sources([(name, text.clone())], desk.clone());
        let mut macros = rules.map(|rules| rules.macros).unwrap_or_default();
        match (macros.pop(), macros.pop()) {
            // Text that closes the macro or begins another action describes something else.
            (Some(described), None) if described.then.len() == lines.len() => {
                let mut actions = described.then.clone();
                for action in &mut actions {
                    let (template, said) = match &mut action.kind {
                        ActionKind::Reply(template) => (template, self.reply),
                        ActionKind::Note(template) => (template, self.note),
                        _ => continue,
                    };
                    template.parts = said.map(|said| Part::Text(said.to_owned())).into_iter().collect();
                }
                Ok(actions)
            }
            _ => {
                let mut sources = SourceSet::default();
                sources.insert(SourceFile::new(name, text));
                Err((found, sources))
            }
        }
    }
}

/// The macros that somebody sees and can apply.
pub fn macros<'r>(rules: &'r Rules, viewer: Viewer<'r>) -> impl Iterator<Item = &'r Macro> + Clone {
    let macros = rules.macros.iter().map(|found| &**found);
    macros.filter(move |found| found.mode == Mode::Live && viewer.is_among(&found.visible_to))
}

/// The macro with this title.
///
/// # Errors
/// When there is none that somebody sees, or it is not live.
pub fn find_macro<'r>(rules: &'r Rules, viewer: Viewer<'r>, title: &str) -> Result<&'r Macro, NoSuchRule> {
    NoSuchRule::find("macro", title, macros(rules, viewer).map(|found| (&*found.title, found)))
}

/// The declared agent of this name.
///
/// # Errors
/// That there is none, in words.
pub fn find_agent<'d>(desk: &'d Declarations, name: &str) -> Result<&'d str, String> {
    let names = || desk.agents.iter().map(|agent| agent.name.as_str());
    let found = names().find(|known| *known == name);
    found.ok_or_else(|| format!("there is no agent `{name}`{}", did_you_mean(nearest(name, names()))))
}

/// What would come of an update.
///
/// # Errors
/// As [`update`].
pub async fn preview(app: &App, id: TicketId, update: &AgentUpdate) -> Result<Applied, NotDone> {
    let rules = app.rules();
    let before = app.store.ticket(id).await?.ok_or(NotDone::Unknown(id))?;
    let version = app.store.ticket_version(id).await?;
    let seen = match since(update, id, version)? {
        Some(expected) => app.store.ticket_at(id, expected).await?,
        None => Earlier::Unchanged,
    };
    let (now, mut notices) = (app.clock.now(), vec![]);
    let done = checked(update, &before, &seen, version, &rules.desk, now)?;
    sendable(&before, &done.effects, &app.settings().accounts)?;
    let decided = app.decider.decide(&rules, &done.ticket, &done.event, now);
    let decision = outcome(decided, id, &rules, &mut notices);
    notices.into_iter().for_each(|notice| app.notices.tell(notice));
    Ok(Applied { before, effects: done.effects, decision, version })
}

/// Updates a ticket as an agent. Whatever is to be sent is left to the daemon, which need not run now.
///
/// # Errors
/// When there is no such ticket, it is closed, somebody else has changed the same, or the store fails: then nothing was done.
pub async fn update(app: &App, id: TicketId, update: &AgentUpdate) -> Result<Applied, NotDone> {
    let mut unit = app.begin().await?;
    let now = unit.now();
    unit.catch_up(id, now).await?;
    let before = unit.tx.ticket(id).await?.ok_or(NotDone::Unknown(id))?;
    let version = unit.tx.ticket_version(id).await?;
    let seen = match since(update, id, version)? {
        Some(expected) => unit.tx.ticket_at(id, expected).await?,
        None => Earlier::Unchanged,
    };
    let done = checked(update, &before, &seen, version, &unit.rules.desk, now)?;
    sendable(&before, &done.effects, &unit.settings.accounts)?;
    let mut ticket = done.ticket;
    unit.leave_all(&mut ticket, update, &done.effects, now).await?;
    let decision = unit.decide(&ticket, &done.event, now);
    unit.keep(&ticket, &done.event, &decision, None, now).await?;
    let version = unit.tx.ticket_version(id).await?;
    unit.commit().await?;
    Ok(Applied { before, effects: done.effects, decision, version })
}

impl UnitOfWork<'_> {
    /// Leaves what an agent asked to be carried out.
    async fn leave_all(
        &mut self,
        ticket: &mut Ticket,
        update: &AgentUpdate,
        effects: &[Effect],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let id = ticket.id;
        // One agent, one ticket, one instant: whatever else has this key is the same thing.
        let key = format!("hand/{id}/{}", now.as_nanosecond());
        let mut part = None;
        for (n, effect) in effects.iter().enumerate() {
            let key = format!("{key}/{n}");
            let is_reply = matches!(effect, Effect::Reply { text } if !is_blank(text));
            let outgoing = Outgoing {
                follows: is_reply.then(|| part.replace(key.clone())).flatten(),
                key,
                ticket: Some(id),
                by: update.by.clone(),
                effect: effect.clone(),
                destination: Destination::of(effect, ticket, &self.settings.accounts),
                answers: update.answers.filter(|_| is_reply),
                made: now,
                due: update.not_before.map_or(now, |due| due.max(now)),
            };
            self.leave(ticket, outgoing, None, now).await?;
        }
        Ok(())
    }
}

/// The version that an update was made for, where the ticket has another by now.
fn since(update: &AgentUpdate, id: TicketId, version: i64) -> Result<Option<i64>, NotDone> {
    match update.expected_version {
        Some(expected) if !(1..=version).contains(&expected) => Err(NotDone::NoSuchVersion(id, version, expected)),
        expected => Ok(expected.filter(|expected| *expected != version)),
    }
}

/// What an update makes of a ticket that may be updated so. `seen` is the ticket as the agent saw it.
fn checked(
    update: &AgentUpdate,
    before: &Ticket,
    seen: &Earlier,
    version: i64,
    desk: &Declarations,
    now: Timestamp,
) -> Result<UpdatedTicket, NotDone> {
    let id = before.id;
    if before.status == Status::Closed {
        return Err(NotDone::Closed(id));
    }
    let done = update.apply(before, desk, now);
    if let (Some(expected), Earlier::Ticket(_) | Earlier::Erased) = (update.expected_version, seen) {
        let sets = update.sets();
        // Where both came to the same, there is nothing to choose.
        let mut mine = changes(before, &done.ticket, desk);
        mine.retain(|change| sets.contains(&*change.field));
        let theirs: Vec<_> = match seen {
            Earlier::Ticket(seen) => changes(seen, before, desk)
                .iter()
                .filter(|theirs| mine.iter().any(|mine| mine.field == theirs.field))
                .map(|theirs| format!("`{}`", engine::change_line(theirs)))
                .collect(),
            _ => mine.iter().map(|mine| format!("`{}` may have been changed", mine.field)).collect(),
        };
        if !theirs.is_empty() {
            return Err(NotDone::Conflict { ticket: id, expected, version, theirs });
        }
    }
    Ok(done)
}

/// What is known now to be refused later, an agent hears at once, and nothing of it is done.
fn sendable(ticket: &Ticket, effects: &[Effect], accounts: &Accounts) -> Result<(), NotDone> {
    let Some(addressed) = &ticket.account else { return Ok(()) };
    for effect in effects {
        let Effect::Reply { text } = effect else { continue };
        let Some(account) = accounts.answering(addressed) else {
            return Err(NotDone::Unsendable(ticket.id, accounts.why_unanswered(addressed)));
        };
        let (length, most) = (weighted_length(text), account.post_length);
        if ticket.channel != Channel::TwitterDm && length > most {
            let words = format!("it has {length} characters, but a post may have {most}");
            return Err(NotDone::Unsendable(ticket.id, words));
        }
    }
    Ok(())
}
