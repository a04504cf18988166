//! Replayed runs of a ticket: which rules fired, and why.

use std::fmt::{self, Write as _};

use serde::Serialize;

use super::{delivery::delivery, table::minute, trace};
use crate::{
    app::replay::{Replay, Run},
    desk::{Actor, Author, Cause, Event, EventKind, TicketId, text::headline, visible::visible},
    engine::{Trace, effect_line},
    store::{DeliveryStatus, Intervention},
};

/// The maximum length of a comment's excerpt, in graphemes.
const MAX_COMMENT_CHARS: usize = 60;

/// A replayed run as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct RunJson<'r> {
    run: usize,
    actor: &'r Actor,
    fired: &'r [String],
    event: Option<&'r Event>,
    agrees: bool,
    trace: Option<&'r Trace>,
    outgoing: &'r [DeliveryStatus],
    interventions: &'r [Intervention],
}

impl<'r> From<&'r Run> for RunJson<'r> {
    fn from(run: &'r Run) -> Self {
        Self {
            run: run.number,
            actor: &run.recorded.actor,
            fired: &run.recorded.fired,
            event: run.recorded.run.as_ref().map(|made_from| &made_from.event),
            agrees: run.agrees,
            trace: run.trace.as_ref(),
            outgoing: &run.outgoing,
            interventions: &run.interventions,
        }
    }
}

/// The replayed runs of a ticket as text.
pub(crate) fn text(replay: &Replay, ticket: TicketId, color: bool) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, replay, ticket, color);
    text
}

fn write(text: &mut String, replay: &Replay, ticket: TicketId, color: bool) -> fmt::Result {
    if replay.total == 0 {
        writeln!(text, "no rules ran on ticket {ticket} yet")?;
    }
    for run in &replay.runs {
        write!(text, "run {} of {}, {}: ", run.number, replay.total, minute(run.recorded.now))?;
        match (&run.recorded.run, &run.trace) {
            (Some(made_from), Some(made_again)) => {
                writeln!(text, "{}", happened(&made_from.event))?;
                writeln!(text, "{}", trace(made_again, color))?;
                if !run.agrees {
                    writeln!(
                        text,
                        "! This is not what was recorded: the same rules on the same ticket decided otherwise then.\n  \
                         Recorded: {}\n",
                        visible(&made_from.decision.to_string())
                    )?;
                }
            }
            _ => {
                let by = named(&run.recorded.actor).map(|name| visible(&format!("by {name}; ")).into_owned());
                writeln!(text, "{}its inputs were deleted with a post that was deleted at X", by.unwrap_or_default())?;
                writeln!(text, "rules {}\n", run.recorded.rules)?;
                for rule in &run.recorded.fired {
                    writeln!(text, "✓ {} fired", visible(&format!("{rule:?}")))?;
                }
                writeln!(text)?;
            }
        }
        for item in &run.outgoing {
            writeln!(text, "{}", delivery(item))?;
        }
        if !run.outgoing.is_empty() {
            writeln!(text)?;
        }
        for done in &run.interventions {
            let line = format!("{} (outbox {}): {}", effect_line(&done.effect), done.item, done.line());
            writeln!(text, "afterwards, {}: {}\n", minute(done.made), visible(&line))?;
        }
    }
    match &replay.stopped {
        Some(stopped) => writeln!(text, "\n{}", visible(&stopped.reason())),
        None => Ok(()),
    }
}

/// The event that started a run, on one line.
fn happened(event: &Event) -> String {
    let comment = event.comment.as_ref();
    let role = comment.map(|comment| match comment.author {
        Author::Requester => "the requester",
        Author::Agent => "an agent",
        Author::Rule => "a rule",
    });
    let by = named(&event.actor).or(role.map(str::to_owned)).map(|by| format!(" by {by}")).unwrap_or_default();
    let said = comment.map(|comment| format!(": {:?}", headline(&comment.text, MAX_COMMENT_CHARS)));
    let what = match event.kind {
        EventKind::Created => "created",
        EventKind::Updated { .. } => "updated",
        EventKind::Due { .. } => "time passed",
    };
    let cause = match &event.cause {
        None => String::new(),
        Some(Cause::Macro(title)) => format!(" with the macro {title:?}"),
        Some(Cause::Unsnoozed) => ": it was put off until now".to_owned(),
        Some(Cause::VolumeEnds(title)) => format!(": the volume {title:?} ends"),
    };
    visible(&format!("{what}{cause}{by}{}", said.unwrap_or_default())).into_owned()
}

/// Who caused an event, if it is known by name.
fn named(actor: &Actor) -> Option<String> {
    match actor {
        Actor::Agent(name) => Some(name.clone()),
        Actor::Rule(title) => Some(format!("the rule {title:?}")),
        Actor::Owner => Some("the owner of this machine".to_owned()),
        Actor::Person | Actor::System => None,
    }
}
