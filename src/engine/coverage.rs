//! What tests have seen: both answers to every question, every rule fire, every macro applied.

use serde::Serialize;

use super::{
    decision::{Decision, RuleKind},
    evaluate,
    matcher::{Matcher, Open},
};
use crate::{
    desk::{Change, Facts},
    lang::rules::{Condition, Mode, Rules, Span},
};

/// What came up, of everything that can. Disabled rules and macros are left out.
#[derive(Debug, Clone)]
pub struct Coverage {
    triggers: Vec<Option<Rule>>,
    automations: Vec<Option<Rule>>,
    macros: Vec<(Ran, bool)>,
}

/// What came up of a trigger or an automation.
#[derive(Debug, Clone)]
struct Rule {
    rule: Ran,
    fired: bool,
    questions: Vec<Question>,
    /// How many answers have not come up.
    unseen: usize,
}

#[derive(Debug, Clone)]
struct Question {
    text: String,
    span: Span,
    yes: bool,
    no: bool,
}

/// An answer no test has seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Missing {
    /// The rule's title.
    pub rule: String,
    /// The question as the formatter writes it.
    pub text: String,
    /// Where it stands; for a named condition, in its declaration.
    pub span: Span,
    /// The answer that never came up.
    pub never: bool,
}

/// Something that fires or is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ran {
    /// `trigger`, `automation` or `macro`.
    pub kind: &'static str,
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub span: Span,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Share {
    /// How many came up.
    pub seen: usize,
    /// How many there are.
    pub total: usize,
}

impl Share {
    fn of(came_up: impl Iterator<Item = bool>) -> Self {
        came_up.fold(Self { seen: 0, total: 0 }, |share, seen| share + Self { seen: usize::from(seen), total: 1 })
    }

    /// In percent. Nothing of nothing is 0: no test has shown anything.
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
    /// Nothing seen yet.
    pub fn new(rules: &Rules) -> Self {
        fn rule(kind: &'static str, title: &str, span: &Span, mode: Mode, when: &Condition) -> Option<Rule> {
            if mode == Mode::Disabled {
                return None;
            }
            let mut questions = vec![];
            when.predicates(&mut |predicate, span| {
                questions.push(Question { text: predicate.to_string(), span: span.clone(), yes: false, no: false });
            });
            let rule = Ran { kind, title: title.to_owned(), span: span.clone() };
            Some(Rule { rule, fired: false, unseen: 2 * questions.len(), questions })
        }
        let macros = rules.macros.iter().filter(|m| m.mode != Mode::Disabled);
        Self {
            triggers: rules.triggers.iter().map(|t| rule("trigger", &t.title, &t.span, t.mode, &t.when)).collect(),
            automations: rules
                .automations
                .iter()
                .map(|a| rule("automation", &a.title, &a.span, a.mode, &a.when))
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

    /// Takes down what a rule's questions are answered now, those that have seen both answers left aside.
    pub(super) fn ask(&mut self, kind: RuleKind, index: usize, when: &Condition, facts: Facts<'_>) {
        let Some(rule) = self.rule(kind, index).filter(|rule| rule.unseen > 0) else { return };
        let mut questions = rule.questions.iter_mut();
        when.predicates(&mut |predicate, _| {
            let Some(question) = questions.next().filter(|q| !(q.yes && q.no)) else { return };
            let answer = if evaluate::predicate_holds(predicate, facts) { &mut question.yes } else { &mut question.no };
            rule.unseen -= usize::from(!std::mem::replace(answer, true));
        });
    }

    /// Takes down which rules fired.
    pub(super) fn decided(&mut self, decision: &Decision) {
        for fired in &decision.fired {
            if let Some(rule) = self.rule(fired.kind, fired.index) {
                rule.fired = true;
            }
        }
    }

    /// Takes down that a macro was applied.
    pub(super) fn applied(&mut self, title: &str) {
        self.macros.iter_mut().filter(|(ran, _)| ran.title == title).for_each(|(_, applied)| *applied = true);
    }

    /// Adds what others have seen of the same rules.
    pub(super) fn merge(&mut self, other: Self) {
        let others = other.triggers.into_iter().chain(other.automations);
        for (rule, other) in self.triggers.iter_mut().chain(&mut self.automations).zip(others) {
            let (Some(rule), Some(other)) = (rule, other) else { continue };
            rule.fired |= other.fired;
            for (question, other) in rule.questions.iter_mut().zip(other.questions) {
                question.yes |= other.yes;
                question.no |= other.no;
            }
            rule.unseen = rule.questions.iter().map(|q| usize::from(!q.yes) + usize::from(!q.no)).sum();
        }
        for ((_, applied), (_, other)) in self.macros.iter_mut().zip(other.macros) {
            *applied |= other;
        }
    }

    fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.triggers.iter().chain(&self.automations).flatten()
    }

    /// Of the answers to questions, two each, those that came up.
    pub fn answers(&self) -> Share {
        Share::of(self.rules().flat_map(|rule| &rule.questions).flat_map(|question| [question.yes, question.no]))
    }

    /// Of the triggers and automations, those that fired.
    pub fn fired(&self) -> Share {
        Share::of(self.rules().map(|rule| rule.fired))
    }

    /// Of the macros, those that were applied.
    pub fn applied_macros(&self) -> Share {
        Share::of(self.macros.iter().map(|(_, applied)| *applied))
    }

    /// Of all of these together, those that came up.
    pub fn all(&self) -> Share {
        self.answers() + self.fired() + self.applied_macros()
    }

    /// The answers that never came up, in the order of the rules.
    pub fn missing(&self) -> Vec<Missing> {
        let mut missing = vec![];
        for rule in self.rules() {
            for question in &rule.questions {
                for (came_up, never) in [(question.yes, true), (question.no, false)] {
                    let (text, span) = (question.text.clone(), question.span.clone());
                    let answer = || Missing { rule: rule.rule.title.clone(), text, span, never };
                    missing.extend((!came_up).then(answer));
                }
            }
        }
        missing
    }

    /// What never fired and was never applied, in the order of the rules.
    pub fn never_ran(&self) -> Vec<Ran> {
        let rules = self.rules().filter(|rule| !rule.fired).map(|rule| &rule.rule);
        rules.chain(self.macros.iter().filter(|(_, applied)| !applied).map(|(ran, _)| ran)).cloned().collect()
    }
}

/// A matcher that finds what another finds, and takes down what every trigger on the way would have been answered.
pub(super) struct Covering<'a, M> {
    pub(super) rules: &'a Rules,
    pub(super) matcher: M,
    pub(super) coverage: &'a mut Coverage,
}

impl<M: Matcher> Matcher for Covering<'_, M> {
    fn next(&mut self, from: usize, open: &Open<'_>, facts: Facts<'_>) -> Option<usize> {
        let found = self.matcher.next(from, open, facts);
        let asked = found.map_or(self.rules.triggers.len(), |found| found + 1);
        let asked = self.rules.triggers.iter().enumerate().take(asked).skip(from);
        for (index, trigger) in asked.filter(|(index, _)| open.is(*index)) {
            self.coverage.ask(RuleKind::Trigger, index, &trigger.when, facts);
        }
        found
    }

    fn changed(&mut self, changes: &[Change]) {
        self.matcher.changed(changes);
    }
}
