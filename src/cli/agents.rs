//! `twite agents`: who is away.

use clap::{Args, Subcommand};

use super::{
    CliError, Exit,
    desk::{Access, AsAgent, DeskArgs},
    view::TableFormat,
};
use crate::{
    app::agents::{self, AbsenceError},
    clock::Clock,
    desk::visible::visible,
    present::{self, agents::AgentJson},
};

/// List the agents and who is away; say that one is away, or back.
///
/// Who is away gets no tickets by `assign to next agent`, `least busy agent` and `last agent`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Agents {
    #[command(subcommand)]
    what: Option<What>,
    /// Output format.
    #[arg(long, global = true, value_enum, default_value_t = TableFormat::Table)]
    format: TableFormat,
    #[command(flatten)]
    by: AsAgent,
    #[command(flatten)]
    desk: DeskArgs,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Say that an agent is away. With `--as`, an agent says so of themselves, and an admin of everybody.
    Away {
        /// The agent.
        #[arg(value_name = "AGENT")]
        name: String,
        /// The last day, as in `2026-12-24`, where the desk is, or the time at which the agent is back. Without it,
        /// until somebody says that the agent is back.
        #[arg(long, value_name = "DATE|TIME")]
        until: Option<String>,
    },
    /// Say that an agent is back.
    Back {
        /// The agent.
        #[arg(value_name = "AGENT")]
        name: String,
    },
}

impl Agents {
    pub(crate) async fn run(self) -> Result<Exit, CliError> {
        let access = if self.what.is_some() { Access::Write } else { Access::Read };
        let desk = self.desk.open(access).await?;
        let (declared, now) = (&desk.rules.desk, Clock::Wall.now());
        let viewer = self.by.viewer(declared)?;
        match &self.what {
            None => {
                let agents = agents::agents(desk.store.as_ref(), declared, now).await?;
                let json: Vec<_> = agents.iter().map(AgentJson::from).collect();
                self.format.print(|| present::agents::agents(&agents), &json)
            }
            Some(What::Away { name, until }) => {
                let until = until.as_deref().map(|until| agents::end_of_absence(until, declared)).transpose();
                let until = until.map_err(CliError::Usage)?;
                let absence =
                    agents::away(desk.store()?, (declared, viewer), name, until, now).await.map_err(refused)?;
                self.format.print(|| present::agents::away(&absence), &absence)
            }
            Some(What::Back { name }) => {
                let (agent, was_away) =
                    agents::back(desk.store()?, (declared, viewer), name, now).await.map_err(refused)?;
                let text = || match was_away {
                    true => format!("{} is back\n", visible(&agent)),
                    false => format!("{} was not away\n", visible(&agent)),
                };
                self.format.print(text, &serde_json::json!({ "agent": agent, "was_away": was_away }))
            }
        }
    }
}

fn refused(error: AbsenceError) -> CliError {
    match error {
        AbsenceError::Store(error) => error.into(),
        other => CliError::Usage(other.to_string()),
    }
}
