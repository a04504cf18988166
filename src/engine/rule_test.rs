//! Runs the tests of rule files.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use rayon::prelude::*;
use serde::Serialize;

use super::{
    agent_update::apply_macro,
    automation,
    coverage::{Coverage, CoveringMatcher},
    decide::{run, run_visited},
    decision::Decision,
    display,
    evaluate::holds,
    explanation::explain_condition,
    firings::Firings,
    given, loops,
    rule_set::RuleSet,
    sla::{self, follow_sla},
    trace::{RuleTrace, Trace, Verdict, explain},
    volume::{Volumes, volume_ends},
};
use crate::{
    desk::{
        Account, Actor, Declarations, Effect, Event, Facts, Repeat, Status, Ticket,
        given::CannotGive,
        text::{counted, fold, is_blank},
    },
    lang::{
        display::Quoted,
        rules::{Condition, Duration, EffectKind, Expect, ExpectKind, Folded, Mode, RuleTest, Rules, Span, Step, When},
    },
};

/// The result of one test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestReport {
    /// Its title.
    pub test: String,
    /// Where it is written.
    pub span: Span,
    /// Passed, skipped or failed.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The outcome of a test.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Every expectation was met.
    Passed,
    /// Disabled.
    Skipped,
    /// Some expectation was not met.
    Failed {
        /// The expectations that were not met.
        failures: Vec<Failure>,
    },
}

/// An expectation that was not met.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// Where it is written.
    pub span: Span,
    /// What was expected.
    pub expected: String,
    /// What was found instead.
    pub found: String,
    /// Why: conditions with their values, or the effects there were instead; one line each.
    pub because: Vec<String>,
}

/// Runs tests in parallel; reports are in the order of the tests.
pub fn run_tests<'r>(
    rules: &'r RuleSet,
    tests: &[Arc<RuleTest>],
    with_coverage: bool,
) -> (Vec<TestReport>, Option<Coverage<'r>>) {
    let nothing_seen = with_coverage.then(|| Coverage::new(rules));
    let none = || (vec![], nothing_seen.clone());
    let run = |(mut reports, mut coverage): (Vec<_>, Option<Coverage<'r>>), test: &Arc<RuleTest>| {
        reports.push(run_test(rules, test, coverage.as_mut()));
        (reports, coverage)
    };
    tests.par_iter().fold(none, run).reduce(none, |(mut reports, mut coverage), (more, seen)| {
        reports.extend(more);
        coverage.iter_mut().zip(seen).for_each(|(coverage, seen)| coverage.merge(seen));
        (reports, coverage)
    })
}

/// Runs a test with the index, recording coverage. A failed test is run again with the plain evaluator, for explanations.
pub fn run_test(rules: &RuleSet, test: &RuleTest, coverage: Option<&mut Coverage<'_>>) -> TestReport {
    let outcome = match test.mode {
        Mode::Disabled => Outcome::Skipped,
        Mode::Live | Mode::Shadow => match failures(rules, test, Detail::Decide(coverage)) {
            Ok(failures) if failures.is_empty() => Outcome::Passed,
            Ok(_) => match failures(rules, test, Detail::Trace) {
                Ok(failures) if !failures.is_empty() => Outcome::Failed { failures },
                Ok(_) => Outcome::Failed { failures: vec![disagreement(test)] },
                Err(error) => Outcome::Failed { failures: vec![error.failure(test)] },
            },
            Err(error) => Outcome::Failed { failures: vec![error.failure(test)] },
        },
    };
    TestReport { test: test.title.clone(), span: test.span.clone(), outcome }
}

/// The failure of a test that fails with the index but passes with the plain evaluator, which is a bug in Twite.
fn disagreement(test: &RuleTest) -> Failure {
    Failure {
        span: test.span.clone(),
        expected: "the same result from the index and the plain evaluator".into(),
        found: "a failure only with the index: this is a bug in Twite, please report it".into(),
        because: vec![],
    }
}

fn failures(rules: &RuleSet, test: &RuleTest, detail: Detail<'_, '_>) -> Result<Vec<Failure>, TestError> {
    let playback = play(rules, test, detail)?;
    Ok(test.expect.iter().filter_map(|expect| check(rules, expect, &playback)).collect())
}

/// What is recorded of each run.
enum Detail<'c, 'r> {
    /// The decision, and optionally coverage.
    Decide(Option<&'c mut Coverage<'r>>),
    /// The trace.
    Trace,
}

/// The time between two events of a test, unless time passes: they do not happen at once.
const TICK: SignedDuration = SignedDuration::from_millis(1);

/// Maximum number of evaluations of automations in one step.
const MAX_EVALUATIONS: usize = 10_000;

/// Why a test cannot be run to its end.
#[derive(Debug, thiserror::Error)]
enum TestError {
    #[error(transparent)]
    Given(#[from] CannotGive),
    #[error("the ticket is closed: an answer to it opens a new one")]
    TicketClosed(Span),
    #[error("automations trigger each other in a loop, {MAX_EVALUATIONS} times so far")]
    TooManyEvaluations(Span),
    #[error("automation loop: at {at} the ticket returned to a state it left within the hour, through {}; \
        the daemon stops automations on such a ticket", titles(.automations))]
    Loop { span: Span, at: Timestamp, automations: BTreeSet<String> },
}

impl TestError {
    /// The error as a failure of the test.
    fn failure(&self, test: &RuleTest) -> Failure {
        let (span, expected) = match self {
            Self::Given(_) => (&test.span, "a valid ticket"),
            Self::TicketClosed(span) => (span, "a ticket that can still change"),
            Self::TooManyEvaluations(span) | Self::Loop { span, .. } => (span, "automations that do not loop"),
        };
        Failure { span: span.clone(), expected: expected.into(), found: self.to_string(), because: vec![] }
    }
}

fn titles(titles: &BTreeSet<String>) -> String {
    titles.iter().map(|title| Quoted(title).to_string()).collect::<Vec<_>>().join(", ")
}

/// The state of a test while its steps are played.
struct Playback<'r> {
    test: &'r RuleTest,
    runs: Vec<Run>,
    /// The ticket after each run, and when that was.
    after: Vec<(Timestamp, Ticket)>,
    /// The effects of macros, each with the ticket after it.
    macro_effects: Vec<(Effect, Ticket)>,
    ticket: Ticket,
    event: Option<Event>,
    now: Timestamp,
    /// The titles of active automations.
    active: BTreeSet<String>,
    repeats: BTreeMap<String, Repeat>,
    firings: Firings<'r>,
    volumes: Volumes<'r>,
}

/// The run of one event.
enum Run {
    Decided(Box<Decision>),
    Traced(Box<Trace>),
}

impl Run {
    fn decision(&self) -> &Decision {
        match self {
            Self::Decided(decision) => decision,
            Self::Traced(trace) => &trace.decision,
        }
    }

    /// The verdicts of rules; none without a trace.
    fn rules(&self) -> impl Iterator<Item = &RuleTrace> {
        let trace = match self {
            Self::Decided(_) => None,
            Self::Traced(trace) => Some(trace),
        };
        trace.into_iter().flat_map(|trace| trace.rules())
    }
}

/// Plays the steps of a test in order.
fn play<'r>(rules: &'r RuleSet, test: &'r RuleTest, mut detail: Detail<'_, '_>) -> Result<Playback<'r>, TestError> {
    let mut playback = Playback {
        test,
        runs: vec![],
        after: vec![],
        macro_effects: vec![],
        ticket: test.ticket(&rules.desk)?,
        event: None,
        now: test.moment(),
        active: BTreeSet::new(),
        repeats: BTreeMap::new(),
        firings: Firings::given(rules, test),
        volumes: Volumes::given(rules, test),
    };
    follow_sla(rules, &mut playback.ticket);
    let mut last = None;
    for Step { when, span } in &test.when {
        let before = playback.ticket.clone();
        if !matches!(when, When::Passes(_)) {
            if last == Some(playback.now) {
                playback.now = playback.now.saturating_add(TICK).unwrap_or(playback.now);
            }
            last = Some(playback.now);
        }
        match when {
            When::Passes(duration) => {
                playback.advance(rules, *duration, span, &mut detail)?;
                continue;
            }
            When::Macro { .. } | When::Updated { .. } if before.status == Status::Closed => {
                return Err(TestError::TicketClosed(span.clone()));
            }
            When::Macro { applied, by } => {
                let by = by.clone().map_or(Actor::Owner, Actor::Agent);
                let mut done = apply_macro(applied, &before, &rules.desk, playback.now, by);
                for effect in &done.effects {
                    given::choose_agent(test, effect, &mut done.ticket, &rules.desk, playback.now);
                }
                let ticket = &done.ticket;
                let asks = done.effects.iter().find(|effect| effect.asks()).cloned();
                playback.macro_effects.extend(done.effects.into_iter().map(|effect| (effect, ticket.clone())));
                if let Detail::Decide(Some(coverage)) = &mut detail {
                    coverage.record_macro(&applied.title);
                }
                playback.run(rules, done.ticket, done.event, &mut detail);
                if let Some(asks) = asks {
                    given::deliver_question(&asks, &mut playback.ticket, playback.now);
                }
            }
            _ => {
                let (after, event) = given::apply_step(test, when, before, &rules.desk, playback.now)?;
                playback.run(rules, after, event, &mut detail);
            }
        }
    }
    Ok(playback)
}

impl<'r> Playback<'r> {
    /// Runs the rules on an event.
    fn run(&mut self, rules: &'r RuleSet, after: Ticket, event: Event, detail: &mut Detail<'_, '_>) {
        let event = self.told(rules, &after, event);
        let run = match detail {
            Detail::Trace => Run::Traced(Box::new(explain(rules, &after, &event, self.now))),
            Detail::Decide(None) => Run::Decided(Box::new(run(rules, &after, &event, self.now, &mut rules.matcher()))),
            Detail::Decide(Some(coverage)) => {
                let seen = RefCell::new(&mut **coverage);
                let mut visit = |index: usize, _: &Condition, facts: Facts<'_>| {
                    seen.borrow_mut().record_automation(index, facts);
                };
                let mut covering =
                    CoveringMatcher { matcher: rules.matcher(), coverage: &seen, passes: 0, changed: BTreeSet::new() };
                let decision = run_visited(rules, &after, &event, self.now, &mut covering, &mut visit);
                if !decision.closed {
                    for ticket in [&after, &decision.ticket] {
                        coverage.record_slas(rules, sla::facts(rules, ticket));
                    }
                }
                coverage.record_volumes(rules, &event, &decision, self.now);
                coverage.record_fired(&decision);
                Run::Decided(Box::new(decision))
            }
        };
        self.firings.record(rules, run.decision(), self.now);
        self.volumes.record(&event);
        self.ticket = given::ticket_after(self.test, run.decision(), &rules.desk, self.now);
        self.event = Some(event);
        self.after.push((self.now, self.ticket.clone()));
        self.runs.push(run);
    }

    /// Adds to an event what it is told of other tickets: how often rules fired, and the volumes.
    fn told(&self, rules: &RuleSet, after: &Ticket, event: Event) -> Event {
        let mut event = Event { fired_before: self.firings.before(), volumes: self.volumes.lasting(), ..event };
        if !rules.volumes.is_empty() && !event.is_by_time() {
            loop {
                let decision = run(rules, after, &event, self.now, &mut rules.matcher());
                if !self.volumes.count(rules, &mut event, &decision, self.now) {
                    break;
                }
            }
        }
        event
    }

    /// Lets time pass: evaluates automations whenever one can change, as the daemon does.
    fn advance(
        &mut self,
        rules: &'r RuleSet,
        duration: Duration,
        span: &Span,
        detail: &mut Detail<'_, '_>,
    ) -> Result<(), TestError> {
        let end = duration.after(self.now, rules.desk.hours_of(&self.ticket)).unwrap_or(Timestamp::MAX);
        let mut next = Some(automation::minute(self.now));
        let mut seen = loops::Seen::default();
        for _ in 0..MAX_EVALUATIONS {
            let ends = self.volumes.next_end();
            let Some(at) = next.into_iter().chain(ends).min().filter(|at| *at <= end) else {
                self.now = end;
                return Ok(());
            };
            self.now = at;
            if let Some(volume) = self.volumes.end_first(at) {
                // It stands for whichever ticket is told.
                if self.ticket.status != Status::Closed {
                    let (after, event) = volume_ends(&self.ticket, volume, at);
                    self.run(rules, after, event, detail);
                    next = Some(at);
                }
                continue;
            }
            if let Some((after, event)) = automation::unsnooze(&self.ticket, at) {
                self.run(rules, after, event, detail);
            }
            let due = self.told(rules, &self.ticket, Event::due(self.active.clone(), self.repeats.clone()));
            let evaluation = automation::evaluate_automations(rules, &self.ticket, &due, at, &mut rules.matcher());
            if let Some(decision) = &evaluation.decision
                && !loops::is_repeat(decision)
                && let Some(state) = loops::state(rules, &self.ticket, &decision.ticket, &evaluation.active)
                && let Some(automations) = seen.record(state, at, loops::fired(decision))
            {
                return Err(TestError::Loop { span: span.clone(), at, automations });
            }
            (self.active, self.repeats) = (evaluation.active, evaluation.repeats);
            let ticket = self.ticket.clone();
            self.run(rules, ticket, due, detail);
            next = evaluation.next_check;
        }
        Err(TestError::TooManyEvaluations(span.clone()))
    }
}

/// Checks an expectation; `None` if it is met.
fn check(rules: &Rules, expect: &Expect, playback: &Playback) -> Option<Failure> {
    let runs = &playback.runs;
    let failure = |expected: String, found: String, because: Vec<String>| {
        Some(Failure { span: expect.span.clone(), expected, found, because })
    };
    let fired = |title: &str| runs.iter().flat_map(|run| &run.decision().fired).find(|fired| fired.rule == title);
    match &expect.kind {
        ExpectKind::Fired(title) if fired(title).is_some() => None,
        ExpectKind::Fired(title) => {
            let (found, because) = why_not(title, runs);
            failure(format!("{} fires", Quoted(title)), found, because)
        }
        ExpectKind::FiredTimes(title, times) => {
            let count = runs.iter().flat_map(|run| &run.decision().fired).filter(|fired| fired.rule == *title).count();
            if u32::try_from(count) == Ok(*times) {
                return None;
            }
            let (_, because) = why_not(title, runs);
            let expected = format!("{} fires {}", Quoted(title), counted(u64::from(*times), "time"));
            failure(expected, format!("it fired {}", counted(count as u64, "time")), because)
        }
        ExpectKind::NotFired(title) => {
            let fired = fired(title)?;
            let because = display::because(&fired.why);
            let found =
                if fired.pass == 0 { "it fired".to_owned() } else { format!("it fired in pass {}", fired.pass) };
            failure(format!("{} not to fire", Quoted(title)), found, because)
        }
        ExpectKind::NothingFired => {
            let titles: Vec<_> =
                runs.iter().flat_map(|run| &run.decision().fired).map(|f| Quoted(&f.rule).to_string()).collect();
            if titles.is_empty() {
                return None;
            }
            failure("nothing fires".into(), format!("{} fired", titles.join(", ")), vec![])
        }
        ExpectKind::HeldBack(title) => {
            let is_held = |run: &Run| run.decision().held_back.iter().any(|held| held.rule == *title);
            if runs.iter().any(is_held) {
                return None;
            }
            let expected = format!("{} held back", Quoted(title));
            match fired(title) {
                Some(fired) => failure(expected, "it fired".into(), display::because(&fired.why)),
                None => {
                    let (found, because) = why_not(title, runs);
                    failure(expected, found, because)
                }
            }
        }
        ExpectKind::Holds(condition) => {
            let facts = Facts {
                ticket: &playback.ticket,
                event: playback.event.as_ref(),
                now: playback.now,
                desk: &rules.desk,
            };
            if holds(condition, facts) {
                return None;
            }
            let mut because = display::because(&explain_condition(condition, facts));
            because.extend(changes_to(condition, runs));
            failure(condition.to_string(), "it is false".into(), because)
        }
        ExpectKind::Sent(kind, text) => {
            let effects: Vec<_> = of_kind(kind, playback).collect();
            let matching = |(effect, _): &&(&Effect, &Ticket)| {
                text.as_ref().is_none_or(|text| effect_contains(effect, playback, text))
            };
            let mut nowhere = None;
            for (effect, ticket) in effects.iter().filter(matching) {
                nowhere = Some(goes_nowhere(kind, effect, ticket, &rules.desk)?);
            }
            let expected = containing(kind, text.as_ref());
            let found = match nowhere {
                Some(why) => format!("nothing comes of it: {why}"),
                None if effects.is_empty() => "there is none".to_owned(),
                None => "none matches".to_owned(),
            };
            failure(expected, found, effects.iter().map(|(effect, _)| display::effect_line(effect)).collect())
        }
        ExpectKind::NotSent(kind, text) => {
            let is_meant = |(effect, ticket): &(&Effect, &Ticket)| {
                text.as_ref().is_none_or(|text| effect_contains(effect, playback, text))
                    && goes_nowhere(kind, effect, ticket, &rules.desk).is_none()
            };
            let effects = of_kind(kind, playback).filter(is_meant);
            let effects: Vec<_> = effects.map(|(effect, _)| display::effect_line(effect)).collect();
            if effects.is_empty() {
                return None;
            }
            failure(format!("no {}", containing(kind, text.as_ref())), format!("there is {}", effects.len()), effects)
        }
    }
}

/// A kind of effect that contains a text, if one is given.
fn containing(kind: &EffectKind, text: Option<&Folded>) -> String {
    match text {
        Some(text) => format!("{} contains {}", name(kind), Quoted(&text.written)),
        None => name(kind),
    }
}

/// Why a rule did not fire, from the last run that evaluated it.
fn why_not(title: &str, runs: &[Run]) -> (String, Vec<String>) {
    let mut verdicts = runs.iter().rev().filter_map(|run| {
        let trigger = run.rules().find(|rule| rule.rule == title)?;
        Some((trigger, run.decision().stopped_by.as_deref()))
    });
    let last = verdicts.clone().next();
    let found = match verdicts.find(|(trigger, _)| trigger.when.is_some()).or(last) {
        None if runs.is_empty() => "no run happened yet".to_owned(),
        None => "no run evaluated it".to_owned(),
        Some((trigger, stopped_by)) => match (trigger.verdict, &trigger.when) {
            (Verdict::False, Some(when)) => return ("these conditions were false".into(), display::because(when)),
            (Verdict::HeldBack { .. }, _) => {
                let held = runs.iter().rev().flat_map(|run| &run.decision().held_back).find(|held| held.rule == title);
                let because = held.map(display::held_back_line).into_iter().collect();
                return ("it was held back".into(), because);
            }
            (Verdict::Disabled, _) => "it is disabled".to_owned(),
            (Verdict::OtherEvent, _) => "it does not run on this event".to_owned(),
            (Verdict::Closed, _) => "there was no run, because the ticket was closed".to_owned(),
            _ => match stopped_by {
                Some(by) => format!("{} stopped the run before it", Quoted(by)),
                None => "it did not".to_owned(),
            },
        },
    };
    (found, vec![])
}

/// The changes that rules made to the fields of a condition, in order, one line each.
fn changes_to(condition: &Condition, runs: &[Run]) -> Vec<String> {
    let mut fields = vec![];
    condition.predicates(&mut |predicate, _| fields.extend(predicate.fields().map(|field| field.name())));
    let fired = runs.iter().flat_map(|run| &run.decision().fired).filter(|fired| !fired.shadow);
    fired
        .flat_map(|fired| fired.changes.iter().map(move |change| (fired, change)))
        .filter(|(_, change)| fields.iter().any(|name| **name == change.field))
        .map(|(fired, change)| format!("{} changed {}", Quoted(&fired.rule), display::change_line(change)))
        .collect()
}

/// The effects of a kind, each with the ticket when it is carried out: after the run that asked for it, or later, when a
/// reminder is due.
fn of_kind<'a>(kind: &'a EffectKind, playback: &'a Playback) -> impl Iterator<Item = (&'a Effect, &'a Ticket)> {
    let is_of_kind = move |effect: &Effect| match (kind, effect) {
        (EffectKind::Reply(None), Effect::Reply { .. }) | (EffectKind::Note, Effect::Note { .. }) => true,
        (EffectKind::Reply(named), Effect::Reply { from, .. }) => named == from,
        (EffectKind::Message, Effect::Message { .. }) => true,
        (EffectKind::Notify(to), Effect::Notify { to: sent, .. }) => {
            to.as_ref().is_none_or(|to| sent.iter().any(|sent| sent.is_from(to)))
        }
        (EffectKind::Remind(to), Effect::Remind { to: sent, .. }) => {
            to.as_ref().is_none_or(|to| sent.iter().any(|sent| sent.is_from(to)))
        }
        (EffectKind::Assign, Effect::Assign { .. }) | (EffectKind::Merge, Effect::Merge) => true,
        (EffectKind::Webhook(name), Effect::Webhook { name: called, .. }) => name == called,
        (EffectKind::AtX(what), Effect::AtX { what: done }) => what == done,
        _ => false,
    };
    let by_rules = playback.runs.iter().map(Run::decision).zip(&playback.after);
    let by_rules = by_rules.flat_map(|(made, (_, after))| made.effects.iter().map(move |asked| (&asked.effect, after)));
    let by_macros = playback.macro_effects.iter().map(|(effect, ticket)| (effect, ticket));
    let of_kind = by_macros.chain(by_rules).filter(move |(effect, _)| is_of_kind(effect));
    of_kind.map(|(effect, after)| match effect {
        Effect::Remind { at, .. } => {
            let until = playback.after.iter().take_while(|(moment, _)| moment <= at);
            (effect, until.last().map_or(after, |(_, ticket)| ticket))
        }
        _ => (effect, after),
    })
}

/// Why nothing comes of an effect, as the daemon would say: its text is empty, the account may not, nobody gets the mail,
/// neither the recipient that is expected nor, without one, any. `None` if something does.
fn goes_nowhere(kind: &EffectKind, effect: &Effect, ticket: &Ticket, desk: &Declarations) -> Option<String> {
    match effect {
        Effect::Reply { text, .. } | Effect::Message { text } | Effect::Note { text } if is_blank(text) => {
            return Some("its text is empty".to_owned());
        }
        Effect::Remind { .. } if ticket.status >= Status::Solved => {
            return Some(format!("the ticket is {} by then", ticket.status));
        }
        Effect::Merge if ticket.previous_ticket.is_none() && ticket.requester.unsolved_tickets < 2 => {
            return Some("the requester has no earlier ticket".to_owned());
        }
        _ => {}
    }
    if let Some(why) = refused(effect, ticket, desk) {
        return Some(why);
    }
    let (EffectKind::Notify(to) | EffectKind::Remind(to)) = kind else { return None };
    let (Effect::Notify { to: sent, conversation, .. } | Effect::Remind { to: sent, conversation, .. }) = effect else {
        return None;
    };
    let meant: Vec<_> = sent.iter().filter(|sent| to.as_ref().is_none_or(|to| sent.is_from(to))).cloned().collect();
    let addresses = desk.addresses(&meant, ticket);
    let addresses = if *conversation { desk.seeing(addresses, ticket) } else { addresses };
    addresses.found.is_empty().then(|| addresses.missing.join("; "))
}

/// Why no account does what an effect asks for. A ticket without an account may be of any.
fn refused(effect: &Effect, ticket: &Ticket, desk: &Declarations) -> Option<String> {
    if ticket.account.is_some() {
        return desk.accounts.refuse(effect, ticket);
    }
    let of = |account: &Account| Ticket { account: Some(account.handle.clone()), ..ticket.clone() };
    let refused = desk.accounts.iter().map(|account| desk.accounts.refuse(effect, &of(account)));
    refused.collect::<Option<Vec<_>>>()?.pop()
}

/// Whether any text of an effect contains `text`, both folded. The text of a webhook without a body is the ticket that it
/// sends.
fn effect_contains(effect: &Effect, playback: &Playback, text: &Folded) -> bool {
    let has = |own: &str| fold(own).contains(&text.folded);
    match effect {
        Effect::Reply { text, .. } | Effect::Message { text } | Effect::Note { text } => has(text),
        Effect::Notify { subject, body, .. } | Effect::Remind { subject, body, .. } => has(subject) || has(body),
        Effect::Assign { group, .. } => has(group),
        Effect::Merge | Effect::Incident { .. } | Effect::AtX { .. } => false,
        Effect::Webhook { body: Some(body), .. } => has(body),
        Effect::Webhook { body: None, .. } => serde_json::to_string(&playback.ticket).is_ok_and(|ticket| has(&ticket)),
    }
}

/// A kind of effect as an expectation writes it.
fn name(kind: &EffectKind) -> String {
    match kind {
        EffectKind::Reply(None) => "reply".into(),
        EffectKind::Reply(Some(from)) => format!("reply from {}", Quoted(from)),
        EffectKind::Message => "message requester".into(),
        EffectKind::Note => "note".into(),
        EffectKind::Notify(None) => "notify".into(),
        EffectKind::Notify(Some(to)) => format!("notify {to}"),
        EffectKind::Remind(None) => "remind".into(),
        EffectKind::Remind(Some(to)) => format!("remind {to}"),
        EffectKind::Assign => "assign".into(),
        EffectKind::Merge => "merge".into(),
        EffectKind::AtX(what) => what.to_string(),
        EffectKind::Webhook(name) => format!("webhook {}", Quoted(name)),
    }
}
