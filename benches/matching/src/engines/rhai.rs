//! rhai: scripts compiled once, evaluated in one scope per ticket.

use rhai::{AST, Array, Engine as Rhai, OptimizationLevel, Scope};

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

pub struct Scripts {
    rhai: Rhai,
    scripts: Vec<AST>,
}

impl Engine for Scripts {
    const NAME: &'static str = "rhai";
    /// Evaluation takes `&mut Scope`, so it is given a copy of the ticket's scope.
    type Input = Scope<'static>;
    type Scratch = Scope<'static>;

    fn build(rules: &RuleSet) -> Self {
        let mut rhai = Rhai::new();
        rhai.set_optimization_level(OptimizationLevel::Full);
        let scripts = rules.conditions.iter().map(|condition| {
            let text = SYNTAX.write(&condition.cheapest_first());
            rhai.compile_expression(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
        });
        let scripts = scripts.collect();
        Self { rhai, scripts }
    }

    fn input(&self, case: &Case, _: &[u32]) -> Scope<'static> {
        let ticket = &case.ticket;
        let mut scope = Scope::new();
        for n in Number::ALL {
            scope.push_constant(n.name(), number(case, n));
        }
        scope.push_constant("channel", ticket.channel.as_str());
        scope.push_constant("priority", ticket.priority.map_or("", |p| p.as_str()));
        scope.push_constant("language", ticket.language.clone().unwrap_or_default());
        scope.push_constant("brand", ticket.brand.clone().unwrap_or_default());
        scope.push_constant("text", Prepared::text(case));
        scope.push_constant("status", ticket.status as i64);
        scope.push_constant("verified", ticket.requester.verified == Some(true));
        scope.push_constant("tags", ticket.tags.iter().map(|tag| tag.clone().into()).collect::<Array>());
        scope
    }

    fn scratch(&self) -> Scope<'static> {
        Scope::new()
    }

    fn matches(&self, ticket: &Scope<'static>, scope: &mut Scope<'static>, out: &mut Vec<u32>) {
        scope.clone_from(ticket);
        for (index, script) in (0..).zip(&self.scripts) {
            match self.rhai.eval_ast_with_scope::<bool>(scope, script) {
                Ok(true) => out.push(index),
                Ok(false) => {}
                Err(error) => panic!("rule {index}: {error}"),
            }
        }
    }
}

const SYNTAX: Syntax = Syntax { and: " && ", or: " || ", not: "!", question };

fn question(question: &Condition) -> String {
    match question {
        Condition::ChannelIs(channel) => format!("channel == \"{channel}\""),
        Condition::ChannelIn(channels) => {
            format!("channel in [{}]", quoted(channels.iter().map(|c| c.as_str()), '"', ", "))
        }
        Condition::StatusIs(status) => format!("status == {}", *status as i64),
        Condition::StatusBelow(status) => format!("status < {}", *status as i64),
        Condition::PriorityIs(priority) => format!("priority == \"{priority}\""),
        Condition::Verified => "verified".to_owned(),
        Condition::AtLeast(number, least) => format!("{} >= {least}", number.name()),
        Condition::Less(number, most) => format!("{} < {most}", number.name()),
        Condition::Equals(number, value) => format!("{} == {value}", number.name()),
        Condition::HasTag(tag) => format!("\"{tag}\" in tags"),
        Condition::Contains(needle) => format!("\"{needle}\" in text"),
        Condition::LanguageIs(language) => format!("language == \"{language}\""),
        Condition::BrandIs(brand) => format!("brand == \"{brand}\""),
        Condition::All(_) | Condition::Any(_) | Condition::Not(_) => SYNTAX.write(question),
    }
}
