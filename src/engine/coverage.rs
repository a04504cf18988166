//! Test coverage: each predicate true and false, each rule fired, each cap reached, each macro and each service level
//! agreement applied, each volume started.

use std::{borrow::Cow, cell::RefCell, collections::BTreeSet, ops::Range, sync::Arc};

use jiff::Timestamp;
use rustc_hash::FxHashMap;
use serde::Serialize;

use super::{
    decision::{Decision, RuleKind},
    evaluate,
    matcher::{Matcher, Open},
};
use crate::{
    desk::{Change, Event, Facts},
    lang::rules::{Cap, Condition, Mode, Predicate, Rules, Span},
};

/// The coverage of a rule set. What is disabled does not count.
#[derive(Debug, Clone)]
pub struct Coverage<'r> {
    triggers: Vec<Option<Rule<'r>>>,
    automations: Vec<Option<Rule<'r>>>,
    slas: Vec<Option<Rule<'r>>>,
    volumes: Vec<Option<Rule<'r>>>,
    macros: Vec<(Ran, bool)>,
    predicates: Predicates<'r>,
}

/// The coverage of a trigger, an automation, a service level agreement or a volume.
#[derive(Debug, Clone)]
struct Rule<'r> {
    kind: &'static str,
    title: &'r str,
    span: &'r Span,
    /// Whether it fired, applied to a ticket, or started.
    fired: bool,
    /// Whether a cap held it back; `None` if it has none.
    held_back: Option<bool>,
    /// Its predicates in [`Predicates`].
    predicates: Range<usize>,
    /// The number of results of predicates not seen yet.
    unseen: usize,
}

impl Rule<'_> {
    fn ran(&self) -> Ran {
        Ran { kind: self.kind, title: self.title.to_owned(), span: self.span.clone() }
    }
}

/// The predicates of all rules, one rule after the other. Rules of one set ask much the same, so a predicate is evaluated
/// once for all that have it, as long as the facts stay the same.
#[derive(Debug, Clone)]
struct Predicates<'r> {
    /// The results seen of each.
    seen: Vec<Seen>,
    /// Each, and where it is written.
    written: Arc<[(&'r Predicate, &'r Span)]>,
    distinct: Arc<[&'r Predicate]>,
    /// For each distinct one, the round of its last result, and that; `None` if `only` left it out.
    results: Vec<(u32, Option<bool>)>,
    /// The number of the current round, in which the facts stay the same.
    round: u32,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    /// Its index in [`Predicates::distinct`].
    distinct: u32,
    yes: bool,
    no: bool,
}

impl Seen {
    const fn missing(self) -> usize {
        !self.yes as usize + !self.no as usize
    }
}

impl<'r> Predicates<'r> {
    fn new(written: Vec<(&'r Predicate, &'r Span)>) -> Self {
        let (mut distinct, mut by_text) = (Vec::<&Predicate>::new(), FxHashMap::default());
        let mut seen = |(predicate, _): &(&'r Predicate, _)| {
            let known = *by_text.entry(predicate.text()).or_insert_with(|| distinct.len());
            let same = distinct.get(known).is_some_and(|known| known == predicate);
            let index = if same { known } else { distinct.len() };
            if !same {
                distinct.push(predicate);
            }
            Seen { distinct: u32::try_from(index).unwrap_or(u32::MAX), yes: false, no: false }
        };
        let seen: Vec<_> = written.iter().map(&mut seen).collect();
        let results = vec![(0, None); distinct.len()];
        Self { seen, written: written.into(), distinct: distinct.into(), results, round: 0 }
    }

    /// Starts to record results for other facts.
    fn next_round(&mut self) {
        self.round += 1;
    }

    /// Records the results of predicates in this round; with `only`, of those on these fields. A round has one `only`.
    /// Returns how many results had not been seen before.
    fn record(
        &mut self,
        predicates: Range<usize>,
        facts: Facts<'_>,
        only: Option<&BTreeSet<Cow<'static, str>>>,
    ) -> usize {
        let mut new = 0;
        for seen in self.seen.get_mut(predicates).into_iter().flatten().filter(|seen| seen.missing() > 0) {
            let index = seen.distinct as usize;
            let (Some(known), Some(predicate)) = (self.results.get_mut(index), self.distinct.get(index)) else {
                continue;
            };
            if known.0 != self.round {
                let asked = only.is_none_or(|only| predicate.fields().any(|field| only.contains(&*field.name())));
                *known = (self.round, asked.then(|| evaluate::predicate_holds(predicate, facts)));
            }
            let Some(result) = known.1 else { continue };
            let result = if result { &mut seen.yes } else { &mut seen.no };
            new += usize::from(!std::mem::replace(result, true));
        }
        new
    }
}

/// A result of a predicate that no test has seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Missing {
    /// The rule's title.
    pub rule: String,
    /// The predicate as the formatter writes it.
    pub text: String,
    /// Where it is written. For a predicate of a `let`, this is in the declaration of the `let`.
    pub span: Span,
    /// The result that was never seen.
    pub never: bool,
}

/// A rule, a macro, a service level agreement or a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ran {
    /// `trigger`, `automation`, `macro`, `sla` or `volume`.
    pub kind: &'static str,
    /// Its title.
    pub title: String,
    /// Where it is declared.
    pub span: Span,
}

/// A covered share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Share {
    /// The number covered.
    pub seen: usize,
    /// The number in all.
    pub total: usize,
}

impl Share {
    fn of(seen: impl Iterator<Item = bool>) -> Self {
        seen.fold(Self { seen: 0, total: 0 }, |share, seen| share + Self { seen: usize::from(seen), total: 1 })
    }

    /// In percent; 0 if there is nothing to cover.
    pub fn percent(self) -> f64 {
        if self.total == 0 { 0.0 } else { 100.0 * self.seen as f64 / self.total as f64 }
    }
}

impl std::ops::Add for Share {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { seen: self.seen + other.seen, total: self.total + other.total }
    }
}

impl<'r> Coverage<'r> {
    /// No coverage yet.
    pub fn new(rules: &'r Rules) -> Self {
        let mut written = vec![];
        let mut rule =
            |kind, (title, span): (&'r str, &'r Span), mode, conditions: Vec<&'r Condition>, caps: &[Cap]| {
                let first = written.len();
                if mode == Mode::Disabled {
                    return None;
                }
                conditions.iter().for_each(|c| c.predicates(&mut |predicate, span| written.push((predicate, span))));
                let predicates = first..written.len();
                let held_back = (!caps.is_empty()).then_some(false);
                Some(Rule { kind, title, span, fired: false, held_back, unseen: 2 * predicates.len(), predicates })
            };
        let macros = rules.macros.iter().filter(|m| m.mode != Mode::Disabled);
        Self {
            triggers: rules
                .triggers
                .iter()
                .map(|t| rule("trigger", (&t.title, &t.span), t.mode, vec![&t.when], &t.caps))
                .collect(),
            automations: rules
                .automations
                .iter()
                .map(|a| rule("automation", (&a.title, &a.span), a.mode, vec![&a.when], &a.caps))
                .collect(),
            slas: rules
                .slas
                .iter()
                .map(|s| rule("sla", (&s.title, &s.span), s.mode, s.conditions().collect(), &[]))
                .collect(),
            volumes: rules
                .volumes
                .iter()
                .map(|v| rule("volume", (&v.title, &v.span), v.mode, vec![&v.when], &[]))
                .collect(),
            macros: macros
                .map(|m| (Ran { kind: "macro", title: m.title.clone(), span: m.span.clone() }, false))
                .collect(),
            predicates: Predicates::new(written),
        }
    }

    fn rule(&mut self, kind: RuleKind, index: usize) -> Option<&mut Rule<'r>> {
        let rules = match kind {
            RuleKind::Trigger => &mut self.triggers,
            RuleKind::Automation => &mut self.automations,
        };
        rules.get_mut(index)?.as_mut()
    }

    /// Records the results of the predicates of triggers; with `only`, of those on these fields.
    fn record_triggers(
        &mut self,
        triggers: impl Iterator<Item = usize>,
        facts: Facts<'_>,
        only: Option<&BTreeSet<Cow<'static, str>>>,
    ) {
        self.predicates.next_round();
        for index in triggers {
            let Some(rule) = self.triggers.get_mut(index).and_then(Option::as_mut) else { continue };
            if rule.unseen > 0 {
                rule.unseen -= self.predicates.record(rule.predicates.clone(), facts, only);
            }
        }
    }

    /// Records the results of the predicates of an automation.
    pub(super) fn record_automation(&mut self, index: usize, facts: Facts<'_>) {
        let Some(rule) = self.automations.get_mut(index).and_then(Option::as_mut) else { return };
        self.predicates.next_round();
        rule.unseen -= self.predicates.record(rule.predicates.clone(), facts, None);
    }

    /// Records what is asked of the service level agreements to find the one that applies to a ticket, and its times.
    pub(super) fn record_slas(&mut self, rules: &Rules, facts: Facts<'_>) {
        self.predicates.next_round();
        for (sla, covered) in rules.slas.iter().zip(&mut self.slas) {
            let Some(covered) = covered else { continue };
            let mut next = covered.predicates.start;
            // The predicates of one condition after the other.
            let mut predicates = |condition: &Condition| {
                let first = next;
                condition.predicates(&mut |_, _| next += 1);
                first..next
            };
            let mut record = |predicates| covered.unseen -= self.predicates.record(predicates, facts, None);
            record(predicates(&sla.when));
            if !evaluate::holds(&sla.when, facts) {
                continue;
            }
            covered.fired = true;
            let mut found = vec![];
            for time in &sla.times {
                let asked = time.when.as_ref().map(|when| (when, predicates(when)));
                if found.contains(&time.target) {
                    continue;
                }
                if let Some((_, predicates)) = &asked {
                    record(predicates.clone());
                }
                if asked.is_none_or(|(when, _)| evaluate::holds(when, facts)) {
                    found.push(time.target);
                }
            }
            if let Some(pause) = &sla.pause {
                record(predicates(pause));
            }
            return;
        }
    }

    /// Records what is asked of the volumes on an event, and which of them start with it.
    pub(super) fn record_volumes(&mut self, rules: &Rules, event: &Event, decision: &Decision, now: Timestamp) {
        if decision.closed || event.is_by_time() {
            return;
        }
        let facts = Facts { ticket: &decision.ticket, event: Some(event), now, desk: &rules.desk };
        self.predicates.next_round();
        for (volume, covered) in rules.volumes.iter().zip(&mut self.volumes) {
            let Some(covered) = covered.as_mut().filter(|_| volume.on.covers(event)) else { continue };
            covered.unseen -= self.predicates.record(covered.predicates.clone(), facts, None);
            covered.fired |= event.volumes.iter().any(|at| at.volume == volume.title && at.starts);
        }
    }

    /// Records the rules that fired or were held back.
    pub(super) fn record_fired(&mut self, decision: &Decision) {
        for fired in &decision.fired {
            if let Some(rule) = self.rule(fired.kind, fired.index) {
                rule.fired = true;
            }
        }
        for held in &decision.held_back {
            if let Some(rule) = self.rule(held.kind, held.index) {
                rule.held_back = Some(true);
            }
        }
    }

    /// Records that a macro was applied.
    pub(super) fn record_macro(&mut self, title: &str) {
        self.macros.iter_mut().filter(|(ran, _)| ran.title == title).for_each(|(_, applied)| *applied = true);
    }

    /// Adds another coverage of the same rules.
    pub(super) fn merge(&mut self, other: Self) {
        for (seen, other) in self.predicates.seen.iter_mut().zip(other.predicates.seen) {
            seen.yes |= other.yes;
            seen.no |= other.no;
        }
        let others = other.triggers.into_iter().chain(other.automations).chain(other.slas).chain(other.volumes);
        let rules = self.triggers.iter_mut().chain(&mut self.automations).chain(&mut self.slas);
        for (rule, other) in rules.chain(&mut self.volumes).zip(others) {
            let (Some(rule), Some(other)) = (rule, other) else { continue };
            rule.fired |= other.fired;
            rule.held_back = rule.held_back.max(other.held_back);
            let seen = self.predicates.seen.get(rule.predicates.clone());
            rule.unseen = seen.into_iter().flatten().map(|seen| seen.missing()).sum();
        }
        for ((_, applied), (_, other)) in self.macros.iter_mut().zip(other.macros) {
            *applied |= other;
        }
    }

    fn rules(&self) -> impl Iterator<Item = &Rule<'r>> {
        self.triggers.iter().chain(&self.automations).flatten()
    }

    fn slas(&self) -> impl Iterator<Item = &Rule<'r>> {
        self.slas.iter().flatten()
    }

    fn volumes(&self) -> impl Iterator<Item = &Rule<'r>> {
        self.volumes.iter().flatten()
    }

    /// The share of predicate results that were seen. Each predicate has two: true and false.
    pub fn answers(&self) -> Share {
        Share::of(self.predicates.seen.iter().flat_map(|seen| [seen.yes, seen.no]))
    }

    /// The share of triggers and automations that fired.
    pub fn fired(&self) -> Share {
        Share::of(self.rules().map(|rule| rule.fired))
    }

    /// The share of rules with a cap that were held back.
    pub fn held_back(&self) -> Share {
        Share::of(self.rules().filter_map(|rule| rule.held_back))
    }

    /// The share of macros that were applied.
    pub fn applied_macros(&self) -> Share {
        Share::of(self.macros.iter().map(|(_, applied)| *applied))
    }

    /// The share of service level agreements that applied to a ticket.
    pub fn applied_slas(&self) -> Share {
        Share::of(self.slas().map(|sla| sla.fired))
    }

    /// The share of volumes that started.
    pub fn started_volumes(&self) -> Share {
        Share::of(self.volumes().map(|volume| volume.fired))
    }

    /// All shares together.
    pub fn all(&self) -> Share {
        self.answers()
            + self.fired()
            + self.held_back()
            + self.applied_macros()
            + self.applied_slas()
            + self.started_volumes()
    }

    /// The results that were never seen, in the order of the rules.
    pub fn missing(&self) -> Vec<Missing> {
        let mut missing = vec![];
        for rule in self.rules().chain(self.slas()).chain(self.volumes()) {
            let (seen, written) = (&self.predicates.seen, &self.predicates.written);
            let (seen, written) = (seen.get(rule.predicates.clone()), written.get(rule.predicates.clone()));
            for (seen, (predicate, span)) in seen.into_iter().flatten().zip(written.into_iter().flatten()) {
                let one = |never| Missing {
                    rule: rule.title.to_owned(),
                    text: predicate.to_string(),
                    span: (*span).clone(),
                    never,
                };
                missing.extend((!seen.yes).then(|| one(true)));
                missing.extend((!seen.no).then(|| one(false)));
            }
        }
        missing
    }

    /// The rules with a cap that were never held back, in their order.
    pub fn never_held_back(&self) -> Vec<Ran> {
        self.rules().filter(|rule| rule.held_back == Some(false)).map(Rule::ran).collect()
    }

    /// The rules that never fired, the macros and service level agreements that never applied, and the volumes that never
    /// started, in their order.
    pub fn never_ran(&self) -> Vec<Ran> {
        let never = |rule: &&Rule<'_>| !rule.fired;
        let rules = self.rules().filter(never).map(Rule::ran);
        let macros = self.macros.iter().filter(|(_, applied)| !applied).map(|(ran, _)| ran.clone());
        let others = self.slas().chain(self.volumes()).filter(never).map(Rule::ran);
        rules.chain(macros).chain(others).collect()
    }
}

/// Wraps a matcher and records coverage of each trigger it passes.
pub(super) struct CoveringMatcher<'a, 'c, 'r, M> {
    pub(super) matcher: M,
    pub(super) coverage: &'a RefCell<&'c mut Coverage<'r>>,
    /// The passes that have started.
    pub(super) passes: usize,
    /// The fields that changed during the run. After the first pass, only predicates on these have other results.
    pub(super) changed: BTreeSet<Cow<'static, str>>,
}

impl<M: Matcher> Matcher for CoveringMatcher<'_, '_, '_, M> {
    fn next(&mut self, from: usize, open: &Open<'_>, facts: Facts<'_>) -> Option<usize> {
        self.passes += usize::from(from == 0);
        let found = self.matcher.next(from, open, facts);
        let mut coverage = self.coverage.borrow_mut();
        let end = found.map_or(coverage.triggers.len(), |found| found + 1);
        let only = (self.passes > 1).then_some(&self.changed);
        coverage.record_triggers((from..end).filter(|index| open.is(*index)), facts, only);
        found
    }

    fn changed(&mut self, changes: &[Change]) {
        self.changed.extend(changes.iter().map(|change| change.field.clone()));
        self.matcher.changed(changes);
    }
}
