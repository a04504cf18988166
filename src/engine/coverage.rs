//! Which questions tests have seen answered with yes and with no.

use serde::Serialize;

use super::decision::Answer;
use crate::lang::rules::{Mark, Place, Rules};

/// For every question of every trigger, the answers that came up.
#[derive(Debug, Clone)]
pub struct Coverage {
    triggers: Vec<Vec<Question>>,
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
    /// The trigger's title.
    pub rule: String,
    /// The question as the formatter writes it.
    pub text: String,
    /// Where it stands; for a named condition, in its declaration.
    pub place: Place,
    /// The answer that never came up.
    pub never: bool,
}

impl Coverage {
    /// Nothing seen yet. Disabled triggers are left out.
    pub fn new(rules: &Rules) -> Self {
        let questions = rules.triggers.iter().map(|trigger| {
            let mut questions = vec![];
            if trigger.mark != Mark::Disabled {
                trigger.when.leaves(&mut |leaf, place| {
                    let (rule, text, place) = (trigger.title.clone(), leaf.to_string(), place.clone());
                    questions.push(Question { rule, text, place, yes: false, no: false });
                });
            }
            questions
        });
        Self { triggers: questions.collect() }
    }

    /// Takes down the answers of a trigger.
    pub(super) fn see(&mut self, trigger: usize, answer: &Answer) {
        let mut questions = self.triggers.get_mut(trigger).into_iter().flatten();
        answer.leaves(&mut |leaf| {
            if let Some(question) = questions.next() {
                question.yes |= leaf.holds;
                question.no |= !leaf.holds;
            }
        });
    }

    /// How many answers there could be: two a question.
    pub fn total(&self) -> usize {
        self.triggers.iter().map(|questions| 2 * questions.len()).sum()
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
        let questions = self.triggers.iter().flatten();
        questions.flat_map(|q| [(!q.yes).then(|| never(q, true)), (!q.no).then(|| never(q, false))]).flatten().collect()
    }
}
