//! Updates of tickets by agents: each is one transaction with one run of the triggers.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    App, NoSuchRule, UnitOfWork,
    accounts::word,
    apply::{EMPTY, NO_PROBLEM},
    audience, people,
};
use crate::{
    desk::{
        AccountState, Accounts, Actor, Cause, Change, Channel, ConnectedAccount, Declarations, Effect, FieldRef, Owner,
        RatedBy, Rating, Status, Ticket, TicketId, Value, Via, Viewer,
        field::{Declared, known},
        post_text::weighted_length,
        text::is_blank,
    },
    engine::{self, Decision, UpdatedTicket, changes, minute},
    lang::{
        Diagnostic, SourceSet, described, did_you_mean, nearest,
        rules::{Action, ActionKind, Literal, Macro, Mode, Part, Rules, SetTo, Span, Template},
        syntax::LonePart,
    },
    store::{Outgoing, StoreError},
};

/// Maximum length of each text of an update, in bytes.
const MAX_TEXT_BYTES: usize = 65_536;

/// Why an update was rejected. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// There is no such agent.
    #[error("there is no agent `{0}`")]
    NoSuchAgent(String),
    /// The agent sees no ticket with this number.
    #[error("no ticket {0}")]
    Unknown(TicketId),
    /// The comment to answer is not on the ticket: ticket, comment.
    #[error("ticket {0} has no comment {1}")]
    NoSuchComment(TicketId, i64),
    /// The ticket is closed, which is final.
    #[error("ticket {0} is closed and cannot be changed")]
    Closed(TicketId),
    /// Only an agent can do it, as it assigns to `me` or signs with the agent's name.
    #[error("ticket {0}: only an agent can do this, as it assigns to `me` or names the agent: give `--as AGENT`")]
    NeedsAgent(TicketId),
    /// The update has a reply that cannot be sent, for this reason.
    #[error("ticket {0}: the reply cannot be sent: {1}")]
    Unsendable(TicketId, String),
    /// The update has a note without text.
    #[error("ticket {0}: the note is empty")]
    EmptyNote(TicketId),
    /// A text of the update is too long: the ticket, and which text.
    #[error("ticket {0}: {1} is longer than {MAX_TEXT_BYTES} bytes")]
    TooLong(TicketId, String),
    /// The update merges the ticket, and its requester has no earlier one that the agent sees.
    #[error("ticket {0}: its requester has no earlier ticket to merge into")]
    NothingEarlier(TicketId),
    /// The update makes the ticket an incident of what is no problem that the agent sees: ticket, problem.
    #[error("ticket {0} cannot be an incident of ticket {1}: {why}", why = NO_PROBLEM)]
    NoProblem(TicketId, TicketId),
    /// Another update has changed the same fields since the version that the agent saw.
    #[error("ticket {ticket} has changed since version {expected}: {}; it is at version {version} now", theirs.join(", "))]
    Conflict {
        /// The ticket.
        ticket: TicketId,
        /// The version that the agent saw.
        expected: i64,
        /// Its current version.
        version: i64,
        /// The conflicting changes, described in words.
        theirs: Vec<String>,
    },
    /// The ticket has never had the version that was given: ticket, current version, given version.
    #[error("ticket {0} is at version {1}, and has had no version {2}")]
    NoSuchVersion(TicketId, i64, i64),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An agent's update of a ticket, applied atomically.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentUpdate {
    /// The agent.
    pub by: Actor,
    /// The interface that it came through.
    pub via: Via,
    /// The actions, in order.
    pub actions: Vec<Action>,
    /// The title of the macro, if the update applies one.
    pub applies: Option<String>,
    /// The comment that its replies answer; `None` for the requester's latest.
    pub answers: Option<i64>,
    /// The handle of the account from which its replies are sent; `None` for the one that was addressed.
    pub account: Option<String>,
    /// Earliest time to send its replies; until then they can be withdrawn. Nothing else waits for it.
    pub not_before: Option<Timestamp>,
    /// The version of the ticket that the agent saw, for optimistic locking. Later changes by others are kept; a change
    /// of a field that this update sets too is a conflict. Tags never conflict.
    pub expected_version: Option<i64>,
    /// The rating that it enters, and whose it is.
    pub rates: Option<(Rating, RatedBy)>,
}

/// The parts of an update as text, with names and values as in macro actions. A value that is none in the rule language,
/// such as `Social VIP` without quotes, is a string.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Description<'d> {
    /// What is updated: a ticket, or a person as the requester.
    pub of: Owner,
    /// Fields and their values: what follows `to` in `set … to`. For `group` and `assignee`: what follows `assign to
    /// group` and `assign to agent`, or `me`.
    pub set: &'d [(String, String)],
    /// The fields that become empty.
    pub clear: &'d [String],
    /// Tags to add, one each.
    pub add_tags: &'d [String],
    /// Tags to remove, one each.
    pub remove_tags: &'d [String],
    /// Agents who begin to follow the ticket, one each: names, or `me`.
    pub add_watchers: &'d [String],
    /// Agents who follow it no longer.
    pub remove_watchers: &'d [String],
    /// Text of a reply to the requester.
    pub reply: Option<&'d str>,
    /// Text of a note, visible to agents only.
    pub note: Option<&'d str>,
}

/// Result of an update or of its preview.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The ticket before the update.
    pub before: Ticket,
    /// The effects that the update itself asks for.
    pub effects: Vec<Effect>,
    /// The triggers' decision: the resulting ticket, and the effects that rules ask for.
    pub decision: Decision,
    /// The ticket's version after the update.
    pub version: i64,
}

impl AgentUpdate {
    /// An update with these actions and defaults otherwise.
    pub fn new(by: Actor, via: Via, actions: Vec<Action>) -> Self {
        Self {
            by,
            via,
            actions,
            applies: None,
            answers: None,
            account: None,
            not_before: None,
            expected_version: None,
            rates: None,
        }
    }

    /// On whose behalf its ticket is read.
    fn viewer<'d>(&self, desk: &'d Declarations) -> Result<Viewer<'d>, NotDone> {
        Viewer::acting(desk, &self.by).ok_or_else(|| match &self.by {
            Actor::Agent(name) => NotDone::NoSuchAgent(name.clone()),
            other => NotDone::NoSuchAgent(other.to_string()),
        })
    }

    /// The update that rates a ticket. What the owner of the machine enters is the requester's answer, which came another
    /// way; what an agent enters is the agent's.
    pub fn of_rating(by: Actor, via: Via, rating: Rating, comment: Option<&str>) -> Self {
        let field = |name| known(name).map(FieldRef::Known);
        let word = Literal::Word { word: rating.to_string(), rank: None };
        let text = |comment: &str| Template { parts: vec![Part::Text(comment.to_owned())] };
        let rates = field("satisfaction").map(|field| ActionKind::Set(field, SetTo::Literal(word)));
        let says = comment.zip(field("satisfaction_comment"));
        let says = says.map(|(comment, field)| ActionKind::Set(field, SetTo::Template(text(comment))));
        let actions =
            rates.into_iter().chain(says).map(|kind| Action { kind, span: Span::of_file("rating".into()) }).collect();
        let rated_by = if by == Actor::Owner { RatedBy::Requester } else { RatedBy::Agent };
        Self { rates: Some((rating, rated_by)), ..Self::new(by, via, actions) }
    }

    /// The update that applies a macro.
    pub fn of_macro(by: Actor, via: Via, applied: &Macro) -> Self {
        Self { applies: Some(applied.title.clone()), ..Self::new(by, via, applied.then.clone()) }
    }

    fn apply(&self, before: &Ticket, desk: &Declarations, now: Timestamp) -> UpdatedTicket {
        let cause = self.applies.clone().map(Cause::Macro);
        let mut done = engine::agent_update(&self.actions, before, desk, now, (self.by.clone(), self.via), cause);
        if let Some((rating, by)) = self.rates {
            done.ticket.confirm_rating(rating, by, now);
        }
        done
    }

    /// The fields that the update overwrites. Excludes sets, whose members are added and removed individually.
    fn sets(&self) -> BTreeSet<String> {
        let set = self.actions.iter().flat_map(|action| action.kind.sets());
        set.filter(|field| !field.kind().is_set()).map(|field| field.name().into_owned()).collect()
    }
}

impl Description<'_> {
    /// Whether it describes nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Self { of: self.of, ..Self::default() }
    }

    /// Checks the actions as if they were in a macro of a rule file. The text of replies and notes is
    /// literal: it has no placeholders.
    ///
    /// # Errors
    /// The diagnostics, with `name` as the name of their source, which has each action on a line of its own.
    pub fn actions(&self, name: &str, desk: &Declarations) -> Result<Vec<Action>, (Vec<Diagnostic>, SourceSet)> {
        let of = self.of.prefix();
        let set = self.set.iter().map(|(field, value)| match (self.of, field.as_str()) {
            (Owner::Ticket, "group") => format!("assign to group {}", described::value(value)),
            (Owner::Ticket, "assignee") if value == "me" => "assign to me".to_owned(),
            (Owner::Ticket, "assignee") => format!("assign to agent {}", described::value(value)),
            _ => format!("set {of}{field} to {}", described::values_of(&format!("{of}{field}"), value, desk)),
        });
        let clear = self.clear.iter().map(|field| format!("clear {of}{field}"));
        let tags = match self.of {
            Owner::Ticket => "tags",
            Owner::Requester => "requester tags",
        };
        let add = self.add_tags.iter().map(|tag| format!("add {tags} {}", described::value(tag)));
        let remove = self.remove_tags.iter().map(|tag| format!("remove {tags} {}", described::value(tag)));
        let watch = self.add_watchers.iter().map(|name| format!("add watchers {}", described::value(name)));
        let unwatch = self.remove_watchers.iter().map(|name| format!("remove watchers {}", described::value(name)));
        let reply = self.reply.map(|_| "reply \"text\"".to_owned());
        let note = self.note.map(|_| "note \"text\"".to_owned());
        let actions = set.chain(clear).chain(add).chain(remove).chain(watch).chain(unwatch).chain(reply).chain(note);
        let parts: Vec<_> = actions.map(|action| (LonePart::Action, action)).collect();
        let head = "macro \"update\" {\n  then";
        let mut actions =
            described::check(name, head, &parts, desk, &[], |mut rules| Some(rules.macros.pop()?.then.clone()))?;
        for action in &mut actions {
            let (template, said) = match &mut action.kind {
                ActionKind::Reply { texts, .. } => (&mut texts.otherwise, self.reply),
                ActionKind::Note(template) => (template, self.note),
                _ => continue,
            };
            template.parts = said.map(|said| Part::Text(said.to_owned())).into_iter().collect();
        }
        Ok(actions)
    }
}

/// The live macros that the viewer may apply.
pub fn macros<'r>(rules: &'r Rules, viewer: Viewer<'r>) -> impl Iterator<Item = &'r Macro> + Clone {
    let macros = rules.macros.iter().map(|found| &**found);
    macros.filter(move |found| found.mode == Mode::Live && audience::includes(&found.visible_to, viewer))
}

/// The live macro with this title.
///
/// # Errors
/// When the viewer sees no live macro with this title.
pub fn find_macro<'r>(rules: &'r Rules, viewer: Viewer<'r>, title: &str) -> Result<&'r Macro, NoSuchRule> {
    NoSuchRule::find("macro", title, macros(rules, viewer).map(|found| (&*found.title, found)))
}

/// The declared agent with this name.
///
/// # Errors
/// A message, if there is none.
pub fn find_agent<'d>(desk: &'d Declarations, name: &str) -> Result<Viewer<'d>, String> {
    let names = desk.agents.iter().map(|agent| agent.name.as_str());
    let unknown = || format!("there is no agent `{name}`{}", did_you_mean(nearest(name, names)));
    desk.declared_name(&Declared::Agent, name).and_then(|name| Viewer::agent(desk, name)).ok_or_else(unknown)
}

/// Computes the result of an update, in a transaction that is rolled back.
///
/// # Errors
/// As [`update`].
pub async fn preview(app: &App, id: TicketId, update: &AgentUpdate) -> Result<Applied, NotDone> {
    let mut unit = app.begin().await?;
    let applied = Box::pin(unit.update(id, update)).await?;
    unit.roll_back().await?;
    Ok(applied)
}

/// Applies an agent's update. Its effects are put into the outbox; the daemon, which need not be running, sends them
/// later.
///
/// # Errors
/// [`NotDone`]; then nothing has changed.
pub async fn update(app: &App, id: TicketId, update: &AgentUpdate) -> Result<Applied, NotDone> {
    let mut unit = app.begin().await?;
    let applied = Box::pin(unit.update(id, update)).await?;
    unit.commit().await?;
    Ok(applied)
}

impl UnitOfWork<'_> {
    async fn update(&mut self, id: TicketId, update: &AgentUpdate) -> Result<Applied, NotDone> {
        let now = self.now();
        // On the heap, as wherever a future holds the run of the rules: it holds whole tickets, and whoever awaits it holds them.
        Box::pin(self.catch_up_as_evaluated(id, now)).await?;
        let rules = self.rules.clone();
        let viewer = update.viewer(&rules.desk)?;
        let before = self.tx.ticket(id).await?.filter(|ticket| viewer.sees(ticket)).ok_or(NotDone::Unknown(id))?;
        let version = self.tx.ticket_version(id).await?;
        let changed = match since(update, id, version)? {
            Some(expected) => self.tx.changed_since(id, expected).await?,
            None => BTreeSet::new(),
        };
        if let Some(comment) = update.answers
            && !self.tx.has_comment(id, comment).await?
        {
            return Err(NotDone::NoSuchComment(id, comment));
        }
        let mut done = checked(update, &before, &changed, version, &self.rules.desk, now)?;
        let connected = self.app.store.accounts().await?;
        sendable(&before, &done.effects, update.account.as_deref(), &self.settings.accounts, &connected)?;
        if done.effects.contains(&Effect::Merge) && self.merge_target(&before, &update.by).await?.is_none() {
            return Err(NotDone::NothingEarlier(id));
        }
        if let Some(problem) = done.ticket.problem.filter(|problem| before.problem != Some(*problem)) {
            let found = self.problem(id, problem, Some(viewer)).await?;
            done.ticket.problem_solved = found.ok_or(NotDone::NoProblem(id, problem))?.solved;
        }
        let changed = people::set_between(&before, &done.ticket, &self.rules.desk);
        if !changed.is_empty() {
            self.tx.requester_changed(id, &update.by, &changed, now).await?;
        }
        let mut ticket = done.ticket;
        self.leave_all(&mut ticket, version, update, &done.effects, now).await?;
        let decision = self.decide(&ticket, &mut done.event, now, now).await?;
        Box::pin(self.keep(&ticket, &done.event, &decision, None, now)).await?;
        let told = before.solved_as_problem() != decision.ticket.solved_as_problem();
        let evaluated = self.evaluated().await?;
        self.tx.check_others_not_before(id, told, evaluated, minute(now)).await?;
        let version = self.tx.ticket_version(id).await?;
        Ok(Applied { before, effects: done.effects, decision, version })
    }

    /// Handles the effects of an agent's update of a ticket at this version: notes and assignments take effect now,
    /// others go to the outbox.
    async fn leave_all(
        &mut self,
        ticket: &mut Ticket,
        version: i64,
        update: &AgentUpdate,
        effects: &[Effect],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let id = ticket.id;
        // Unique, because each update raises the version.
        let key = format!("hand/{id}/{version}");
        let mut part = None;
        for (n, effect) in effects.iter().enumerate() {
            let key = format!("{key}/{n}");
            let is_reply = matches!(effect, Effect::Reply { .. });
            let follows = is_reply.then(|| part.replace(key.clone())).flatten();
            let account = update.account.as_deref();
            let mut outgoing = self.outgoing(key, update.by.clone(), effect, ticket, account, now);
            if is_reply {
                outgoing = Outgoing { follows, answers: update.answers, ..outgoing };
            }
            if effect.said().is_some() {
                outgoing.due = update.not_before.map_or(now, |due| due.max(now));
            }
            self.leave(ticket, outgoing, None, now).await?;
        }
        Ok(())
    }
}

/// The expected version, if the ticket's version differs from it.
fn since(update: &AgentUpdate, id: TicketId, version: i64) -> Result<Option<i64>, NotDone> {
    match update.expected_version {
        Some(expected) if !(1..=version).contains(&expected) => Err(NotDone::NoSuchVersion(id, version, expected)),
        expected => Ok(expected.filter(|expected| *expected != version)),
    }
}

/// Applies an update to a ticket after checking for conflicts. `changed` are the fields that have
/// changed since the version that the agent saw.
fn checked(
    update: &AgentUpdate,
    before: &Ticket,
    changed: &BTreeSet<String>,
    version: i64,
    desk: &Declarations,
    now: Timestamp,
) -> Result<UpdatedTicket, NotDone> {
    let id = before.id;
    if before.status == Status::Closed {
        return Err(NotDone::Closed(id));
    }
    if !matches!(update.by, Actor::Agent(_)) && update.actions.iter().any(Action::needs_agent) {
        return Err(NotDone::NeedsAgent(id));
    }
    let done = update.apply(before, desk, now);
    for effect in &done.effects {
        match effect {
            Effect::Reply { text, .. } | Effect::Message { text } if is_blank(text) => {
                let why = if update.applies.is_some() { EMPTY } else { "its text is empty" };
                return Err(NotDone::Unsendable(id, why.into()));
            }
            Effect::Note { text } if is_blank(text) && update.applies.is_none() => return Err(NotDone::EmptyNote(id)),
            Effect::Reply { text, .. } | Effect::Message { text } | Effect::Note { text }
                if text.len() > MAX_TEXT_BYTES =>
            {
                return Err(NotDone::TooLong(id, "its text".to_owned()));
            }
            _ => {}
        }
    }
    let long = |change: &Change| matches!(&change.to, Value::Text(text) if text.len() > MAX_TEXT_BYTES);
    if let Some(change) = changes(before, &done.ticket, desk).into_iter().find(long) {
        return Err(NotDone::TooLong(id, format!("`{}`", change.field)));
    }
    if let Some(expected) = update.expected_version {
        let sets = update.sets();
        // A field that both updates set to the same value is no conflict.
        let mut theirs = changes(before, &done.ticket, desk);
        theirs.retain(|mine| sets.contains(&*mine.field) && changed.contains(&*mine.field));
        if !theirs.is_empty() {
            let theirs =
                theirs.iter().map(|mine| format!("`{}` is now {}", mine.field, engine::value_text(&mine.from)));
            return Err(NotDone::Conflict { ticket: id, expected, version, theirs: theirs.collect() });
        }
    }
    Ok(done)
}

/// Rejects the update if a reply is already known to be unsendable, instead of failing at delivery. An account that the
/// agent names must be connected; one that replies by default may be connected later.
fn sendable(
    ticket: &Ticket,
    effects: &[Effect],
    named: Option<&str>,
    accounts: &Accounts,
    connected: &[ConnectedAccount],
) -> Result<(), NotDone> {
    let unsendable = |why| NotDone::Unsendable(ticket.id, why);
    for effect in effects {
        if let Effect::Message { .. } = effect {
            accounts.messaging(ticket).map_err(unsendable)?;
            continue;
        }
        let Effect::Reply { text, .. } = effect else { continue };
        let named = effect.named_account().or(named);
        if ticket.account.is_none() && named.is_none() {
            continue;
        }
        let account = accounts.replying(ticket, named).map_err(unsendable)?;
        if named.is_some() {
            let known = connected.iter().find(|known| known.handle.eq_ignore_ascii_case(&account.handle));
            match known.map(|known| known.state) {
                Some(AccountState::Connected) => {}
                state => return Err(unsendable(format!("@{} is {}", account.handle, word(state)))),
            }
        }
        let (length, most) = (weighted_length(text), account.post_length);
        if ticket.channel != Channel::TwitterDm && length > most {
            return Err(unsendable(format!("it has {length} characters, but a post may have {most}")));
        }
    }
    Ok(())
}
