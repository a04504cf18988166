//! Accounts that X refuses, whatever they ask for: their sending pauses, what waits goes out when it is mended, and the admins
//! get one mail for it.

use jiff::{SignedDuration, Timestamp};

use super::{send::doubled, shared::Shared};
use crate::{
    app::Notice,
    desk::{Actor, Destination, Effect, Recipient},
    store::{AccountState, ConnectedAccount, GRANT, Outgoing, Pause, StoreError, Tx},
    x::Refusal,
};

/// From what on, and up to what, an account waits before the next call tries whether it is mended.
const FIRST_WAIT: SignedDuration = SignedDuration::from_mins(1);
const MAX_WAIT: SignedDuration = SignedDuration::from_mins(15);
/// After how many failures the admins hear of a token that X refuses: it refuses good ones now and then.
const UNAUTHORISED_BEFORE_MAIL: i64 = 3;

impl Shared {
    /// X refuses an account, whatever it asks for: what it cannot do is noted and told, and tried again from time to time. An
    /// account whose grant is dead is not tried again before it is connected again.
    pub(super) async fn pause(
        &self,
        account: &ConnectedAccount,
        what: &str,
        refusal: &Refusal,
    ) -> Result<(), StoreError> {
        // Every endpoint is asked on its own, and all hear the same at once: it is told once.
        let _one = self.pausing.lock().await;
        let is_dead = matches!(refusal, Refusal::GrantDead(_));
        let what = if is_dead { GRANT } else { what };
        let now = self.app.clock().now();
        let others: Vec<Pause> =
            self.app.store().pauses().await?.into_iter().filter(|pause| pause.account == account.id).collect();
        let before = others.iter().find(|pause| pause.what == what);
        let failures = before.map_or(1, |pause| pause.failures + 1);
        let told = others.iter().any(|pause| pause.told);
        let tells = !told && (failures >= UNAUTHORISED_BEFORE_MAIL || !matches!(refusal, Refusal::Unauthorised(_)));
        let wait = doubled(FIRST_WAIT, failures, MAX_WAIT);
        let pause = Pause {
            account: account.id.clone(),
            what: what.to_owned(),
            reason: refusal.to_string(),
            since: before.map_or(now, |pause| pause.since),
            failures,
            retry_at: now.saturating_add(wait).unwrap_or(now),
            told: told || tells,
        };
        let text = explained(account, refusal);
        let mut tx = self.app.store().begin().await?;
        tx.pause(&pause).await?;
        if is_dead {
            tx.set_account_state(&account.id, AccountState::Unauthorised, &pause.reason).await?;
        }
        if tells {
            let subject = format!("@{} stopped working: {refusal}", account.handle);
            self.mail_admins(&mut tx, account, pause.since, "down", &subject, &text)?;
        }
        tx.commit().await?;
        self.app.wake().outbox.notify_one();
        if others.is_empty() {
            self.app.notices().tell(Notice::Trouble { message: text });
        }
        Ok(())
    }

    /// A call worked that failed before, so that what waited for it goes on.
    pub(super) async fn resume(&self, account: &ConnectedAccount, what: &[&str]) -> Result<(), StoreError> {
        let _one = self.pausing.lock().await;
        let (over, left): (Vec<Pause>, Vec<Pause>) = self
            .app
            .store()
            .pauses()
            .await?
            .into_iter()
            .filter(|pause| pause.account == account.id)
            .partition(|pause| what.contains(&pause.what.as_str()));
        let Some(since) = over.iter().map(|pause| pause.since).min() else { return Ok(()) };
        let told = over.iter().any(|pause| pause.told);
        let mut tx = self.app.store().begin().await?;
        for pause in &over {
            tx.resume(&account.id, &pause.what).await?;
        }
        // What the admins were told is over once all of it is.
        for pause in left.iter().filter(|pause| told && !pause.told) {
            tx.pause(&Pause { told: true, ..pause.clone() }).await?;
        }
        let text = format!("@{} works again; waiting effects are sent now", account.handle);
        if told && left.is_empty() {
            self.mail_admins(&mut tx, account, since, "up", &format!("@{} works again", account.handle), &text)?;
        }
        tx.commit().await?;
        self.app.wake().outbox.notify_one();
        if left.is_empty() {
            self.app.notices().tell(Notice::Mended { message: text });
        }
        Ok(())
    }

    /// One mail for each admin who has an address, under a key of its own.
    fn mail_admins(
        &self,
        tx: &mut Tx,
        account: &ConnectedAccount,
        since: Timestamp,
        which: &str,
        subject: &str,
        body: &str,
    ) -> Result<(), StoreError> {
        let rules = self.app.rules();
        if self.app.settings().mail.is_none() {
            return Ok(());
        }
        let now = self.app.clock().now();
        for (admin, _) in rules.desk.admins() {
            tx.enqueue(&Outgoing {
                key: format!("account/{}/{}/{which}/{admin}", account.id, since.as_millisecond()),
                ticket: None,
                by: Actor::System,
                effect: Effect::Notify {
                    to: Recipient::Agent(admin.to_owned()),
                    subject: subject.to_owned(),
                    body: body.to_owned(),
                },
                destination: Destination::Mail,
                answers: None,
                follows: None,
                made: now,
                due: now,
            })?;
        }
        Ok(())
    }
}

/// What happened, what becomes of it, and what to do.
fn explained(account: &ConnectedAccount, refusal: &Refusal) -> String {
    let handle = &account.handle;
    let (waits, remedy) = match refusal {
        Refusal::GrantDead(_) => {
            ("Receiving and sending are paused", format!("Run `twite accounts connect {handle}` to resume."))
        }
        Refusal::OutOfCredit(_) => (
            "Sending is paused",
            "Add credits or raise the cap in X's developer console; sending then resumes by itself.".to_owned(),
        ),
        Refusal::NotAllowed(_) => (
            "Sending is paused",
            "Check the app's permissions and the account at X; sending then resumes by itself.".to_owned(),
        ),
        _ => (
            "Sending is paused, and is retried",
            format!("If it persists, run `twite accounts connect {handle}` to authorize the account again."),
        ),
    };
    let refusal = refusal.to_string();
    format!("@{handle}: X refused: {}. {waits}. {remedy}", refusal.trim_end_matches('.'))
}
