//! Records the live rules in the database, and logs reminders while their files are broken.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    run::{Loop, Next},
    shared::Shared,
};
use crate::{
    app::{App, Notice, ReloadState},
    lang::rules::Rules,
    store::{LiveRules, StoreError},
};

/// Interval between checks whether a reminder is due.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Interval between reminders of files that cannot go live.
const REMIND_EVERY: SignedDuration = SignedDuration::from_mins(10);

/// Stores the version of the live rules and the state of their files, and logs reminders while the files cannot go
/// live.
pub(super) struct NoteRules {
    shared: Arc<Shared>,
    stop: CancellationToken,
    state: watch::Receiver<ReloadState>,
    noted: Option<LiveRules>,
    reminder: Reminder,
}

impl Loop for NoteRules {
    async fn step(&mut self) -> Result<Next, StoreError> {
        let app = &self.shared.app;
        let current = self.state.borrow_and_update().clone();
        let rules = app.rules();
        let live = live_rules(app, &rules, current);
        if self.noted.as_ref() != Some(&live) {
            app.store().set_live_rules(&rules, &live, app.clock().now()).await?;
            if self.noted.as_ref().is_none_or(|noted| noted.version != live.version) {
                app.tell_undeclared(&rules).await?;
            }
            self.noted = Some(live);
        }
        self.reminder.remind(app, app.clock().now());
        tokio::select! {
            _ = self.state.changed() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = self.stop.cancelled() => {}
        }
        Ok(Next::Now)
    }
}

impl NoteRules {
    pub(super) fn new(shared: &Arc<Shared>, stop: &CancellationToken) -> Self {
        Self {
            shared: shared.clone(),
            stop: stop.clone(),
            state: shared.app.live().state(),
            noted: None,
            reminder: Reminder::default(),
        }
    }
}

/// The record of the live rules for the store.
pub(super) fn live_rules(app: &App, rules: &Rules, state: ReloadState) -> LiveRules {
    LiveRules {
        version: rules.version.clone(),
        since: state.since,
        follow: app.live().follows(),
        broken: state.broken.map(|broken| (broken.since, broken.report)),
        restart: state.restart,
    }
}

/// Logs reminders of files that cannot go live.
#[derive(Debug, Default)]
pub struct Reminder {
    /// Time of the last reminder.
    told: Option<Timestamp>,
}

impl Reminder {
    /// Logs a reminder if one is due at `now`.
    pub fn remind(&mut self, app: &App, now: Timestamp) {
        let Some(broken) = app.live().state().borrow().broken.clone() else {
            self.told = None;
            return;
        };
        // The error itself was logged when it occurred, so the first reminder is due one interval later.
        let told = *self.told.get_or_insert(now);
        if now.duration_since(told) >= REMIND_EVERY {
            self.told = Some(now);
            app.notices().tell(Notice::StillBroken {
                live: app.live().version(),
                since: broken.since,
                first: first_line(&broken.report).to_owned(),
            });
        }
    }
}

/// The first non-empty line of a report.
fn first_line(report: &str) -> &str {
    report.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}
