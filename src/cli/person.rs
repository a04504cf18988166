//! `twite person`: shows and updates people.

use std::{io::Write as _, sync::Arc};

use clap::{Args, Subcommand};

use super::{
    CliError, Exit,
    desk::{Access, AsAgent, DeskArgs, OpenDesk},
    edits::{Edits, actions},
    terminal,
    view::TableFormat,
};
use crate::{
    app::{
        App,
        agent::Description,
        people::{self, PersonError, PersonUpdate},
    },
    clock::Clock,
    desk::{Owner, Viewer, visible::visible},
    present::{
        self,
        person::{ChangedJson, PersonJson},
    },
};

/// Show a person with the tickets, and update what the desk keeps about people.
#[derive(Debug, Args)]
pub(crate) struct PersonCommand {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    by: AsAgent,
    #[command(flatten)]
    desk: DeskArgs,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show a person: the profile, what the desk keeps, the latest tickets and what agents changed.
    Show {
        /// The person's handle, id at X or email address.
        #[arg(value_name = "HANDLE|ID")]
        who: String,
        /// Output format.
        #[arg(long, value_enum, default_value_t = TableFormat::Table)]
        format: TableFormat,
    },
    /// Update a person, as an agent.
    ///
    /// The update is on all tickets of the person: rules see it from their next decision on, and automations are evaluated
    /// again. It starts no triggers.
    ///
    ///   twite person update @ada --add-tag vip --set field.tier=gold --set organisation=ACME
    ///   twite person update @ada --set note="Rings back after 6 pm"
    #[command(verbatim_doc_comment)]
    Update(Update),
}

#[derive(Debug, Args)]
struct Update {
    /// The person's handle, id at X or email address.
    #[arg(value_name = "HANDLE|ID")]
    who: String,
    #[command(flatten)]
    edits: Edits,
    /// The `version` of the person that the update is based on. If something but tags is to be set, and something but
    /// tags has changed since, nothing is updated.
    #[arg(long, value_name = "N")]
    expect_version: Option<i64>,
    /// Show the result without applying it.
    #[arg(long)]
    dry_run: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    format: TableFormat,
}

impl PersonCommand {
    pub(crate) async fn run(self) -> Result<Exit, CliError> {
        // A dry run writes, and rolls back.
        let access = match &self.what {
            What::Show { .. } => Access::Read,
            What::Update(_) => Access::Write,
        };
        let desk = self.desk.open(access).await?;
        let viewer = self.by.viewer(&desk.rules.desk)?;
        match &self.what {
            What::Show { who, format } => {
                let sheet = people::sheet(desk.store()?, viewer, who).await.map_err(refused)?;
                let text = || present::person::sheet(&sheet, &desk.rules.desk, Clock::Wall.now());
                format.print(text, &PersonJson::from(&sheet))
            }
            What::Update(update) => update.run(&desk, viewer).await,
        }
    }
}

impl Update {
    async fn run(&self, desk: &OpenDesk, viewer: Viewer<'_>) -> Result<Exit, CliError> {
        let bare = |field: &str| Owner::split(field).1.to_owned();
        let set: Vec<_> = self.edits.set.iter().map(|(field, value)| (bare(field), value.clone())).collect();
        let clear: Vec<_> = self.edits.clear.iter().map(|field| bare(field)).collect();
        let described = Description {
            of: Owner::Requester,
            set: &set,
            clear: &clear,
            add_tags: &self.edits.add_tag,
            remove_tags: &self.edits.remove_tag,
            ..Description::default()
        };
        if described.is_empty() {
            return Err(CliError::Usage(
                "nothing is to be done: give `--set`, `--clear`, `--add-tag` or `--remove-tag`".into(),
            ));
        }
        let actions = actions(&described, &desk.rules.desk)?;
        let app = App::with_rules(desk.store()?.clone(), Arc::clone(&desk.rules), desk.settings.clone(), Clock::Wall);
        let update = PersonUpdate { who: &self.who, actions: &actions, expected_version: self.expect_version };
        let changed = match self.dry_run {
            true => people::preview(&app, viewer, &update).await,
            false => people::update(&app, viewer, &update).await,
        };
        let changed = match changed {
            Err(conflict @ PersonError::Conflict { .. }) => {
                match self.format {
                    TableFormat::Json => {
                        let refused = serde_json::json!({ "refused": conflict.to_string() });
                        terminal::json().write_all(present::json(&refused)?.as_bytes())?;
                    }
                    TableFormat::Table => writeln!(terminal::remarks(), "{}", visible(&conflict.to_string()))?,
                }
                return Ok(Exit::Findings);
            }
            changed => changed.map_err(refused)?,
        };
        self.format.print(|| present::person::changed(&changed, self.dry_run), &ChangedJson::from(&changed))
    }
}

fn refused(error: PersonError) -> CliError {
    match error {
        PersonError::Store(error) => error.into(),
        other => CliError::Usage(other.to_string()),
    }
}
