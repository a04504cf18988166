//! `twite accounts`: connecting accounts of X, and their state.

mod callback;
mod tokens;

use std::io::Write as _;

use clap::{Args, Subcommand};

use super::{
    CliError, Exit,
    desk::{Access, DeskArgs},
    outbox::actor,
    terminal,
    view::TableFormat,
};
use crate::{
    app::accounts::{self, NotConnected},
    clock::Clock,
    desk::{Account, Declarations, visible::visible},
    present,
    settings::Settings,
    store::{Key, Store},
    x::{Refusal, XError, client::http, oauth::App},
};

/// Connect X accounts, and show their state.
#[derive(Debug, Args)]
pub(crate) struct Accounts {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    desk: DeskArgs,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the declared accounts and their state.
    List {
        /// Output format.
        #[arg(long, value_enum, default_value_t = TableFormat::Table)]
        format: TableFormat,
    },
    /// Connect a declared account, or connect it again after X refused it.
    ///
    /// Prints a URL to open in a browser, waits for X to redirect to this machine, and stores the tokens, encrypted.
    /// Polling continues where it stopped. If the tokens do not permit everything that `twite.toml` declares for the
    /// account, says what is missing and exits with status 1.
    Connect(Connect),
    /// Acknowledge the periods in which messages to an account may be missing, so that they are no longer listed.
    ///
    /// Who acknowledged them, and when, is in `twite accounts list --format json`.
    Acknowledge(Acknowledge),
}

#[derive(Debug, Args)]
struct Acknowledge {
    /// The handle, as declared.
    handle: String,
    /// Your name, for the record. Default: the current user.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Debug, Args)]
struct Connect {
    /// The handle, as declared.
    handle: String,
    /// The port of the redirect; `http://127.0.0.1:PORT/callback` must be registered for the app.
    #[arg(long, default_value_t = 8918)]
    port: u16,
    /// Read tokens from standard input instead of signing in: a JSON object with `access_token` and
    /// `refresh_token`, and optionally `scope` and `expires_in`, as X and `twite sim` return them.
    #[arg(long)]
    tokens_from_stdin: bool,
    /// Encrypt the tokens with a key that cannot decrypt those of other accounts. These must then be connected again.
    #[arg(long)]
    new_key: bool,
}

impl Accounts {
    pub(crate) async fn run(self) -> Result<Exit, CliError> {
        let access = if matches!(self.what, What::List { .. }) { Access::Read } else { Access::Write };
        let desk = self.desk.open(access).await?;
        match &self.what {
            What::List { format } => {
                let accounts = accounts::list(desk.store.as_ref(), &desk.settings.accounts, Clock::Wall.now()).await?;
                format.print(|| present::accounts::list(&accounts), &accounts)
            }
            What::Acknowledge(Acknowledge { handle, by }) => {
                let declared = accounts::declared(&desk.settings.accounts, handle).map_err(not_connected)?;
                let by = actor(by.as_deref());
                let gaps = accounts::acknowledge(desk.store()?, declared, &by, Clock::Wall.now()).await?;
                let mut people = terminal::people();
                if gaps.is_empty() {
                    writeln!(people, "@{}: there is nothing to acknowledge", visible(&declared.handle))?;
                }
                for gap in gaps {
                    writeln!(people, "@{} {gap}; acknowledged by {}", visible(&declared.handle), visible(&by))?;
                }
                Ok(Exit::Fine)
            }
            What::Connect(connect) => {
                // An account can be connected before its declaration is live, so the files are read too.
                let known = accounts::declared(&desk.settings.accounts, &connect.handle).is_ok();
                let rules = if known { desk.rules } else { self.desk.load().unwrap_or(desk.rules) };
                let settings = desk.place.settings(&rules);
                let declared = accounts::declared(&settings.accounts, &connect.handle).map_err(not_connected)?;
                let store = match desk.store {
                    Some(store) => store,
                    None => desk.place.open().await?,
                };
                let exit = connect.run(&rules.desk, &settings, declared, (&store, &desk.place.key()?)).await;
                store.close().await;
                exit
            }
        }
    }
}

impl Connect {
    async fn run(
        &self,
        desk: &Declarations,
        settings: &Settings,
        declared: &Account,
        (store, key): (&Store, &Key),
    ) -> Result<Exit, CliError> {
        if !self.new_key {
            accounts::check_key(store, key, settings, declared).await.map_err(not_connected)?;
        }
        let tokens = if self.tokens_from_stdin {
            tokens::read(Clock::Wall.now())?
        } else {
            callback::sign_in(&App::new(&settings.x, http()?, Clock::Wall)?, declared, self.port).await?
        };
        let connected = accounts::connect(store, key, desk, settings, declared, &tokens, Clock::Wall.now())
            .await
            .map_err(not_connected)?;
        let again = if connected.again { " again" } else { "" };
        writeln!(terminal::people(), "@{} is connected{again}", visible(&connected.handle))?;
        for lack in &connected.lacks {
            writeln!(terminal::remarks(), "warning: {lack}")?;
        }
        Ok(if connected.lacks.is_empty() { Exit::Fine } else { Exit::Findings })
    }
}

fn not_connected(error: NotConnected) -> CliError {
    match error {
        NotConnected::X(XError::Refused(refusal @ Refusal::Unauthorised(_))) => {
            CliError::Usage(format!("X refuses these tokens: {refusal}"))
        }
        NotConnected::X(error) => error.into(),
        NotConnected::Store(error) => error.into(),
        NotConnected::Undeclared { .. }
        | NotConnected::OtherKey { .. }
        | NotConnected::Nobody
        | NotConnected::SomebodyElse { .. } => CliError::Usage(error.to_string()),
    }
}
