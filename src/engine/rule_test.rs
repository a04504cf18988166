//! Tests of rules, as rule files write them.

use serde::Serialize;

use super::{
    coverage::Coverage,
    decision::{Answer, Decision},
    given,
    plain::holds,
    show,
    trace::{Trace, Verdict, answer, explain_to},
};
use crate::{
    desk::{Effect, Event, Facts, text::fold},
    lang::{
        rules::{Condition, EffectKind, Expect, ExpectKind, Folded, Mark, Place, RuleTest, Rules},
        written::Quoted,
    },
};

/// What became of one test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestReport {
    /// Its title.
    pub test: String,
    /// Where it stands.
    pub place: Place,
    /// How it went.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// How a test went.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Every expectation was met.
    Passed,
    /// It is disabled.
    Skipped,
    /// Some expectation was not met.
    Failed {
        /// Each of them.
        failures: Vec<Failure>,
    },
}

/// An expectation that was not met.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// Where it stands.
    pub place: Place,
    /// What was expected.
    pub expected: String,
    /// What is.
    pub found: String,
    /// Why: the conditions and values that made it so, or what was done instead. One line each.
    pub because: Vec<String>,
}

/// Runs a test; `coverage` takes down every answer that was given on the way.
pub fn run_test(rules: &Rules, test: &RuleTest, coverage: &mut Coverage) -> TestReport {
    let outcome = match test.mark {
        Mark::Disabled => Outcome::Skipped,
        Mark::Live | Mark::Shadow => match story(rules, test, coverage) {
            Ok(runs) => {
                let failures: Vec<_> = test.expect.iter().filter_map(|e| check(rules, e, &runs)).collect();
                if failures.is_empty() { Outcome::Passed } else { Outcome::Failed { failures } }
            }
            Err(error) => Outcome::Failed {
                failures: vec![Failure {
                    place: test.place.clone(),
                    expected: "a ticket as given".into(),
                    found: error.to_string(),
                    because: vec![],
                }],
            },
        },
    };
    TestReport { test: test.title.clone(), place: test.place.clone(), outcome }
}

/// One event of a test and what was decided.
struct Run {
    event: Event,
    trace: Trace,
}

impl Run {
    fn decision(&self) -> &Decision {
        &self.trace.decision
    }
}

/// Lets everything happen, one run after the other, each on what the one before left.
fn story(rules: &Rules, test: &RuleTest, coverage: &mut Coverage) -> Result<Vec<Run>, given::CannotGive> {
    let now = given::moment(test);
    let mut ticket = given::ticket(test)?;
    let mut runs = vec![];
    for when in &test.when {
        let (after, event) = given::happen(test, when, ticket)?;
        let trace = explain_to(rules, &after, &event, now, &mut |trigger, answer| coverage.see(trigger, answer));
        ticket = given::left_behind(&trace.decision, now);
        runs.push(Run { event, trace });
    }
    Ok(runs)
}

/// What is wrong with an expectation; `None` where it is met.
fn check(rules: &Rules, expect: &Expect, runs: &[Run]) -> Option<Failure> {
    let failure = |expected: String, found: String, because: Vec<String>| {
        Some(Failure { place: expect.place.clone(), expected, found, because })
    };
    let fired = |title: &str| runs.iter().flat_map(|run| &run.decision().fired).find(|fired| fired.rule == title);
    match &expect.kind {
        ExpectKind::Fired(title) if fired(title).is_some() => None,
        ExpectKind::Fired(title) => {
            let (found, because) = why_not(title, runs);
            failure(format!("{} fires", Quoted(title)), found, because)
        }
        ExpectKind::NotFired(title) => {
            let fired = fired(title)?;
            let because = lines(&fired.why);
            failure(format!("{} does not fire", Quoted(title)), format!("it fired in pass {}", fired.pass), because)
        }
        ExpectKind::NothingFired => {
            let titles: Vec<_> =
                runs.iter().flat_map(|run| &run.decision().fired).map(|f| Quoted(&f.rule).to_string()).collect();
            if titles.is_empty() {
                return None;
            }
            failure("nothing fires".into(), format!("{} fired", titles.join(", ")), vec![])
        }
        ExpectKind::Holds(condition) => {
            let last = runs.last()?;
            let facts = Facts {
                ticket: &last.decision().ticket,
                event: Some(&last.event),
                now: last.trace.now,
                desk: &rules.desk,
            };
            if holds(condition, facts) {
                return None;
            }
            let mut because = lines(&answer(condition, facts));
            because.extend(who_wrote(condition, runs));
            failure(condition.to_string(), "it does not hold".into(), because)
        }
        ExpectKind::Sent(kind, text) => {
            let effects: Vec<_> = of_kind(kind, runs).collect();
            if effects.iter().any(|(effect, run)| text.as_ref().is_none_or(|text| says(effect, run, text))) {
                return None;
            }
            let expected = match text {
                Some(text) => format!("{} contains {}", name(kind), Quoted(&text.written)),
                None => name(kind),
            };
            let found = if effects.is_empty() { "there is none" } else { "none does" };
            failure(expected, found.into(), effects.iter().map(|(effect, _)| show::effect_line(effect)).collect())
        }
        ExpectKind::NotSent(kind) => {
            let effects: Vec<_> = of_kind(kind, runs).map(|(effect, _)| show::effect_line(effect)).collect();
            if effects.is_empty() {
                return None;
            }
            failure(format!("no {}", name(kind)), format!("there is {}", effects.len()), effects)
        }
    }
}

/// Why a trigger fired in none of the runs, from the last run that asked it.
fn why_not(title: &str, runs: &[Run]) -> (String, Vec<String>) {
    let mut told = runs.iter().rev().filter_map(|run| {
        let trigger = run.trace.triggers.iter().find(|trigger| trigger.rule == title)?;
        Some((trigger, run.decision().stopped_by.as_deref()))
    });
    let last = told.clone().next();
    let found = match told.find(|(trigger, _)| trigger.when.is_some()).or(last) {
        None => "there is no trigger with this title".to_owned(),
        Some((trigger, stopped_by)) => match (trigger.verdict, &trigger.when) {
            (Verdict::False, Some(when)) => return ("these conditions did not hold".into(), lines(when)),
            (Verdict::Disabled, _) => "it is disabled".to_owned(),
            (Verdict::OtherEvent, _) => "it is not about this kind of event".to_owned(),
            (Verdict::Closed, _) => "there was no run: the ticket was closed".to_owned(),
            _ => match stopped_by {
                Some(by) => format!("{} stopped the run before its turn came", Quoted(by)),
                None => "it did not".to_owned(),
            },
        },
    };
    (found, vec![])
}

/// What triggers did to the fields a condition asks about, in order, a line each.
fn who_wrote(condition: &Condition, runs: &[Run]) -> Vec<String> {
    let mut asked = vec![];
    condition.leaves(&mut |leaf, _| asked.push(leaf.field.name()));
    let fired = runs.iter().flat_map(|run| &run.decision().fired).filter(|fired| !fired.shadow);
    fired
        .flat_map(|fired| fired.changes.iter().map(move |change| (fired, change)))
        .filter(|(_, change)| asked.iter().any(|name| **name == change.field))
        .map(|(fired, change)| format!("{} changed {}", Quoted(&fired.rule), show::change_line(change)))
        .collect()
}

/// What made a condition hold or not, a line each.
fn lines(answer: &Answer) -> Vec<String> {
    answer.because().into_iter().map(show::leaf_line).collect()
}

fn of_kind<'a>(kind: &'a EffectKind, runs: &'a [Run]) -> impl Iterator<Item = (&'a Effect, &'a Run)> {
    let fits = move |effect: &Effect| match (kind, effect) {
        (EffectKind::Reply, Effect::Reply { .. }) | (EffectKind::Note, Effect::Note { .. }) => true,
        (EffectKind::Notify(to), Effect::Notify { to: sent, .. }) => to.as_ref().is_none_or(|to| to == sent),
        (EffectKind::Webhook(name), Effect::Webhook { name: called, .. }) => name == called,
        _ => false,
    };
    let effects = runs.iter().flat_map(|run| run.decision().effects.iter().map(move |e| (&e.effect, run)));
    effects.filter(move |(effect, _)| fits(effect))
}

/// Whether some text of an effect holds this one, both folded. A webhook without a body sends the ticket.
fn says(effect: &Effect, run: &Run, text: &Folded) -> bool {
    let has = |own: &str| fold(own).contains(&text.folded);
    match effect {
        Effect::Reply { text } | Effect::Note { text } => has(text),
        Effect::Notify { subject, body, .. } => has(subject) || has(body),
        Effect::Webhook { body: Some(body), .. } => has(body),
        Effect::Webhook { body: None, .. } => {
            serde_json::to_string(&run.decision().ticket).is_ok_and(|ticket| has(&ticket))
        }
    }
}

/// A kind of effect as an expectation writes it.
fn name(kind: &EffectKind) -> String {
    match kind {
        EffectKind::Reply => "reply".into(),
        EffectKind::Note => "note".into(),
        EffectKind::Notify(None) => "notify".into(),
        EffectKind::Notify(Some(to)) => format!("notify {}", show::recipient(to)),
        EffectKind::Webhook(name) => format!("webhook {}", Quoted(name)),
    }
}
