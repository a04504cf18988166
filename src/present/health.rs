//! The health of a desk as text: rules, files, daemon, queues and accounts.

use std::fmt::{self, Write as _};

use crate::{
    app::{
        accounts::word,
        health::{FailingDestination, FilesState, Health, UnreachableAdmin},
    },
    desk::{text::counted, visible::visible},
    lang::{Follow, display::Quoted},
    store::{HeldBackLately, LastingVolume},
};

/// Maximum number of lines of a report, or entries of a list, that are shown.
const MAX_LINES: usize = 12;

/// The health of a desk, one line per part. `unknown` is the reason to print if there are no live rules.
pub(crate) fn text(health: &Health, unknown: &str) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, health, unknown);
    text
}

fn write(text: &mut String, health: &Health, unknown: &str) -> fmt::Result {
    match &health.rules {
        Some(live) => writeln!(text, "rules     {}, live since {:.0}", live.version, live.since)?,
        None => writeln!(text, "rules     no live rules: {}", visible(unknown))?,
    }
    write_files(text, health)?;
    for file in health.unread.iter().take(MAX_LINES) {
        writeln!(text, "ignored   {} does not end in `.twite`, so its rules are not live", visible(file))?;
    }
    if !health.restart.is_empty() {
        writeln!(text, "restart   required for {}", visible(&health.restart.join(", ")))?;
    }
    match &health.daemon {
        Some(daemon) if daemon.running => {
            writeln!(text, "daemon    process {} on {} since {:.0}", daemon.pid, visible(&daemon.host), daemon.since)?;
            if daemon.stuck {
                let renewed = daemon.renewed;
                writeln!(
                    text,
                    "            has written nothing since {renewed:.0}: see its log; the disk may be full"
                )?;
            }
        }
        Some(daemon) => writeln!(text, "daemon    not running; last seen at {:.0}", daemon.renewed)?,
        None => writeln!(text, "daemon    never ran")?,
    }
    let queues = &health.queues;
    let since = queues.inbox_since.map(|since| format!(" (since {since:.0})")).unwrap_or_default();
    writeln!(text, "inbox     {} waiting{since}, {} set aside", queues.inbox, queues.set_aside)?;
    let due = queues.outbox_due.map(|due| format!(" (the first due at {due:.0})")).unwrap_or_default();
    let hint = if queues.outbox + queues.unknown > 0 { "; `twite outbox` lists them" } else { "" };
    let (waiting, sending, lost) = (queues.outbox, queues.sending, queues.unknown);
    writeln!(text, "outbox    {waiting} waiting{due}, {sending} being sent, {lost} unknown{hint}")?;
    for FailingDestination { destination, waiting, since, failures, next, reason } in &health.failing {
        let (destination, reason) = (visible(destination), visible(reason));
        let failures = counted(usize::try_from(*failures).unwrap_or_default(), "failure");
        writeln!(
            text,
            "failing   {destination}: {failures} since {since:.0}, next try at {next:.0}, {waiting} waiting: {reason}"
        )?;
    }
    for account in &health.accounts {
        writeln!(text, "account   @{}: {}", visible(&account.handle), word(account.state))?;
        for hindrance in &account.hindrances {
            writeln!(text, "            {}", visible(&hindrance.line()))?;
        }
    }
    for UnreachableAdmin { name, why } in &health.admins {
        writeln!(text, "admin     {} cannot receive email: {why}", visible(name))?;
    }
    for undeclared in health.undeclared.iter().take(MAX_LINES) {
        writeln!(text, "{:<9} {undeclared}", undeclared.kind)?;
    }
    if health.undeclared.len() > MAX_LINES {
        writeln!(text, "            … and {} more that are not declared", health.undeclared.len() - MAX_LINES)?;
    }
    for HeldBackLately { rule, times } in &health.held_back {
        let times = counted(usize::try_from(*times).unwrap_or_default(), "time");
        writeln!(text, "cap       {} was held back {times} in the last 24 hours", visible(&Quoted(rule).to_string()))?;
    }
    for LastingVolume { volume, ticket, since, .. } in &health.volumes {
        let volume = Quoted(volume).to_string();
        writeln!(text, "volume    {} lasts since {since:.0}; it started with ticket {ticket}", visible(&volume))?;
    }
    for stopped in health.loops.iter().take(MAX_LINES) {
        writeln!(text, "ticket    {}: {}", stopped.ticket, visible(&stopped.reason()))?;
    }
    if health.loops.len() > MAX_LINES {
        writeln!(text, "            … and {} more tickets", health.loops.len() - MAX_LINES)?;
    }
    Ok(())
}

fn write_files(text: &mut String, health: &Health) -> fmt::Result {
    let committed = if health.follow == Follow::Commit { ", as committed" } else { "" };
    match (&health.broken, health.files) {
        (Some(broken), _) => {
            let since = broken.since.map(|since| format!(" since {since:.0}")).unwrap_or_default();
            writeln!(text, "files     have errors{since}{committed}, and are not live:")?;
            let lines: Vec<_> = broken.report.lines().filter(|line| !line.trim().is_empty()).collect();
            for line in lines.iter().take(MAX_LINES) {
                writeln!(text, "            {line}")?;
            }
            if lines.len() > MAX_LINES {
                writeln!(text, "            … {} more lines; `twite check` shows them", lines.len() - MAX_LINES)?;
            }
            Ok(())
        }
        (None, FilesState::Same) => writeln!(text, "files     the same{committed}"),
        (None, FilesState::Newer | FilesState::Broken) => writeln!(
            text,
            "files     differ from the live rules{committed}; a running daemon loads them within seconds"
        ),
        (None, FilesState::Unknown) => writeln!(text, "files     no errors"),
    }
}
