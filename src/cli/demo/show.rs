//! The demo's output for people.

use std::{
    io::{self, Write},
    path::Path,
};

use owo_colors::{OwoColorize as _, Style};

use super::{Summary, address};
use crate::cli::source::Shown;
use crate::{
    app::{Notice, Outcome},
    cli::terminal,
    desk::{Account, Change, Channel, Value, text::headline, visible::visible},
    lang::display::Quoted,
};

/// Maximum length of a message's excerpt, in graphemes.
const MAX_TEXT_CHARS: usize = 96;

/// Writes a notice of the daemon as text.
pub(super) fn notice(out: &mut dyn Write, notice: &Notice) -> io::Result<()> {
    match notice {
        Notice::Opened { ticket, channel, account, requester, text } => {
            let how = match channel {
                Channel::TwitterDm => "writes privately to",
                Channel::TwitterLike => "is liked by",
                _ => "mentions",
            };
            writeln!(out)?;
            writeln!(
                out,
                "{} {} {how} @{}",
                paint(&format!("● ticket {ticket}"), Style::new().bold().cyan()),
                paint(&visible(requester), Style::new().bold()),
                visible(account)
            )?;
            writeln!(out, "    {}", visible(&headline(text, MAX_TEXT_CHARS)))
        }
        Notice::Commented { ticket, by_agent, text } => {
            let who = if *by_agent { "an agent replies from another client" } else { "the requester comments" };
            writeln!(out)?;
            writeln!(out, "{} {who}", paint(&format!("○ ticket {ticket}"), Style::new().cyan()))?;
            writeln!(out, "    {}", visible(&headline(text, MAX_TEXT_CHARS)))
        }
        Notice::Due { ticket, at } => {
            writeln!(out)?;
            let when = at.strftime("%Y-%m-%d %H:%M");
            writeln!(out, "{} due ({when})", paint(&format!("◷ ticket {ticket}"), Style::new().cyan()))
        }
        Notice::VolumeStarted { volume, ticket } => {
            let line = format!("▲ ticket {ticket}: volume {} starts", Quoted(volume));
            writeln!(out, "    {}", paint(&visible(&line), Style::new().bold().yellow()))
        }
        Notice::Behind { .. }
        | Notice::VolumeEnded { .. }
        | Notice::LoopStopped(_)
        | Notice::Disagree { .. }
        | Notice::Waiting { .. }
        | Notice::NeedsRestart { .. }
        | Notice::PassedOver { .. }
        | Notice::Undeclared(_)
        | Notice::StillBroken { .. }
        | Notice::Superseded
        | Notice::Recovered { .. } => {
            writeln!(out, "{}", paint(&notice.to_string(), Style::new().yellow()))
        }
        Notice::Deleted { ticket } => {
            writeln!(out, "    {}", paint(&format!("ticket {ticket}: a post was deleted"), Style::new().dimmed()))
        }
        Notice::Linked { ticket, other } => {
            writeln!(out, "    {}", paint(&format!("ticket {ticket} linked with {other}"), Style::new().dimmed()))
        }
        Notice::Fired { rule, shadow, changes, .. } => {
            let (mark, style) =
                if *shadow { ("◌ would fire:", Style::new().dimmed()) } else { ("✔", Style::new().green()) };
            let changes = changes.iter().map(change).collect::<Vec<_>>().join(", ");
            let arrow = if changes.is_empty() { "" } else { " → " };
            writeln!(out, "    {} {}{arrow}{}", paint(mark, style), paint(&visible(rule), style), visible(&changes))
        }
        Notice::HeldBack { rule, cap, .. } => {
            let line = format!("· {} held back: {}", visible(rule), visible(cap));
            writeln!(out, "    {}", paint(&line, Style::new().dimmed()))
        }
        Notice::Delivery { ticket, what, text, outcome } => {
            let (mark, style, end) = match outcome {
                Outcome::Sent => ("↩", Style::new().magenta(), "sent".to_owned()),
                Outcome::Done => ("↩", Style::new().magenta(), "done".to_owned()),
                Outcome::Found => ("↩", Style::new().magenta(), "sent, confirmed at X".to_owned()),
                Outcome::Refused(why) => ("✘", Style::new().red(), format!("refused: {why}")),
                Outcome::Later(why) => ("…", Style::new().yellow(), format!("will be retried: {why}")),
                Outcome::Unknown(why) => ("?", Style::new().red(), format!("outcome unknown: {why}")),
            };
            let colon = if *outcome == Outcome::Done { ":" } else { "" };
            let line = format!("{mark} ticket {ticket}: {what}{colon} {}", visible(&headline(&end, MAX_TEXT_CHARS)));
            writeln!(out, "    {}", paint(&line, style))?;
            if text.is_empty() {
                return Ok(());
            }
            writeln!(out, "      {}", paint(&visible(&headline(text, MAX_TEXT_CHARS)), Style::new().dimmed()))
        }
        Notice::SetAside { reason, .. } => {
            writeln!(
                out,
                "{} {}",
                paint("! set aside:", Style::new().yellow()),
                visible(&headline(reason, 2 * MAX_TEXT_CHARS))
            )
        }
        Notice::Reloaded { version, items } => {
            let line = format!("⟳ rules {version} are live, {items} in all");
            writeln!(out, "\n{}", paint(&line, Style::new().bold().green()))
        }
        Notice::Broken { live, report, .. } => {
            writeln!(out, "\n{report}")?;
            let line = format!("⟳ not reloaded: rules {live} stay live until the errors are fixed");
            writeln!(out, "{}", paint(&line, Style::new().bold().red()))
        }
        Notice::Mended { message } => writeln!(out, "{} {}", paint("✓", Style::new().green()), visible(message)),
        Notice::Failing { message } | Notice::Trouble { message } => {
            writeln!(out, "{} {}", paint("!", Style::new().red()), visible(message))
        }
    }
}

/// Writes the summary as text.
pub(super) fn summary(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    let Summary {
        posts, left_out, tickets, comments, linked, fired, replies, set_aside, not_imported, seconds, ..
    } = summary;
    writeln!(out)?;
    writeln!(out, "{}", paint("Summary", Style::new().bold()))?;
    writeln!(out, "  {posts} lines read in {seconds:.1} seconds")?;
    writeln!(out, "  {tickets} tickets with {comments} comments; {linked} of them linked to another")?;
    writeln!(
        out,
        "  replies: {} sent, {} refused, {} of unknown outcome",
        replies.sent, replies.refused, replies.unknown
    )?;
    if *left_out > 0 {
        writeln!(out, "  {left_out} lines or messages skipped, because they could not be read")?;
    }
    if *set_aside > i64::try_from(*left_out).unwrap_or(i64::MAX) {
        writeln!(out, "  {set_aside} messages set aside, because they could not be read")?;
    }
    if *not_imported > 0 {
        writeln!(out, "  {not_imported} messages not imported: a ticket has at most 5,000")?;
    }
    for why in missing(summary) {
        writeln!(out, "  {why}")?;
    }
    writeln!(out, "  rules that fired:")?;
    let widest = fired.values().map(|n| n.to_string().len()).max().unwrap_or(1);
    for (rule, times) in fired {
        writeln!(out, "    {times:>widest$}  {}", visible(rule))?;
    }
    if fired.is_empty() {
        writeln!(out, "    none")?;
    }
    Ok(())
}

/// Probable causes of posts that opened no ticket, one line each.
pub(super) fn missing(summary: &Summary) -> Vec<String> {
    let Summary { posts, left_out, tickets, accounts, .. } = summary;
    if accounts.is_empty() {
        let line = "twite.toml declares no account, so nothing was imported: add an `[[account]]`, or pass `--account`";
        return vec![line.to_owned()];
    }
    let many = |n: usize| if n == 1 { "1 post mentions".to_owned() } else { format!("{n} posts mention") };
    let silent = accounts.iter().filter(|(account, mentions)| *mentions > 0 && !account.capture_mentions);
    let mut causes: Vec<_> = silent
        .map(|(Account { handle, .. }, n)| {
            format!("{} @{handle}, which captures no mentions (`capture_mentions` in twite.toml)", many(*n))
        })
        .collect();
    if *tickets > 0 {
        return causes;
    }
    let handles = || accounts.iter().map(|(account, _)| format!("@{}", account.handle)).collect::<Vec<_>>().join(", ");
    if *posts == 0 {
        causes.push("the file contains no posts".to_owned());
    } else if left_out >= posts {
        causes.push("none of the lines could be read".to_owned());
    } else if accounts.iter().all(|(_, mentions)| *mentions == 0) {
        causes.push(format!(
            "none of these posts mentions one of your accounts ({}), and no message is to one: `--account` adds others",
            handles()
        ));
    }
    causes
}

fn change(change: &Change) -> String {
    match (&change.from, &change.to) {
        (Value::Set(from), Value::Set(to)) => {
            let added = to.difference(from).map(|t| format!("+{t}"));
            let removed = from.difference(to).map(|t| format!("-{t}"));
            format!("{} {}", change.field, added.chain(removed).collect::<Vec<_>>().join(" "))
        }
        (_, to) => format!("{} {}", change.field, headline(&to.to_string(), 40)),
    }
}

fn paint(text: &str, style: Style) -> String {
    match terminal::colored(&io::stdout()) {
        true => text.style(style).to_string(),
        false => text.to_owned(),
    }
}

/// Writes the introduction, before the first message.
pub(super) fn welcome(out: &mut dyn Write, rules: &Path, sim: &str) -> io::Result<()> {
    let bold = Style::new().bold();
    writeln!(out, "{}", paint("Twite: a morning on the support desk of Northwind", bold))?;
    writeln!(out)?;
    writeln!(out, "A simulator of X runs at {sim}; posts, messages and likes arrive from it.")?;
    writeln!(
        out,
        "The rules are in {}. Edit one while this runs: the change is live a second later.",
        paint(&Shown(rules).to_string(), bold)
    )?;
    writeln!(out, "If you make a mistake, the old rules stay live. Press Ctrl-C for a summary.")
}

/// Writes what to try next, after the last message.
pub(super) fn encore(
    out: &mut dyn Write,
    rules: &Path,
    database: &str,
    sim: &str,
    accounts: &[String],
) -> io::Result<()> {
    let account = accounts.first().map(String::as_str).unwrap_or_default();
    let customer = address::customer("kimlarsen", accounts);
    // The binary as it was called, because it may not be in `PATH`.
    let twite = std::env::args().next().unwrap_or_else(|| "twite".to_owned());
    let desk = format!("--rules {} --database {}", Shown(rules), database);
    writeln!(out)?;
    writeln!(out, "{}", paint("All messages have arrived. What you can do now:", Style::new().bold()))?;
    writeln!(out)?;
    writeln!(out, "  1. change a text in {}", Shown(&rules.join("30-replies.twite")))?;
    writeln!(out, "  2. write to the desk as somebody else:")?;
    writeln!(out)?;
    writeln!(
        out,
        "     curl {sim}/sim/post -d '{{\"by\": \"{customer}\", \"text\": \"@{account} my order number 4471923 is lost\"}}'"
    )?;
    writeln!(out)?;
    writeln!(out, "  3. list the tickets, and ask why a rule fired:")?;
    writeln!(out)?;
    writeln!(out, "     {twite} view {desk}")?;
    writeln!(out, "     {twite} why 1 {desk}")?;
    writeln!(out)?;
    writeln!(out, "Press Ctrl-C for a summary.")?;
    out.flush()
}
