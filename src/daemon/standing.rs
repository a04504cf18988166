//! Tells the database which rules are live, and the log again and again while their files cannot be.

use std::{sync::PoisonError, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::{sync::watch, time::Instant};

use super::{Daemon, Standing};
use crate::{
    app::Notice,
    lang::rules::Rules,
    store::{Holder, LiveRules, StoreError, Watch},
};

/// How often it is looked whether a reminder is due.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often the log is reminded of files that cannot go live.
const REMIND_EVERY: SignedDuration = SignedDuration::from_mins(10);

impl Daemon {
    /// Notes which rules are live and how their files stand, whenever that changes.
    pub(super) async fn note_rules(&self, mut stop: watch::Receiver<bool>) {
        let mut standing = self.live.standing();
        let mut noted = None;
        while !*stop.borrow() {
            let current = standing.borrow_and_update().clone();
            let rules = self.rules();
            let live = self.live_rules(&rules, current);
            if noted.as_ref() != Some(&live) {
                match self.store.set_live_rules(&rules, &live, self.clock.now()).await {
                    Ok(()) => noted = Some(live),
                    Err(error) => {
                        self.trouble(&error).await;
                        continue;
                    }
                }
            }
            self.remind(self.clock.now());
            tokio::select! {
                _ = standing.changed() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
    }

    fn live_rules(&self, rules: &Rules, standing: Standing) -> LiveRules {
        LiveRules {
            version: rules.version.clone(),
            since: standing.since,
            follow: self.live.follows(),
            broken: standing.broken.map(|broken| (broken.since, broken.report)),
            restart: standing.restart,
        }
    }

    /// Leaves word of the rules that are live and of this process, as [`Self::serve`] does, where somebody else drives this daemon.
    pub async fn note_visit(&self) -> Result<(), StoreError> {
        let (rules, standing) = (self.rules(), self.live.standing().borrow().clone());
        self.store.set_live_rules(&rules, &self.live_rules(&rules, standing), self.clock.now()).await?;
        let (holder, mut watch) = (Holder::this_process(), Watch::default());
        self.store.ask_for_lease(&holder, &mut watch, self.clock.machine(), Instant::now()).await?;
        self.store.release_lease(self.clock.machine()).await
    }

    /// Reminds the log of files that cannot go live, where that is due at a time.
    pub fn remind(&self, now: Timestamp) {
        let broken = self.live.standing().borrow().broken.clone();
        let mut reminded = self.reminded.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(broken) = broken else {
            *reminded = None;
            return;
        };
        // That it broke was told when it did.
        let told = *reminded.get_or_insert(now);
        if now.duration_since(told) >= REMIND_EVERY {
            *reminded = Some(now);
            self.notices.tell(Notice::StillBroken {
                live: self.live.version(),
                since: broken.since,
                first: first_line(&broken.report).to_owned(),
            });
        }
    }
}

/// The line of a report that says what is wrong first.
fn first_line(report: &str) -> &str {
    report.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}
