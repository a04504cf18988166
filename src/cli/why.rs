//! `twite why`: what the rules did on a ticket, and why.
//!
//! Nothing is remembered of a run but what it was made from. Deciding is pure, so making the decision again gives it
//! again, with every answer; should it not, that is said, because then something is wrong with Twite or its store.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use clap::Args;
use serde_json::json;

use super::{
    CliError, FINDINGS, FINE, broke,
    check::pretty,
    desk::DeskArgs,
    terminal::{self, colored},
    ticket,
    view::TableFormat,
};
use crate::{
    desk::{Author, Cause, Event, EventKind, TicketId, text::headline, visible::visible},
    engine::{Trace, effect_line, explain},
    lang::{self, rules::Rules},
    present::{self, table::minute},
    store::{Intervention, Recorded, RecordedRun, Store},
};

/// How much of a comment tells which one it is, in characters as a reader counts them.
const MAX_COMMENT_CHARS: usize = 60;

/// Tell what the rules did on a ticket, and why: every run, every rule, every condition with the value it had.
///
/// Each run is made again from the audit, by the rules that were live then. Where that gives something else than what
/// was recorded, it says so and ends with status 1.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The ticket's number.
    #[arg(value_name = "TICKET")]
    ticket: i64,
    /// Only this run, counted from 1.
    #[arg(long, value_name = "N")]
    run: Option<usize>,
    /// Only the rule with this title.
    #[arg(long, value_name = "TITLE")]
    rule: Option<String>,
    /// Only rules that fired.
    #[arg(long)]
    fired: bool,
    /// Ask the present rules instead of those that were live then: what would they do?
    #[arg(long)]
    now: bool,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    format: TableFormat,
    #[command(flatten)]
    desk: DeskArgs,
}

/// A run, made again.
struct Run<'r> {
    number: usize,
    recorded: &'r Recorded,
    /// What agents did with the ticket's outbox from then to the next run.
    interventions: Vec<&'r Intervention>,
    /// Nothing where what it was made from went with a deleted post.
    again: Option<Again<'r>>,
}

struct Again<'r> {
    run: &'r RecordedRun,
    trace: Trace,
    /// Whether it came to what was recorded.
    agrees: bool,
}

impl Run<'_> {
    fn agrees(&self) -> bool {
        self.again.as_ref().is_none_or(|again| again.agrees)
    }

    fn print_interventions(&self, out: &mut impl Write) -> io::Result<()> {
        for done in &self.interventions {
            let line = format!("{} (outbox {}): {}", effect_line(&done.effect), done.item, done.line());
            writeln!(out, "afterwards, {}: {}\n", minute(done.made), visible(&line))?;
        }
        Ok(())
    }
}

impl Why {
    pub(crate) fn run(self) -> Result<u8, CliError> {
        let (present, place) = self.desk.load()?;
        let id = TicketId(self.ticket);
        tokio::runtime::Runtime::new()?.block_on(async {
            let store = place.open_existing().await?;
            store.ticket(id).await.map_err(broke)?.ok_or_else(|| ticket::unknown(id))?;
            let runs = store.decisions(id).await.map_err(broke)?;
            if let Some(run) = self.run.filter(|run| *run == 0 || *run > runs.len()) {
                return Err(CliError::Usage(format!("ticket {id} has no run {run}: it has {}", runs.len())));
            }
            let interventions = store.interventions(id).await.map_err(broke)?;
            let mut versions = BTreeMap::new();
            let mut replayed = vec![];
            for (index, recorded) in runs.iter().enumerate() {
                let number = index + 1;
                if self.run.is_some_and(|run| run != number) {
                    continue;
                }
                let after = |done: &&Intervention| {
                    runs.iter().rposition(|run| run.now <= done.made).unwrap_or_default() == index
                };
                let interventions: Vec<_> = interventions.iter().filter(after).collect();
                let Some(run) = &recorded.run else {
                    replayed.push(Run { number, recorded, interventions, again: None });
                    continue;
                };
                let rules = match (self.now, versions.get(&recorded.rules.hash)) {
                    (true, _) => &*present,
                    (false, Some(rules)) => rules,
                    (false, None) => {
                        let rules = rules_of(&store, recorded).await?;
                        versions.entry(recorded.rules.hash.clone()).or_insert(rules)
                    }
                };
                let mut trace = explain(rules, &run.ticket, &run.event, recorded.now);
                let again = serde_json::to_value(&trace.decision).map_err(io::Error::from)?;
                let agrees = self.now || again == run.decision;
                let fired = &trace.decision.fired;
                for traces in [&mut trace.automations, &mut trace.triggers] {
                    traces.retain(|rule| {
                        self.rule.as_ref().is_none_or(|title| *title == rule.rule)
                            && (!self.fired || fired.iter().any(|fired| fired.rule == rule.rule))
                    });
                }
                replayed.push(Run { number, recorded, interventions, again: Some(Again { run, trace, agrees }) });
            }
            if let Some(title) = &self.rule
                && replayed
                    .iter()
                    .filter_map(|run| run.again.as_ref())
                    .all(|again| again.trace.rules().next().is_none())
                && !titles(&present).any(|known| known == title)
            {
                let known = lang::nearest(title, titles(&present));
                return Err(CliError::Usage(format!(
                    "there is no such rule as `{title}`{}",
                    lang::did_you_mean(known)
                )));
            }
            self.print(&replayed, runs.len())?;
            if self.format == TableFormat::Table
                && let Some(stopped) = store.stopped_loop(id).await.map_err(broke)?
            {
                writeln!(terminal::people(), "\n{}", visible(&stopped.reason()))?;
            }
            Ok(if replayed.iter().all(Run::agrees) { FINE } else { FINDINGS })
        })
    }

    fn print(&self, replayed: &[Run<'_>], runs: usize) -> Result<(), CliError> {
        let mut out = terminal::people_or_json(self.format == TableFormat::Table);
        if self.format == TableFormat::Json {
            let runs = replayed.iter().map(|run| {
                let again = run.again.as_ref();
                json!({
                    "run": run.number,
                    "fired": run.recorded.fired,
                    "event": again.map(|again| &again.run.event),
                    "agrees": run.agrees(),
                    "trace": again.map(|again| &again.trace),
                    "interventions": run.interventions,
                })
            });
            out.write_all(pretty(&runs.collect())?.as_bytes())?;
            return Ok(());
        }
        if runs == 0 {
            writeln!(out, "no rules ran on ticket {} yet", self.ticket)?;
        }
        for run in replayed {
            write!(out, "run {} of {runs}, {}: ", run.number, minute(run.recorded.now))?;
            let Some(again) = &run.again else {
                writeln!(out, "what it was made from went with a post that was deleted at X")?;
                writeln!(out, "rules {}\n", run.recorded.rules)?;
                for rule in &run.recorded.fired {
                    writeln!(out, "✓ {rule:?} fired")?;
                }
                writeln!(out)?;
                run.print_interventions(&mut out)?;
                continue;
            };
            writeln!(out, "{}", happened(&again.run.event))?;
            writeln!(out, "{}", present::trace(&again.trace, colored(&io::stdout())))?;
            if !again.agrees {
                writeln!(
                    out,
                    "! This is not what was recorded: the same rules on the same ticket decided otherwise then.\n  \
                     Recorded: {}\n",
                    again.run.decision
                )?;
            }
            run.print_interventions(&mut out)?;
        }
        Ok(())
    }
}

/// The titles of the rules that fire by themselves.
fn titles(rules: &Rules) -> impl Iterator<Item = &str> {
    let triggers = rules.triggers.iter().map(|trigger| trigger.title.as_str());
    triggers.chain(rules.automations.iter().map(|automation| automation.title.as_str()))
}

/// What a run was about, in a line.
fn happened(event: &Event) -> String {
    let comment = event.comment.as_ref().map(|comment| {
        let by = match comment.author {
            Author::Requester => "the requester",
            Author::Agent => "an agent",
            Author::Rule => "a rule",
        };
        format!(" by {by}: {:?}", headline(&comment.text, MAX_COMMENT_CHARS))
    });
    let what = match event.kind {
        EventKind::Created => "created",
        EventKind::Updated { .. } => "updated",
        EventKind::Due { .. } => "time passed",
    };
    let cause = match &event.cause {
        None => String::new(),
        Some(Cause::Macro(title)) => format!(" by an agent with the macro {title:?}"),
        Some(Cause::Unsnoozed) => ": it was put off until now".to_owned(),
        Some(Cause::Merged(from)) => format!(": ticket {from} was merged into it"),
    };
    visible(&format!("{what}{cause}{}", comment.unwrap_or_default())).into_owned()
}

/// The rules that made a decision.
async fn rules_of(store: &Store, recorded: &Recorded) -> Result<Rules, CliError> {
    let lost = |why: &str| {
        CliError::Usage(format!(
            "the rules {} that were live then {why}; `--now` asks the present ones",
            recorded.rules
        ))
    };
    let Some(files) = store.version_files(&recorded.rules.hash).await.map_err(broke)? else {
        return Err(lost("are not in the store"));
    };
    lang::check_files(files, recorded.rules.clone()).0.ok_or_else(|| lost("are no rules for this version of Twite"))
}
