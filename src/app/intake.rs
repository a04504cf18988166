//! Assigns messages to tickets.
//!
//! **One ticket for each connected account, conversation and person**, as long as it is not closed. The result does not
//! depend on the order in which messages arrive or on duplicates: each step only adds what follows from the messages
//! known so far, and is idempotent.
//!
//! 1. a post by another person that mentions the account opens the ticket of (account, conversation, author) or
//!    joins it; so does a post that the account liked;
//! 2. the account's own post joins the ticket of the person whom it answers, once there is one;
//! 3. any other post by a ticket's person in its conversation joins it, as soon as both are known;
//! 4. a direct message is treated alike, with its two participants as the conversation;
//! 5. all versions of an edited post are one post, under the id of the first version;
//! 6. a deleted post loses its text wherever it is, and opens or joins no ticket from then on;
//! 7. a message to the account that makes no ticket, because the account does not capture it, is recorded with the reason.
//!
//! How a message changes its ticket, and which rules fire, is in [`super::apply`].

use super::{
    Notice, UnitOfWork,
    message::{Arrival, Message},
    notice::Outcome,
};
use crate::{
    desk::{
        Account, AccountState, Actor, Author, Channel, ConnectedAccount, NotCaptured, Person, SourceId, Status, Ticket,
        TicketId, WhenFull, XId,
    },
    store::{Echo, InboxItem, PutPost, Seen, StoreError, StoredPost, TicketHead, TicketKey, Uncaptured},
};

/// A unit of work that assigns messages to tickets.
pub(crate) struct Intake<'a> {
    pub(crate) unit: UnitOfWork<'a>,
    /// The connected accounts.
    pub(crate) accounts: &'a [ConnectedAccount],
    /// Who causes tickets to be opened: their authors, or who converts their messages.
    pub(crate) by: Actor,
}

impl Intake<'_> {
    /// Processes a message.
    pub(crate) async fn message(&mut self, message: &mut Message) -> Result<(), StoreError> {
        self.unit.app.clock.reached(message.post.made);
        Box::pin(self.unit.end_volumes(message.post.made.min(self.unit.now()))).await?;
        // Earlier messages may have revealed that an id is that of a later version of a post.
        self.unit.tx.by_first_ids(&mut message.post);
        let moved = self.unit.tx.put_versions(&message.post.id, &message.versions).await?;
        self.unit.tx.by_first_ids(&mut message.post);
        self.take_in(message).await?;
        if moved {
            self.join_versions(&message.post.conversation).await?;
        }
        Ok(())
    }

    async fn take_in(&mut self, message: &Message) -> Result<(), StoreError> {
        if self.is_sent_by_twite(&message.post).await? {
            return Ok(());
        }
        for person in &message.people {
            self.unit.tx.see(person, self.unit.now()).await?;
        }
        let PutPost { seen, mut post, below, alone } = self.unit.tx.put_post(&message.post, self.unit.now()).await?;
        if post.deleted {
            return Ok(());
        }
        if seen == Seen::Edited {
            self.unit.edited(&post).await?;
        }
        let new = seen == Seen::New;
        let answers = self.resolve_reply_target(&mut post, new.then_some(below)).await?;
        // A conversation without other posts has no tickets.
        let heads = if alone {
            vec![]
        } else {
            self.unit.tx.tickets_of(&post.conversation, &post.author.clone().into()).await?
        };
        let mut addressed = Vec::new();
        for account in self.accounts {
            if account.state == AccountState::Deactivated || account.state == AccountState::Unlinked {
                continue;
            }
            if matches!(&message.arrival, Arrival::Direct(to) if *to != account.id) {
                continue;
            }
            // A post that was not known before cannot be on a ticket yet.
            if new || !self.unit.tx.is_comment(&account.id, &post.id).await? {
                // On the heap: these futures hold whole tickets, and whoever awaits them holds them.
                if post.author == account.id {
                    Box::pin(self.own(account, &post)).await?;
                } else {
                    let theirs = Box::pin(self.theirs(account, message, &post, &of(account, &heads), alone)).await?;
                    addressed.extend(theirs);
                }
            }
            for own in answers.iter().filter(|own| own.author == account.id) {
                if !self.unit.tx.is_comment(&account.id, &own.id).await? {
                    Box::pin(self.own(account, own)).await?;
                }
            }
        }
        for (n, ticket) in addressed.iter().enumerate() {
            for other in addressed.iter().skip(n + 1) {
                self.unit.link(*ticket, *other, "one post mentions both accounts").await?;
            }
        }
        Ok(())
    }

    /// Erases a post or direct message that was deleted at X, by the id of any version. If it is not known yet, it is
    /// erased when it arrives.
    pub(crate) async fn deleted(&mut self, id: &XId) -> Result<(), StoreError> {
        let first = self.unit.tx.first_id(id).await?;
        let tickets = self.unit.tx.delete_post(&first, self.unit.now()).await?;
        self.unit.notices.extend(tickets.into_iter().map(|ticket| Notice::Deleted { ticket }));
        Ok(())
    }

    /// Whether a message is the echo of a reply that Twite sent, which is on its ticket already. If its delivery was still
    /// unconfirmed, it is recorded now. A message to somebody who wrote in public joins their ticket of direct messages.
    async fn is_sent_by_twite(&mut self, post: &StoredPost) -> Result<bool, StoreError> {
        if !self.accounts.iter().any(|account| account.id == post.author) {
            return Ok(false);
        }
        if self.unit.tx.is_sent_reply(&post.id).await? {
            return Ok(true);
        }
        let Some(Echo { item, ticket, was_lost, is_reply }) = self.unit.tx.echo_of(&post.author, post).await? else {
            return Ok(false);
        };
        self.unit.tx.sent(item, Some(&post.id), &post.text, None, self.unit.now()).await?;
        if was_lost {
            let what = if post.direct_with.is_some() { "direct message" } else { "reply" };
            self.unit.notices.push(Notice::Delivery { ticket, what, text: post.text.clone(), outcome: Outcome::Found });
        }
        Ok(is_reply)
    }

    /// Sets an inbox item aside, with a notice.
    pub(crate) async fn set_aside(&mut self, item: &InboxItem, reason: &str) -> Result<(), StoreError> {
        self.unit.tx.set_aside(item.id, reason).await?;
        let account = self.accounts.iter().find(|account| account.id == item.account);
        self.unit.notices.push(Notice::SetAside {
            account: account.map_or_else(|| item.account.to_string(), |account| format!("@{}", account.handle)),
            message: format!("{} {}", item.kind.as_str(), item.x_id),
            reason: reason.to_owned(),
        });
        Ok(())
    }

    /// Merges two conversations that turned out to be one, because they started with two versions of the same post:
    /// each person's open tickets are merged, and posts not yet on a ticket join.
    async fn join_versions(&mut self, conversation: &str) -> Result<(), StoreError> {
        for person in self.unit.tx.people_in(conversation).await? {
            let heads = self.unit.tx.tickets_of(conversation, &person).await?;
            for account in self.accounts {
                let mut open: Vec<_> =
                    of(account, &heads).into_iter().filter(|head| head.status != Status::Closed).collect();
                open.sort_by(|a, b| (&a.opened_by, a.id).cmp(&(&b.opened_by, b.id)));
                open.dedup_by_key(|head| head.id);
                let Some((earliest, later)) = open.split_first() else { continue };
                for head in later {
                    self.unit.merge_into(head.id, earliest.id).await?;
                }
                self.join_waiting(account, conversation, &person, earliest).await?;
                for other in self.unit.tx.tickets_in(&account.id, conversation).await? {
                    if other != earliest.id {
                        self.unit.link(earliest.id.min(other), earliest.id.max(other), "same conversation").await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds the posts of a person and the account's answers to them to the person's ticket, unless they are on it
    /// already.
    async fn join_waiting(
        &mut self,
        account: &ConnectedAccount,
        conversation: &str,
        person: &SourceId,
        head: &TicketHead,
    ) -> Result<(), StoreError> {
        let mut waiting = self.unit.tx.posts_of(&key(account, conversation, person)).await?;
        waiting.sort_by(|a, b| a.id.cmp(&b.id));
        for post in waiting {
            if !self.unit.tx.is_comment(&account.id, &post.id).await? {
                let author = if post.author == account.id { Author::Agent } else { Author::Requester };
                self.unit.join(head.id, &post, author, post.id > head.opened_by).await?;
            }
        }
        Ok(())
    }

    /// Determines whom the connected accounts' own posts answer, for this post and for known posts below it in the
    /// reply chain. Returns the posts below for which this became known.
    async fn resolve_reply_target(
        &mut self,
        post: &mut StoredPost,
        mut below: Option<Vec<StoredPost>>,
    ) -> Result<Vec<StoredPost>, StoreError> {
        let accounts = self.accounts;
        if post.answers.is_none() && accounts.iter().any(|a| a.id == post.author) {
            // X names the author of the answered post; otherwise the author is that of the parent post.
            let person = match (&post.in_reply_to_user, &post.replied_to) {
                (Some(person), _) if *person != post.author => Some(person.clone()),
                (_, Some(parent)) => {
                    let parent = self.unit.tx.post(parent).await?;
                    parent.and_then(|p| if p.author == post.author { p.answers } else { Some(p.author) })
                }
                _ => None,
            };
            if let Some(person) = person {
                self.unit.tx.set_reply_target(&post.id, &person).await?;
                post.answers = Some(person);
            }
        }
        let mut resolved = Vec::new();
        let mut above = vec![post.clone()];
        while let Some(parent) = above.pop() {
            let children = match below.take() {
                Some(children) => children,
                None => self.unit.tx.answers_of(&parent.id).await?,
            };
            for mut child in children {
                if child.answers.is_some() || !accounts.iter().any(|a| a.id == child.author) {
                    continue;
                }
                let person =
                    if child.author == parent.author { parent.answers.clone() } else { Some(parent.author.clone()) };
                let Some(person) = person else { continue };
                self.unit.tx.set_reply_target(&child.id, &person).await?;
                child.answers = Some(person);
                resolved.push(child.clone());
                above.push(child);
            }
        }
        Ok(resolved)
    }

    /// Adds the account's own post to the ticket of the person whom it answers, if there is one.
    async fn own(&mut self, account: &ConnectedAccount, post: &StoredPost) -> Result<(), StoreError> {
        let Some(person) = &post.answers else { return Ok(()) };
        let heads = self.unit.tx.tickets_of(&post.conversation, &person.clone().into()).await?;
        let heads = of(account, &heads);
        // If all tickets are closed, the post joins the latest one.
        let place = heads.iter().rfind(|h| h.status != Status::Closed).or(heads.last());
        if let Some(head) = place {
            let runs = head.status != Status::Closed;
            self.unit.join(head.id, post, Author::Agent, runs).await?;
        }
        Ok(())
    }

    /// Handles a message by another person. Returns its ticket if the message mentions the account.
    async fn theirs(
        &mut self,
        account: &ConnectedAccount,
        message: &Message,
        post: &StoredPost,
        heads: &[&TicketHead],
        alone: bool,
    ) -> Result<Option<TicketId>, StoreError> {
        let settings = self.unit.settings.clone();
        let Some(settings) = settings.accounts.get(&account.handle) else { return Ok(None) };
        let opens = opens(account, settings, message);
        let ticket = self.assign((account, settings), message, post, heads, (opens, alone)).await?;
        Ok(ticket.filter(|_| message.mentions(account)))
    }

    /// Opens a ticket of an account with a stored message that made none and is on none, as if the account had captured it.
    pub(super) async fn convert(
        &mut self,
        account: &ConnectedAccount,
        settings: &Account,
        uncaptured: Uncaptured,
    ) -> Result<(), StoreError> {
        let message = Message::of_uncaptured(uncaptured);
        let post = &message.post;
        let heads = self.unit.tx.tickets_of(&post.conversation, &post.author.clone().into()).await?;
        let heads = of(account, &heads);
        Box::pin(self.assign((account, settings), &message, post, &heads, (Opens::Yes, false))).await?;
        let Some(ticket) = self.unit.tx.ticket_with(&account.id, &post.id).await? else { return Ok(()) };
        for other in self.accounts.iter().filter(|other| other.id != account.id && message.mentions(other)) {
            if let Some(other) = self.unit.tx.ticket_with(&other.id, &post.id).await? {
                self.unit.link(ticket.min(other), ticket.max(other), "one post mentions both accounts").await?;
            }
        }
        Ok(())
    }

    /// Adds a message by another person to a ticket of the account. If there is none, opens one, or records why not. Returns the
    /// ticket, unless it was closed after the message was written.
    async fn assign(
        &mut self,
        (account, settings): (&ConnectedAccount, &Account),
        message: &Message,
        post: &StoredPost,
        heads: &[&TicketHead],
        (opens, alone): (Opens, bool),
    ) -> Result<Option<TicketId>, StoreError> {
        let target = match target(heads, post) {
            Target::Open(head) if settings.when_full == WhenFull::FollowUp && self.is_full(head.id, post).await? => {
                Target::FollowsUp(head)
            }
            target => target,
        };
        match target {
            Target::Open(head) => {
                if opens == Opens::Yes && !head.merged && post.id < head.opened_by {
                    self.opens_earlier(head.id, message, post).await?;
                }
                let new = self.unit.join(head.id, post, Author::Requester, true).await?;
                Ok((new || message.mentions(account)).then_some(head.id))
            }
            Target::Past(head) => {
                self.unit.join(head.id, post, Author::Requester, false).await?;
                Ok(None)
            }
            Target::FollowsUp(head) => self.open(account, settings, message, post, Some(head), alone).await.map(Some),
            Target::None => match opens {
                Opens::Yes => self.open(account, settings, message, post, None, alone).await.map(Some),
                Opens::NotCaptured(reason) => {
                    let now = self.unit.now();
                    self.unit.tx.put_uncaptured(&account.id, &post.id, reason, &message.facts, now).await?;
                    Ok(None)
                }
                Opens::No => Ok(None),
            },
        }
    }

    /// Whether a ticket takes no further messages, and this one is not on it.
    async fn is_full(&mut self, id: TicketId, post: &StoredPost) -> Result<bool, StoreError> {
        let standing = self.unit.tx.standing(id).await?;
        Ok(standing.is_full() && standing.newest.is_none_or(|newest| newest < post.id))
    }

    /// Opens a ticket with a message, and adds known posts that belong to it. `alone` means that the conversation has
    /// no other posts, so that the search can be skipped.
    async fn open(
        &mut self,
        account: &ConnectedAccount,
        settings: &Account,
        message: &Message,
        post: &StoredPost,
        follows: Option<&TicketHead>,
        alone: bool,
    ) -> Result<TicketId, StoreError> {
        let channel = match message.arrival {
            Arrival::Post => Channel::Twitter,
            Arrival::Like(_) => Channel::TwitterLike,
            Arrival::Direct(_) => Channel::TwitterDm,
        };
        let person = SourceId::X(post.author.clone());
        let key = key(account, &post.conversation, &person);
        let unknown = || Person { id: Some(person.clone()), ..Person::default() };
        let mut requester = self.unit.tx.person(&person).await?.unwrap_or_else(unknown);
        let has_others = requester.tickets > 0;
        let previous_ticket = match has_others {
            true => self.unit.tx.previous_ticket(&person, post.made).await?,
            false => None,
        };
        requester.tickets += 1;
        requester.unsolved_tickets += 1;
        if requester.tickets > 2 {
            let mut opened = self.unit.tx.latest_tickets(&person).await?;
            opened.push(post.made);
            opened.sort_unstable_by(|one, other| other.cmp(one));
            requester.set_latest_tickets(&opened);
        }
        let mut draft = Ticket {
            channel,
            account: Some(settings.handle.clone()),
            brand: settings.brand.clone(),
            requester,
            language: message.post.facts.language.clone(),
            post: message.facts.clone(),
            created: post.made,
            previous_ticket,
            updated: post.made,
            status_changed: post.made,
            ..Ticket::default()
        };
        draft.describe(&post.text);
        let requester = draft.requester.label().to_owned();
        let id = self.unit.tx.next_ticket().await?;
        draft.id = id;
        self.unit.notices.push(Notice::Opened {
            ticket: id,
            channel,
            account: settings.handle.clone(),
            requester,
            text: post.text.clone(),
        });
        let by = self.by.clone();
        Box::pin(self.unit.create(draft, &key, post, by)).await?;
        if has_others {
            // Later ones, if this one comes late.
            let now = self.unit.now();
            self.unit.correct_previous_tickets(id, post.made, now).await?;
        }
        if alone {
            return Ok(id);
        }
        for other in self.unit.tx.tickets_in(&account.id, &key.conversation).await? {
            if other != id && Some(other) != follows.map(|f| f.id) {
                self.unit.link(id, other, "same conversation").await?;
            }
        }
        if let Some(closed) = follows {
            self.unit.link(id, closed.id, "follow-up").await?;
        }
        let mut waiting = self.unit.tx.posts_of(&key).await?;
        waiting.retain(|w| w.id != post.id && follows.is_none_or(|f| f.closed.is_none_or(|closed| w.made > closed)));
        waiting.sort_by(|a, b| a.id.cmp(&b.id));
        for earlier in waiting {
            // A ticket that is followed up because it is full has the posts that it took.
            if follows.is_some() && self.unit.tx.is_comment(&account.id, &earlier.id).await? {
                continue;
            }
            let author = if earlier.author == account.id { Author::Agent } else { Author::Requester };
            // Posts older than the opening one are history and fire no rules. Newer ones fire rules, although late.
            let runs = earlier.id > post.id;
            self.unit.join(id, &earlier, author, runs).await?;
        }
        Ok(id)
    }

    /// Makes an older message that arrives late the one that opens the ticket, so that the result does not depend on
    /// the order of arrival.
    async fn opens_earlier(&mut self, id: TicketId, message: &Message, post: &StoredPost) -> Result<(), StoreError> {
        let Some(mut ticket) = self.unit.tx.ticket(id).await? else { return Ok(()) };
        ticket.describe(&post.text);
        ticket.language.clone_from(&message.post.facts.language);
        ticket.post = message.facts.clone();
        ticket.opened_earlier(post.made);
        let now = self.unit.now();
        self.unit.save(&ticket, now).await?;
        self.unit.correct_previous_tickets(id, post.made, now).await?;
        self.unit.tx.opened_by(id, &post.id).await
    }
}

/// Whether a message opens a ticket of an account where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opens {
    Yes,
    /// It is to the account, which does not capture it.
    NotCaptured(NotCaptured),
    /// It is not to the account.
    No,
}

fn opens(account: &ConnectedAccount, settings: &Account, message: &Message) -> Opens {
    let is_early = account.capture_from.is_some_and(|from| message.post.made < from);
    let reason = match &message.arrival {
        Arrival::Post if !message.mentions(account) => return Opens::No,
        // A like is about a post that need not be to the account.
        Arrival::Like(by) if !settings.track_likes || *by != account.id || is_early => return Opens::No,
        Arrival::Post if !settings.capture_mentions => Some(NotCaptured::MentionsOff),
        Arrival::Direct(_) if !settings.capture_direct_messages => Some(NotCaptured::DirectMessagesOff),
        _ => is_early.then_some(NotCaptured::Earlier),
    };
    reason.map_or(Opens::Yes, Opens::NotCaptured)
}

/// Ticket for a message by a person.
enum Target<'a> {
    /// This open ticket.
    Open(&'a TicketHead),
    /// This ticket, which was closed after the message was written.
    Past(&'a TicketHead),
    /// A new ticket, as a follow-up to this closed one.
    FollowsUp(&'a TicketHead),
    /// No ticket so far.
    None,
}

fn target<'a>(heads: &[&'a TicketHead], post: &StoredPost) -> Target<'a> {
    let before = |head: &TicketHead| head.closed.is_some_and(|closed| post.made <= closed);
    if let Some(past) = heads.iter().find(|h| before(h)) {
        return Target::Past(past);
    }
    match heads.last() {
        None => Target::None,
        Some(head) if head.status == Status::Closed => Target::FollowsUp(head),
        Some(head) => Target::Open(head),
    }
}

/// The tickets of one account.
fn of<'a>(account: &ConnectedAccount, heads: &'a [(XId, TicketHead)]) -> Vec<&'a TicketHead> {
    heads.iter().filter(|(of, _)| *of == account.id).map(|(_, head)| head).collect()
}

fn key(account: &ConnectedAccount, conversation: &str, person: &SourceId) -> TicketKey {
    TicketKey { account: account.id.clone(), conversation: conversation.to_owned(), person: person.clone() }
}
