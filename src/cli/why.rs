//! `twite why`: replays the runs of a ticket with explanations.

use std::io;

use clap::Args;

use super::{
    CliError, Exit,
    desk::{Access, AsAgent, DeskArgs},
    terminal::colored,
    ticket,
    view::TableFormat,
};
use crate::{
    app::replay::{By, ReplayError, Run, replay},
    desk::TicketId,
    present::replay::{RunJson, text},
};

/// Explain what the rules did on a ticket: every run, every rule, and every condition with the value it had.
///
/// Repeats each recorded run with the rules that were live then. If the result differs from what was recorded, says so
/// and exits with status 1.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The ticket's number.
    #[arg(value_name = "TICKET")]
    ticket: i64,
    /// Only this run, counted from 1.
    #[arg(long, value_name = "N")]
    run: Option<usize>,
    /// Only the rule with this title.
    #[arg(long, value_name = "TITLE")]
    rule: Option<String>,
    /// Only rules that fired.
    #[arg(long)]
    fired: bool,
    /// Use the current rules instead of those that were live then.
    #[arg(long)]
    now: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    format: TableFormat,
    #[command(flatten)]
    by: AsAgent,
    #[command(flatten)]
    desk: DeskArgs,
}

impl Why {
    pub(crate) async fn run(self) -> Result<Exit, CliError> {
        let desk = self.desk.open(Access::Read).await?;
        let viewer = self.by.viewer(&desk.rules.desk)?;
        let (id, by) = (TicketId(self.ticket), if self.now { By::Now } else { By::Then });
        let mut replayed = replay(desk.store()?, viewer, &desk.rules, id, self.run, by).await.map_err(not_replayed)?;
        if self.fired {
            replayed.keep_fired();
        }
        if let Some(title) = &self.rule {
            replayed.keep_rule(title, &desk.rules).map_err(|error| CliError::Usage(error.to_string()))?;
        }
        let runs: Vec<_> = replayed.runs.iter().map(RunJson::from).collect();
        self.format.print(|| text(&replayed, id, colored(&io::stdout())), &runs)?;
        let agrees = |run: &Run| run.agrees;
        Ok(if replayed.runs.iter().all(agrees) { Exit::Fine } else { Exit::Findings })
    }
}

fn not_replayed(error: ReplayError) -> CliError {
    match error {
        ReplayError::Store(error) => error.into(),
        ReplayError::NoSuchTicket(id) => ticket::unknown(id),
        ReplayError::NoSuchRun(..) => CliError::Usage(error.to_string()),
        ReplayError::Gone(_) | ReplayError::Outdated(_) => {
            CliError::Usage(format!("{error}; `--now` asks the present ones"))
        }
    }
}
