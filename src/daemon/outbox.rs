//! What leaves the house, each thing once.
//!
//! An effect is marked as on its way before anything is sent. From then on there are three ends: it
//! arrived, it was refused for good, or nobody knows, because the answer was lost or the daemon died.
//! In the last case the next claim of it looks at X whether it is there before anything is sent again,
//! and where looking does not tell, it is not sent again: a person reads "unknown" on the ticket. Mails
//! and webhooks carry a key instead, by which the other side can tell the second copy.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Daemon, Notice, mail, notice::Outcome, webhook};
use crate::{
    desk::{Comment, Effect, Recipient, Reply, Status, TicketId, XId},
    store::{AccountState, ConnectedAccount, OutboxItem, StoreError},
    x::{Refusal, XError, client::Client, lookup::find_sent, text::weighted_length},
};

/// How often something is tried before it counts as refused.
const MOST_TRIES: i64 = 10;
/// The longest wait between two tries.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(30);
/// How often X is asked whether a reply arrived before it stays unknown.
const MOST_LOOKS: i64 = 5;

/// Why something did not leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// For good.
    Refused(String),
    /// It certainly did not arrive, and may on another try.
    Later {
        /// Why.
        why: String,
        /// Not before this; `None` leaves it to the number of tries.
        after: Option<Timestamp>,
    },
    /// It may have arrived.
    Unknown(String),
}

/// What arrived.
struct Arrived {
    what: &'static str,
    text: String,
    x_id: Option<XId>,
}

impl Daemon {
    /// Sends the next thing that is due. Returns whether there was one.
    ///
    /// # Errors
    /// When the store fails: what was on its way stays marked so.
    pub async fn send_next(&self) -> Result<bool, StoreError> {
        let Some(item) = self.store.claim(self.clock.now()).await? else { return Ok(false) };
        let outcome = self.carry_out(&item).await;
        self.settle_outcome(&item, outcome).await?;
        Ok(true)
    }

    async fn settle_outcome(&self, item: &OutboxItem, outcome: Result<Arrived, Failure>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let (what, text) = described(&item.effect);
        let outcome = match outcome {
            Ok(arrived) => {
                self.store.sent(item.id, arrived.x_id.as_ref(), now).await?;
                self.notices.tell(Notice::Left {
                    ticket: item.ticket,
                    what: arrived.what,
                    text: arrived.text,
                    outcome: Outcome::Sent,
                });
                return Ok(());
            }
            Err(Failure::Later { why, .. }) if item.tries >= MOST_TRIES => {
                let why = format!("{why} (tried {} times)", item.tries);
                self.store.refused(item.id, &why).await?;
                Outcome::Refused(why)
            }
            Err(Failure::Later { why, after }) => {
                let due = after.unwrap_or_else(|| now.saturating_add(wait(item.tries, item.id)).unwrap_or(now));
                self.store.retry(item.id, due, &why, false).await?;
                Outcome::Later(why)
            }
            Err(Failure::Refused(why)) => {
                self.store.refused(item.id, &why).await?;
                Outcome::Refused(why)
            }
            Err(Failure::Unknown(why)) if item.tries >= MOST_LOOKS => {
                self.store.unknown(item.id, &why).await?;
                Outcome::Unknown(why)
            }
            Err(Failure::Unknown(why)) => {
                let due = now.saturating_add(self.settling()).unwrap_or(now);
                self.store.retry(item.id, due, &why, true).await?;
                Outcome::Later(format!("{why}; X will be asked whether it arrived"))
            }
        };
        self.notices.tell(Notice::Left { ticket: item.ticket, what, text, outcome });
        Ok(())
    }

    async fn carry_out(&self, item: &OutboxItem) -> Result<Arrived, Failure> {
        match &item.effect {
            Effect::Reply { text } => self.reply(item, text).await,
            Effect::Notify { to, subject, body } => self.notify(item, to, subject, body).await,
            Effect::Webhook { name, body } => self.call(item, name, body.as_deref()).await,
            Effect::Remind { to, subject, body, .. } => {
                let ticket = self.store.ticket(item.ticket).await.map_err(stored)?;
                match ticket {
                    Some(ticket) if ticket.status >= Status::Solved => {
                        Err(Failure::Refused(format!("the ticket is {} by now", ticket.status)))
                    }
                    _ => self.notify(item, to, subject, body).await,
                }
            }
            // These take effect where they are decided and never get here.
            Effect::Note { .. } | Effect::Assign { .. } | Effect::Merge => {
                Err(Failure::Refused("there is nothing to send".to_owned()))
            }
        }
    }

    async fn reply(&self, item: &OutboxItem, text: &str) -> Result<Arrived, Failure> {
        let comment = match item.answers {
            Some(id) => self.store.comment(id).await.map_err(stored)?,
            None => None,
        };
        let comment = comment.ok_or_else(|| Failure::Refused("there is no comment to answer".to_owned()))?;
        // The kind is found again from the comment, never remembered.
        let reply = Reply::to(&comment, text).map_err(|e| Failure::Refused(e.to_string()))?;
        let account = self.answering_account(item.ticket).await?;
        let client = self
            .client(&account)
            .ok_or_else(|| Failure::Later { why: format!("@{} is not connected", account.handle), after: None })?;
        if item.doubt {
            if let Some(id) = self.arrived_after_all(&client, &reply).await? {
                return Ok(arrived(&reply, Some(id)));
            }
        } else {
            self.within_caps(item, &account, &comment).await?;
        }
        if let Reply::Public(public) = &reply {
            let most = self.rules().desk.account(&account.handle).map_or(280, |a| a.post_length);
            let length = weighted_length(public.text());
            if length > most {
                return Err(Failure::Refused(format!("the reply is {length} characters long; a post takes {most}")));
            }
        }
        let sent = match &reply {
            Reply::Public(public) => client.create_post(public).await.map(|created| created.id),
            Reply::Direct(direct) => client.send_message(direct).await.map(|created| created.id),
        };
        match sent {
            Ok(id) => Ok(arrived(&reply, Some(id))),
            Err(error) => Err(self.failed(&account, error, item.tries).await),
        }
    }

    /// Looks whether a reply whose answer was lost is at X. What is there and accounted for is another, earlier one.
    async fn arrived_after_all(&self, client: &Client, reply: &Reply) -> Result<Option<XId>, Failure> {
        let found = find_sent(client, reply).await.map_err(|e| Failure::Unknown(e.to_string()))?;
        for id in found {
            if !self.store.is_accounted_for(&id).await.map_err(stored)? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// The account that answers: the one that was addressed where it may, else the default one.
    async fn answering_account(&self, ticket: TicketId) -> Result<ConnectedAccount, Failure> {
        let handle = self.store.ticket(ticket).await.map_err(stored)?.and_then(|t| t.account);
        let rules = self.rules();
        let addressed = handle.as_deref().and_then(|h| rules.desk.account(h));
        let settings = addressed
            .filter(|a| a.allow_replies)
            .or_else(|| rules.desk.accounts.iter().find(|a| a.default && a.allow_replies))
            .ok_or_else(|| {
                Failure::Refused(format!(
                    "@{} does not allow replies, and no account that does is the default",
                    handle.as_deref().unwrap_or("?")
                ))
            })?;
        let connected = self.store.accounts().await.map_err(stored)?;
        let account = connected
            .into_iter()
            .find(|a| a.handle.eq_ignore_ascii_case(&settings.handle))
            .ok_or_else(|| Failure::Refused(format!("@{} is declared and not connected", settings.handle)))?;
        match account.state {
            AccountState::Connected => Ok(account),
            AccountState::Unauthorised => Err(Failure::Later {
                why: format!("X refuses the authorisation of @{}; connect it again", account.handle),
                after: self.clock.now().saturating_add(LONGEST_WAIT).ok(),
            }),
            AccountState::Deactivated | AccountState::Unlinked => {
                Err(Failure::Refused(format!("@{} is not active", account.handle)))
            }
        }
    }

    /// Automatic answers are capped: what rules would send beyond is refused, and says so on the ticket.
    async fn within_caps(&self, item: &OutboxItem, account: &ConnectedAccount, to: &Comment) -> Result<(), Failure> {
        if item.rule.is_none() {
            return Ok(());
        }
        let hour_ago = self.clock.now().saturating_sub(SignedDuration::from_hours(1)).unwrap_or(Timestamp::MIN);
        let limits = self.rules().desk.limits.clone();
        let sent = self.store.replies_since(hour_ago, &account.handle, to.author_id.as_ref()).await.map_err(stored)?;
        let cap = |count: i64, most: u32, whom: &str, setting: &str| {
            if count < i64::from(most) {
                return Ok(());
            }
            Err(Failure::Refused(format!(
                "rules already sent {whom} {count} replies within an hour (`{setting}` in twite.toml)"
            )))
        };
        cap(sent.to_person, limits.replies_per_person_per_hour, "this person", "limits.replies_per_person_per_hour")?;
        cap(
            sent.from_account,
            limits.replies_per_account_per_hour,
            "from this account",
            "limits.replies_per_account_per_hour",
        )
    }

    async fn notify(&self, item: &OutboxItem, to: &Recipient, subject: &str, body: &str) -> Result<Arrived, Failure> {
        let rules = self.rules();
        let desk = &rules.desk;
        let agent = |name: &str| desk.agents.iter().find(|a| a.name == name).and_then(|a| a.email.clone());
        let addresses: Vec<String> = match to {
            Recipient::Group(group) => desk.group_addresses(group),
            Recipient::Agent(name) => agent(name).into_iter().collect(),
            Recipient::Assignee | Recipient::Requester => {
                let ticket = self.store.ticket(item.ticket).await.map_err(stored)?.unwrap_or_default();
                match to {
                    Recipient::Assignee => ticket.assignee.as_deref().and_then(agent).into_iter().collect(),
                    _ => ticket.requester.email.into_iter().collect(),
                }
            }
        };
        if addresses.is_empty() {
            return Err(Failure::Refused("no email address is known for whom it should go to".to_owned()));
        }
        let Some(settings) = &desk.mail else {
            return Err(Failure::Refused("twite.toml declares no `[mail]`".to_owned()));
        };
        mail::send(settings, &addresses, subject, body, &item.key).await?;
        Ok(Arrived { what: "mail", text: format!("{}: {subject}", addresses.join(", ")), x_id: None })
    }

    async fn call(&self, item: &OutboxItem, name: &str, body: Option<&str>) -> Result<Arrived, Failure> {
        let rules = self.rules();
        let hook = rules
            .desk
            .webhook(name)
            .ok_or_else(|| Failure::Refused(format!("the webhook `{name}` is no longer declared")))?;
        let body = match body {
            Some(body) => body.to_owned(),
            None => {
                let ticket = self.store.ticket(item.ticket).await.map_err(stored)?;
                serde_json::to_string(&ticket).map_err(|e| Failure::Refused(e.to_string()))?
            }
        };
        webhook::call(&self.http, hook, body, &item.key).await?;
        Ok(Arrived { what: "webhook", text: name.to_owned(), x_id: None })
    }

    async fn failed(&self, account: &ConnectedAccount, error: XError, tries: i64) -> Failure {
        let why = error.to_string();
        match error {
            XError::Refused(Refusal::RateLimited { wait: Some(wait) }) => Failure::Later {
                why,
                after: SignedDuration::try_from(wait).ok().and_then(|wait| self.clock.now().checked_add(wait).ok()),
            },
            // X may not know yet that the person just addressed this account.
            XError::Refused(Refusal::NotSummoned(_)) if tries <= 2 => {
                Failure::Later { why, after: self.clock.now().saturating_add(SignedDuration::from_secs(5)).ok() }
            }
            XError::Refused(Refusal::Unauthorised(_)) => {
                self.unauthorised(account, &why).await;
                Failure::Later { why, after: self.clock.now().saturating_add(LONGEST_WAIT).ok() }
            }
            error if error.outcome_unknown() => Failure::Unknown(why),
            error if error.is_transient() => Failure::Later { why, after: None },
            _ => Failure::Refused(why),
        }
    }

    /// How long X may take to show a post where it is looked for.
    pub(super) fn settling(&self) -> SignedDuration {
        SignedDuration::try_from(Duration::from_millis(self.rules().desk.x.settle_millis)).unwrap_or_default()
    }
}

fn arrived(reply: &Reply, x_id: Option<XId>) -> Arrived {
    let what = match reply {
        Reply::Public(_) => "reply",
        Reply::Direct(_) => "direct message",
    };
    Arrived { what, text: reply.text().to_owned(), x_id }
}

fn described(effect: &Effect) -> (&'static str, String) {
    match effect {
        Effect::Reply { text } => ("reply", text.clone()),
        Effect::Note { text } => ("note", text.clone()),
        Effect::Remind { subject, .. } => ("reminder", subject.clone()),
        Effect::Assign { group, .. } => ("assignment", group.clone()),
        Effect::Merge => ("merge", String::new()),
        Effect::Notify { subject, .. } => ("mail", subject.clone()),
        Effect::Webhook { name, .. } => ("webhook", name.clone()),
    }
}

fn stored(error: StoreError) -> Failure {
    Failure::Later { why: error.to_string(), after: None }
}

/// Twice as long after each try, from two seconds on, spread by a quarter so that what failed together does
/// not come back together.
fn wait(tries: i64, spread: i64) -> SignedDuration {
    let seconds = 2_i64.saturating_pow(u32::try_from(tries.clamp(1, 20)).unwrap_or(20));
    let quarter = (seconds * 250).saturating_mul(spread.rem_euclid(5)) / 4;
    SignedDuration::from_millis(seconds * 1000 + quarter).min(LONGEST_WAIT)
}
