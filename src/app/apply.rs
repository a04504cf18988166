//! Applies a message to its ticket, runs the rules and stores their effects, in the transaction that processes the
//! message.

use std::{borrow::Cow, collections::BTreeMap};

use jiff::Timestamp;

use super::{Notice, UnitOfWork, admins::mail_admins, assign::Asked, notice::Outcome};
use crate::{
    desk::{
        Actor, Author, Cause, CommentSource, Delivery, Destination, Effect, Event, EventComment, EventKind, Question,
        Reason, ReasonKind, Status, Ticket, TicketId, TicketType, Via, Viewer, text::is_blank,
    },
    engine::{Decision, Fired},
    store::{DecisionRecord, MAX_IMPORTED_COMMENTS, NewComment, Outgoing, StoreError, StoredPost, TicketKey},
};

/// Why a ticket cannot be made an incident of a problem.
pub(super) const NO_PROBLEM: &str = "no other ticket with that number has the type `problem`";

/// Why a reply or a note without text is not sent.
pub(super) const EMPTY: &str = "its text is empty, because its placeholders are empty";

impl UnitOfWork<'_> {
    /// Opens a ticket with its first message, runs the triggers on the new ticket, and stores it. `by` is who causes that: the
    /// message's author, or who converts it.
    pub(super) async fn create(
        &mut self,
        mut ticket: Ticket,
        key: &TicketKey,
        post: &StoredPost,
        by: Actor,
    ) -> Result<(), StoreError> {
        let comment = event_comment(post, Author::Requester);
        ticket.add_comment(&comment, post.made);
        let mut event = Event {
            kind: EventKind::Created,
            via: via(&ticket),
            actor: by,
            comment: Some(comment),
            cause: None,
            fired_before: vec![],
            volumes: vec![],
        };
        let now = self.now();
        ticket.updated = ticket.updated.max(now);
        let decision = self.decide(&ticket, &mut event, post.made.min(now), now).await?;
        // What rules changed on the person is saved below, which other tickets of the person are evaluated for.
        let mut opened = Cow::Borrowed(&decision.ticket);
        if opened.requester != ticket.requester {
            opened.to_mut().requester.take_kept(&ticket.requester);
        }
        // Opened as of the post's time, so that automations that came due since are evaluated too.
        self.tx.open(&opened, key, &post.id, post.made.min(now)).await?;
        let answerable = self.tx.add_comment(&imported(ticket.id, post, Author::Requester)).await?;
        let after = self.carry_out(&ticket, &event, &decision, answerable, now).await?;
        if after != *opened { self.save(&after, now).await } else { Ok(()) }
    }

    /// Tells the admins that a ticket takes no further messages.
    async fn tell_full(&mut self, id: TicketId) -> Result<(), StoreError> {
        let message = format!("ticket {id} has {MAX_IMPORTED_COMMENTS} comments, and takes no further messages");
        let help = "Further messages of this conversation are at X, and not on the ticket. To have them open a follow-up, write \
                    `when_full = \"follow_up\"` in the `[[account]]` of twite.toml.";
        let (subject, body) = (format!("Ticket {id} is full"), format!("{message}.\n\n{help}"));
        let now = self.now();
        mail_admins(&mut self.tx, &self.rules, &self.settings, &format!("ticket/{id}"), (&subject, &body), now).await?;
        self.notices.push(Notice::Trouble { message });
        Ok(())
    }

    /// Adds a message to a ticket as a comment, unless it is already on it. Returns whether it was added.
    pub(super) async fn join(
        &mut self,
        id: TicketId,
        post: &StoredPost,
        author: Author,
        runs: bool,
    ) -> Result<bool, StoreError> {
        let mut standing = self.tx.standing(id).await?;
        if standing.is_full() {
            if self.tx.not_imported(id).await? {
                self.tell_full(id).await?;
            }
            return Ok(false);
        }
        // Twite's own message joins the ticket of its recipient. It runs no rules there: those of the ticket that sent it ran.
        let sender = match (author, &post.direct_with) {
            (Author::Agent, Some(_)) => self.tx.message_sent_as(&post.id).await?,
            _ => None,
        };
        let runs = runs && sender.is_none();
        let author =
            if sender.as_ref().is_some_and(|(by, _)| matches!(by, Actor::Rule(_))) { Author::Rule } else { author };
        if runs && standing.next_check_at.is_some_and(|at| at < post.made) {
            Box::pin(self.catch_up(id, post.made)).await?;
            // Automations that fired may have merged tickets and moved comments.
            standing = self.tx.standing(id).await?;
        }
        let Some(before) = self.tx.ticket(id).await? else { return Ok(false) };
        let newest = standing.newest.is_none_or(|newest| newest < post.id);
        let comment = event_comment(post, author);
        let mut ticket = before.clone();
        // Whoever rates what may have arrived was asked.
        let question = self.tx.possible_question(&before).await?;
        if let Some(question) = question {
            ticket.follow_question(question);
        }
        let rating = ticket.rating_in(&comment, post.made, &self.rules.desk.satisfaction);
        if question.is_some() && rating.is_none() {
            ticket.clone_from(&before);
        }
        let mut added = NewComment { rating, ..imported(id, post, author) };
        if let Some((by, _)) = &sender {
            added.actor = by.clone();
        }
        let Some(comment_id) = self.tx.add_comment(&added).await? else { return Ok(false) };
        if let Some((_, sent_by)) = &sender
            && *sent_by != id
        {
            self.link(id.min(*sent_by), id.max(*sent_by), "message").await?;
        }
        match rating {
            Some(rating) => ticket.add_rating(&comment, rating, post.made, newest),
            None if newest => {
                ticket.add_comment(&comment, post.made);
                if let Some((by @ Actor::Agent(_), _)) = &sender {
                    ticket.replied_by(by);
                }
            }
            None => {
                ticket.add_earlier_comment(&comment, post.made);
                ticket.waiting_since = self.tx.first_by_requester(id, ticket.last_reply).await?;
            }
        }
        if rating.is_none() && ticket.status == before.status && self.was_overlooked(&before, post, author).await? {
            ticket.set_status(Status::Open, before.status_changed);
        }
        self.notices.push(Notice::Commented {
            ticket: id,
            by_agent: author != Author::Requester,
            text: post.text.clone(),
        });
        if runs {
            let event = Event {
                via: via(&ticket),
                actor: Actor::Person,
                kind: EventKind::Updated { before: Box::new(before) },
                comment: Some(comment),
                cause: None,
                fired_before: vec![],
                volumes: vec![],
            };
            let answerable = (author == Author::Requester).then_some(comment_id);
            Box::pin(self.run(ticket, event, answerable, post.made)).await?;
        } else {
            self.save(&ticket, self.now()).await?;
        }
        Ok(true)
    }

    /// Whether whoever set a ticket aside could not know this message, which was read only now. What rules do with a message
    /// has the time of that message, and is the same whichever message is read first.
    async fn was_overlooked(&mut self, ticket: &Ticket, post: &StoredPost, author: Author) -> Result<bool, StoreError> {
        let is_late = author == Author::Requester
            && matches!(ticket.status, Status::Pending | Status::Solved)
            && ticket.created < post.made
            && post.made <= ticket.status_changed;
        Ok(is_late && !self.tx.has_comment_made(ticket.id, ticket.status_changed).await?)
    }

    /// Handles an edited post: revises its comments, and runs the triggers on their tickets.
    pub(super) async fn edited(&mut self, post: &StoredPost) -> Result<(), StoreError> {
        for (id, comment_id, author) in self.tx.revise_comments(post).await? {
            let Some(before) = self.tx.ticket(id).await? else { continue };
            let mut ticket = before.clone();
            if self.tx.is_opened_by(id, &post.id).await? {
                ticket.describe(&post.text);
                ticket.post.edited(&post.text, &post.facts);
            }
            if self.tx.standing(id).await?.newest.as_ref() == Some(&post.id) {
                ticket.latest_comment = Some(post.text.clone());
                ticket.latest_public_comment = Some(post.text.clone());
            }
            let event = Event {
                via: via(&ticket),
                actor: Actor::Person,
                kind: EventKind::Updated { before: Box::new(before) },
                comment: Some(event_comment(post, author)),
                cause: None,
                fired_before: vec![],
                volumes: vec![],
            };
            let answerable = (author == Author::Requester).then_some(comment_id);
            Box::pin(self.run(ticket, event, answerable, self.now())).await?;
        }
        Ok(())
    }

    /// Runs the rules on a ticket as the event left it, and stores the decision.
    async fn run(
        &mut self,
        mut ticket: Ticket,
        mut event: Event,
        answerable: Option<i64>,
        happened: Timestamp,
    ) -> Result<(), StoreError> {
        let now = self.now();
        ticket.updated = ticket.updated.max(now);
        let decision = self.decide(&ticket, &mut event, happened.min(now), now).await?;
        self.keep(&ticket, &event, &decision, answerable, now).await
    }

    /// Runs the rules as of `now`, and stores the decision.
    pub(super) async fn run_at(
        &mut self,
        ticket: &Ticket,
        mut event: Event,
        answerable: Option<i64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let decision = self.decide(ticket, &mut event, now, now).await?;
        self.keep(ticket, &event, &decision, answerable, now).await
    }

    /// Stores a decision and the resulting ticket.
    pub(super) async fn keep(
        &mut self,
        ticket: &Ticket,
        event: &Event,
        decision: &Decision,
        answerable: Option<i64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // Loop detection: automations and the end of a snooze may be part of a loop; any other event ends it.
        if !matches!(event.kind, EventKind::Due { .. }) && event.cause != Some(Cause::Unsnoozed) {
            self.tx.forget_states(ticket.id).await?;
        }
        let after = self.carry_out(ticket, event, decision, answerable, now).await?;
        self.save(&after, now).await
    }

    /// Stores a decision and its effects. Returns the resulting ticket, which the caller has to save.
    async fn carry_out(
        &mut self,
        ticket: &Ticket,
        event: &Event,
        decision: &Decision,
        answerable: Option<i64>,
        now: Timestamp,
    ) -> Result<Ticket, StoreError> {
        let id = ticket.id;
        let mut after = decision.ticket.clone();
        let record = self.tx.record(&DecisionRecord { ticket, event, now, decision }).await?;
        self.count_firings(ticket, decision, now).await?;
        self.keep_volumes(ticket, event).await?;
        for held in &decision.held_back {
            let (rule, cap) = (held.rule.clone(), held.cap.clone());
            self.notices.push(Notice::HeldBack { ticket: id, rule, shadow: held.shadow, cap });
        }
        for fired in &decision.fired {
            self.notices.push(Notice::Fired {
                ticket: id,
                rule: fired.rule.clone(),
                shadow: fired.shadow,
                changes: fired.changes.clone(),
            });
        }
        // Several replies by one rule are parts of one thread.
        let mut parts = BTreeMap::new();
        for (n, asked) in decision.effects.iter().enumerate() {
            let key = format!("{record}/{n}");
            let is_reply = matches!(&asked.effect, Effect::Reply { text, .. } if !is_blank(text));
            let by = Actor::Rule(asked.rule.clone());
            let follows = is_reply.then(|| parts.insert(&asked.rule, key.clone())).flatten();
            let outgoing = Outgoing { follows, ..self.outgoing(key, by, &asked.effect, &after, None, now) };
            self.leave(&mut after, outgoing, answerable, now).await?;
        }
        if let Some(problem) = after.problem.filter(|problem| ticket.problem != Some(*problem))
            && self.problem(id, problem, None).await?.is_none()
        {
            (after.problem, after.problem_solved) = (ticket.problem, ticket.problem_solved);
            let sets = |fired: &&Fired| !fired.shadow && fired.changes.iter().any(|change| change.field == "problem");
            if let Some(fired) = decision.fired.iter().rfind(sets) {
                let (key, by) = (format!("{record}/problem"), Actor::Rule(fired.rule.clone()));
                let outgoing = self.outgoing(key, by, &Effect::Incident { problem }, &after, None, now);
                self.leave(&mut after, outgoing, None, now).await?;
            }
        }
        Ok(after)
    }

    /// The problem with this number of which a ticket can be an incident, if the viewer sees it.
    pub(super) async fn problem(
        &mut self,
        incident: TicketId,
        problem: TicketId,
        viewer: Option<Viewer<'_>>,
    ) -> Result<Option<Ticket>, StoreError> {
        let found = self.tx.ticket(problem).await?.filter(|found| found.id != incident);
        let found = found.filter(|found| viewer.is_none_or(|viewer| viewer.sees(found)));
        Ok(found.filter(|found| found.kind == Some(TicketType::Problem)))
    }

    /// An effect on a ticket that is due now. A reply is sent from the account that it names, else from the one that is `named`,
    /// else from the one that replies by default.
    pub(super) fn outgoing(
        &self,
        key: String,
        by: Actor,
        effect: &Effect,
        ticket: &Ticket,
        named: Option<&str>,
        now: Timestamp,
    ) -> Outgoing {
        let named = effect.named_account().or(named);
        let accounts = &self.settings.accounts;
        let account = match effect {
            Effect::Reply { .. } => accounts.replying(ticket, named).ok(),
            Effect::Message { .. } => ticket.account.as_deref().and_then(|handle| accounts.get(handle)),
            _ => None,
        };
        // An account that is named and may not reply is refused at sending, in words.
        let named = named.filter(|_| matches!(effect, Effect::Reply { .. }));
        Outgoing {
            key,
            ticket: Some(ticket.id),
            by,
            effect: effect.clone(),
            account: account.map(|account| account.handle.as_str()).or(named).map(str::to_owned),
            destination: Destination::of(effect, ticket, account),
            answers: None,
            follows: None,
            made: now,
            due: now,
        }
    }

    /// Carries out an effect on the ticket itself (note, assignment, merge) now; puts any other effect into the outbox.
    pub(super) async fn leave(
        &mut self,
        ticket: &mut Ticket,
        mut outgoing: Outgoing,
        answerable: Option<i64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let is_rule = matches!(outgoing.by, Actor::Rule(_));
        match &outgoing.effect {
            Effect::Reply { text, .. } | Effect::Message { text } | Effect::Note { text } if is_blank(text) => {
                if outgoing.effect.asks() {
                    ticket.follow_question(Question::Fails);
                }
                let reason = Reason::new(ReasonKind::Empty, EMPTY);
                let what = match outgoing.effect {
                    Effect::Note { .. } => "note",
                    Effect::Message { .. } => "direct message",
                    _ => "reply",
                };
                let outcome = Outcome::Refused(reason.words.clone());
                self.notices.push(Notice::Delivery { ticket: ticket.id, what, text: String::new(), outcome });
                return self.tx.refused(&outgoing, &reason).await;
            }
            Effect::Note { text } => {
                let note = NewComment {
                    ticket: ticket.id,
                    source: CommentSource::Note,
                    author: if is_rule { Author::Rule } else { Author::Agent },
                    actor: outgoing.by.clone(),
                    author_id: None,
                    text: text.clone(),
                    made: now,
                    delivery: Delivery::Imported,
                    rating: None,
                };
                self.tx.add_comment(&note).await?;
                // An agent's note is part of the event, which already counts it.
                if is_rule {
                    ticket.comments += 1;
                    ticket.latest_comment = Some(text.clone());
                }
                return Ok(());
            }
            Effect::Reply { .. } | Effect::AtX { .. } => {
                outgoing.answers = match outgoing.answers.or(answerable) {
                    Some(comment) => Some(comment),
                    None => self.tx.latest_by_requester(ticket.id).await?,
                };
            }
            Effect::Remind { at, .. } => outgoing.due = *at,
            Effect::Assign { group, choosing, last, under } => {
                let asked = Asked { group, choosing: *choosing, last: *last, under: *under };
                return match self.choose_agent(ticket.id, &asked, now).await? {
                    Ok(chosen) => {
                        self.tx.carried_out(&outgoing, &chosen.to_string()).await?;
                        ticket.set_assignee(Some(chosen.agent), now);
                        Ok(())
                    }
                    Err(nobody) => {
                        // Nobody of another group keeps it.
                        let has = |name: &str| self.rules.desk.members(group).any(|agent| agent.name == name);
                        if !ticket.assignee.as_deref().is_some_and(has) {
                            ticket.set_assignee(None, now);
                        }
                        self.tx.refused(&outgoing, &Reason::new(ReasonKind::NoTarget, nobody)).await
                    }
                };
            }
            Effect::Merge => {
                let Some(into) = self.merge_target(ticket, &outgoing.by).await? else {
                    let reason = Reason::new(ReasonKind::NoTarget, "the requester has no earlier ticket");
                    return self.tx.refused(&outgoing, &reason).await;
                };
                self.move_all(ticket, into, now).await?;
                // The link names the earlier ticket, to whoever sees it.
                return self.tx.carried_out(&outgoing, "into an earlier ticket").await;
            }
            Effect::Incident { .. } => {
                return self.tx.refused(&outgoing, &Reason::new(ReasonKind::NoTarget, NO_PROBLEM)).await;
            }
            Effect::Message { .. } | Effect::Notify { .. } | Effect::Webhook { .. } => {}
        }
        self.tx.enqueue(&outgoing)
    }

    /// Corrects what the requester's tickets that were opened since have of the ticket before, and what all of them have of
    /// the last ones, after this one was opened late or merged.
    pub(super) async fn correct_previous_tickets(
        &mut self,
        id: TicketId,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for (id, previous) in self.tx.wrong_previous_tickets(id, since).await? {
            if let Some(ticket) = self.tx.ticket(id).await? {
                self.save(&Ticket { previous_ticket: previous, ..ticket }, now).await?;
            }
        }
        self.tx.correct_latest_tickets(id, now).await
    }

    /// Links two tickets, unless they are already linked.
    pub(super) async fn link(&mut self, one: TicketId, other: TicketId, why: &str) -> Result<(), StoreError> {
        if self.tx.link(one, other, why).await? {
            self.notices.push(Notice::Linked { ticket: one, other });
        }
        Ok(())
    }

    /// The same person's latest earlier ticket, into which this one is merged. For an agent, a ticket that the agent does
    /// not see does not exist.
    pub(super) async fn merge_target(&mut self, ticket: &Ticket, by: &Actor) -> Result<Option<TicketId>, StoreError> {
        let rules = self.rules.clone();
        let viewer = Viewer::acting(&rules.desk, by);
        for into in self.tx.earlier_tickets(ticket).await? {
            let Some(target) = self.tx.ticket(into).await? else { continue };
            if viewer.is_none_or(|viewer| viewer.sees(&target)) {
                return Ok(Some(into));
            }
        }
        Ok(None)
    }

    /// Merges a ticket into another one.
    pub(super) async fn merge_into(&mut self, from: TicketId, into: TicketId) -> Result<(), StoreError> {
        let Some(mut ticket) = self.tx.ticket(from).await? else { return Ok(()) };
        let now = self.now();
        if self.move_all(&mut ticket, into, now).await? {
            self.save(&ticket, now).await?;
        }
        Ok(())
    }

    /// Moves a ticket's comments to another ticket, and closes it. Returns `false` if the other ticket does not exist.
    async fn move_all(&mut self, ticket: &mut Ticket, into: TicketId, now: Timestamp) -> Result<bool, StoreError> {
        let Some(mut target) = self.tx.ticket(into).await? else { return Ok(false) };
        let moved = self.tx.merge(ticket.id, into, now).await?;
        self.shorten_volumes(now).await?;
        target.take_over(ticket, moved, now);
        // A ticket that takes over a problem is the problem, and no incident of it.
        if ticket.kind == Some(TicketType::Problem) {
            target.kind = ticket.kind;
        }
        if target.problem == Some(ticket.id) {
            target.set_problem(None);
        }
        target.waiting_since = self.tx.first_by_requester(into, target.last_reply).await?;
        self.save(&target, now).await?;
        self.correct_previous_tickets(ticket.id, ticket.created.min(target.created), now).await?;
        self.link(ticket.id, into, "merged").await?;
        ticket.set_status(Status::Closed, now);
        ticket.updated = ticket.updated.max(now);
        Ok(true)
    }
}

fn imported(ticket: TicketId, post: &StoredPost, author: Author) -> NewComment {
    NewComment {
        ticket,
        source: post.source(),
        author,
        actor: Actor::Person,
        author_id: Some(post.author.clone().into()),
        text: post.text.clone(),
        made: post.made,
        delivery: Delivery::Imported,
        rating: None,
    }
}

fn event_comment(post: &StoredPost, author: Author) -> EventComment {
    EventComment { facts: post.facts.clone(), ..EventComment::new(author, true, post.text.clone()) }
}

fn via(ticket: &Ticket) -> Via {
    ticket.channel.into()
}
