//! Tells the database which rules are live, and the log again and again while their files cannot be.

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

/// How often it is looked whether a reminder is due.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often the log is reminded of files that cannot go live.
const REMIND_EVERY: SignedDuration = SignedDuration::from_mins(10);

/// Keeps in the store which rules are live and how their files stand, and reminds the log of files that cannot go live.
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

/// What is kept in the store of the live rules.
pub(super) fn live_rules(app: &App, rules: &Rules, state: ReloadState) -> LiveRules {
    LiveRules {
        version: rules.version.clone(),
        since: state.since,
        follow: app.live().follows(),
        broken: state.broken.map(|broken| (broken.since, broken.report)),
        restart: state.restart,
    }
}

/// Reminds the log of files that cannot go live.
#[derive(Debug, Default)]
pub struct Reminder {
    /// When it was told last.
    told: Option<Timestamp>,
}

impl Reminder {
    /// Reminds the log where that is due at a time.
    pub fn remind(&mut self, app: &App, now: Timestamp) {
        let Some(broken) = app.live().state().borrow().broken.clone() else {
            self.told = None;
            return;
        };
        // That it broke was told when it did.
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

/// The line of a report that says what is wrong first.
fn first_line(report: &str) -> &str {
    report.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}
