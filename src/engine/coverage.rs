//! Test coverage: each predicate true and false, each rule fired, each cap reached, each macro and each service level
//! agreement applied, each volume started.

use std::{borrow::Cow, cell::RefCell, collections::BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    decision::{Decision, RuleKind},
    evaluate,
    matcher::{Matcher, Open},
};
use crate::{
    desk::{Change, Event, Facts},
    lang::rules::{Cap, Condition, Mode, Rules, Span},
};

/// The coverage of a rule set. What is disabled does not count.
#[derive(Debug, Clone)]
pub struct Coverage {
    triggers: Vec<Option<Rule>>,
    automations: Vec<Option<Rule>>,
    slas: Vec<Option<Rule>>,
    volumes: Vec<Option<Rule>>,
    macros: Vec<(Ran, bool)>,
}

/// The coverage of a trigger, an automation, a service level agreement or a volume.
#[derive(Debug, Clone)]
struct Rule {
    rule: Ran,
    /// Whether it fired, applied to a ticket, or started.
    fired: bool,
    /// Whether a cap held it back; `None` if it has none.
    held_back: Option<bool>,
    predicates: Vec<PredicateCoverage>,
    /// The number of results of predicates not seen yet.
    unseen: usize,
}

#[derive(Debug, Clone)]
struct PredicateCoverage {
    text: String,
    span: Span,
    yes: bool,
    no: bool,
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

impl Coverage {
    /// No coverage yet.
    pub fn new(rules: &Rules) -> Self {
        fn rule<'c>(
            kind: &'static str,
            (title, span): (&str, &Span),
            mode: Mode,
            conditions: impl IntoIterator<Item = &'c Condition>,
            caps: &[Cap],
        ) -> Option<Rule> {
            if mode == Mode::Disabled {
                return None;
            }
            let mut predicates = vec![];
            for condition in conditions {
                condition.predicates(&mut |predicate, span| {
                    predicates.push(PredicateCoverage {
                        text: predicate.to_string(),
                        span: span.clone(),
                        yes: false,
                        no: false,
                    });
                });
            }
            let rule = Ran { kind, title: title.to_owned(), span: span.clone() };
            let held_back = (!caps.is_empty()).then_some(false);
            Some(Rule { rule, fired: false, held_back, unseen: 2 * predicates.len(), predicates })
        }
        let macros = rules.macros.iter().filter(|m| m.mode != Mode::Disabled);
        Self {
            triggers: rules
                .triggers
                .iter()
                .map(|t| rule("trigger", (&t.title, &t.span), t.mode, [&t.when], &t.caps))
                .collect(),
            automations: rules
                .automations
                .iter()
                .map(|a| rule("automation", (&a.title, &a.span), a.mode, [&a.when], &a.caps))
                .collect(),
            slas: rules.slas.iter().map(|s| rule("sla", (&s.title, &s.span), s.mode, s.conditions(), &[])).collect(),
            volumes: rules
                .volumes
                .iter()
                .map(|v| rule("volume", (&v.title, &v.span), v.mode, [&v.when], &[]))
                .collect(),
            macros: macros
                .map(|m| (Ran { kind: "macro", title: m.title.clone(), span: m.span.clone() }, false))
                .collect(),
        }
    }

    fn rule(&mut self, kind: RuleKind, index: usize) -> Option<&mut Rule> {
        let rules = match kind {
            RuleKind::Trigger => &mut self.triggers,
            RuleKind::Automation => &mut self.automations,
        };
        rules.get_mut(index)?.as_mut()
    }

    /// Records the results of a rule's predicates; with `only`, of those on these fields.
    pub(super) fn record_predicates(
        &mut self,
        kind: RuleKind,
        index: usize,
        when: &Condition,
        facts: Facts<'_>,
        only: Option<&BTreeSet<Cow<'static, str>>>,
    ) {
        let Some(rule) = self.rule(kind, index).filter(|rule| rule.unseen > 0) else { return };
        rule.record(when, 0, facts, only);
    }

    /// Records what is asked of the service level agreements to find the one that applies to a ticket, and its times.
    pub(super) fn record_slas(&mut self, rules: &Rules, facts: Facts<'_>) {
        for (sla, covered) in rules.slas.iter().zip(&mut self.slas) {
            let Some(covered) = covered else { continue };
            let mut next = covered.record(&sla.when, 0, facts, None);
            if !evaluate::holds(&sla.when, facts) {
                continue;
            }
            covered.fired = true;
            let mut found = vec![];
            for time in &sla.times {
                let Some(when) = &time.when else {
                    found.push(time.target);
                    continue;
                };
                if found.contains(&time.target) {
                    when.predicates(&mut |_, _| next += 1);
                    continue;
                }
                next = covered.record(when, next, facts, None);
                if evaluate::holds(when, facts) {
                    found.push(time.target);
                }
            }
            if let Some(pause) = &sla.pause {
                covered.record(pause, next, facts, None);
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
        for (volume, covered) in rules.volumes.iter().zip(&mut self.volumes) {
            let Some(covered) = covered.as_mut().filter(|_| volume.on.covers(event)) else { continue };
            covered.record(&volume.when, 0, facts, None);
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
        let others = other.triggers.into_iter().chain(other.automations).chain(other.slas).chain(other.volumes);
        let rules = self.triggers.iter_mut().chain(&mut self.automations).chain(&mut self.slas);
        for (rule, other) in rules.chain(&mut self.volumes).zip(others) {
            let (Some(rule), Some(other)) = (rule, other) else { continue };
            rule.fired |= other.fired;
            rule.held_back = rule.held_back.max(other.held_back);
            for (predicate, other) in rule.predicates.iter_mut().zip(other.predicates) {
                predicate.yes |= other.yes;
                predicate.no |= other.no;
            }
            rule.unseen = rule.predicates.iter().map(|q| usize::from(!q.yes) + usize::from(!q.no)).sum();
        }
        for ((_, applied), (_, other)) in self.macros.iter_mut().zip(other.macros) {
            *applied |= other;
        }
    }

    fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.triggers.iter().chain(&self.automations).flatten()
    }

    fn slas(&self) -> impl Iterator<Item = &Rule> {
        self.slas.iter().flatten()
    }

    fn volumes(&self) -> impl Iterator<Item = &Rule> {
        self.volumes.iter().flatten()
    }

    /// The share of predicate results that were seen. Each predicate has two: true and false.
    pub fn answers(&self) -> Share {
        let rules = self.rules().chain(self.slas()).chain(self.volumes());
        Share::of(rules.flat_map(|rule| &rule.predicates).flat_map(|predicate| [predicate.yes, predicate.no]))
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
            for predicate in &rule.predicates {
                for (seen, never) in [(predicate.yes, true), (predicate.no, false)] {
                    let (text, span) = (predicate.text.clone(), predicate.span.clone());
                    let answer = || Missing { rule: rule.rule.title.clone(), text, span, never };
                    missing.extend((!seen).then(answer));
                }
            }
        }
        missing
    }

    /// The rules with a cap that were never held back, in their order.
    pub fn never_held_back(&self) -> Vec<Ran> {
        self.rules().filter(|rule| rule.held_back == Some(false)).map(|rule| rule.rule.clone()).collect()
    }

    /// The rules that never fired, the macros and service level agreements that never applied, and the volumes that never
    /// started, in their order.
    pub fn never_ran(&self) -> Vec<Ran> {
        let never = |rule: &&Rule| !rule.fired;
        let rules = self.rules().filter(never).map(|rule| &rule.rule);
        let macros = self.macros.iter().filter(|(_, applied)| !applied).map(|(ran, _)| ran);
        let others = self.slas().chain(self.volumes()).filter(never).map(|other| &other.rule);
        rules.chain(macros).chain(others).cloned().collect()
    }
}

impl Rule {
    /// Records the results of a condition's predicates, the first of which is at `from`; with `only`, of those on these
    /// fields. Returns the place after the last.
    fn record(
        &mut self,
        condition: &Condition,
        from: usize,
        facts: Facts<'_>,
        only: Option<&BTreeSet<Cow<'static, str>>>,
    ) -> usize {
        let mut next = from;
        condition.predicates(&mut |predicate, _| {
            let covered = self.predicates.get_mut(next);
            next += 1;
            let Some(covered) = covered.filter(|covered| !(covered.yes && covered.no)) else { return };
            if only.is_some_and(|only| !predicate.fields().any(|field| only.contains(&*field.name()))) {
                return;
            }
            let result = if evaluate::predicate_holds(predicate, facts) { &mut covered.yes } else { &mut covered.no };
            self.unseen -= usize::from(!std::mem::replace(result, true));
        });
        next
    }
}

/// Wraps a matcher and records coverage of each trigger it passes.
pub(super) struct CoveringMatcher<'a, 'c, M> {
    pub(super) rules: &'a Rules,
    pub(super) matcher: M,
    pub(super) coverage: &'a RefCell<&'c mut Coverage>,
    /// The passes that have started.
    pub(super) passes: usize,
    /// The fields that changed during the run. After the first pass, only predicates on these have other results.
    pub(super) changed: BTreeSet<Cow<'static, str>>,
}

impl<M: Matcher> Matcher for CoveringMatcher<'_, '_, M> {
    fn next(&mut self, from: usize, open: &Open<'_>, facts: Facts<'_>) -> Option<usize> {
        self.passes += usize::from(from == 0);
        let found = self.matcher.next(from, open, facts);
        let end = found.map_or(self.rules.triggers.len(), |found| found + 1);
        let mut coverage = self.coverage.borrow_mut();
        let only = (self.passes > 1).then_some(&self.changed);
        let passed = self.rules.triggers.iter().enumerate().take(end).skip(from);
        for (index, trigger) in passed.filter(|(index, _)| open.is(*index)) {
            coverage.record_predicates(RuleKind::Trigger, index, &trigger.when, facts, only);
        }
        found
    }

    fn changed(&mut self, changes: &[Change]) {
        self.changed.extend(changes.iter().map(|change| change.field.clone()));
        self.matcher.changed(changes);
    }
}
