//! Replies on X: sent, and looked up where it is not known whether they arrived.

use jiff::{SignedDuration, Timestamp};

use super::{
    Sending,
    outcome::{Arrived, Failure, kind_of, refused, stored},
};
use crate::{
    desk::{Comment, NotAnswerable, Reason, ReasonKind, Reply, XId, post_text::weighted_length},
    store::{AccountState, ConnectedAccount, GRANT, OutboxItem, SEND},
    x::{Refusal, XError, client::Client, lookup::find_sent},
};

/// How often a reply is sent to somebody of whom X may not know yet that they addressed the account.
const MAX_UNSUMMONED: i64 = 3;
/// How often X may say of a lost reply that it has it, and not show it, before a person has to look.
const MAX_HIDDEN: i64 = 6;
/// How often X has to say that a direct message is not there. It refuses a post that it has, but takes a message again.
const LOOKUPS_OF_DIRECT: i64 = 4;

impl Sending {
    /// Sends a reply, or looks it up where the last send may have arrived.
    pub(super) async fn reply(&self, item: &OutboxItem, text: &str) -> Result<Arrived, Failure> {
        let comment = match self.earlier_part(item).await? {
            Some(part) => Some(part),
            None => item.answers,
        };
        let comment = match comment {
            Some(id) => self.app().store().comment(id).await.map_err(stored)?,
            None => None,
        };
        let comment = comment.ok_or_else(|| refused(ReasonKind::NotAnswerable, "no comment to reply to"))?;
        // The kind is found again from the comment, never remembered.
        let versions = match comment.source.x_id() {
            Some(id) => self.app().store().versions(id).await.map_err(stored)?,
            None => vec![],
        };
        let reply = Reply::to(&comment, text).map(|reply| reply.to_newest(versions));
        let account = self.answering_account(item).await?;
        let client = self.shared.client(&account).ok_or_else(|| {
            let words = format!("no connection to X for @{}: see the log", account.handle);
            Failure::Later(Reason::new(ReasonKind::NotReady, words))
        })?;
        if item.possibly_sent {
            // A post that is gone by now may have been answered while it was there.
            let reply = reply.map_err(|e| Failure::Unknown(Reason::new(why_not(e), e.to_string())))?;
            return self.lookup(item, &account, &client, &reply).await;
        }
        let reply = reply.map_err(|e| refused(why_not(e), e.to_string()))?;
        if item.answers_lost == 0 {
            self.within_caps(item, &account, &comment).await?;
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
                // It arrived, whatever the store says of the pause.
                if let Err(error) = self.shared.resume(&account, &[SEND, GRANT]).await {
                    self.shared.trouble.tell(&error);
                }
                Ok(arrived(&reply, id))
            }
            Err(error) => Err(not_sent(item, account, error)),
        }
    }

    /// Looks whether a reply is at X. What is there and accounted for is another, earlier one.
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
            let reason = Reason::new(ReasonKind::AnswerLost, "the answer was lost, and the post is not at X so far");
            return Err(Failure::LookupFailed(reason, None));
        }
        Err(Failure::NotThere)
    }

    /// The comment that shows the part of the same reply before this one: this part answers it, so that they are one thread. A
    /// part whose earlier one is not at X is not sent: nobody would understand it.
    async fn earlier_part(&self, item: &OutboxItem) -> Result<Option<i64>, Failure> {
        let Some(key) = &item.follows else { return Ok(None) };
        let Some(part) = self.app().store().earlier_part(key).await.map_err(stored)? else { return Ok(None) };
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
        Ok(part.shown)
    }

    /// The account that answers: the one that was addressed where it may, else the default one.
    async fn answering_account(&self, item: &OutboxItem) -> Result<ConnectedAccount, Failure> {
        // Nobody will be able to look up what a removed account may have sent.
        let never = |words: String| match item.possibly_sent {
            true => Failure::Unknown(Reason::new(ReasonKind::NoAccount, words)),
            false => refused(ReasonKind::NoAccount, words),
        };
        let handle = self.ticket_of(item).await?.and_then(|t| t.account).unwrap_or_default();
        let settings = self.app().settings();
        let settings =
            settings.accounts.answering(&handle).ok_or_else(|| never(settings.accounts.why_unanswered(&handle)))?;
        let connected = self.app().store().accounts().await.map_err(stored)?;
        let account =
            connected.into_iter().find(|a| a.handle.eq_ignore_ascii_case(&settings.handle)).ok_or_else(|| {
                let words = format!("@{} is not connected", settings.handle);
                Failure::Later(Reason::new(ReasonKind::NoAccount, words))
            })?;
        match account.state {
            AccountState::Connected => Ok(account),
            AccountState::Unauthorised => {
                let why = "connect it again".to_owned();
                Err(Failure::Paused(account, Refusal::GrantDead(why)))
            }
            state @ (AccountState::Deactivated | AccountState::Unlinked) => {
                Err(never(format!("@{} is {}", account.handle, state.as_str())))
            }
        }
    }

    /// Automatic answers are capped: what rules would send beyond is refused, and says so on the ticket.
    async fn within_caps(&self, item: &OutboxItem, account: &ConnectedAccount, to: &Comment) -> Result<(), Failure> {
        if item.rule.is_none() {
            return Ok(());
        }
        let hour_ago = self.app().clock().now().saturating_sub(SignedDuration::from_hours(1)).unwrap_or(Timestamp::MIN);
        let limits = self.app().settings().limits.clone();
        let sent =
            self.app().store().replies_since(hour_ago, &account.handle, to.author_id.as_ref()).await.map_err(stored)?;
        let cap = |count: i64, most: u32, whom: &str, setting: &str| {
            if count < i64::from(most) {
                return Ok(());
            }
            let words =
                format!("rules already sent {whom} {count} replies in the last hour (`{setting}` in twite.toml)");
            Err(refused(ReasonKind::Capped, words))
        };
        cap(sent.to_person, limits.replies_per_person_per_hour, "this person", "limits.replies_per_person_per_hour")?;
        cap(
            sent.from_account,
            limits.replies_per_account_per_hour,
            "from this account",
            "limits.replies_per_account_per_hour",
        )
    }
}

/// What it means that X did not take a reply.
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
                // X may not know yet that the person just addressed this account.
                Refusal::NotSummoned(_) if item.sends < MAX_UNSUMMONED => Failure::Later(reason),
                // X has it, so it was an earlier send that arrived.
                Refusal::Duplicate(_) if item.answers_lost > 0 && item.answers_lost < MAX_HIDDEN => {
                    Failure::PossiblySent(reason)
                }
                Refusal::Duplicate(_) if item.answers_lost > 0 => Failure::Unknown(reason),
                _ => Failure::Refused(reason),
            }
        }
        XError::Tokens(_) => Failure::NotWorking(Reason::new(ReasonKind::NotReady, words), None),
        XError::Unavailable { .. } | XError::NotReached(_) | XError::InBetween { .. } => {
            Failure::NotWorking(Reason::new(ReasonKind::Unavailable, words), wait)
        }
    }
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
    Arrived { what, text: reply.text().to_owned(), x_id: Some(id) }
}
