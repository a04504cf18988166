//! Cedar: one policy per rule, all authorised in one request; the policies that permitted are the matching rules.

use cedar_policy::{
    Authorizer, Context, Entities, EntityUid, Policy, PolicyId, PolicySet, Request, RestrictedExpression,
};

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

pub struct Policies {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
}

impl Engine for Policies {
    const NAME: &'static str = "cedar-policy";
    type Input = Request;
    type Scratch = ();

    fn build(rules: &RuleSet) -> Self {
        let policies = rules.conditions.iter().enumerate().map(|(index, condition)| {
            let when = SYNTAX.write(&condition.cheapest_first());
            let text = format!("permit(principal, action, resource) when {{ {when} }};");
            Policy::parse(Some(PolicyId::new(index.to_string())), &text).unwrap_or_else(|e| panic!("{text}: {e}"))
        });
        let policies = PolicySet::from_policies(policies).expect("their ids are distinct");
        Self { authorizer: Authorizer::new(), policies, entities: Entities::empty() }
    }

    fn input(&self, case: &Case, _: &[u32]) -> Request {
        let ticket = &case.ticket;
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let number = |n: Number| (n.name().to_owned(), RestrictedExpression::new_long(number(case, n)));
        let others = [
            ("channel", text(ticket.channel.as_str())),
            ("priority", text(ticket.priority.map_or("", |p| p.as_str()))),
            ("language", text(ticket.language.as_deref().unwrap_or_default())),
            ("brand", text(ticket.brand.as_deref().unwrap_or_default())),
            ("text", text(&Prepared::text(case))),
            ("status", RestrictedExpression::new_long(ticket.status as i64)),
            ("verified", RestrictedExpression::new_bool(ticket.requester.verified == Some(true))),
            ("tags", RestrictedExpression::new_set(ticket.tags.iter().map(|tag| text(tag)))),
        ];
        let others = others.map(|(name, value)| (name.to_owned(), value));
        let context = Context::from_pairs(Number::ALL.map(number).into_iter().chain(others));
        let any: EntityUid = "Desk::\"any\"".parse().expect("this is how they are written");
        let context = context.expect("the names are distinct");
        Request::new(any.clone(), any.clone(), any, context, None).expect("without a schema everything is sound")
    }

    fn scratch(&self) {}

    fn matches(&self, request: &Request, (): &mut (), out: &mut Vec<u32>) {
        let response = self.authorizer.is_authorized(request, &self.policies, &self.entities);
        assert!(response.diagnostics().errors().next().is_none(), "every policy can be evaluated");
        let reasons = response.diagnostics().reason();
        out.extend(reasons.map(|id| AsRef::<str>::as_ref(id).parse::<u32>().expect("ids are indexes")));
        out.sort_unstable();
    }
}

const SYNTAX: Syntax = Syntax { and: " && ", or: " || ", not: "!", question };

fn question(question: &Condition) -> String {
    match question {
        Condition::ChannelIs(channel) => format!("context.channel == \"{channel}\""),
        Condition::ChannelIn(channels) => {
            format!("[{}].contains(context.channel)", quoted(channels.iter().map(|c| c.as_str()), '"', ", "))
        }
        Condition::StatusIs(status) => format!("context.status == {}", *status as i64),
        Condition::StatusBelow(status) => format!("context.status < {}", *status as i64),
        Condition::PriorityIs(priority) => format!("context.priority == \"{priority}\""),
        Condition::Verified => "context.verified".to_owned(),
        Condition::AtLeast(number, least) => format!("context.{} >= {least}", number.name()),
        Condition::Less(number, most) => format!("context.{} < {most}", number.name()),
        Condition::Equals(number, value) => format!("context.{} == {value}", number.name()),
        Condition::HasTag(tag) => format!("context.tags.contains(\"{tag}\")"),
        Condition::Contains(needle) => format!("context.text like \"*{needle}*\""),
        Condition::LanguageIs(language) => format!("context.language == \"{language}\""),
        Condition::BrandIs(brand) => format!("context.brand == \"{brand}\""),
        Condition::All(_) | Condition::Any(_) | Condition::Not(_) => SYNTAX.write(question),
    }
}
