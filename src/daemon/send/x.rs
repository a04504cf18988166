//! Sends replies on X, and looks up whether they were delivered if that is uncertain.

use std::sync::Arc;

use super::{
    Sending,
    outcome::{Arrived, Failure, kind_of, refused, stored, within},
};
use crate::{
    desk::{
        AccountState, ConnectedAccount, NotAnswerable, Reason, ReasonKind, Reply, SourceId, XId, account::NOBODY,
        post_text::weighted_length, text::counted,
    },
    store::{GRANT, OutboxItem, sending},
    x::{Refusal, XError, client::Client, lookup::find_sent},
};

/// Number of sends of a reply that X rejects because its recipient has not mentioned the account; X may learn of a
/// mention late.
const MAX_UNSUMMONED: i64 = 3;
/// Number of times X may reject a reply as a duplicate while the lookup does not find it, before a person has to check.
const MAX_HIDDEN: i64 = 6;
/// Number of lookups before a direct message counts as not delivered. X rejects a duplicate post, but accepts a direct
/// message twice.
const LOOKUPS_OF_DIRECT: i64 = 4;

impl Sending {
    /// Sends a reply; if an earlier send may have been delivered, looks it up instead.
    pub(super) async fn reply(&self, item: &OutboxItem, text: &str) -> Result<Arrived, Failure> {
        self.follow_earlier_part(item).await?;
        let comment = self.app().store().answered(item).await.map_err(stored)?;
        let comment = comment.ok_or_else(|| refused(ReasonKind::NotAnswerable, "no comment to reply to"))?;
        // The kind of reply is not stored: it is derived from the comment, which requires the versions of its post.
        let versions = match comment.source.x_id() {
            Some(id) => self.app().store().versions(id).await.map_err(stored)?,
            None => vec![],
        };
        let reply = Reply::to(&comment, text).map(|reply| reply.to_newest(versions));
        let account = self.answering_account(item).await?;
        self.say(item, account, reply, comment.author_id.as_ref()).await
    }

    /// Sends a direct message to the requester; if an earlier send may have been delivered, looks it up instead.
    pub(super) async fn message(&self, item: &OutboxItem, text: &str) -> Result<Arrived, Failure> {
        let ticket = self.ticket_of(item).await?.unwrap_or_default();
        let never = |words| never(item, ReasonKind::NoAccount, words);
        let Some(person) = ticket.requester.x_id() else {
            return Err(refused(ReasonKind::NoTarget, NOBODY));
        };
        let handle = self.app().settings().accounts.messaging(&ticket).map_err(never)?.handle.clone();
        let account = self.usable(&handle, never).await?;
        self.say(item, account, Reply::message(person.clone(), text), ticket.requester.id.as_ref()).await
    }

    /// Sends a reply or message to a person, or looks it up.
    async fn say(
        &self,
        item: &OutboxItem,
        account: ConnectedAccount,
        reply: Result<Reply, NotAnswerable>,
        to: Option<&SourceId>,
    ) -> Result<Arrived, Failure> {
        let client = self.client_of(&account)?;
        if item.possibly_sent {
            // The earlier send may have been delivered before the post was deleted.
            let reply = reply.map_err(|e| Failure::Unknown(Reason::new(why_not(e), e.to_string())))?;
            return self.lookup(item, &account, &client, &reply).await;
        }
        let reply = reply.map_err(|e| refused(why_not(e), e.to_string()))?;
        if item.answers_lost == 0 {
            self.within_caps(item, &account, to).await?;
        }
        if let Reply::Public(public) = &reply {
            let most = self.app().settings().accounts.get(&account.handle).map_or(280, |a| a.post_length);
            let length = weighted_length(public.text());
            if length > most {
                let words = format!("the reply has {length} characters, but a post may have {most}");
                return Err(refused(ReasonKind::TooLong, words));
            }
        }
        let sent = match &reply {
            Reply::Public(public) => client.create_post(public).await.map(|created| created.id),
            Reply::Direct(direct) => client.send_message(direct).await.map(|created| created.id),
        };
        match sent {
            Ok(id) => {
                self.works_again(item, &account).await;
                Ok(arrived(&reply, id))
            }
            Err(error) => Err(not_sent(item, account, error)),
        }
    }

    /// Looks a reply up at X. Matches already recorded in the store belong to other, earlier replies.
    async fn lookup(
        &self,
        item: &OutboxItem,
        account: &ConnectedAccount,
        client: &Client,
        reply: &Reply,
    ) -> Result<Arrived, Failure> {
        let found = match find_sent(client, reply, item.first_send).await {
            Ok(found) => found,
            Err(XError::Refused(refusal)) if refusal.is_about_account() => {
                return Err(Failure::Paused(account.clone(), refusal));
            }
            Err(error) => {
                let words = format!("cannot check whether it arrived: {error}");
                let kind = match &error {
                    XError::Refused(refusal) => kind_of(refusal),
                    _ => ReasonKind::Unavailable,
                };
                return Err(Failure::LookupFailed(Reason::new(kind, words), error.wait()));
            }
        };
        for id in found {
            if !self.app().store().is_accounted_for(&id).await.map_err(stored)? {
                return Ok(arrived(reply, id));
            }
        }
        if matches!(reply, Reply::Direct(_)) && item.lookups < LOOKUPS_OF_DIRECT {
            let reason = Reason::new(ReasonKind::AnswerLost, "the answer was lost, and it is not at X so far");
            return Err(Failure::LookupFailed(reason, None));
        }
        Err(Failure::NotThere)
    }

    /// Makes a later part of a reply answer the previous part, so that they form a thread. Refuses it if the previous
    /// part was not sent.
    async fn follow_earlier_part(&self, item: &OutboxItem) -> Result<(), Failure> {
        let Some(key) = &item.follows else { return Ok(()) };
        let Some(part) = self.app().store().earlier_part(key).await.map_err(stored)? else { return Ok(()) };
        if part.state != "sent" {
            let why = part.reason.unwrap_or_else(|| "unknown outcome".to_owned());
            return Err(refused(
                ReasonKind::EarlierPart,
                format!("the earlier part of this reply was {}: {why}", part.state),
            ));
        }
        if let Some(shown) = part.shown
            && item.answers != Some(shown)
        {
            self.app().store().answer_instead(item, shown).await.map_err(stored)?;
        }
        Ok(())
    }

    /// The account to send the reply from: the one chosen when it was decided or, if none could reply then, one that
    /// may now.
    async fn answering_account(&self, item: &OutboxItem) -> Result<ConnectedAccount, Failure> {
        let never = |words| never(item, ReasonKind::NoAccount, words);
        let ticket = self.ticket_of(item).await?.unwrap_or_default();
        let settings = self.app().settings();
        let settings = settings.accounts.replying(&ticket, item.account.as_deref()).map_err(never)?;
        self.usable(&settings.handle, never).await
    }

    /// The connected account with this handle; `never` makes the failure if it is not to be used any more.
    pub(super) async fn usable(
        &self,
        handle: &str,
        never: impl FnOnce(String) -> Failure,
    ) -> Result<ConnectedAccount, Failure> {
        let connected = self.app().store().accounts().await.map_err(stored)?;
        let account = connected.into_iter().find(|account| account.handle.eq_ignore_ascii_case(handle));
        let account = account
            .ok_or_else(|| Failure::Later(Reason::new(ReasonKind::NoAccount, format!("@{handle} is not connected"))))?;
        match account.state {
            AccountState::Connected => Ok(account),
            AccountState::Unauthorised => {
                let why = "connect it again".to_owned();
                Err(Failure::Paused(account, Refusal::GrantDead(why)))
            }
            // It was deactivated just now; the destination is blocked from now on.
            AccountState::Deactivated => {
                let words = format!("@{} is deactivated", account.handle);
                Err(Failure::Later(Reason::new(ReasonKind::NoAccount, words)))
            }
            AccountState::Unlinked => Err(never(format!("@{} is unlinked", account.handle))),
        }
    }

    /// The connection to X of an account.
    pub(super) fn client_of(&self, account: &ConnectedAccount) -> Result<Arc<Client>, Failure> {
        self.shared.client(account).ok_or_else(|| {
            let words = format!("no connection to X for @{}: see the log", account.handle);
            Failure::Later(Reason::new(ReasonKind::NotReady, words))
        })
    }

    /// Ends the pause of what has just worked for an account. It has worked, even if the store cannot end the pause.
    pub(super) async fn works_again(&self, item: &OutboxItem, account: &ConnectedAccount) {
        if let Err(error) = self.shared.resume(account, &[sending(&item.destination), GRANT]).await {
            self.shared.trouble.tell(&error);
        }
    }

    /// Checks the caps on automatic replies. A reply by a rule beyond them is refused, which is shown on the ticket.
    async fn within_caps(
        &self,
        item: &OutboxItem,
        account: &ConnectedAccount,
        to: Option<&SourceId>,
    ) -> Result<(), Failure> {
        if item.rule.is_none() {
            return Ok(());
        }
        let limits = self.app().settings().limits.clone();
        let store = self.app().store();
        let sent = store.replies_since(self.hour_ago(), &account.handle, to).await.map_err(stored)?;
        // Replies and messages count alike.
        let words = |whom: &'static str| move |times| format!("wrote {whom} {}", counted(times, "time"));
        let (of_person, of_account) = (limits.replies_per_person_per_hour, limits.replies_per_account_per_hour);
        within(sent.to_person, of_person, words("to this person"), "replies_per_person_per_hour")?;
        within(sent.from_account, of_account, words("from this account"), "replies_per_account_per_hour")
    }
}

/// Classifies X's rejection of a reply.
fn not_sent(item: &OutboxItem, account: ConnectedAccount, error: XError) -> Failure {
    let words = error.to_string();
    let wait = error.wait();
    match error {
        XError::AnswerLost(_) => Failure::PossiblySent(Reason::new(ReasonKind::AnswerLost, words)),
        XError::Refused(refusal) if refusal.is_about_account() => Failure::Paused(account, refusal),
        XError::Refused(refusal) => {
            let reason = Reason::new(kind_of(&refusal), words);
            match refusal {
                Refusal::RateLimited { .. } => Failure::NotWorking(reason, wait),
                // X rejects a reply to somebody who has not mentioned the account, and may notice a mention late:
                // retry.
                Refusal::NotSummoned(_) if item.sends < MAX_UNSUMMONED => Failure::Later(reason),
                // A duplicate means that an earlier send was delivered.
                Refusal::Duplicate(_) if item.answers_lost > 0 && item.answers_lost < MAX_HIDDEN => {
                    Failure::PossiblySent(reason)
                }
                Refusal::Duplicate(_) if item.answers_lost > 0 => Failure::Unknown(reason),
                _ => Failure::Refused(reason),
            }
        }
        XError::Tokens(_) | XError::Setup(_) => Failure::NotWorking(Reason::new(ReasonKind::NotReady, words), None),
        XError::Unavailable { .. } | XError::NotReached(_) | XError::InBetween { .. } => {
            Failure::NotWorking(Reason::new(ReasonKind::Unavailable, words), wait)
        }
    }
}

/// A failure for good, or of unknown outcome if an earlier send may have been delivered: without its account, there is no
/// way to look that up.
fn never(item: &OutboxItem, kind: ReasonKind, words: String) -> Failure {
    let reason = Reason::new(kind, words);
    if item.possibly_sent { Failure::Unknown(reason) } else { Failure::Refused(reason) }
}

fn why_not(answerable: NotAnswerable) -> ReasonKind {
    match answerable {
        NotAnswerable::Empty => ReasonKind::Empty,
        NotAnswerable::Note | NotAnswerable::Deleted => ReasonKind::NotAnswerable,
    }
}

fn arrived(reply: &Reply, id: XId) -> Arrived {
    let what = match reply {
        Reply::Public(_) => "reply",
        Reply::Direct(_) => "direct message",
    };
    Arrived { what, text: reply.text().to_owned(), x_id: Some(id), but: None }
}
