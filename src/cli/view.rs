//! `twite view`: prints the tickets of a view.

use std::io::Write as _;

use clap::{Args, ValueEnum};

use super::{
    CliError, Exit,
    desk::{Access, AsAgent, DeskArgs},
    terminal,
};
use crate::{
    app::views::{self, Page, TicketList},
    clock::Clock,
    desk::Declarations,
    present::{
        self,
        tickets::{self, ListedView},
    },
};

/// Show the tickets of a view. Without a title, list the views with their numbers of tickets.
#[derive(Debug, Args)]
pub(crate) struct ViewCommand {
    /// The view's title.
    title: Option<String>,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    by: AsAgent,
    #[command(flatten)]
    desk: DeskArgs,
}

/// Paging and output format.
#[derive(Debug, Args)]
pub(super) struct PageArgs {
    /// The maximum number of tickets.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// The number of tickets to skip.
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u32,
    /// Output format.
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    format: TableFormat,
}

/// How tables are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TableFormat {
    /// For people.
    Table,
    /// A JSON array of objects.
    Json,
}

impl ViewCommand {
    pub(crate) async fn run(self) -> Result<Exit, CliError> {
        let desk = self.desk.open(Access::Read).await?;
        let (store, rules, now) = (desk.store()?, &desk.rules, Clock::Wall.now());
        let viewer = self.by.viewer(&rules.desk)?;
        let Some(title) = &self.title else {
            let counts = views::counts(store, rules, viewer, now).await?;
            AsAgent::note_me(viewer, counts.iter().any(|(view, _)| view.filter.asks_me()))?;
            let listed: Vec<_> = counts.iter().map(ListedView::from).collect();
            return self.page.format.print(|| tickets::views(&listed), &listed);
        };
        let view = views::find(rules, viewer, title)
            .map_err(|error| CliError::Usage(format!("{error}; `twite view` lists all views")))?;
        AsAgent::note_me(viewer, view.filter.asks_me())?;
        let list = views::list(store, viewer, view, &rules.desk, now, self.page.page()).await?;
        self.page.print(&list, &rules.desk)
    }
}

impl PageArgs {
    pub(super) fn page(&self) -> Page {
        Page { limit: self.limit, offset: self.offset }
    }

    /// Prints a page of a ticket list.
    pub(super) fn print(&self, list: &TicketList<'_>, desk: &Declarations) -> Result<Exit, CliError> {
        self.format.print(|| tickets::text(list, desk), &tickets::rows(list, desk))
    }
}

impl TableFormat {
    /// Prints a text for people, or a value as JSON.
    pub(super) fn print(self, text: impl FnOnce() -> String, value: &impl serde::Serialize) -> Result<Exit, CliError> {
        match self {
            Self::Table => terminal::people().write_all(text().as_bytes())?,
            Self::Json => terminal::json().write_all(present::json(value)?.as_bytes())?,
        }
        Ok(Exit::Fine)
    }
}
