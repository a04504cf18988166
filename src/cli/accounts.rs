//! `twite accounts`: the accounts of X that a desk uses, their state and their switches.

mod callback;
mod change;
mod sign_in;
mod through_daemon;
mod tokens;

use std::io::Write as _;

use clap::{Args, Subcommand};

use self::{
    change::{Set, Unlink},
    sign_in::{Add, Reauthorise},
};
use super::{
    CliError, Exit,
    desk::{Access, AsAgent, DeskArgs, OpenDesk},
    outbox::actor,
    terminal,
    view::TableFormat,
};
use crate::{
    app::accounts::{self, AccountStatus, NoSuchAccount, NotChanged},
    clock::Clock,
    desk::{AccountState, Accounts as Declared, Actor, Viewer, declarations::Edition, visible::visible},
    present,
};

/// Connect X accounts, change them, and show their state.
///
/// An account is used if `twite.toml` declares it or `add` added it. A switch that `twite.toml` writes belongs to the file;
/// all others are kept in the database, and `set` changes them. A running daemon follows within seconds.
#[derive(Debug, Args)]
pub(crate) struct Accounts {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    by: AsAgent,
    #[command(flatten)]
    desk: DeskArgs,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the accounts and their state.
    List {
        /// Output format.
        #[arg(long, value_enum, default_value_t = TableFormat::Table)]
        format: TableFormat,
    },
    /// Show an account: its state, scopes, switches with who owns each, and what does not work.
    Show {
        /// The handle.
        handle: String,
        /// Output format.
        #[arg(long, value_enum, default_value_t = TableFormat::Table)]
        format: TableFormat,
    },
    Add(Add),
    Reauthorise(Reauthorise),
    Set(Set),
    /// Switch an account off: it receives and sends nothing until it is activated. What it was to send waits.
    Deactivate {
        /// The handle.
        handle: String,
    },
    /// Switch an account on again. It continues where it stopped.
    Activate {
        /// The handle.
        handle: String,
    },
    Unlink(Unlink),
    /// Acknowledge the periods in which messages to an account may be missing, so that they are no longer listed.
    ///
    /// Who acknowledged them, and when, is in `twite accounts list --format json`.
    Acknowledge(Acknowledge),
}

#[derive(Debug, Args)]
struct Acknowledge {
    /// The handle.
    handle: String,
    /// Your name, for the record, if you own this machine. Default: the current user. With `--as`, it is the agent.
    #[arg(long, value_name = "NAME", conflicts_with = "agent")]
    by: Option<String>,
}

/// The accounts of an open desk, and who asks.
struct Asked<'a> {
    desk: &'a OpenDesk,
    /// The accounts that `twite.toml` declares.
    declared: Declared,
    edition: Edition,
    viewer: Viewer<'a>,
}

impl Accounts {
    pub(crate) async fn run(self) -> Result<Exit, CliError> {
        let only_reads = matches!(self.what, What::List { .. } | What::Show { .. });
        let desk = self.desk.open(if only_reads { Access::Read } else { Access::Write }).await?;
        let viewer = self.by.viewer(&desk.rules.desk)?;
        if let Some(agent) = viewer.as_agent().filter(|agent| !only_reads && !agent.admin) {
            return Err(CliError::Usage(format!("only an admin changes accounts, and `{}` is none", agent.name)));
        }
        let declared = desk.place.settings(&desk.rules).accounts;
        let asked = Asked { desk: &desk, declared, edition: desk.rules.desk.edition, viewer };
        match &self.what {
            What::List { format } => {
                let accounts = asked.list().await?;
                format.print(|| present::accounts::list(&accounts), &accounts)
            }
            What::Show { handle, format } => {
                let accounts = asked.list().await?;
                let account = accounts::find(&accounts, handle).map_err(no_such)?;
                format.print(|| present::accounts::account(account), account)
            }
            What::Add(add) => add.run(&self.desk, &asked).await,
            What::Reauthorise(again) => again.run(&asked).await,
            What::Set(set) => set.run(&asked).await,
            What::Unlink(unlink) => unlink.run(&asked).await,
            What::Deactivate { handle } => {
                let handle = asked.handle(handle).await?;
                let was_on = accounts::deactivate(asked.desk.store()?, &handle, &asked.by(), Clock::Wall.now())
                    .await
                    .map_err(not_changed)?;
                let now = if was_on { "is deactivated" } else { "was deactivated already" };
                tell(&handle, now)
            }
            What::Activate { handle } => {
                let handle = asked.handle(handle).await?;
                let done = accounts::activate(asked.desk.store()?, &handle, &asked.by(), Clock::Wall.now())
                    .await
                    .map_err(not_changed)?;
                match done {
                    (AccountState::Unauthorised, _) => {
                        tell(&handle, &format!("is not authorized; run `twite accounts reauthorise {handle}`"))?;
                        Ok(Exit::Findings)
                    }
                    (_, true) => tell(&handle, "is active again"),
                    (_, false) => tell(&handle, "was active already"),
                }
            }
            What::Acknowledge(acknowledge) => acknowledge.run(&asked).await,
        }
    }
}

impl Asked<'_> {
    async fn list(&self) -> Result<Vec<AccountStatus>, CliError> {
        let files = (&self.declared, self.edition);
        Ok(accounts::list(self.desk.store.as_ref(), files, Clock::Wall.now()).await?)
    }

    /// The handle by which `twite.toml` and rules call an account.
    async fn handle(&self, handle: &str) -> Result<String, CliError> {
        Ok(accounts::find(&self.list().await?, handle).map_err(no_such)?.handle.clone())
    }

    fn by(&self) -> Actor {
        self.viewer.actor()
    }
}

impl Acknowledge {
    async fn run(&self, asked: &Asked<'_>) -> Result<Exit, CliError> {
        let accounts = asked.list().await?;
        let account = accounts::find(&accounts, &self.handle).map_err(no_such)?;
        let by = actor(self.by.as_deref().or(asked.viewer.as_agent().map(|agent| &*agent.name)));
        let gaps = match &account.id {
            Some(id) => accounts::acknowledge(asked.desk.store()?, id, &by, Clock::Wall.now()).await?,
            None => vec![],
        };
        let mut people = terminal::people();
        if gaps.is_empty() {
            writeln!(people, "@{}: there is nothing to acknowledge", visible(&account.handle))?;
        }
        for gap in gaps {
            writeln!(people, "@{} {gap}; acknowledged by {}", visible(&account.handle), visible(&by))?;
        }
        Ok(Exit::Fine)
    }
}

fn tell(handle: &str, what: &str) -> Result<Exit, CliError> {
    writeln!(terminal::people(), "@{} {what}", visible(handle))?;
    Ok(Exit::Fine)
}

fn no_such(error: NoSuchAccount) -> CliError {
    CliError::Usage(error.to_string())
}

fn not_changed(error: NotChanged) -> CliError {
    match error {
        NotChanged::Store(error) => error.into(),
        NotChanged::Locked { .. } | NotChanged::Limit(_) | NotChanged::NotConnected { .. } => {
            CliError::Usage(error.to_string())
        }
    }
}
