//! `twite outbox`: what waits to be sent, and a way out for what nothing becomes of.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use jiff::{Timestamp, Unit};
use serde::Serialize;
use serde_json::json;

use super::{
    CliError, FINDINGS, FINE, broke,
    check::pretty,
    desk::{DeskArgs, Paths},
    terminal,
    view::TableFormat,
};
use crate::{
    app::{Gates, Held},
    clock::Clock,
    desk::{Act, Desk, visible::visible},
    engine::effect_line,
    present::table::minute,
    store::{Intervention, NotPossible, Queued, Store},
};

/// List what waits to be sent, is being sent, or may or may not have arrived; withdraw it, or send it again.
///
/// What has ended is on its ticket: `twite ticket show` lists it with its number.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Outbox {
    #[command(subcommand)]
    what: Option<What>,
    /// How it is printed.
    #[arg(long, global = true, value_enum, default_value_t = TableFormat::Table)]
    format: TableFormat,
    #[command(flatten)]
    desk: DeskArgs,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Withdraw what waits, or whose outcome is unknown: it is not sent, or not again.
    ///
    /// Ends with status 1 where something cannot be withdrawn, as it is being sent just now or has ended; the others are.
    Withdraw(By),
    /// Send now what waits, or again what is unknown, was refused or withdrawn.
    ///
    /// What may have arrived may then arrive twice: X refuses a post it has, but takes a direct message again. Ends with
    /// status 1 where something cannot be sent again, as it is being sent just now or has arrived; the others are.
    Resend(By),
}

#[derive(Debug, Args)]
struct By {
    /// Its number in the outbox.
    #[arg(value_name = "ID", required = true)]
    items: Vec<i64>,
    /// Who does it, for the ticket's history. Default: the user of this machine.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Why, for the ticket's history.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Something in the outbox, and what keeps it there.
#[derive(Debug, Serialize)]
struct Listed {
    #[serde(flatten)]
    queued: Queued,
    held: Option<Held>,
}

impl Outbox {
    pub(crate) fn run(self) -> Result<u8, CliError> {
        let (rules, place) = self.desk.load()?;
        tokio::runtime::Runtime::new()?.block_on(async {
            let store = place.open_existing().await?;
            let status = match &self.what {
                None => list(&store, &rules.desk, self.format).await,
                Some(What::Withdraw(by)) => by.intervene(&store, &rules.desk, &place, Act::Withdraw, self.format).await,
                Some(What::Resend(by)) => by.intervene(&store, &rules.desk, &place, Act::Resend, self.format).await,
            };
            store.close().await;
            status
        })
    }
}

async fn list(store: &Store, desk: &Desk, format: TableFormat) -> Result<u8, CliError> {
    let queued = store.queued().await.map_err(broke)?;
    let gates = Gates::of(store).await.map_err(broke)?;
    let listed = queued.into_iter().map(|queued| {
        let waits = queued.state == "waiting";
        Listed { held: waits.then(|| gates.held(desk, &queued.destination)).flatten(), queued }
    });
    let mut out = terminal::people_or_json(format == TableFormat::Table);
    if format == TableFormat::Json {
        let listed = serde_json::to_value(listed.collect::<Vec<_>>()).map_err(io::Error::from)?;
        out.write_all(pretty(&listed)?.as_bytes())?;
        return Ok(FINE);
    }
    let (mut all, mut unknown, now) = (0, 0, Clock::Wall.now());
    for Listed { queued, held } in listed {
        all += 1;
        unknown += i32::from(queued.state == "unknown");
        let about = queued.ticket.map(|ticket| format!(" on ticket {ticket}")).unwrap_or_default();
        let by = queued.rule.as_ref().map(|rule| format!(" by {rule:?}")).unwrap_or_default();
        let line = format!(
            "{:>5}  {:<8} since {}  {}{about}{by}, to {}",
            queued.id,
            queued.state,
            minute(queued.since),
            effect_line(&queued.effect),
            queued.destination
        );
        writeln!(out, "{}", visible(&line))?;
        for why in whys(&queued, held.as_ref(), now) {
            writeln!(out, "         {}", visible(&why))?;
        }
    }
    match all {
        0 => writeln!(out, "nothing waits to be sent")?,
        _ => writeln!(
            out,
            "\n`twite outbox withdraw ID` keeps it from being sent, `twite outbox resend ID` sends it now"
        )?,
    }
    if unknown > 0 {
        writeln!(out, "what is unknown may have arrived: look at X before it is sent again")?;
    }
    Ok(FINE)
}

/// What keeps something from being sent, a line each.
fn whys(queued: &Queued, held: Option<&Held>, now: Timestamp) -> Vec<String> {
    let mut whys = vec![];
    let time = |at: Timestamp| at.round(Unit::Second).unwrap_or(at);
    if let Some(held) = held {
        let until = held.until.map(|until| format!(", tried next at {}", time(until))).unwrap_or_default();
        whys.push(format!("held: {}{until}", held.reason));
    }
    if let Some(behind) = queued.behind {
        whys.push(format!("behind {behind} of the same ticket"));
    }
    if let Some(reason) = &queued.reason {
        let times = if queued.sends == 1 { "once".to_owned() } else { format!("{} times", queued.sends) };
        let tried = if queued.sends > 0 { format!("sent {times}: ") } else { String::new() };
        whys.push(format!("{tried}{reason}"));
    }
    if queued.state == "waiting" && queued.due > now {
        whys.push(format!("due at {}", time(queued.due)));
    }
    whys
}

impl By {
    async fn intervene(
        &self,
        store: &Store,
        desk: &Desk,
        place: &Paths,
        act: Act,
        format: TableFormat,
    ) -> Result<u8, CliError> {
        let actor = self.by.clone().or_else(user).unwrap_or_else(|| "the command line".to_owned());
        let mut out = terminal::people_or_json(format == TableFormat::Table);
        let (mut status, mut listed) = (FINE, vec![]);
        for item in &self.items {
            match store.intervene(*item, act, &actor, self.reason.as_deref(), Clock::Wall.now()).await {
                Ok(done) if format == TableFormat::Json => {
                    listed.push(serde_json::to_value(&done).map_err(io::Error::from)?);
                }
                Ok(done) => print(&mut out, &done)?,
                Err(NotPossible::Store(error)) => return Err(broke(error)),
                Err(refused) => {
                    status = FINDINGS;
                    match format {
                        TableFormat::Json => listed.push(json!({"item": item, "refused": refused.to_string()})),
                        TableFormat::Table => writeln!(terminal::remarks(), "{refused}")?,
                    }
                }
            }
        }
        if format == TableFormat::Json {
            out.write_all(pretty(&listed.into())?.as_bytes())?;
        } else if act == Act::Resend {
            remarks(store, desk, place, &self.items).await?;
        }
        Ok(status)
    }
}

/// What keeps things that were sent again from leaving at once.
async fn remarks(store: &Store, desk: &Desk, place: &Paths, items: &[i64]) -> Result<(), CliError> {
    let gates = Gates::of(store).await.map_err(broke)?;
    let queued = store.queued().await.map_err(broke)?;
    let mut said = std::collections::BTreeSet::new();
    for queued in queued.iter().filter(|queued| items.contains(&queued.id)) {
        if let Some(held) = gates.held(desk, &queued.destination)
            && said.insert(held.reason.clone())
        {
            writeln!(terminal::remarks(), "note: {}", visible(&held.reason))?;
        }
    }
    if !store.lease().await.map_err(broke)?.is_some_and(|lease| lease.is_held(Clock::Wall.now())) {
        let database = place.database().display();
        writeln!(terminal::remarks(), "note: no daemon works on {database}; things leave once `twite serve` runs")?;
    }
    Ok(())
}

fn print(out: &mut impl Write, done: &Intervention) -> io::Result<()> {
    let what = visible(&effect_line(&done.effect)).into_owned();
    match done.act {
        Act::Withdraw => writeln!(out, "{} is withdrawn: {what}", done.item)?,
        Act::Resend => writeln!(out, "{} is sent again: {what}", done.item)?,
    }
    match (done.possibly_sent, done.act) {
        (false, _) => Ok(()),
        (true, Act::Withdraw) => {
            writeln!(terminal::remarks(), "note: {} may have arrived already; that cannot be undone here", done.item)
        }
        (true, Act::Resend) => writeln!(
            terminal::remarks(),
            "warning: {} may have arrived already, and may then be there twice",
            done.item
        ),
    }
}

/// Who is signed in on this machine.
fn user() -> Option<String> {
    ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.trim().is_empty()))
}
