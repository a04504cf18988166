//! The agents of the desk, and who is away.

use serde::Serialize;

use super::table::{minute, plain};
use crate::{app::agents::AgentStatus, desk::visible::visible, store::Absence};

/// An agent as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct AgentJson<'s> {
    name: &'s str,
    groups: &'s [String],
    away: Option<&'s Absence>,
}

impl<'s> From<&'s AgentStatus<'_>> for AgentJson<'s> {
    fn from(status: &'s AgentStatus<'_>) -> Self {
        Self { name: &status.agent.name, groups: &status.agent.groups, away: status.away.as_ref() }
    }
}

/// The agents as text, one a line.
pub(crate) fn agents(agents: &[AgentStatus<'_>]) -> String {
    if agents.is_empty() {
        return "`twite.toml` declares no agent\n".to_owned();
    }
    let mut table = plain();
    table.set_header(["agent", "groups", "away"]);
    for AgentStatus { agent, away } in agents {
        let away = away.as_ref().map(until).unwrap_or_default();
        table.add_row([visible(&agent.name).into_owned(), visible(&agent.groups.join(", ")).into_owned(), away]);
    }
    format!("{}\n", table.trim_fmt())
}

/// A sentence about an absence that was entered.
pub(crate) fn away(absence: &Absence) -> String {
    format!("{} is away {}, and is passed over in assignments\n", visible(&absence.agent), until(absence))
}

fn until(absence: &Absence) -> String {
    absence.until.map_or_else(|| "until further notice".to_owned(), |until| format!("until {}", minute(until)))
}
