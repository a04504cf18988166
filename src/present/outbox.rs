//! Outbox items that are not delivered yet, and the results of withdrawing or resending them.

use std::fmt::Write as _;

use jiff::{Timestamp, Unit};
use serde::Serialize;

use super::table::minute;
use crate::{
    app::outbox::Waiting,
    desk::{Act, visible::visible},
    engine::effect_line,
    store::{Intervention, NotPossible},
};

/// The outbox items as text, each with the reasons why it is not sent yet.
pub(crate) fn waiting(waiting: &[Waiting], now: Timestamp) -> String {
    if waiting.is_empty() {
        return "the outbox is empty\n".to_owned();
    }
    let mut text = String::new();
    for Waiting { queued, held } in waiting {
        let about = queued.ticket.map(|ticket| format!(" on ticket {ticket}")).unwrap_or_default();
        let by = queued.rule.as_ref().map(|rule| format!(" by {rule:?}")).unwrap_or_default();
        let what = format!("{}{about}{by}, to {}", effect_line(&queued.effect), queued.destination);
        let since = minute(queued.since);
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:>5}  {:<8} since {since}  {}", queued.id, queued.state, visible(&what));
        let mut whys = vec![];
        if let Some(held) = held {
            let until = held.until.map(|until| format!(", next try at {}", second(until))).unwrap_or_default();
            whys.push(format!("held: {}{until}", held.reason));
        }
        if let Some(behind) = queued.behind {
            whys.push(format!("waits for {behind}, an earlier one of the same ticket"));
        }
        if let Some(reason) = &queued.reason {
            whys.push(match queued.sends {
                0 => reason.clone(),
                1 => format!("tried once: {reason}"),
                n => format!("tried {n} times: {reason}"),
            });
        }
        if queued.state == "waiting" && queued.due > now {
            whys.push(format!("due at {}", second(queued.due)));
        }
        for why in whys {
            let _ = writeln!(text, "         {}", visible(&why));
        }
    }
    text += "\n`twite outbox withdraw ID` cancels one, `twite outbox resend ID` sends it now\n";
    if waiting.iter().any(|waiting| waiting.queued.state == "unknown") {
        text += "effects of unknown outcome may have arrived: check at X before you resend them\n";
    }
    text
}

fn second(at: Timestamp) -> Timestamp {
    at.round(Unit::Second).unwrap_or(at)
}

/// The result of withdrawing or resending an outbox item, or why that was refused, as JSON.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum InterventionJson<'i> {
    Done(&'i Intervention),
    Refused { item: i64, refused: String },
}

impl<'i> From<&'i (i64, Result<Intervention, NotPossible>)> for InterventionJson<'i> {
    fn from((item, outcome): &'i (i64, Result<Intervention, NotPossible>)) -> Self {
        match outcome {
            Ok(done) => Self::Done(done),
            Err(refused) => Self::Refused { item: *item, refused: refused.to_string() },
        }
    }
}

/// The result of withdrawing or resending an outbox item, on one line.
pub(crate) fn done(done: &Intervention) -> String {
    let what = match done.act {
        Act::Withdraw => "is withdrawn",
        Act::Resend => "is sent again",
    };
    format!("{} {what}: {}", done.item, visible(&effect_line(&done.effect)))
}
