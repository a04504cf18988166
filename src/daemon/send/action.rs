//! Does at X what rules and agents ask for besides answers.

use super::{
    Sending,
    outcome::{Arrived, Failure, kind_of, refused, stored, within},
};
use crate::{
    desk::{
        Comment, CommentSource, ConnectedAccount, Reason, ReasonKind, XAction, XId, account::NOBODY, text::counted,
    },
    store::OutboxItem,
    x::{Refusal, XError},
};

impl Sending {
    /// Does something about the post that the item answers, or about its author.
    pub(super) async fn at_x(&self, item: &OutboxItem, what: XAction) -> Result<Arrived, Failure> {
        let on = self.target(item, what).await?;
        let account = self.acting_account(item).await?;
        self.within_limit(item).await?;
        match self.client_of(&account)?.act(what, &on).await {
            Ok(()) => {
                self.works_again(item, &account).await;
                Ok(Arrived { what: what.as_str(), text: String::new(), x_id: None, but: None })
            }
            Err(error) => Err(not_done(account, error)),
        }
    }

    /// The post or the person that it is about.
    async fn target(&self, item: &OutboxItem, what: XAction) -> Result<XId, Failure> {
        if !what.is_about_post() {
            let ticket = self.ticket_of(item).await?.unwrap_or_default();
            let person = ticket.requester.x_id().cloned();
            return person.ok_or_else(|| refused(ReasonKind::NoTarget, NOBODY));
        }
        let comment = self.app().store().answered(item).await.map_err(stored)?;
        let Some(Comment { source: CommentSource::Post { id: post }, .. }) = comment else {
            return Err(refused(ReasonKind::NoTarget, "the latest comment is no public post"));
        };
        // An edited post is the newest of its versions.
        let versions = self.app().store().versions(&post).await.map_err(stored)?;
        Ok(versions.into_iter().max().unwrap_or(post))
    }

    /// Refuses an action by a rule beyond the limit of its account, which is shown on the ticket.
    async fn within_limit(&self, item: &OutboxItem) -> Result<(), Failure> {
        if item.rule.is_none() {
            return Ok(());
        }
        let done = self.app().store().actions_since(self.hour_ago(), &item.destination).await.map_err(stored)?;
        let most = self.app().settings().limits.actions_per_account_per_hour;
        let words = |count| format!("did {} from this account", counted(count, "action"));
        within(done, most, words, "actions_per_account_per_hour")
    }

    /// The account that was addressed, which must be declared to act.
    async fn acting_account(&self, item: &OutboxItem) -> Result<ConnectedAccount, Failure> {
        let handle = item.destination.account().unwrap_or_default();
        let accounts = &self.app().settings().accounts;
        accounts.acting(handle).map_err(|words| {
            let is_declared = accounts.get(handle).is_some();
            refused(if is_declared { ReasonKind::NotAllowed } else { ReasonKind::NoAccount }, words)
        })?;
        self.usable(handle, |words| refused(ReasonKind::NoAccount, words)).await
    }
}

/// Classifies X's answer. What X does not allow for this account does not pause its replies.
fn not_done(account: ConnectedAccount, error: XError) -> Failure {
    let (words, wait) = (error.to_string(), error.wait());
    match error {
        XError::Refused(refusal) => match refusal {
            Refusal::RateLimited { .. } => Failure::NotWorking(Reason::new(kind_of(&refusal), words), wait),
            Refusal::NotAllowed(_) => Failure::Refused(Reason::new(kind_of(&refusal), words)),
            _ if refusal.is_about_account() => Failure::Paused(account, refusal),
            _ => Failure::Refused(Reason::new(kind_of(&refusal), words)),
        },
        XError::Tokens(_) | XError::Setup(_) => Failure::NotWorking(Reason::new(ReasonKind::NotReady, words), None),
        XError::AnswerLost(_) | XError::Unavailable { .. } | XError::NotReached(_) | XError::InBetween { .. } => {
            Failure::NotWorking(Reason::new(ReasonKind::Unavailable, words), wait)
        }
    }
}
