//! `twite eval`: tickets in, decisions out, a line each.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CliError, FINDINGS, FINE, colored};
use crate::{
    desk::{
        Author, Event, EventComment, EventKind, Ticket, Via,
        text::{fold, visible},
    },
    engine::{Decision, RuleSet, decide, explain, show},
    lang::rules::Rules,
};

/// The longest line that is read, in bytes: a ticket with a long conversation is some kilobytes.
const LONGEST_LINE: u64 = 4 << 20;

/// Decide on tickets in a file, one JSON object a line, and print the decisions, one a line.
///
/// A line is a ticket, whose missing fields are empty:
///
///   {"channel": "twitter", "description": "my order never came", "requester": {"followers": 12000}}
///
/// or a ticket with what happened to it, and when:
///
///   {"ticket": {"status": "open"}, "now": "2026-01-05T12:00:00Z", "event": {"via": "twitter",
///    "comment": {"text": "it broke again", "public": true, "author": "requester"},
///    "kind": {"updated": {"before": {"status": "solved"}}}}}
///
/// Lines that cannot be read are reported with their number and left out; the exit status is then 1.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Eval {
    /// The file with the tickets; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    tickets: PathBuf,
    /// What happened to tickets whose lines do not say: `created` by a comment with their description, or
    /// `updated` with nothing changed.
    #[arg(long, value_enum, default_value_t = Happened::Created)]
    event: Happened,
    /// The moment of the decisions, where the lines do not say; without it, the present.
    #[arg(long, value_name = "INSTANT")]
    now: Option<Timestamp>,
    /// How decisions are printed.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    #[command(flatten)]
    rules: super::source::Source,
}

impl Eval {
    /// Decides one line after the other.
    pub(crate) fn run(self) -> Result<u8, CliError> {
        let rules = RuleSet::new(self.rules.load()?);
        let now = self.now.unwrap_or_else(Timestamp::now);
        let tickets: Box<dyn BufRead> = if self.tickets.as_os_str() == "-" {
            Box::new(io::stdin().lock())
        } else {
            let file = File::open(&self.tickets)
                .map_err(|error| CliError::Usage(format!("cannot read {}: {error}", self.tickets.display())))?;
            Box::new(BufReader::new(file))
        };
        let decisions = io::BufWriter::new(io::stdout().lock());
        let bad = eval(&rules, self.event, now, self.format, tickets, decisions, io::stderr().lock())?;
        Ok(if bad == 0 { FINE } else { FINDINGS })
    }
}

/// What happened to the tickets whose lines do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Happened {
    /// They were created, by a public comment with their description.
    Created,
    /// They were updated, and nothing on them changed.
    Updated,
}

/// How decisions are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object a line.
    Json,
    /// Every rule with the value of each of its conditions.
    Human,
}

/// A line that says more than a ticket.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    ticket: Ticket,
    event: Option<Event>,
    now: Option<Timestamp>,
}

/// A decision as printed.
#[derive(Debug, Serialize)]
struct Decided {
    /// The line of the input, from 1.
    line: u64,
    #[serde(flatten)]
    decision: Decision,
}

/// Decides one line after the other. Bad lines are told to `complaints` and left out; says how many there were.
fn eval(
    rules: &RuleSet,
    happened: Happened,
    now: Timestamp,
    format: Format,
    mut tickets: impl BufRead,
    mut decisions: impl Write,
    mut complaints: impl Write,
) -> io::Result<u64> {
    let mut bad = 0;
    let mut bytes = vec![];
    for line in 1.. {
        let Some(length) = read_line(&mut tickets, &mut bytes)? else { break };
        if length > LONGEST_LINE {
            bad += 1;
            writeln!(complaints, "line {line}: longer than {LONGEST_LINE} bytes")?;
            continue;
        }
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        match read(&bytes, rules, happened, now) {
            Err(error) => {
                bad += 1;
                writeln!(complaints, "line {line}: {}", visible(&error))?;
            }
            Ok((ticket, event, now)) => match format {
                Format::Json => {
                    serde_json::to_writer(
                        &mut decisions,
                        &Decided { line, decision: decide(rules, &ticket, &event, now) },
                    )?;
                    decisions.write_all(b"\n")?;
                }
                Format::Human => {
                    writeln!(
                        decisions,
                        "line {line}, {}",
                        show(&explain(rules, &ticket, &event, now), colored(&io::stdout()))
                    )?;
                }
            },
        }
    }
    decisions.flush()?;
    Ok(bad)
}

/// Reads a line into `bytes`, as much of it as may be kept, and says how long it is; `None` at the end.
fn read_line(from: &mut impl BufRead, bytes: &mut Vec<u8>) -> io::Result<Option<u64>> {
    bytes.clear();
    let mut length = io::Read::take(&mut *from, LONGEST_LINE + 1).read_until(b'\n', bytes)? as u64;
    if length > LONGEST_LINE && !bytes.ends_with(b"\n") {
        length += from.skip_until(b'\n')? as u64;
    }
    Ok((length > 0).then_some(length))
}

fn read(line: &[u8], rules: &Rules, happened: Happened, now: Timestamp) -> Result<(Ticket, Event, Timestamp), String> {
    #[derive(Deserialize)]
    struct Peek {
        ticket: Option<serde::de::IgnoredAny>,
    }
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line).trim_ascii();
    if !line.starts_with(b"{") {
        return Err("expected a JSON object, a ticket".into());
    }
    let case = match serde_json::from_slice::<Peek>(line).map_err(without_line)?.ticket {
        Some(_) => serde_json::from_slice(line).map_err(without_line)?,
        None => Case { ticket: serde_json::from_slice(line).map_err(without_line)?, event: None, now: None },
    };
    let mut ticket = case.ticket;
    if let Some(name) = ticket.custom.keys().find(|name| rules.desk.field(name).is_none()) {
        return Err(format!("unknown field `custom.{name}`: twite.toml declares no field of this name"));
    }
    // As the desk keeps them, whatever the file says.
    ticket.tags = ticket.tags.iter().map(|tag| tag.to_lowercase()).collect();
    ticket.post.hashtags = ticket.post.hashtags.iter().map(|tag| fold(tag).into_owned()).collect();
    let event = case.event.unwrap_or_else(|| event(&ticket, happened));
    Ok((ticket, event, case.now.unwrap_or(now)))
}

fn event(ticket: &Ticket, happened: Happened) -> Event {
    let via = Via::from(ticket.channel);
    match happened {
        Happened::Created => {
            let text = ticket.description.clone();
            let comment = EventComment { text, public: true, author: Author::Requester };
            Event { kind: EventKind::Created, via, comment: Some(comment).filter(|c| !c.text.is_empty()), cause: None }
        }
        Happened::Updated => {
            Event { kind: EventKind::Updated { before: Box::new(ticket.clone()) }, via, comment: None, cause: None }
        }
    }
}

/// The message of an error in JSON with its column, but without its line: that is ours to number.
fn without_line(error: serde_json::Error) -> String {
    let message = error.to_string();
    let cut = format!(" at line {} column {}", error.line(), error.column());
    match message.strip_suffix(&cut) {
        Some(message) if error.column() > 0 => format!("{message} (column {})", error.column()),
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        desk::Desk,
        lang::rules::{Action, ActionKind, Condition, Mark, On, Place, Trigger, Version},
    };

    /// One trigger that tags everything that is created.
    fn rules() -> Rules {
        let place = Place { file: "rules".into(), start: 0, end: 0, line: 1 };
        let trigger = Trigger {
            title: "tag".into(),
            doc: None,
            mark: Mark::Live,
            on: On { created: true, updated: false },
            when: Condition::always(place.clone()),
            then: vec![Action { kind: ActionKind::AddTags(vec!["seen".into()]), place: place.clone() }],
            place,
        };
        let (triggers, version) = (vec![Arc::new(trigger)], Version::default());
        Rules {
            desk: Arc::new(Desk::default()),
            files: Arc::default(),
            version,
            triggers,
            automations: vec![],
            macros: vec![],
            reports: vec![],
            views: vec![],
            tests: vec![],
            lets: vec![],
        }
    }

    /// The decisions, and the complaints.
    fn run(happened: Happened, input: &[u8]) -> (Vec<serde_json::Value>, String) {
        let (mut out, mut err) = (vec![], vec![]);
        let bad =
            eval(&RuleSet::new(rules()), happened, Timestamp::UNIX_EPOCH, Format::Json, input, &mut out, &mut err)
                .unwrap();
        let decisions = out.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        let decisions: Vec<_> = decisions.map(|line| serde_json::from_slice(line).unwrap()).collect();
        let complaints = String::from_utf8(err).unwrap();
        assert_eq!(bad, complaints.lines().count() as u64);
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
    fn bad_lines_are_named_and_left_out() {
        let long = [b"\"".as_slice(), &vec![b'x'; LONGEST_LINE as usize + 10], b"\"\n{}\n"].concat();
        let (decisions, complaints) = run(Happened::Created, &long);
        assert_eq!(decisions.len(), 1);
        assert_eq!(complaints, "line 1: longer than 4194304 bytes\n");

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
