//! `twite eval`: reads tickets as JSON lines and prints the decisions as JSON lines.

mod shape;

use std::{
    io::{self, BufRead, BufReader, IsTerminal as _, Write},
    num::NonZero,
    path::PathBuf,
    sync::mpsc,
    thread,
};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{CliError, Exit, source::open, terminal};
use crate::{
    clock::Clock,
    desk::{
        Actor, Author, Event, EventComment, EventKind, Ticket, Via,
        field::Declared,
        given::{Given, Unnameable},
        invariant::{Violation, broken},
        moment::moment,
        text::headline,
        visible::visible,
    },
    engine::{Decision, RuleSet, decide, explain, follow_sla},
    lang::{did_you_mean, listed, nearest, rules::Rules},
    present,
};

/// Maximum length of a line, in bytes.
const MAX_LINE_BYTES: u64 = 4 << 20;

/// Maximum length of a text quoted in an error, in characters.
const MAX_SHOWN: usize = 40;

/// Maximum number of lines and bytes of a [`Block`], which one thread evaluates at a time.
const BATCH_LINES: usize = 256;
const MAX_BATCH_BYTES: u64 = 16 << 20;

/// Decide on tickets in a file, one JSON object per line, and print one decision per line
///
/// A line is a ticket. Missing fields are empty, but it is a new one from `twitter`, created just now:
///
///   {"channel": "twitter", "description": "my order never came", "requester": {"followers": 12000}}
///
/// A line can also be a ticket with an event and its time:
///
///   {"ticket": {"status": "open"}, "now": "2026-01-05T12:00:00Z", "event": {"via": "twitter",
///    "comment": {"text": "it broke again", "public": true, "author": "requester"},
///    "kind": {"updated": {"before": {"status": "solved"}}}}}
///
/// For a file, the whole rule set that contains it is loaded, and all of its rules decide.
///
/// Lines are processed in parallel and printed in order. Invalid lines are reported with
/// their number and skipped; the exit status is then 1. Without any ticket, it is 2.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Eval {
    /// A file of tickets, one per line; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    tickets: PathBuf,
    /// The event for lines that do not give one: `created`, by a comment with the description, or
    /// `updated` with nothing changed.
    #[arg(long, value_enum, default_value_t = Happened::Created)]
    event: Happened,
    /// The time of the decisions, for lines that do not give one. Default: now.
    #[arg(long, value_name = "INSTANT", value_parser = moment)]
    now: Option<Timestamp>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    #[command(flatten)]
    rules: super::source::Source,
}

impl Eval {
    /// Decides on every line of the input and prints the decisions.
    pub(crate) fn run(self) -> Result<Exit, CliError> {
        let chosen = self.rules.choose()?;
        let rules = RuleSet::new(self.rules.load_chosen(&chosen)?);
        if !chosen.is_everything() && rules.files.rules.len() > self.rules.paths.len() {
            let files = rules.files.rules.len();
            writeln!(terminal::remarks(), "note: the whole set around these files decides, {files} files")?;
        }
        let now = self.now.unwrap_or_else(|| Clock::Wall.now());
        let mut size = None;
        let tickets: Box<dyn BufRead> = if self.tickets.as_os_str() == "-" {
            Box::new(io::stdin().lock())
        } else {
            let file = open(&self.tickets)?;
            size = file.metadata().ok().map(|meta| meta.len()).filter(|length| *length > 0);
            Box::new(BufReader::new(file))
        };
        let decisions = io::BufWriter::new(terminal::people_or_json(self.format == Format::Human).strict());
        let name = if size.is_none() && self.tickets.as_os_str() == "-" {
            "standard input".into()
        } else {
            self.tickets.to_string_lossy()
        };
        let how = How { rules: &rules, happened: self.event, now, format: self.format, name: &name };
        let bar = progress(size);
        let Lines { read, bad } = eval(how, tickets, decisions, terminal::remarks(), &bar)?;
        bar.finish_and_clear();
        match (read, bad) {
            (Some(0), _) if !self.rules.allow_empty => {
                Err(CliError::Usage(format!("no tickets in {} (pass `--allow-empty` to accept this)", visible(&name))))
            }
            (_, 0) => Ok(Exit::Fine),
            _ => Ok(Exit::Findings),
        }
    }
}

/// A progress bar for a file of this size in bytes; hidden if decisions are printed to the terminal.
fn progress(size: Option<u64>) -> ProgressBar {
    match size {
        Some(size) if !io::stdout().is_terminal() => {
            let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {eta} left");
            // The template is valid; otherwise, the default style is used.
            ProgressBar::new(size).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        }
        _ => ProgressBar::hidden(),
    }
}

/// The event for lines that do not give one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Happened {
    /// The ticket was created, by a public comment with its description.
    Created,
    /// The ticket was updated without any change.
    Updated,
}

/// Output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object a line.
    Json,
    /// Every rule with the value of each of its conditions.
    Human,
}

/// A line with a ticket, and optionally its event and the time of the decision.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    ticket: Ticket,
    event: Option<Event>,
    now: Option<Timestamp>,
}

/// The fields that a [`Line`] gives.
#[derive(Debug, Deserialize)]
struct GivenLine {
    ticket: Given,
    event: Option<GivenEvent>,
}

#[derive(Debug, Deserialize)]
struct GivenEvent {
    kind: GivenKind,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum GivenKind {
    Updated { updated: GivenBefore },
    Other(IgnoredAny),
}

#[derive(Debug, Deserialize)]
struct GivenBefore {
    before: Given,
}

impl GivenLine {
    /// The fields of the ticket before an update.
    fn before(&self) -> Given {
        match &self.event {
            Some(GivenEvent { kind: GivenKind::Updated { updated } }) => updated.before,
            _ => Given::default(),
        }
    }
}

/// A decision as printed.
#[derive(Debug, Serialize)]
struct Decided {
    /// The line of the input, from 1.
    line: u64,
    #[serde(flatten)]
    decision: Decision,
}

/// The options for deciding on the lines of a file.
#[derive(Clone, Copy)]
struct How<'r> {
    rules: &'r RuleSet,
    happened: Happened,
    now: Timestamp,
    format: Format,
    /// The name of the input in errors.
    name: &'r str,
}

/// Consecutive lines of the input, with the number of the first; `None` for a line that is too long.
struct Block {
    first: u64,
    lines: Vec<Option<Vec<u8>>>,
}

/// The number of lines of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lines {
    /// Lines that are not blank; `None` if the output was closed early.
    read: Option<u64>,
    /// Invalid lines, which were skipped.
    bad: u64,
}

/// The output of a block.
#[derive(Default)]
struct Done {
    decisions: Vec<u8>,
    complaints: Vec<u8>,
    read: u64,
    bad: u64,
}

/// Evaluates blocks of lines in parallel, and writes decisions and errors in the order of the lines. Stops if the
/// output is closed.
fn eval(
    how: How<'_>,
    mut tickets: impl BufRead,
    mut decisions: impl Write,
    mut complaints: impl Write,
    bar: &ProgressBar,
) -> io::Result<Lines> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers)
            .map(|_| {
                let (blocks, inbox) = mpsc::sync_channel::<Block>(1);
                let (outbox, done) = mpsc::sync_channel(1);
                scope.spawn(move || {
                    for block in inbox {
                        // The receiver is dropped when the output is closed.
                        if outbox.send(how.decide(&block)).is_err() {
                            return;
                        }
                    }
                });
                (blocks, done)
            })
            .collect();
        let (mut read, mut bad) = (0, 0);
        // Returns whether the output is still open.
        let mut write = |done: Result<io::Result<Done>, mpsc::RecvError>| -> io::Result<bool> {
            // The worker panicked; the end of the scope propagates the panic.
            let Ok(done) = done else { return Err(io::Error::other("a worker stopped unexpectedly")) };
            let done = done?;
            read += done.read;
            bad += done.bad;
            if !done.complaints.is_empty() {
                bar.suspend(|| complaints.write_all(&done.complaints))?;
            }
            match decisions.write_all(&done.decisions).and_then(|()| decisions.flush()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
                written => written.map(|()| true),
            }
        };
        let (mut sent, mut written, mut first) = (0, 0, 1);
        // Blocks are sent to the workers round-robin, and their output is received in the same order.
        for (turn, (blocks, done)) in workers.iter().cycle().enumerate() {
            if turn >= workers.len() && written < sent {
                if !write(done.recv())? {
                    return Ok(Lines { read: None, bad });
                }
                written += 1;
            }
            let Some((block, bytes)) = read_block(&mut tickets, first)? else { break };
            first += block.lines.len() as u64;
            bar.inc(bytes);
            if blocks.send(block).is_err() {
                break;
            }
            sent += 1;
        }
        // The output of the blocks in progress, oldest first.
        for (_, done) in workers.iter().cycle().skip(written % workers.len()).take(sent - written) {
            if !write(done.recv())? {
                return Ok(Lines { read: None, bad });
            }
        }
        Ok(Lines { read: Some(read), bad })
    })
}

/// The next block and its size in bytes; `None` at the end.
fn read_block(tickets: &mut impl BufRead, first: u64) -> io::Result<Option<(Block, u64)>> {
    let mut block = Block { first, lines: vec![] };
    let mut bytes = 0;
    while block.lines.len() < BATCH_LINES && bytes < MAX_BATCH_BYTES {
        let mut line = vec![];
        let Some(length) = read_line(tickets, &mut line)? else { break };
        bytes += length;
        block.lines.push((length <= MAX_LINE_BYTES).then_some(line));
    }
    Ok((!block.lines.is_empty()).then_some((block, bytes)))
}

impl How<'_> {
    fn decide(&self, block: &Block) -> io::Result<Done> {
        let mut done = Done::default();
        for (line, text) in (block.first..).zip(&block.lines) {
            let case = match text {
                None => Err(format!("line longer than {MAX_LINE_BYTES} bytes")),
                Some(text) if text.trim_ascii().is_empty() => continue,
                Some(text) => read(text, self.rules, self.happened, self.now),
            };
            done.read += 1;
            match case {
                Err(error) => {
                    done.bad += 1;
                    writeln!(done.complaints, "{}:{line}: skipped: {}", visible(self.name), visible(&error))?;
                }
                Ok((ticket, event, now)) => {
                    self.warn(line, &ticket, &event, &mut done.complaints)?;
                    self.print(line, &ticket, &event, now, &mut done.decisions)?;
                }
            }
        }
        Ok(done)
    }

    fn print(&self, line: u64, ticket: &Ticket, event: &Event, now: Timestamp, out: &mut Vec<u8>) -> io::Result<()> {
        match self.format {
            Format::Json => {
                let decision = decide(self.rules, ticket, event, now);
                serde_json::to_writer(&mut *out, &Decided { line, decision })?;
                writeln!(out)
            }
            Format::Human => {
                let trace = explain(self.rules, ticket, event, now);
                writeln!(out, "line {line}, {}", present::trace(&trace, terminal::colored(&io::stdout())))
            }
        }
    }

    /// Writes a warning for each invariant that the ticket violates. The rules run on it nevertheless.
    fn warn(&self, line: u64, ticket: &Ticket, event: &Event, out: &mut Vec<u8>) -> io::Result<()> {
        // The field that is most likely wrong.
        let span = |Violation { fields, .. }: &Violation| match fields.first() {
            Some(field) => format!(" (`/{}`)", field.replace('.', "/")),
            None => String::new(),
        };
        let violations = broken(ticket);
        for violation in &violations {
            let says = &violation.says;
            writeln!(out, "{}:{line}: impossible ticket: {says}{}", visible(self.name), span(violation))?;
        }
        if let EventKind::Updated { before } = &event.kind {
            // Invariants that both tickets violate were reported above.
            for violation in broken(before).iter().filter(|violation| !violations.contains(violation)) {
                let says = &violation.says;
                writeln!(out, "{}:{line}: impossible ticket `before`: {says}{}", visible(self.name), span(violation))?;
            }
        }
        Ok(())
    }
}

/// Reads a line into `bytes`, truncated after the maximum length. Returns its full length; `None` at the end.
fn read_line(from: &mut impl BufRead, bytes: &mut Vec<u8>) -> io::Result<Option<u64>> {
    bytes.clear();
    let mut length = io::Read::take(&mut *from, MAX_LINE_BYTES + 1).read_until(b'\n', bytes)? as u64;
    if length > MAX_LINE_BYTES && !bytes.ends_with(b"\n") {
        length += from.skip_until(b'\n')? as u64;
    }
    Ok((length > 0).then_some(length))
}

fn read(line: &[u8], rules: &Rules, happened: Happened, now: Timestamp) -> Result<(Ticket, Event, Timestamp), String> {
    #[derive(Deserialize)]
    struct Peek {
        ticket: Option<IgnoredAny>,
    }
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line).trim_ascii();
    if let Err(error) = str::from_utf8(line) {
        let byte = line.get(error.valid_up_to()).copied().unwrap_or_default();
        return Err(format!("not valid UTF-8: invalid byte 0x{byte:02X}; save the file as UTF-8"));
    }
    match line.first() {
        Some(b'{') => {}
        Some(b'[') => return Err("expected a ticket as a JSON object, found a list: write one ticket per line".into()),
        _ => return Err("expected a ticket as a JSON object".into()),
    }
    let is_whole = serde_json::from_slice::<Peek>(line).map_err(no_json)?.ticket.is_some();
    let shape = if is_whole { &shape::LINE } else { &shape::TICKET };
    told(shape::misfits(line, shape, &rules.desk).map_err(no_json)?)?;
    let case = match is_whole {
        true => serde_json::from_slice(line).map_err(no_json)?,
        false => Line { ticket: serde_json::from_slice(line).map_err(no_json)?, event: None, now: None },
    };
    let given = match is_whole {
        true => serde_json::from_slice(line).map_err(no_json)?,
        false => GivenLine { ticket: serde_json::from_slice(line).map_err(no_json)?, event: None },
    };
    let (mut ticket, now) = (case.ticket, case.now.unwrap_or(now));
    // Normalized as the store does.
    ticket.normalize(&rules.desk);
    ticket.complete(given.ticket, now);
    let above = if is_whole { "/ticket" } else { "" };
    let mut unnameable = unnameable(&ticket, above, rules);
    let mut event = case.event.unwrap_or_else(|| event(&ticket, happened));
    if let EventKind::Updated { before } = &mut event.kind {
        before.normalize(&rules.desk);
        before.complete(given.before(), ticket.updated);
        before.created = before.created.min(ticket.created);
        follow_sla(rules, before);
        ticket.take_sla_of(before);
        if !above.is_empty() {
            unnameable.extend(self::unnameable(before, "/event/kind/updated/before", rules));
        }
    }
    unnameable.extend(event.volumes.iter().zip(0..).filter_map(|(at, n)| no_volume(n, &at.volume, rules)));
    unnameable.extend((0..).zip(&event.fired_before).filter_map(|(n, before)| no_rule(n, &before.rule, rules)));
    told(unnameable)?;
    Ok((ticket, event, now))
}

/// The error of a rule that is said to have fired before, and that does not exist.
fn no_rule(n: usize, title: &str, rules: &Rules) -> Option<String> {
    let triggers = rules.triggers.iter().map(|trigger| &*trigger.title);
    let mut titles = triggers.chain(rules.automations.iter().map(|automation| &*automation.title));
    if titles.clone().any(|known| known == title) {
        return None;
    }
    let meant = did_you_mean(nearest(title, &mut titles));
    let title = headline(title, MAX_SHOWN);
    Some(format!("`/event/fired_before/{n}/rule` is \"{title}\", which is no trigger or automation{meant}"))
}

/// The error of a volume that does not exist.
fn no_volume(n: usize, title: &str, rules: &Rules) -> Option<String> {
    let mut titles = rules.volumes.iter().map(|volume| &*volume.title);
    if titles.clone().any(|known| known == title) {
        return None;
    }
    let meant = did_you_mean(nearest(title, &mut titles));
    let title = headline(title, MAX_SHOWN);
    Some(format!("`/event/volumes/{n}/volume` is \"{title}\", which is no volume{meant}"))
}

/// An error that joins all errors of a line; `Ok` if there are none.
fn told(complaints: Vec<String>) -> Result<(), String> {
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("; ")) }
}

/// Errors for names and tags that a rule could not refer to. Without a `twite.toml`, any name is accepted.
fn unnameable(ticket: &Ticket, above: &str, rules: &Rules) -> Vec<String> {
    let says = |unnameable| match unnameable {
        Unnameable::Name { .. } if rules.files.config.is_none() => None,
        Unnameable::Name { field, declared, name } => {
            let what = match declared {
                Declared::Group => "group",
                Declared::Agent => "agent",
                Declared::Account => "account",
                Declared::Brand => "brand",
                Declared::Organisation => "organisation",
                Declared::Schedule => "schedule",
                Declared::Sla => "sla",
                Declared::Choice(_) => "choice",
            };
            let known = rules.desk.declared(&declared);
            let meant = did_you_mean(nearest(name.trim_start_matches('@'), known.iter().copied()));
            let known = match known.as_slice() {
                [] => "none".to_owned(),
                known => listed(known.iter().copied()),
            };
            let (field, name) = (field.replace('.', "/"), headline(name, MAX_SHOWN));
            Some(format!(
                "`{above}/{field}` is \"{name}\", which is not a declared {what}{meant}; twite.toml declares {known}"
            ))
        }
        Unnameable::Tag { field, tag } => {
            let (field, tag) = (field.replace('.', "/"), headline(tag, MAX_SHOWN));
            Some(format!(
                "`{above}/{field}` contains \"{tag}\", which is not a valid tag: tags contain no spaces or commas, and have at most 200 \
                 characters"
            ))
        }
    };
    ticket.unnameable(&rules.desk).into_iter().filter_map(says).collect()
}

fn event(ticket: &Ticket, happened: Happened) -> Event {
    let via = Via::from(ticket.channel);
    match happened {
        Happened::Created => {
            let comment = EventComment {
                facts: ticket.message_facts(),
                ..EventComment::new(Author::Requester, true, ticket.description.clone())
            };
            Event {
                kind: EventKind::Created,
                via,
                actor: Actor::Person,
                comment: Some(comment).filter(|c| !c.text.is_empty()),
                cause: None,
                fired_before: vec![],
                volumes: vec![],
            }
        }
        Happened::Updated => Event {
            kind: EventKind::Updated { before: Box::new(ticket.clone()) },
            via,
            actor: Actor::Person,
            comment: None,
            cause: None,
            fired_before: vec![],
            volumes: vec![],
        },
    }
}

/// The message of a JSON error with its column. Its line is dropped, because the parser sees each line alone.
fn no_json(error: serde_json::Error) -> String {
    let message = error.to_string();
    let cut = format!(" at line {} column {}", error.line(), error.column());
    match message.strip_suffix(&cut) {
        Some(message) if error.column() > 0 => format!("not valid JSON: {message} (column {})", error.column()),
        _ => format!("not valid JSON: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        desk::{Declarations, FieldRef},
        lang::rules::{Action, ActionKind, Condition, Mode, On, Span, Trigger, Version},
    };

    /// A rule set of one trigger, which adds a tag to every created ticket.
    fn rules() -> Rules {
        let span = Span { file: "rules".into(), start: 0, end: 0, line: 1 };
        let tags = FieldRef::find("tags", &Declarations::default()).unwrap();
        let trigger = Trigger {
            title: "tag".into(),
            doc: None,
            mode: Mode::Live,
            on: On { created: true, updated: false },
            when: Condition::always(span.clone()),
            caps: vec![],
            then: vec![Action { kind: ActionKind::Add(tags, vec!["seen".into()]), span: span.clone() }],
            span,
        };
        let (triggers, version) = (vec![Arc::new(trigger)], Version::default());
        Rules {
            desk: Arc::new(Declarations::default()),
            files: Arc::default(),
            version,
            triggers,
            automations: vec![],
            macros: vec![],
            reports: vec![],
            views: vec![],
            slas: vec![],
            volumes: vec![],
            tests: vec![],
            lets: vec![],
            lists: vec![],
        }
    }

    /// The decisions and the errors.
    fn run(happened: Happened, input: &[u8]) -> (Vec<serde_json::Value>, String) {
        run_with(rules(), happened, input)
    }

    fn run_with(rules: Rules, happened: Happened, input: &[u8]) -> (Vec<serde_json::Value>, String) {
        let (mut out, mut err) = (vec![], vec![]);
        let rules = RuleSet::new(rules);
        let how = How { rules: &rules, happened, now: Timestamp::UNIX_EPOCH, format: Format::Json, name: "tickets" };
        let bad = eval(how, input, &mut out, &mut err, &ProgressBar::hidden()).unwrap();
        let decisions = out.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        let decisions: Vec<_> = decisions.map(|line| serde_json::from_slice(line).unwrap()).collect();
        let complaints = String::from_utf8(err).unwrap();
        assert_eq!(bad.bad, complaints.lines().count() as u64);
        (decisions, complaints)
    }

    #[test]
    fn every_line_is_decided_under_its_number() {
        let input = b"\xef\xbb\xbf{\"id\": 1}\n\n  \n{\"id\": 4, \"tags\": [\"VIP\"]}\r\n{}";
        let (decisions, complaints) = run(Happened::Created, input);
        let lines: Vec<_> = decisions.iter().map(|d| d["line"].as_u64().unwrap()).collect();
        assert_eq!((lines, complaints.as_str()), (vec![1, 4, 5], ""));
        assert_eq!(decisions[1]["ticket"]["tags"], serde_json::json!(["seen", "vip"]));
    }

    #[test]
    fn lines_can_bring_their_event_and_clock() {
        let input = br#"{"ticket": {"id": 1}}
            {"ticket": {"id": 1}, "event": {"kind": {"updated": {"before": {}}}, "via": "web", "comment": null}}
            {"ticket": {}, "now": "2026-01-05T12:00:00Z"}"#;
        let (decisions, complaints) = run(Happened::Created, input);
        let fired: Vec<_> = decisions.iter().map(|d| d["fired"].as_array().unwrap().len()).collect();
        assert_eq!((fired, complaints.as_str()), (vec![1, 0, 1], ""));
        assert!(run(Happened::Updated, b"{}").0[0]["fired"].as_array().unwrap().is_empty());
    }

    #[test]
    fn what_follows_from_slas_is_that_of_before() {
        let text = r#"
            sla "Urgent" { when priority is urgent  first reply within 10 minutes }
            sla "All" { first reply within 60 minutes }
            trigger "Other" { when sla changed  then add tags other }
            trigger "Due" { when first_reply_due changed  then add tags due }
        "#;
        let rules = crate::lang::check_sources([("a.twite", text)], Declarations::default()).0.unwrap();
        let update = |ticket: &str, before: &str| {
            format!(
                r#"{{"ticket": {ticket}, "event": {{"kind": {{"updated": {{"before": {before}}}}}, "via": "web"}}}}"#
            )
        };
        let lines = [
            update(r#"{"priority": "urgent"}"#, r#"{"priority": "low"}"#),
            // What a line says of them does not matter.
            update(r#"{"priority": "high", "sla": "Urgent"}"#, r#"{"priority": "low"}"#),
            update(r#"{"priority": "high"}"#, r#"{"priority": "low", "sla": "Urgent"}"#),
        ];
        let (decisions, complaints) = run_with(rules, Happened::Updated, lines.join("\n").as_bytes());
        let tags: Vec<_> = decisions.iter().map(|d| d["ticket"]["tags"].to_string()).collect();
        assert_eq!((tags, complaints.as_str()), (vec![r#"["due","other"]"#.into(), "[]".into(), "[]".into()], ""));
    }

    #[test]
    fn what_a_line_leaves_out_follows_from_the_rest() {
        // There is no `twite.toml`, so any agent is accepted.
        let input = br#"{}
            {"status": "solved", "solved": "1969-12-24T00:00:00Z", "assignee": "Maya"}
            {"ticket": {"status": "open"}, "now": "2026-01-05T12:00:00Z", "event": {"kind": {"updated": {"before": {}}}, "via": "web", "comment": null}}
            {"status": "closed"}"#;
        let (decisions, complaints) = run(Happened::Created, input);
        assert_eq!(complaints, "");
        let times = |n: usize| {
            let ticket = &decisions[n]["ticket"];
            ["created", "updated", "solved", "assigned"].map(|name| ticket[name].as_str().unwrap_or("-").to_owned())
        };
        assert_eq!(times(0), ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "-", "-"]);
        assert_eq!(
            times(1),
            ["1969-12-24T00:00:00Z", "1970-01-01T00:00:00Z", "1969-12-24T00:00:00Z", "1970-01-01T00:00:00Z"]
        );
        assert_eq!(times(2), ["2026-01-05T12:00:00Z", "2026-01-05T12:00:00Z", "-", "-"]);
        assert_eq!((&decisions[3]["closed"], &decisions[3]["fired"]), (&true.into(), &serde_json::json!([])));
    }

    #[test]
    fn bad_lines_are_named_and_left_out() {
        let long = [b"\"".as_slice(), &vec![b'x'; MAX_LINE_BYTES as usize + 10], b"\"\n{}\n"].concat();
        let (decisions, complaints) = run(Happened::Created, &long);
        assert_eq!(decisions.len(), 1);
        assert_eq!(complaints, "tickets:1: skipped: line longer than 4194304 bytes\n");

        let deep = format!("{{\"custom\": {}", "[".repeat(10_000));
        let input = [
            "{\"folowers\\u001b[2J\": 1}",
            "{\"status\": \"lost\"}",
            "{\"id\": 1",
            "[1]",
            "{\"ticket\": {}, \"clock\": 1}",
            "{\"custom\": {\"topic\": \"x\"}}",
            &deep,
            "{\"tags\": \"\u{1b}\"}",
        ];
        let input = [input.join("\n").as_bytes(), b"\n{\"subject\": \"\xff\"}\n{}"].concat();
        let (decisions, complaints) = run(Happened::Created, &input);
        assert_eq!(decisions.len(), 1);
        insta::assert_snapshot!(complaints);
    }
}
