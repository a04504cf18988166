//! What there is to tell: one value for the log, the demo and the pages.

use std::fmt;

use tokio::sync::broadcast;

use crate::{
    desk::{Change, Channel, TicketId, visible::visible},
    lang::rules::Version,
    store::{Holder, StoppedLoop},
};

/// Something worth telling.
#[derive(Debug, Clone)]
pub enum Notice {
    /// A ticket was opened.
    Opened {
        /// Its number.
        ticket: TicketId,
        /// Where it came from.
        channel: Channel,
        /// The account it came to.
        account: String,
        /// The requester's handle or name.
        requester: String,
        /// What opened it.
        text: String,
    },
    /// A comment joined a ticket.
    Commented {
        /// The ticket.
        ticket: TicketId,
        /// Whether the desk said it, not the requester.
        by_agent: bool,
        /// What was said.
        text: String,
    },
    /// A post was deleted at X: its comment keeps its place, and its text is gone.
    Deleted {
        /// The ticket it is on.
        ticket: TicketId,
    },
    /// Time passed, and an automation is about to fire.
    Due {
        /// On this ticket.
        ticket: TicketId,
        /// As of this minute.
        at: jiff::Timestamp,
    },
    /// Two tickets were linked.
    Linked {
        /// One.
        ticket: TicketId,
        /// The other.
        other: TicketId,
    },
    /// A rule fired.
    Fired {
        /// On this ticket.
        ticket: TicketId,
        /// The rule's title.
        rule: String,
        /// It only recorded what it would have done.
        shadow: bool,
        /// What it changed.
        changes: Vec<Change>,
    },
    /// A reply, mail or webhook left the outbox.
    Delivery {
        /// The ticket.
        ticket: TicketId,
        /// What it was: "reply", "direct message", "mail", "webhook".
        what: &'static str,
        /// What it said, or where it went.
        text: String,
        /// What became of it.
        outcome: Outcome,
    },
    /// More is due than automations may do in a minute.
    Behind {
        /// How many tickets wait.
        waiting: i64,
        /// How many are served in a minute.
        most: u32,
    },
    /// Automations went in circles on a ticket, and were stopped there.
    LoopStopped(StoppedLoop),
    /// The index and the plain evaluator decided differently, which is a mistake in Twite. The plain one was followed.
    Disagree {
        /// On this ticket.
        ticket: TicketId,
        /// By these rules.
        version: Version,
    },
    /// A message that cannot be read was put aside.
    SetAside {
        /// Why.
        reason: String,
    },
    /// New rules are live.
    Reloaded {
        /// Which.
        version: Version,
        /// How many triggers, automations and views they hold.
        items: usize,
    },
    /// Changed rules have errors: the last good ones stay live.
    Broken {
        /// The rules that stay.
        live: Version,
        /// How many errors.
        errors: usize,
        /// The errors, for a person.
        report: String,
    },
    /// Files were passed over, because their names end only nearly as those of rule files do.
    PassedOver {
        /// Which.
        files: Vec<String>,
    },
    /// Changed settings are used only when the daemon starts again.
    NeedsRestart {
        /// Which.
        settings: Vec<String>,
    },
    /// The files still cannot go live.
    StillBroken {
        /// The rules that stay.
        live: Version,
        /// Since when.
        since: jiff::Timestamp,
        /// What is wrong, in a line.
        first: String,
    },
    /// Another daemon works on this database; this one waits.
    Waiting {
        /// Who.
        holder: Holder,
        /// Since when.
        since: jiff::Timestamp,
    },
    /// Another daemon has taken over: nothing was heard of this one for too long.
    Superseded,
    /// The store works again.
    Recovered {
        /// How long it did not.
        seconds: u64,
    },
    /// Something works again that was told of as trouble.
    Mended {
        /// What.
        message: String,
    },
    /// Something does not work, and goes on not working until somebody looks.
    Trouble {
        /// What is wrong, and what to do about it.
        message: String,
    },
}

/// What became of something that left the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It arrived.
    Sent,
    /// It had arrived, which nobody knew until X showed it.
    Found,
    /// It was refused for good.
    Refused(String),
    /// It will be tried again.
    Later(String),
    /// Nobody knows whether it arrived.
    Unknown(String),
}

/// Logs what is wrong with rules, each line as an event of its own.
pub fn log_report(report: &str) {
    report.lines().filter(|line| !line.trim().is_empty()).for_each(|line| tracing::error!("{line}"));
}

/// Where notices go. Cheap to clone; nobody has to listen.
#[derive(Debug, Clone)]
pub struct Notices(broadcast::Sender<Notice>);

impl Default for Notices {
    fn default() -> Self {
        Self(broadcast::channel(4096).0)
    }
}

impl Notices {
    /// Logs a notice and hands it to whoever listens.
    pub(crate) fn tell(&self, notice: Notice) {
        match &notice {
            Notice::Broken { report, .. } => {
                tracing::error!("{notice}");
                log_report(report);
            }
            Notice::Trouble { .. } | Notice::Disagree { .. } | Notice::StillBroken { .. } => {
                tracing::error!("{notice}")
            }
            Notice::SetAside { .. }
            | Notice::LoopStopped(_)
            | Notice::Behind { .. }
            | Notice::Waiting { .. }
            | Notice::Superseded
            | Notice::PassedOver { .. }
            | Notice::NeedsRestart { .. } => {
                tracing::warn!("{notice}")
            }
            Notice::Delivery { outcome: Outcome::Refused(_) | Outcome::Unknown(_), .. } => tracing::warn!("{notice}"),
            _ => tracing::info!("{notice}"),
        }
        // An error means that nobody listens.
        let _ = self.0.send(notice);
    }

    /// Everything told from now on.
    pub fn listen(&self) -> broadcast::Receiver<Notice> {
        self.0.subscribe()
    }
}

impl fmt::Display for Notice {
    /// One line for the log. Texts of messages stay out of it: they are other people's.
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
            Self::Delivery { ticket, what, outcome, .. } => match outcome {
                Outcome::Sent => write!(f, "ticket {ticket}: {what} sent"),
                Outcome::Found => {
                    write!(f, "ticket {ticket}: {what} sent, confirmed at X")
                }
                Outcome::Refused(why) => write!(f, "ticket {ticket}: {what} refused: {why}"),
                Outcome::Later(why) => write!(f, "ticket {ticket}: {what} not sent, will be retried: {why}"),
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
            Self::SetAside { reason } => write!(f, "message set aside: {reason}"),
            Self::Reloaded { version, items } => write!(f, "rules {version} are live, {items} in all"),
            Self::Broken { live, errors, .. } => {
                let errors = format!("{errors} error{}", if *errors == 1 { "" } else { "s" });
                write!(f, "the rules have {errors}; rules {live} stay live until they are fixed")
            }
            Self::PassedOver { files } => {
                let (end, their) = if files.len() == 1 { ("does", "its") } else { ("do", "their") };
                let files = visible(&files.join(", ")).into_owned();
                write!(f, "{files} {end} not end in `.twite`, so {their} rules are not live")
            }
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
            Self::Recovered { seconds } => write!(f, "the database works again, after {seconds} seconds"),
            Self::Trouble { message } | Self::Mended { message } => f.write_str(message),
        }
    }
}
