//! `twite ticket`: tickets in the terminal.

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    sync::Arc,
};

use clap::{Args, Subcommand};

use super::{
    CliError, Exit,
    desk::{DeskArgs, OpenDesk},
    terminal,
    view::{PageArgs, TableFormat},
};
use crate::{
    app::{
        App, Notice,
        agent::{self, NotDone},
        ticket,
        views::{self, Description},
    },
    clock::Clock,
    desk::{Cause, TicketId},
    engine::{Decider, RuleSet},
    lang::render,
    present::{
        self,
        ticket::{AppliedJson, SheetJson},
    },
};

/// List tickets, show one with all that was said on it, and apply macros.
#[derive(Debug, Args)]
pub(crate) struct TicketCommand {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    desk: DeskArgs,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List tickets, by any condition that a view could have.
    ///
    ///   twite ticket list --where 'channel is twitter_dm and status < solved'
    #[command(verbatim_doc_comment)]
    List(List),
    /// Show a ticket: its fields, what was said, and what was sent.
    Show {
        /// Its number.
        #[arg(value_name = "ID")]
        ticket: i64,
        /// How it is printed.
        #[arg(long, value_enum, default_value_t = TableFormat::Table)]
        format: TableFormat,
    },
    /// Apply a macro to tickets, as an agent: what it sets is set at once, triggers run on the update, and what is to be
    /// sent leaves as soon as the daemon runs. Ends with status 1 where a ticket refuses it; the others are done.
    Apply(Apply),
}

#[derive(Debug, Args)]
struct Apply {
    /// The macro's title.
    #[arg(value_name = "MACRO")]
    title: String,
    /// The tickets' numbers.
    #[arg(value_name = "ID", required = true)]
    tickets: Vec<i64>,
    /// Only show what would come of it.
    #[arg(long)]
    dry_run: bool,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    format: TableFormat,
}

#[derive(Debug, Args)]
struct List {
    /// Which tickets, as the `where` of a view says it.
    #[arg(long = "where", value_name = "CONDITION", default_value = "status < closed")]
    filter: String,
    /// In which order, as `sort by` of a view says it.
    #[arg(long, value_name = "FIELD", default_value = "updated descending")]
    sort: String,
    /// What is shown of each, separated by commas.
    #[arg(long, value_name = "FIELDS", default_value = "id, status, priority, subject, requester, updated")]
    columns: String,
    #[command(flatten)]
    page: PageArgs,
}

impl TicketCommand {
    pub(crate) async fn run(self) -> Result<Exit, CliError> {
        let desk = self.desk.open().await?;
        match &self.what {
            What::List(list) => list.run(&desk).await,
            What::Show { ticket, format } => show(&desk, TicketId(*ticket), *format).await,
            What::Apply(apply) => apply.run(&desk).await,
        }
    }
}

impl List {
    async fn run(&self, desk: &OpenDesk) -> Result<Exit, CliError> {
        let declared = &desk.rules.desk;
        let described = Description { filter: &self.filter, columns: &self.columns, sort: &self.sort };
        let view = described.view("these options", declared).map_err(|(found, sources)| {
            let report = render::human(&found, &sources, terminal::style(&io::stderr()));
            CliError::Report(format!("these options describe no list of tickets\n\n{report}"))
        })?;
        let list = views::list(desk.store()?, &view, declared, Clock::Wall.now(), self.page.page()).await?;
        self.page.print(&list, declared)
    }
}

async fn show(desk: &OpenDesk, id: TicketId, format: TableFormat) -> Result<Exit, CliError> {
    let sheet = ticket::sheet(desk.store()?, id).await?.ok_or_else(|| unknown(id))?;
    let text = || {
        let text = present::ticket::sheet(&sheet, &desk.rules.desk, Clock::Wall.now());
        format!("{text}\n`twite why {id}` tells what the rules did\n")
    };
    format.print(text, &SheetJson::from(&sheet))
}

impl Apply {
    async fn run(&self, desk: &OpenDesk) -> Result<Exit, CliError> {
        let (store, rules) = (desk.store()?, &desk.rules);
        let found = agent::find_macro(rules, &self.title).map_err(|error| {
            let all: Vec<_> = agent::macros(rules).map(|found| format!("{:?}", found.title)).collect();
            let all = if all.is_empty() { "the rules have none".to_owned() } else { all.join(", ") };
            CliError::Usage(format!("{error}: {all}"))
        })?;
        // Somebody waits for one decision, which makes verifying it cheap.
        let app = App::with_rules(store.clone(), RuleSet::new(Arc::clone(rules)), Clock::Wall);
        let app = app.deciding(Decider::default().verifying(1));
        let mut told = app.notices().listen();
        let (mut exit, mut outcomes) = (Exit::Fine, vec![]);
        // A ticket that is named twice is one.
        let mut applied = BTreeSet::new();
        for id in self.tickets.iter().filter(|id| applied.insert(**id)) {
            let (id, cause) = (TicketId(*id), Cause::Macro(found.title.clone()));
            let done = match self.dry_run {
                true => agent::preview(&app, id, &found.then, cause).await,
                false => agent::update(&app, id, &found.then, cause).await,
            };
            while let Ok(notice) = told.try_recv() {
                if matches!(notice, Notice::Disagree { .. }) {
                    writeln!(terminal::remarks(), "error: {notice}")?;
                }
            }
            let outcome = match done {
                Ok(done) => AppliedJson::applied(id, done, &rules.desk),
                Err(NotDone::Store(error)) => return Err(error.into()),
                Err(refused) => {
                    exit = Exit::Findings;
                    AppliedJson::Refused { ticket: id, refused: refused.to_string() }
                }
            };
            match (self.format, &outcome) {
                (TableFormat::Json, _) => outcomes.push(outcome),
                (TableFormat::Table, AppliedJson::Refused { .. }) => {
                    terminal::remarks().write_all(outcome.text(self.dry_run).as_bytes())?;
                }
                (TableFormat::Table, AppliedJson::Applied { .. }) => {
                    terminal::people().write_all(outcome.text(self.dry_run).as_bytes())?;
                }
            }
        }
        if self.format == TableFormat::Json {
            terminal::json().write_all(present::json(&outcomes)?.as_bytes())?;
        }
        Ok(exit)
    }
}

/// There is no such ticket.
pub(super) fn unknown(id: TicketId) -> CliError {
    CliError::Usage(format!("there is no ticket {id}; `twite ticket list` shows those there are"))
}
