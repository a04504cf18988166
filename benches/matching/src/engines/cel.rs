//! CEL: programs compiled once, one context per ticket.

use cel::{Context, Program, Value};

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

pub struct Programs(Vec<Program>);

impl Engine for Programs {
    const NAME: &'static str = "cel";
    type Input = Context<'static, 'static>;
    type Scratch = ();

    fn build(rules: &RuleSet) -> Self {
        let programs = rules.conditions.iter().map(|condition| {
            let text = SYNTAX.write(&condition.cheapest_first());
            Program::compile(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
        });
        Self(programs.collect())
    }

    fn input(&self, case: &Case, _: &[u32]) -> Context<'static, 'static> {
        let ticket = &case.ticket;
        let mut context = Context::default();
        for n in Number::ALL {
            context.add_variable_from_value(n.name(), Value::Int(number(case, n)));
        }
        context.add_variable_from_value("channel", ticket.channel.as_str());
        context.add_variable_from_value("priority", ticket.priority.map_or("", |p| p.as_str()));
        context.add_variable_from_value("language", ticket.language.clone().unwrap_or_default());
        context.add_variable_from_value("brand", ticket.brand.clone().unwrap_or_default());
        context.add_variable_from_value("text", Prepared::text(case));
        context.add_variable_from_value("status", Value::Int(ticket.status as i64));
        context.add_variable_from_value("verified", Value::Bool(ticket.requester.verified == Some(true)));
        let tags: Vec<Value> = ticket.tags.iter().map(|tag| tag.as_str().into()).collect();
        context.add_variable_from_value("tags", Value::List(tags.into()));
        context
    }

    fn scratch(&self) {}

    fn matches(&self, context: &Context<'static, 'static>, (): &mut (), out: &mut Vec<u32>) {
        for (index, program) in (0..).zip(&self.0) {
            match program.execute(context) {
                Ok(Value::Bool(true)) => out.push(index),
                Ok(Value::Bool(false)) => {}
                other => panic!("rule {index} is neither true nor false: {other:?}"),
            }
        }
    }
}

const SYNTAX: Syntax = Syntax { and: " && ", or: " || ", not: "!", question };

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
        Condition::Contains(needle) => format!("text.contains('{needle}')"),
        Condition::LanguageIs(language) => format!("language == '{language}'"),
        Condition::BrandIs(brand) => format!("brand == '{brand}'"),
        Condition::All(_) | Condition::Any(_) | Condition::Not(_) => SYNTAX.write(question),
    }
}
