//! `twite outbox`: effects that are not delivered yet; withdrawing and resending them.

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
};

use clap::{Args, Subcommand};

use super::{
    CliError, Exit,
    desk::{Access, AsAgent, DeskArgs, OpenDesk},
    terminal,
    view::TableFormat,
};
use crate::{
    app::outbox,
    clock::Clock,
    desk::{Act, Viewer, visible::visible},
    present::{self, outbox::InterventionJson},
    store::{Intervention, Store},
};

/// List effects that are waiting, being sent or of unknown outcome; withdraw or resend them.
///
/// Finished effects are listed with their ticket: `twite ticket show`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Outbox {
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
    /// Withdraw effects that are waiting or of unknown outcome, so that they are not sent, or not sent again.
    ///
    /// Exits with status 1 if an effect cannot be withdrawn because it is being sent or has ended; the others are
    /// withdrawn.
    Withdraw(By),
    /// Send effects at once, even if they were refused or withdrawn, or if their outcome is unknown.
    ///
    /// An effect that did arrive may arrive twice: X rejects a duplicate post, but accepts a direct message again.
    /// Exits with status 1 if an effect cannot be sent again because it is being sent or has arrived; the others are
    /// sent.
    Resend(By),
}

#[derive(Debug, Args)]
struct By {
    /// The number of the effect.
    #[arg(value_name = "ID", required = true)]
    items: Vec<i64>,
    /// Your name, for the ticket's history, if you own this machine. Default: the current user. With `--as`, it is the agent.
    #[arg(long, value_name = "NAME", conflicts_with = "agent")]
    by: Option<String>,
    /// The reason, for the ticket's history.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Outbox {
    pub(crate) async fn run(self) -> Result<Exit, CliError> {
        let access = if self.what.is_some() { Access::Write } else { Access::Read };
        let desk = self.desk.open(access).await?;
        let (store, viewer) = (desk.store()?, self.by.viewer(&desk.rules.desk)?);
        match &self.what {
            None => {
                let waiting = outbox::waiting(store, viewer, &desk.settings.accounts, Clock::Wall.now()).await?;
                self.format.print(|| present::outbox::waiting(&waiting, Clock::Wall.now()), &waiting)
            }
            Some(What::Withdraw(by)) => by.intervene(&desk, store, viewer, Act::Withdraw, self.format).await,
            Some(What::Resend(by)) => by.intervene(&desk, store, viewer, Act::Resend, self.format).await,
        }
    }
}

impl By {
    async fn intervene(
        &self,
        desk: &OpenDesk,
        store: &Store,
        viewer: Viewer<'_>,
        act: Act,
        format: TableFormat,
    ) -> Result<Exit, CliError> {
        let agent = match viewer {
            Viewer::Agent(agent) => Some(&*agent.name),
            Viewer::Owner => None,
        };
        let actor = actor(self.by.as_deref().or(agent));
        let now = Clock::Wall.now();
        let outcomes = outbox::intervene(store, viewer, &self.items, act, &actor, self.reason.as_deref(), now).await?;
        if format == TableFormat::Json {
            let outcomes: Vec<_> = outcomes.iter().map(InterventionJson::from).collect();
            terminal::json().write_all(present::json(&outcomes)?.as_bytes())?;
        } else {
            for (_, outcome) in &outcomes {
                match outcome {
                    Ok(done) => print(done)?,
                    Err(refused) => writeln!(terminal::remarks(), "{refused}")?,
                }
            }
            if act == Act::Resend {
                self.note_what_keeps_it(desk, store, viewer).await?;
            }
        }
        store.close().await;
        Ok(if outcomes.iter().all(|(_, outcome)| outcome.is_ok()) { Exit::Fine } else { Exit::Findings })
    }

    /// Prints notes on why resent items are not sent at once.
    async fn note_what_keeps_it(&self, desk: &OpenDesk, store: &Store, viewer: Viewer<'_>) -> Result<(), CliError> {
        let waiting = outbox::waiting(store, viewer, &desk.settings.accounts, Clock::Wall.now()).await?;
        let reasons: BTreeSet<_> = waiting
            .into_iter()
            .filter(|waiting| self.items.contains(&waiting.queued.id))
            .filter_map(|waiting| Some(waiting.held?.reason))
            .collect();
        for reason in reasons {
            writeln!(terminal::remarks(), "note: {}", visible(&reason))?;
        }
        if !store.lease().await?.is_some_and(|lease| lease.is_held(Clock::Wall.now())) {
            let database = desk.place.database();
            writeln!(
                terminal::remarks(),
                "note: no daemon runs on {database}; effects are sent once `twite serve` runs"
            )?;
        }
        Ok(())
    }
}

fn print(done: &Intervention) -> io::Result<()> {
    writeln!(terminal::people(), "{}", present::outbox::done(done))?;
    match (done.possibly_sent, done.act) {
        (false, _) => Ok(()),
        (true, Act::Withdraw) => {
            writeln!(
                terminal::remarks(),
                "note: {} may have arrived already; withdrawing it does not delete it at X",
                done.item
            )
        }
        (true, Act::Resend) => {
            writeln!(terminal::remarks(), "warning: {} may have arrived already, and may now arrive twice", done.item)
        }
    }
}

/// Who does something: the name that was given, else the current user, from the environment.
pub(super) fn actor(by: Option<&str>) -> String {
    let user = |name: &&str| std::env::var(name).ok().filter(|user| !user.trim().is_empty());
    let named = by.map(str::to_owned).or_else(|| ["USER", "LOGNAME", "USERNAME"].iter().find_map(user));
    named.unwrap_or_else(|| "the command line".to_owned())
}
