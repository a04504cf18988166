//! Notices: events for the log, the demo and the web pages.

use std::fmt;

use tokio::sync::broadcast;
use tracing::Level;

use super::undeclared::Undeclared;
use crate::{
    counters::Counters,
    desk::{Change, Channel, TicketId, text::counted, visible::visible},
    lang::rules::Version,
    store::{Holder, StoppedLoop},
};

/// An event that is reported to people.
#[derive(Debug, Clone)]
pub enum Notice {
    /// A ticket was opened.
    Opened {
        /// The ticket.
        ticket: TicketId,
        /// Its channel.
        channel: Channel,
        /// The account that was addressed.
        account: String,
        /// The requester's handle or name.
        requester: String,
        /// Text of the message that opened it.
        text: String,
    },
    /// A comment joined a ticket.
    Commented {
        /// The ticket.
        ticket: TicketId,
        /// Whether the desk wrote it rather than the requester.
        by_agent: bool,
        /// The text of the comment.
        text: String,
    },
    /// A post was deleted at X: its comment is kept without its text.
    Deleted {
        /// The ticket it is on.
        ticket: TicketId,
    },
    /// An automation is about to fire.
    Due {
        /// The ticket.
        ticket: TicketId,
        /// The minute as of which it fires.
        at: jiff::Timestamp,
    },
    /// Two tickets were linked.
    Linked {
        /// The first ticket.
        ticket: TicketId,
        /// The second ticket.
        other: TicketId,
    },
    /// A rule fired.
    Fired {
        /// The ticket.
        ticket: TicketId,
        /// The rule's title.
        rule: String,
        /// Whether the rule is in shadow mode, so that nothing changed.
        shadow: bool,
        /// What it changed.
        changes: Vec<Change>,
    },
    /// A cap held a rule back.
    HeldBack {
        /// The ticket.
        ticket: TicketId,
        /// The rule's title.
        rule: String,
        /// Whether the rule is in shadow mode.
        shadow: bool,
        /// The cap, as it is written.
        cap: String,
    },
    /// A volume started.
    VolumeStarted {
        /// Its title.
        volume: String,
        /// The ticket with which it started.
        ticket: TicketId,
    },
    /// A volume ended.
    VolumeEnded {
        /// Its title.
        volume: String,
        /// The ticket whose triggers were told; `None` if all were closed.
        ticket: Option<TicketId>,
    },
    /// A delivery was attempted.
    Delivery {
        /// The ticket.
        ticket: TicketId,
        /// Its kind: "reply", "direct message", "mail" or "webhook"; or what is done at X, such as "like the post".
        what: &'static str,
        /// Its text or its recipient.
        text: String,
        /// The outcome.
        outcome: Outcome,
    },
    /// More tickets are due than the rate limit of automations allows per minute.
    Behind {
        /// Number of tickets waiting.
        waiting: i64,
        /// The limit, in tickets per minute.
        most: u32,
    },
    /// Automations looped on a ticket, and were stopped there.
    LoopStopped(StoppedLoop),
    /// The index and the plain evaluator decided differently, which is a bug in Twite. The plain evaluator's decision
    /// was used.
    Disagree {
        /// The ticket.
        ticket: TicketId,
        /// The version of the rules.
        version: Version,
    },
    /// A message that cannot be read or stored was set aside.
    SetAside {
        /// The account that received it.
        account: String,
        /// Its kind, and its id if that is known.
        message: String,
        /// The reason.
        reason: String,
    },
    /// New rules are live.
    Reloaded {
        /// Their version.
        version: Version,
        /// Number of triggers, automations and views.
        items: usize,
    },
    /// Changed rules have errors: the last good ones stay live.
    Broken {
        /// The version that stays live.
        live: Version,
        /// Number of errors.
        errors: usize,
        /// The rendered errors.
        report: String,
    },
    /// Files were ignored because their names only resemble those of rule files.
    PassedOver {
        /// Their names.
        files: Vec<String>,
    },
    /// A group or an agent has open tickets but is not declared in the live rules.
    Undeclared(Undeclared),
    /// Changed settings take effect only when the daemon restarts.
    NeedsRestart {
        /// Their names.
        settings: Vec<String>,
    },
    /// Reminder: the files still cannot go live.
    StillBroken {
        /// The version that stays live.
        live: Version,
        /// Since when.
        since: jiff::Timestamp,
        /// The first error, in one line.
        first: String,
    },
    /// Another daemon holds the lease on the database; this one waits for it.
    Waiting {
        /// The holder of the lease.
        holder: Holder,
        /// When the holder took it.
        since: jiff::Timestamp,
    },
    /// Another daemon has taken the lease, because this one did not renew it in time.
    Superseded,
    /// The store works again.
    Recovered {
        /// Length of the outage, in seconds.
        seconds: u64,
        /// Number of failures.
        failures: u64,
    },
    /// A problem reported as [`Self::Failing`] or [`Self::Trouble`] is over.
    Mended {
        /// What works again.
        message: String,
    },
    /// A failure that has not lasted long, and may be over with the next attempt.
    Failing {
        /// What failed.
        message: String,
    },
    /// A problem that persists until a person fixes it.
    Trouble {
        /// The problem and its remedy.
        message: String,
    },
}

/// Outcome of a delivery attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It arrived.
    Sent,
    /// It was done at X.
    Done,
    /// Its response was lost, and a post at X now shows that it was delivered.
    Found,
    /// It was refused permanently.
    Refused(String),
    /// It failed and will be retried.
    Later(String),
    /// It may or may not have been delivered.
    Unknown(String),
}

/// Logs a report of errors, one log event per line.
pub fn log_report(report: &str) {
    report.lines().filter(|line| !line.trim().is_empty()).for_each(|line| tracing::error!("{line}"));
}

/// The broadcast channel for notices. Cheap to clone; it works without subscribers.
#[derive(Debug, Clone)]
pub struct Notices {
    sender: broadcast::Sender<Notice>,
    counters: Counters,
}

impl Default for Notices {
    fn default() -> Self {
        Self { sender: broadcast::channel(4096).0, counters: Counters::default() }
    }
}

impl Notices {
    /// What this process counts.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Logs and counts a notice, and sends it to the subscribers.
    pub(crate) fn tell(&self, notice: Notice) {
        match notice.level() {
            Level::ERROR => tracing::error!("{notice}"),
            Level::WARN => tracing::warn!("{notice}"),
            _ => tracing::info!("{notice}"),
        }
        if let Notice::Broken { report, .. } = &notice {
            log_report(report);
        }
        notice.count(&self.counters);
        // An error means that there are no subscribers.
        let _ = self.sender.send(notice);
    }

    /// Subscribes to all notices from now on.
    pub fn listen(&self) -> broadcast::Receiver<Notice> {
        self.sender.subscribe()
    }
}

impl Notice {
    /// The level at which it is logged: an error if something does not work until a person acts, a warning if it may pass
    /// by itself or concerns one message or ticket.
    fn level(&self) -> Level {
        match self {
            Self::Trouble { .. } | Self::Disagree { .. } | Self::Broken { .. } | Self::StillBroken { .. } => {
                Level::ERROR
            }
            Self::SetAside { .. }
            | Self::Failing { .. }
            | Self::LoopStopped(_)
            | Self::Behind { .. }
            | Self::Waiting { .. }
            | Self::Superseded
            | Self::PassedOver { .. }
            | Self::NeedsRestart { .. }
            | Self::Undeclared(_)
            | Self::Delivery { outcome: Outcome::Refused(_) | Outcome::Unknown(_), .. } => Level::WARN,
            Self::Opened { .. }
            | Self::Commented { .. }
            | Self::Deleted { .. }
            | Self::Due { .. }
            | Self::Linked { .. }
            | Self::Fired { .. }
            | Self::HeldBack { .. }
            | Self::VolumeStarted { .. }
            | Self::VolumeEnded { .. }
            | Self::Delivery { outcome: Outcome::Sent | Outcome::Done | Outcome::Found | Outcome::Later(_), .. }
            | Self::Reloaded { .. }
            | Self::Recovered { .. }
            | Self::Mended { .. } => Level::INFO,
        }
    }
}

impl Notice {
    fn count(&self, counters: &Counters) {
        match self {
            Self::Opened { channel, .. } => counters.opened(channel.as_str()),
            Self::Fired { shadow, .. } => counters.fired(if *shadow { "shadow" } else { "live" }),
            Self::Delivery { what, outcome, .. } => counters.delivered(what, outcome.word()),
            Self::SetAside { account, .. } => counters.set_aside(account.trim_start_matches('@')),
            Self::Reloaded { .. } => counters.reloaded("live"),
            Self::Broken { .. } => counters.reloaded("broken"),
            Self::Disagree { .. } => counters.differing(),
            _ => {}
        }
    }
}

impl Outcome {
    const fn word(&self) -> &'static str {
        match self {
            Self::Sent | Self::Done | Self::Found => "sent",
            Self::Refused(_) => "refused",
            Self::Later(_) => "failed",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl fmt::Display for Notice {
    /// One line for the log. Message texts are left out for privacy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { ticket, channel, account, .. } => {
                write!(f, "ticket {ticket} opened: {channel} to {account}")
            }
            Self::Commented { ticket, by_agent, .. } => {
                write!(f, "ticket {ticket}: comment by the {}", if *by_agent { "desk" } else { "requester" })
            }
            Self::Deleted { ticket } => {
                write!(f, "ticket {ticket}: a post was deleted at X, and its text was deleted here")
            }
            Self::Due { ticket, at } => write!(f, "ticket {ticket}: due at {at}"),
            Self::Linked { ticket, other } => write!(f, "ticket {ticket} linked with {other}"),
            Self::Fired { ticket, rule, shadow, .. } => {
                write!(f, "ticket {ticket}: {}rule \"{rule}\" fired", if *shadow { "shadow " } else { "" })
            }
            Self::HeldBack { ticket, rule, shadow, cap } => {
                write!(f, "ticket {ticket}: {}rule \"{rule}\" held back: {cap}", if *shadow { "shadow " } else { "" })
            }
            Self::VolumeStarted { volume, ticket } => write!(f, "ticket {ticket}: volume \"{volume}\" starts"),
            Self::VolumeEnded { volume, ticket: Some(ticket) } => {
                write!(f, "ticket {ticket}: volume \"{volume}\" ends")
            }
            Self::VolumeEnded { volume, ticket: None } => {
                write!(f, "volume \"{volume}\" ends; its tickets are closed, so no trigger is told")
            }
            Self::Delivery { ticket, what, outcome, .. } => match outcome {
                Outcome::Sent => write!(f, "ticket {ticket}: {what} sent"),
                Outcome::Done => write!(f, "ticket {ticket}: {what}: done"),
                Outcome::Found => {
                    write!(f, "ticket {ticket}: {what} sent, confirmed at X")
                }
                Outcome::Refused(why) => write!(f, "ticket {ticket}: {what} refused: {why}"),
                Outcome::Later(why) => write!(f, "ticket {ticket}: {what} failed, will be retried: {why}"),
                Outcome::Unknown(why) => write!(
                    f,
                    "ticket {ticket}: {what} of unknown outcome; `twite outbox` can withdraw or resend it: {why}"
                ),
            },
            Self::LoopStopped(stopped) => write!(f, "ticket {}: {}", stopped.ticket, visible(&stopped.reason())),
            Self::Behind { waiting, most } => write!(
                f,
                "automations are behind: {waiting} tickets due, at most {most} per minute (`limits.automations_per_minute`)"
            ),
            Self::Disagree { ticket, version } => write!(
                f,
                "ticket {ticket}: the index and the plain evaluator differ for rules {version}; the plain evaluator's result was used. This is a \
                 bug in Twite: please report it with the output of `twite why {ticket}`"
            ),
            Self::SetAside { account, message, reason } => write!(
                f,
                "{account}: {message} was set aside, and is kept unchanged in the table `inbox`: {reason}. If X shows it as \
                 usual, please report this"
            ),
            Self::Reloaded { version, items } => write!(f, "rules {version} are live, {items} in all"),
            Self::Broken { live, errors, .. } => {
                let errors = counted(*errors, "error");
                write!(f, "the rules have {errors}; rules {live} stay live until they are fixed")
            }
            Self::PassedOver { files } => {
                let (end, their) = if files.len() == 1 { ("does", "its") } else { ("do", "their") };
                let files = visible(&files.join(", ")).into_owned();
                write!(f, "{files} {end} not end in `.twite`, so {their} rules are not live")
            }
            Self::Undeclared(undeclared) => write!(f, "{} {undeclared}", undeclared.kind),
            Self::NeedsRestart { settings } => {
                write!(f, "`{}` changed; restart the daemon to apply it", settings.join("`, `"))
            }
            Self::StillBroken { live, since, first } => write!(
                f,
                "the rules have had errors since {since:.0}; rules {live} stay live; see `twite status`: {first}"
            ),
            Self::Waiting { holder, since } => write!(
                f,
                "another daemon (process {} on {}) has used this database since {since:.0}; waiting until it ends",
                holder.pid, holder.host
            ),
            Self::Superseded => write!(
                f,
                "another daemon has taken over this database, because this one did not renew its lease in \
                 time; nothing more is sent"
            ),
            Self::Recovered { seconds, failures } => {
                let (seconds, failures) = (counted(*seconds, "second"), counted(*failures, "failure"));
                write!(f, "the database works again, after {seconds} and {failures}")
            }
            Self::Failing { message } | Self::Trouble { message } | Self::Mended { message } => f.write_str(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_a_person_is_an_error() {
        let message = String::new;
        let delivery = |outcome| Notice::Delivery { ticket: TicketId(1), what: "mail", text: message(), outcome };
        for (notice, level) in [
            (Notice::Trouble { message: message() }, Level::ERROR),
            (Notice::Failing { message: message() }, Level::WARN),
            (Notice::Mended { message: message() }, Level::INFO),
            (Notice::Superseded, Level::WARN),
            (Notice::Behind { waiting: 1, most: 1 }, Level::WARN),
            (Notice::SetAside { account: message(), message: message(), reason: message() }, Level::WARN),
            (delivery(Outcome::Unknown(message())), Level::WARN),
            (delivery(Outcome::Refused(message())), Level::WARN),
            (delivery(Outcome::Later(message())), Level::INFO),
            (delivery(Outcome::Sent), Level::INFO),
        ] {
            assert_eq!(notice.level(), level, "{notice:?}");
        }
    }
}
