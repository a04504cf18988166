//! wirefilter: filters compiled to closures.
//!
//! This release has no lists: each tag is a boolean field, so testing for a tag is one array access. Filters and
//! contexts borrow from the scheme, which is leaked here.

use wirefilter::{ExecutionContext, Filter, Scheme, Type};

use super::{
    Engine,
    prepared::{Prepared, number},
};
use crate::{
    condition::{Condition, Number, tags},
    rules::RuleSet,
    syntax::{Syntax, quoted},
    tickets::Case,
};

pub struct Filters {
    scheme: &'static Scheme,
    filters: Vec<Filter<'static>>,
    tags: Vec<String>,
}

impl Engine for Filters {
    const NAME: &'static str = "wirefilter";
    type Input = ExecutionContext<'static>;
    type Scratch = ();

    fn build(rules: &RuleSet) -> Self {
        let tags: Vec<_> = tags(&rules.conditions).into_iter().map(str::to_owned).collect();
        let numbers = Number::ALL.map(|n| (n.name().to_owned(), Type::Int));
        let texts = ["channel", "priority", "language", "brand", "text"].map(|name| (name.to_owned(), Type::Bytes));
        let others = [("status".to_owned(), Type::Int), ("verified".to_owned(), Type::Bool)];
        let of_tags = tags.iter().map(|tag| (field(tag), Type::Bool));
        let fields = numbers.into_iter().chain(texts).chain(others).chain(of_tags);
        let scheme: &'static Scheme = Box::leak(Box::new(Scheme::try_from_iter(fields).expect("they are distinct")));
        let filters = rules.conditions.iter().map(|condition| {
            let text = SYNTAX.write(&condition.cheapest_first());
            scheme.parse(&text).unwrap_or_else(|error| panic!("{error}")).compile()
        });
        Self { scheme, filters: filters.collect(), tags }
    }

    fn input(&self, case: &Case, _: &[u32]) -> ExecutionContext<'static> {
        let ticket = &case.ticket;
        let kept = |text: &str| &*text.to_owned().leak();
        let mut context = ExecutionContext::new(self.scheme);
        let numbers = Number::ALL.map(|n| {
            let value = i32::try_from(number(case, n)).expect("no number of a ticket here is that large");
            context.set_field_value(n.name(), value)
        });
        let others = [
            context.set_field_value("channel", ticket.channel.as_str()),
            context.set_field_value("priority", ticket.priority.map_or("", |p| p.as_str())),
            context.set_field_value("language", kept(ticket.language.as_deref().unwrap_or_default())),
            context.set_field_value("brand", kept(ticket.brand.as_deref().unwrap_or_default())),
            context.set_field_value("text", kept(&Prepared::text(case))),
            context.set_field_value("status", ticket.status as i32),
            context.set_field_value("verified", ticket.requester.verified == Some(true)),
        ];
        let tags = self.tags.iter().map(|tag| context.set_field_value(&field(tag), ticket.tags.contains(tag)));
        let all = numbers.into_iter().chain(others).chain(tags);
        all.collect::<Result<(), _>>().expect("the fields are of these types");
        context
    }

    fn scratch(&self) {}

    fn matches(&self, context: &ExecutionContext<'static>, (): &mut (), out: &mut Vec<u32>) {
        for (index, filter) in (0..).zip(&self.filters) {
            if filter.execute(context).expect("both are of the same scheme") {
                out.push(index);
            }
        }
    }
}

/// The field for a tag.
fn field(tag: &str) -> String {
    format!("tag.{tag}")
}

const SYNTAX: Syntax = Syntax { and: " && ", or: " || ", not: "not ", question };

fn question(question: &Condition) -> String {
    match question {
        Condition::ChannelIs(channel) => format!("channel == \"{channel}\""),
        Condition::ChannelIn(channels) => {
            format!("channel in {{{}}}", quoted(channels.iter().map(|c| c.as_str()), '"', " "))
        }
        Condition::StatusIs(status) => format!("status == {}", *status as i32),
        Condition::StatusBelow(status) => format!("status < {}", *status as i32),
        Condition::PriorityIs(priority) => format!("priority == \"{priority}\""),
        Condition::Verified => "verified".to_owned(),
        Condition::AtLeast(number, least) => format!("{} >= {least}", number.name()),
        Condition::Less(number, most) => format!("{} < {most}", number.name()),
        Condition::Equals(number, value) => format!("{} == {value}", number.name()),
        Condition::HasTag(tag) => field(tag),
        Condition::Contains(needle) => format!("text contains \"{needle}\""),
        Condition::LanguageIs(language) => format!("language == \"{language}\""),
        Condition::BrandIs(brand) => format!("brand == \"{brand}\""),
        Condition::All(_) | Condition::Any(_) | Condition::Not(_) => SYNTAX.write(question),
    }
}
