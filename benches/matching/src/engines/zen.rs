//! zen-expression: compiled bytecode, run by one VM in one scope per ticket.

use zen_expression::{Expression, Isolate, Scope, Variable, expression::Standard, vm::VM};

use super::{
    Engine,
    prepared::{Prepared, number},
};
use crate::{
    condition::{Condition, Number},
    rules::RuleSet,
    syntax::{Syntax, quoted},
    tickets::Case,
};

pub struct Expressions(Vec<Expression<Standard>>);

impl Engine for Expressions {
    const NAME: &'static str = "zen-expression";
    type Input = Scope;
    type Scratch = VM;

    fn build(rules: &RuleSet) -> Self {
        let mut isolate = Isolate::new();
        let expressions = rules.conditions.iter().map(|condition| {
            let text = SYNTAX.write(&condition.cheapest_first());
            isolate.compile_standard(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
        });
        Self(expressions.collect())
    }

    fn input(&self, case: &Case, _: &[u32]) -> Scope {
        let ticket = &case.ticket;
        let mut value = serde_json::json!({
            "channel": ticket.channel,
            "priority": ticket.priority,
            "language": ticket.language,
            "brand": ticket.brand,
            "text": Prepared::text(case),
            "status": ticket.status as i64,
            "verified": ticket.requester.verified == Some(true),
            "tags": ticket.tags,
        });
        for n in Number::ALL {
            value[n.name()] = number(case, n).into();
        }
        Scope::new(Variable::from(value))
    }

    fn scratch(&self) -> VM {
        VM::new()
    }

    fn matches(&self, scope: &Scope, vm: &mut VM, out: &mut Vec<u32>) {
        for (index, expression) in (0..).zip(&self.0) {
            match expression.evaluate_with_scope(scope, vm) {
                Ok(Variable::Bool(true)) => out.push(index),
                Ok(Variable::Bool(false)) => {}
                other => panic!("rule {index} is neither true nor false: {other:?}"),
            }
        }
    }
}

const SYNTAX: Syntax = Syntax { and: " and ", or: " or ", not: "not ", question };

fn question(question: &Condition) -> String {
    match question {
        Condition::ChannelIs(channel) => format!("channel == '{channel}'"),
        Condition::ChannelIn(channels) => {
            format!("channel in [{}]", quoted(channels.iter().map(|c| c.as_str()), '\'', ", "))
        }
        Condition::StatusIs(status) => format!("status == {}", *status as i64),
        Condition::StatusBelow(status) => format!("status < {}", *status as i64),
        Condition::PriorityIs(priority) => format!("priority == '{priority}'"),
        Condition::Verified => "verified".to_owned(),
        Condition::AtLeast(number, least) => format!("{} >= {least}", number.name()),
        Condition::Less(number, most) => format!("{} < {most}", number.name()),
        Condition::Equals(number, value) => format!("{} == {value}", number.name()),
        Condition::HasTag(tag) => format!("'{tag}' in tags"),
        Condition::Contains(needle) => format!("contains(text, '{needle}')"),
        Condition::LanguageIs(language) => format!("language == '{language}'"),
        Condition::BrandIs(brand) => format!("brand == '{brand}'"),
        Condition::All(_) | Condition::Any(_) | Condition::Not(_) => SYNTAX.write(question),
    }
}
