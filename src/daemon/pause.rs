//! Pauses of accounts that X refuses as a whole: their effects wait until the account works again, and the admins get
//! one mail per pause.

use jiff::SignedDuration;

use super::{send::doubled, shared::Shared};
use crate::{
    app::{Notice, mail_admins},
    desk::{AccountState, ConnectedAccount, XId},
    store::{GRANT, Pause, SEND_ACTIONS, SEND_MESSAGES, SEND_POSTS, StoreError, Tx},
    x::Refusal,
};

/// First and maximum wait before a paused account is tried again.
const FIRST_WAIT: SignedDuration = SignedDuration::from_mins(1);
const MAX_WAIT: SignedDuration = SignedDuration::from_mins(15);
/// Consecutive rejections of a token before the admins are mailed. X occasionally rejects valid tokens.
const UNAUTHORISED_BEFORE_MAIL: i64 = 3;

impl Shared {
    /// Pauses an activity of an account that X refuses as a whole, with a notice, and schedules a retry. An account
    /// whose grant is revoked is not retried until it is connected again.
    pub(super) async fn pause(
        &self,
        account: &ConnectedAccount,
        what: &str,
        refusal: &Refusal,
    ) -> Result<(), StoreError> {
        // Endpoints are polled concurrently and all fail at once; the lock ensures a single notice.
        let _one = self.pausing.lock().await;
        let is_dead = matches!(refusal, Refusal::GrantDead(_));
        let what = if is_dead { GRANT } else { what };
        let now = self.app.clock().now();
        let (others, elsewhere): (Vec<Pause>, Vec<Pause>) =
            self.app.store().pauses().await?.into_iter().partition(|pause| pause.account == account.id);
        // Somebody connected it again after this call was made with the old tokens, or unlinked or deactivated it.
        let accounts = self.app.store().accounts().await?;
        let has_changed = |now: &ConnectedAccount| {
            now.times_connected > account.times_connected
                || matches!(now.state, AccountState::Unlinked | AccountState::Deactivated)
        };
        if accounts.iter().any(|now| now.id == account.id && has_changed(now)) {
            return Ok(());
        }
        let before = others.iter().find(|pause| pause.what == what);
        let failures = before.map_or(1, |pause| pause.failures + 1);
        let reason = refusal.to_string();
        // What befalls the app befalls all of its accounts, and is one incident. Pauses of accounts that are not in use may be
        // over.
        let is_used = |id: &XId| accounts.iter().any(|now| now.id == *id && now.state == AccountState::Connected);
        let same = |pause: &Pause| pause.told && pause.reason == reason && is_used(&pause.account);
        let told_of_app = refusal.is_about_app() && elsewhere.iter().any(same);
        let told = others.iter().any(|pause| pause.told);
        // What was retried so far now needs a person.
        let escalates = is_dead && before.is_none();
        let may_pass = matches!(refusal, Refusal::Unauthorised(_) | Refusal::AppUnknown(_));
        let tells = escalates || (!told && !told_of_app && (failures >= UNAUTHORISED_BEFORE_MAIL || !may_pass));
        let wait = doubled(FIRST_WAIT, failures, MAX_WAIT);
        let pause = Pause {
            account: account.id.clone(),
            what: what.to_owned(),
            reason,
            since: before.map_or(now, |pause| pause.since),
            failures,
            retry_at: now.saturating_add(wait).unwrap_or(now),
            told: told || tells,
        };
        let text = explained(account, what, refusal);
        let mut tx = self.app.store().begin().await?;
        tx.pause(&pause).await?;
        if is_dead {
            tx.unauthorise(&account.id, &pause.reason).await?;
        }
        if tells {
            let subject = format!("@{} stopped working: {refusal}", account.handle);
            self.mail_admins(&mut tx, account, &subject, &text).await?;
        }
        tx.commit().await?;
        self.app.wake().outbox.notify_one();
        if others.is_empty() || escalates {
            self.app.notices().tell(Notice::Trouble { message: text });
        }
        Ok(())
    }

    /// Ends the pauses of these activities after a successful call, so that waiting effects are sent.
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
        if over.is_empty() {
            return Ok(());
        }
        let told = over.iter().any(|pause| pause.told);
        let mut tx = self.app.store().begin().await?;
        for pause in &over {
            tx.resume(&account.id, &pause.what).await?;
        }
        // The admins are told that the account works only after its last pause ends, so the remaining pauses inherit
        // the flag.
        for pause in left.iter().filter(|pause| told && !pause.told) {
            tx.pause(&Pause { told: true, ..pause.clone() }).await?;
        }
        let text = format!("@{} works again; waiting effects are sent now", account.handle);
        if told && left.is_empty() {
            self.mail_admins(&mut tx, account, &format!("@{} works again", account.handle), &text).await?;
        }
        tx.commit().await?;
        self.app.wake().outbox.notify_one();
        if left.is_empty() {
            self.app.notices().tell(Notice::Mended { message: text });
        }
        Ok(())
    }

    /// Mails the admins once if scopes that an account needs were not granted, and once when all are. `missing`: one
    /// sentence each.
    pub(super) async fn mail_missing_scopes(
        &self,
        account: &ConnectedAccount,
        missing: &[String],
    ) -> Result<(), StoreError> {
        let (told, text) = (format!("missing scopes of {}", account.id), missing.join("\n"));
        let mut tx = self.app.store().begin().await?;
        let before = tx.progress(&told).await?.unwrap_or_default();
        if before != text {
            tx.set_progress(&told, &text).await?;
            let handle = &account.handle;
            let (subject, body) = match missing {
                [] => (format!("@{handle} has all scopes"), format!("@{handle} has all scopes that it needs again.")),
                _ => (format!("@{handle} lacks scopes"), text),
            };
            self.mail_admins(&mut tx, account, &subject, &body).await?;
        }
        tx.commit().await?;
        self.app.wake().outbox.notify_one();
        Ok(())
    }

    /// Queues one mail for each admin with an address, each under a unique key.
    async fn mail_admins(
        &self,
        tx: &mut Tx,
        account: &ConnectedAccount,
        subject: &str,
        body: &str,
    ) -> Result<(), StoreError> {
        let (rules, settings, now) = (self.app.rules(), self.app.settings(), self.app.clock().now());
        mail_admins(tx, &rules, &settings, &format!("account/{}", account.id), (subject, body), now).await
    }
}

/// The text of the mail: what happened, the consequences and the remedy.
fn explained(account: &ConnectedAccount, what: &str, refusal: &Refusal) -> String {
    let handle = &account.handle;
    let paused = match what {
        GRANT => "Receiving and sending are paused".to_owned(),
        SEND_POSTS => "Sending posts is paused".to_owned(),
        SEND_MESSAGES => "Sending direct messages is paused".to_owned(),
        SEND_ACTIONS => "Likes, hides, mutes and blocks are paused".to_owned(),
        endpoint => format!("Reading {endpoint} is paused"),
    };
    let (retried, remedy) = match refusal {
        Refusal::GrantDead(_) => ("", format!("Run `twite accounts reauthorise {handle}` to resume.")),
        Refusal::OutOfCredit(_) => ("", "Add credits in X's developer console; it then resumes by itself.".to_owned()),
        Refusal::Capped(_) => (
            "",
            "Raise the cap in X's developer console, or wait for the next billing cycle; it then resumes by itself."
                .to_owned(),
        ),
        Refusal::AppNotAdmitted(_) => {
            ("", "X's developer console says why, and how to appeal or enroll; it then resumes by itself.".to_owned())
        }
        Refusal::AccountLocked(_) => {
            ("", format!("Sign in to X as @{handle} and do what it asks for there; it then resumes by itself."))
        }
        Refusal::NotAllowed(_) => (
            "",
            format!(
                "Check the app's permissions and the account at X; it then resumes by itself. If the permissions \
                 changed, run `twite accounts reauthorise {handle}`."
            ),
        ),
        Refusal::AppUnknown(_) => (
            ", and is retried",
            "Check `client_id` and `client_secret_env` of `[x]` in twite.toml, and the app's keys in X's developer \
             console."
                .to_owned(),
        ),
        _ => (
            ", and is retried",
            format!("If it persists, run `twite accounts reauthorise {handle}` to authorize the account again."),
        ),
    };
    let all = if refusal.is_about_app() { " This concerns all accounts of the app." } else { "" };
    let refusal = refusal.to_string();
    format!("@{handle}: X refused: {}. {paused}{retried}.{all} {remedy}", refusal.trim_end_matches('.'))
}
