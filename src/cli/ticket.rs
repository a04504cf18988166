//! `twite ticket`: lists, shows and updates tickets.

mod media;

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    sync::Arc,
};

use clap::{
    Args, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser as _},
};
use jiff::SignedDuration;

use super::{
    CliError, Exit,
    desk::{Access, AsAgent, DeskArgs, OpenDesk},
    edits::{Edits, actions},
    terminal,
    view::{PageArgs, TableFormat},
};
use crate::{
    app::{
        App, Notice,
        agent::{self, AgentUpdate, Applied, Description, NotDone},
        ticket, views,
    },
    clock::Clock,
    desk::{Rating, TicketId, Via, Viewer, normalize},
    engine::Decider,
    lang::render,
    present::{
        self,
        ticket::{AppliedJson, SheetJson},
    },
    store::Store,
};

/// List tickets, show one with its conversation, update them, reply, and apply macros.
#[derive(Debug, Args)]
pub(crate) struct TicketCommand {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    by: AsAgent,
    #[command(flatten)]
    desk: DeskArgs,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List tickets that meet a condition.
    ///
    ///   twite ticket list --where 'channel is twitter_dm and status < solved'
    #[command(verbatim_doc_comment)]
    List(List),
    /// Show a ticket: its fields, its conversation and what was sent.
    Show {
        /// The ticket's number.
        #[arg(value_name = "ID")]
        ticket: i64,
        /// Output format.
        #[arg(long, value_enum, default_value_t = TableFormat::Table)]
        format: TableFormat,
    },
    /// Save the photos and videos of a ticket's comments as files.
    ///
    /// They are fetched from X's media hosts. Exits with status 1 if one cannot be saved; the others are.
    Media(media::SaveMedia),
    /// Apply a macro to tickets, as an agent.
    ///
    /// The fields are set immediately, the triggers run on the update, and the daemon sends the replies and other
    /// effects. Exits with status 1 if the macro cannot be applied to a ticket; the other tickets are updated.
    Apply(Apply),
    /// Update a ticket, as an agent.
    ///
    /// The triggers run on the update. Exits with status 1 if the ticket cannot be updated, or if
    /// somebody else has changed the same field since the version given with --expect-version.
    ///
    ///   twite ticket update 42 --set status=solved --add-tag refund
    #[command(verbatim_doc_comment)]
    Update {
        /// The ticket's number.
        #[arg(value_name = "ID")]
        ticket: i64,
        /// Add a private note, visible to agents only.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        update: UpdateArgs,
    },
    /// Reply to the requester, as an agent.
    ///
    /// The daemon sends the reply when it runs. Exits with status 1 if the ticket cannot be answered.
    Reply {
        /// The ticket's number.
        #[arg(value_name = "ID")]
        ticket: i64,
        /// The text of the reply.
        #[arg(value_name = "TEXT")]
        text: String,
        /// The comment to reply to, by its id in `twite ticket show --format json`. Default: the requester's latest.
        #[arg(long, value_name = "COMMENT")]
        answers: Option<i64>,
        /// The handle of the connected account to reply from. Default: the one that was addressed.
        #[arg(long, value_name = "HANDLE")]
        from: Option<String>,
        /// Wait this long before the reply is sent. Until then, `twite outbox withdraw` cancels it.
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        after: u32,
        #[command(flatten)]
        update: UpdateArgs,
    },
    /// Rate a ticket: enter what its requester thinks of the help.
    ///
    /// Without --as, it is the requester's answer that came another way, such as through a survey page; with it, the
    /// agent's own. The triggers run on the update. Exits with status 1 if the ticket cannot be updated.
    ///
    ///   twite ticket rate 42 bad --comment "It took three days"
    #[command(verbatim_doc_comment)]
    Rate {
        /// The ticket's number.
        #[arg(value_name = "ID")]
        ticket: i64,
        /// Whether it was good or bad.
        #[arg(value_name = "RATING", value_parser = PossibleValuesParser::new(Rating::WORDS.words).try_map(|word| word.parse::<Rating>()))]
        rating: Rating,
        /// What was said with it.
        #[arg(long, value_name = "TEXT")]
        comment: Option<String>,
        /// Show the result without applying it.
        #[arg(long)]
        dry_run: bool,
        /// Output format.
        #[arg(long, value_enum, default_value_t = TableFormat::Table)]
        format: TableFormat,
    },
}

#[derive(Debug, Args)]
struct UpdateArgs {
    #[command(flatten)]
    edits: Edits,
    /// Let an agent follow the ticket; `me` is the one of `--as`. Can be given several times.
    #[arg(long, value_name = "AGENT")]
    add_watcher: Vec<String>,
    /// Let an agent follow the ticket no longer. Can be given several times.
    #[arg(long, value_name = "AGENT")]
    remove_watcher: Vec<String>,
    /// The `version` of the ticket that the update is based on. Later changes by others are kept. If they include a
    /// field that is to be set, nothing is updated.
    #[arg(long, value_name = "N")]
    expect_version: Option<i64>,
    /// Show the result without applying it.
    #[arg(long)]
    dry_run: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    format: TableFormat,
}

#[derive(Debug, Args)]
struct Apply {
    /// The macro's title.
    #[arg(value_name = "MACRO")]
    title: String,
    /// The tickets' numbers.
    #[arg(value_name = "ID", required = true)]
    tickets: Vec<i64>,
    /// Show the result without applying it.
    #[arg(long)]
    dry_run: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    format: TableFormat,
}

#[derive(Debug, Args)]
struct List {
    /// The condition, as after `where` in a view.
    #[arg(long = "where", value_name = "CONDITION", default_value = "status < closed")]
    filter: String,
    /// The order, as after `sort by` in a view.
    #[arg(long, value_name = "FIELD", default_value = "updated descending")]
    sort: String,
    /// The columns, separated by commas.
    #[arg(long, value_name = "FIELDS", default_value = "id, status, priority, subject, requester, updated")]
    columns: String,
    #[command(flatten)]
    page: PageArgs,
}

impl TicketCommand {
    pub(crate) async fn run(self) -> Result<Exit, CliError> {
        // A dry run writes, and rolls back.
        let access = match &self.what {
            What::List(_) | What::Show { .. } | What::Media(_) => Access::Read,
            What::Apply(_) | What::Update { .. } | What::Reply { .. } | What::Rate { .. } => Access::Write,
        };
        let desk = self.desk.open(access).await?;
        let viewer = self.by.viewer(&desk.rules.desk)?;
        match &self.what {
            What::List(list) => list.run(&desk, viewer).await,
            What::Show { ticket, format } => show(&desk, viewer, TicketId(*ticket), *format).await,
            What::Media(save) => save.run(&desk, viewer).await,
            What::Apply(apply) => apply.run(&desk, viewer).await,
            What::Update { ticket, note, update } => {
                let said = Description { note: note.as_deref(), ..Description::default() };
                update.run(&desk, viewer, TicketId(*ticket), said, Sending::default()).await
            }
            What::Reply { ticket, text, answers, from, after, update } => {
                let said = Description { reply: Some(text), ..Description::default() };
                let sending = Sending { answers: *answers, from: from.as_deref(), after: *after };
                update.run(&desk, viewer, TicketId(*ticket), said, sending).await
            }
            What::Rate { ticket, rating, comment, dry_run, format } => {
                let update = AgentUpdate::of_rating(viewer.actor(), Via::Cli, *rating, comment.as_deref());
                apply(&desk, &app(desk.store()?, &desk), TicketId(*ticket), &update, *dry_run, *format).await
            }
        }
    }
}

impl List {
    async fn run(&self, desk: &OpenDesk, viewer: Viewer<'_>) -> Result<Exit, CliError> {
        let declared = &desk.rules.desk;
        let described = views::Description { filter: &self.filter, columns: &self.columns, sort: &self.sort };
        let view = described.view("these options", &desk.rules).map_err(|(found, sources)| {
            let report = render::human(&found, &sources, terminal::style(&io::stderr()));
            CliError::Report(format!("these options are invalid\n\n{report}"))
        })?;
        AsAgent::note_me(viewer, view.filter.asks_me())?;
        let list = views::list(desk.store()?, viewer, &view, declared, Clock::Wall.now(), self.page.page()).await?;
        self.page.print(&list, declared)
    }
}

async fn show(desk: &OpenDesk, viewer: Viewer<'_>, id: TicketId, format: TableFormat) -> Result<Exit, CliError> {
    let sheet = ticket::sheet(desk.store()?, viewer, id).await?.ok_or_else(|| unknown(id))?;
    let text = || {
        let text = present::ticket::sheet(&sheet, &desk.rules.desk, Clock::Wall.now());
        format!("{text}\n`twite why {id}` explains what the rules did\n")
    };
    format.print(text, &SheetJson::from(&sheet))
}

impl Apply {
    async fn run(&self, desk: &OpenDesk, viewer: Viewer<'_>) -> Result<Exit, CliError> {
        let (store, rules) = (desk.store()?, &desk.rules);
        let found = agent::find_macro(rules, viewer, &self.title).map_err(|error| {
            let all: Vec<_> = agent::macros(rules, viewer).map(|found| format!("{:?}", found.title)).collect();
            let all = if all.is_empty() { "the rules have none".to_owned() } else { all.join(", ") };
            CliError::Usage(format!("{error}: {all}"))
        })?;
        let app = app(store, desk);
        let (mut exit, mut outcomes) = (Exit::Fine, vec![]);
        // A ticket that is given twice is updated once.
        let mut applied = BTreeSet::new();
        for id in self.tickets.iter().filter(|id| applied.insert(**id)) {
            let (id, update) = (TicketId(*id), AgentUpdate::of_macro(viewer.actor(), Via::Cli, found));
            let outcome = AppliedJson::new(id, done(&app, id, &update, self.dry_run).await?, &rules.desk);
            if matches!(outcome, AppliedJson::Refused { .. }) {
                exit = Exit::Findings;
            }
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

/// The error that a ticket does not exist.
pub(super) fn unknown(id: TicketId) -> CliError {
    CliError::Usage(format!("no ticket {id}; `twite ticket list` lists those that are not closed"))
}

/// How a reply is sent.
#[derive(Clone, Copy, Default)]
struct Sending<'s> {
    answers: Option<i64>,
    from: Option<&'s str>,
    after: u32,
}

impl UpdateArgs {
    async fn run(
        &self,
        desk: &OpenDesk,
        viewer: Viewer<'_>,
        id: TicketId,
        said: Description<'_>,
        sending: Sending<'_>,
    ) -> Result<Exit, CliError> {
        let (store, rules) = (desk.store()?, &desk.rules);
        let Self { edits, add_watcher, remove_watcher, expect_version, dry_run, format } = self;
        let Edits { set, clear, add_tag, remove_tag } = edits;
        let described = Description {
            set,
            clear,
            add_tags: add_tag,
            remove_tags: remove_tag,
            add_watchers: add_watcher,
            remove_watchers: remove_watcher,
            ..said
        };
        if described.is_empty() {
            return Err(CliError::Usage(
                "nothing is to be done: give `--set`, `--clear`, `--add-tag`, `--remove-tag`, `--add-watcher`, \
                 `--remove-watcher` or `--note`"
                    .into(),
            ));
        }
        let actions = actions(&described, &rules.desk)?;
        let app = app(store, desk);
        let Sending { answers, from, after } = sending;
        let not_before = (after > 0).then(|| app.clock().now() + SignedDuration::from_secs(i64::from(after)));
        let update = AgentUpdate {
            answers,
            account: from.map(|handle| normalize::handle(handle).into_owned()),
            not_before,
            expected_version: *expect_version,
            ..AgentUpdate::new(viewer.actor(), Via::Cli, actions)
        };
        apply(desk, &app, id, &update, *dry_run, *format).await
    }
}

/// Applies an update, or with `dry_run` only computes its result, and prints it.
async fn apply(
    desk: &OpenDesk,
    app: &App,
    id: TicketId,
    update: &AgentUpdate,
    dry_run: bool,
    format: TableFormat,
) -> Result<Exit, CliError> {
    let outcome = match done(app, id, update, dry_run).await? {
        Err(NotDone::Unknown(id)) => return Err(unknown(id)),
        outcome => AppliedJson::new(id, outcome, &desk.rules.desk),
    };
    let refused = matches!(outcome, AppliedJson::Refused { .. });
    match format {
        TableFormat::Json => terminal::json().write_all(present::json(&outcome)?.as_bytes())?,
        TableFormat::Table if refused => terminal::remarks().write_all(outcome.text(dry_run).as_bytes())?,
        TableFormat::Table => terminal::people().write_all(outcome.text(dry_run).as_bytes())?,
    }
    Ok(if refused { Exit::Findings } else { Exit::Fine })
}

/// The application for one command. It verifies every decision: there is only one per ticket, so that is cheap.
pub(super) fn app(store: &Store, desk: &OpenDesk) -> App {
    let app = App::with_rules(store.clone(), Arc::clone(&desk.rules), desk.settings.clone(), Clock::Wall);
    app.deciding(Decider::default().verifying(1))
}

/// Applies an update, or with `dry_run` only computes its result. Returns the result, or why the ticket refused it.
async fn done(
    app: &App,
    id: TicketId,
    update: &AgentUpdate,
    dry_run: bool,
) -> Result<Result<Applied, NotDone>, CliError> {
    let mut told = app.notices().listen();
    let done = match dry_run {
        true => agent::preview(app, id, update).await,
        false => agent::update(app, id, update).await,
    };
    while let Ok(notice) = told.try_recv() {
        if matches!(notice, Notice::Disagree { .. }) {
            writeln!(terminal::remarks(), "error: {notice}")?;
        }
    }
    match done {
        Err(NotDone::Store(error)) => Err(error.into()),
        done => Ok(done),
    }
}
