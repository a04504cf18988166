//! Which questions tests have seen answered with yes and with no.

use serde::Serialize;

use super::decision::{Answer, RuleKind};
use crate::lang::rules::{Condition, Mark, Place, Rules};

/// For every question of every trigger and automation, the answers that came up.
#[derive(Debug, Clone)]
pub struct Coverage {
    triggers: Vec<Vec<Question>>,
    automations: Vec<Vec<Question>>,
}

#[derive(Debug, Clone)]
struct Question {
    rule: String,
    text: String,
    place: Place,
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
    pub place: Place,
    /// The answer that never came up.
    pub never: bool,
}

impl Coverage {
    /// Nothing seen yet. Disabled rules are left out.
    pub fn new(rules: &Rules) -> Self {
        fn questions(title: &str, mark: Mark, when: &Condition) -> Vec<Question> {
            let mut questions = vec![];
            if mark != Mark::Disabled {
                when.leaves(&mut |leaf, place| {
                    let (rule, text, place) = (title.to_owned(), leaf.to_string(), place.clone());
                    questions.push(Question { rule, text, place, yes: false, no: false });
                });
            }
            questions
        }
        Self {
            triggers: rules.triggers.iter().map(|t| questions(&t.title, t.mark, &t.when)).collect(),
            automations: rules.automations.iter().map(|a| questions(&a.title, a.mark, &a.when)).collect(),
        }
    }

    /// Takes down the answers of a rule.
    pub(super) fn see(&mut self, kind: RuleKind, index: usize, answer: &Answer) {
        let rules = match kind {
            RuleKind::Trigger => &mut self.triggers,
            RuleKind::Automation => &mut self.automations,
        };
        let mut questions = rules.get_mut(index).into_iter().flatten();
        answer.leaves(&mut |leaf| {
            if let Some(question) = questions.next() {
                question.yes |= leaf.holds;
                question.no |= !leaf.holds;
            }
        });
    }

    /// How many answers there could be: two a question.
    pub fn total(&self) -> usize {
        2 * self.triggers.iter().chain(&self.automations).flatten().count()
    }

    /// How many of them came up.
    pub fn seen(&self) -> usize {
        self.total() - self.missing().len()
    }

    /// The share of answers that came up, in percent; all of none is 100.
    pub fn percent(&self) -> f64 {
        let total = self.total();
        if total == 0 { 100.0 } else { 100.0 * self.seen() as f64 / total as f64 }
    }

    /// The answers that never came up, in the order of the rules.
    pub fn missing(&self) -> Vec<Missing> {
        let never =
            |q: &Question, never| Missing { rule: q.rule.clone(), text: q.text.clone(), place: q.place.clone(), never };
        let questions = self.triggers.iter().chain(&self.automations).flatten();
        questions.flat_map(|q| [(!q.yes).then(|| never(q, true)), (!q.no).then(|| never(q, false))]).flatten().collect()
    }
}
