//! `twite incoming`: posts and direct messages that made no ticket; converting them.

use std::io::Write as _;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{
    CliError, Exit,
    desk::{Access, AsAgent, DeskArgs, OpenDesk},
    terminal,
    ticket::app,
    view::TableFormat,
};
use crate::{
    app::incoming::{self, Asked, Converted, IncomingError},
    desk::{Viewer, XId, moment::day_or_moment},
    present::{
        self,
        incoming::{ConvertedJson, ListedJson, PostJson},
    },
};

/// List posts and direct messages to your accounts that made no ticket, say why, and convert them to tickets. For admins.
///
/// They are kept for `incoming_days` (30) of `[store]` in `twite.toml`. What is on a ticket, or was deleted at X, is not listed.
#[derive(Debug, Args)]
pub(crate) struct Incoming {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    by: AsAgent,
    #[command(flatten)]
    desk: DeskArgs,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List them, the last read first, each with the reason why it made no ticket.
    ///
    ///   twite incoming list --account acme --text refund --since 2026-11-01
    #[command(verbatim_doc_comment)]
    List(List),
    /// Show one: its whole text, why it made no ticket, and whether it can be converted.
    Show {
        /// The id of the post or message.
        #[arg(value_name = "ID")]
        id: XId,
        /// Output format.
        #[arg(long, value_enum, default_value_t = TableFormat::Table)]
        format: TableFormat,
    },
    /// Convert some to tickets: those with these ids, or all that the options find.
    ///
    /// Each opens a ticket as if its account had captured it, or joins the ticket that its author
    /// has in the conversation. The triggers run, so rules may answer. What is on a ticket already
    /// stays there, so the command can be repeated. Not for accounts that capture such messages by
    /// themselves. Exits with status 1 if one cannot be converted; the others are.
    ///
    ///   twite incoming convert 1994021536452161536
    ///   twite incoming convert --account acme --text refund
    #[command(verbatim_doc_comment)]
    Convert(Convert),
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    find: Find,
    /// The maximum number of posts.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Output format.
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    format: TableFormat,
}

#[derive(Debug, Args)]
struct Find {
    /// Those to this account.
    #[arg(long, value_name = "HANDLE")]
    account: Option<String>,
    /// Those whose text contains this, or that this person wrote, ignoring case.
    #[arg(long, value_name = "TEXT|@HANDLE")]
    text: Option<String>,
    /// Those written on this day or later, where the desk is, or at this time or later.
    #[arg(long, value_name = "DATE|TIME")]
    since: Option<String>,
    /// Those written on this day or earlier, where the desk is, or before this time.
    #[arg(long, value_name = "DATE|TIME")]
    until: Option<String>,
}

#[derive(Debug, Args)]
struct Convert {
    /// The ids of posts or messages, as `twite incoming list` shows them.
    #[arg(value_name = "ID", conflicts_with_all = ["text", "since", "until", "all"])]
    ids: Vec<XId>,
    #[command(flatten)]
    find: Find,
    /// All that are kept, or all of the account.
    #[arg(long)]
    all: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    format: TableFormat,
}

impl Incoming {
    pub(crate) async fn run(self) -> Result<Exit, CliError> {
        let access = match &self.what {
            What::List(_) | What::Show { .. } => Access::Read,
            What::Convert(_) => Access::Write,
        };
        let desk = self.desk.open(access).await?;
        let viewer = self.by.viewer(&desk.rules.desk)?;
        let accounts = &desk.settings.accounts;
        match &self.what {
            What::List(List { find, limit, format }) => {
                let asked = find.asked(&desk)?;
                let listed = incoming::list(desk.store()?, accounts, viewer, &asked, *limit).await.map_err(refused)?;
                format.print(|| present::incoming::list(&listed), &ListedJson::from(&listed))
            }
            What::Show { id, format } => {
                let posts = incoming::show(desk.store()?, accounts, viewer, id).await.map_err(refused)?;
                let json: Vec<_> = posts.iter().map(PostJson::from).collect();
                format.print(|| present::incoming::posts(&posts), &json)
            }
            What::Convert(convert) => convert.run(&desk, viewer).await,
        }
    }
}

impl Find {
    fn asked(&self, desk: &OpenDesk) -> Result<Asked<'_>, CliError> {
        let moment = |text: &String| {
            let wrong = || {
                CliError::Usage(format!(
                    "`{text}` is no date: write a day, as in `2026-12-24`, or a time, as in `2026-12-24T12:00:00Z`"
                ))
            };
            day_or_moment(text, &desk.rules.desk.hours.zone).ok_or_else(wrong)
        };
        let since: Option<(Timestamp, Timestamp)> = self.since.as_ref().map(moment).transpose()?;
        let until = self.until.as_ref().map(moment).transpose()?;
        Ok(Asked {
            account: self.account.as_deref(),
            text: self.text.as_deref(),
            since: since.map(|(start, _)| start),
            until: until.map(|(_, end)| end),
        })
    }
}

impl Convert {
    async fn run(&self, desk: &OpenDesk, viewer: Viewer<'_>) -> Result<Exit, CliError> {
        let Find { account, text, since, until } = &self.find;
        if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
            return Err(CliError::Usage("`--text` is empty; `--all` converts everything".to_owned()));
        }
        let asked = self.find.asked(desk)?;
        let app = app(desk.store()?, desk);
        let converted = if !self.ids.is_empty() {
            incoming::convert(&app, viewer, &self.ids, account.as_deref()).await
        } else if self.all || text.is_some() || since.is_some() || until.is_some() {
            incoming::convert_all(&app, viewer, &asked).await
        } else {
            let message = "nothing is to be converted: give ids, `--text`, `--since`, `--until`, or `--all`";
            return Err(CliError::Usage(message.to_owned()));
        };
        self.print(&converted.map_err(refused)?)
    }

    fn print(&self, converted: &[Converted]) -> Result<Exit, CliError> {
        if self.format == TableFormat::Json {
            let json: Vec<_> = converted.iter().map(ConvertedJson::from).collect();
            terminal::json().write_all(present::json(&json)?.as_bytes())?;
        } else {
            if converted.is_empty() {
                writeln!(terminal::people(), "no posts that were not captured")?;
            }
            for one in converted {
                let line = present::incoming::converted(one);
                match one.outcome {
                    Ok(_) => writeln!(terminal::people(), "{line}")?,
                    Err(_) => writeln!(terminal::remarks(), "{line}")?,
                }
            }
        }
        Ok(if converted.iter().all(|one| one.outcome.is_ok()) { Exit::Fine } else { Exit::Findings })
    }
}

fn refused(error: IncomingError) -> CliError {
    match error {
        IncomingError::Store(error) => error.into(),
        other => CliError::Usage(other.to_string()),
    }
}
