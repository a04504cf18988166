//! a-tree: a tree of shared expressions, each evaluated at most once per event.
//!
//! It has no text search. The needles found in a text are passed as a list attribute of the event. Finding them is part
//! of matching and is measured, with the automaton that [`super::limit`] uses; building the event from them is not.

use a_tree::{ATree, AttributeDefinition, Event};

use super::{
    Engine,
    prepared::{Prepared, number},
    scan::Scan,
};
use crate::{
    condition::{Condition, Number, needles},
    rules::RuleSet,
    syntax::{Syntax, quoted},
    tickets::Case,
};

pub struct Shared {
    tree: ATree<u32>,
    scan: Scan,
}

pub struct Input {
    event: Event,
    text: String,
}

impl Engine for Shared {
    const NAME: &'static str = "a-tree";
    type Input = Input;
    type Scratch = Vec<u32>;

    fn build(rules: &RuleSet) -> Self {
        let mut attributes: Vec<_> = Number::ALL.iter().map(|n| AttributeDefinition::integer(n.name())).collect();
        attributes.extend(["channel", "priority", "language", "brand"].map(AttributeDefinition::string));
        attributes.extend(["tags", "words"].map(AttributeDefinition::string_list));
        attributes.push(AttributeDefinition::integer("status"));
        attributes.push(AttributeDefinition::boolean("verified"));
        let mut tree = ATree::new(&attributes).expect("the attributes are distinct");
        for (index, condition) in (0..).zip(&rules.conditions) {
            let text = SYNTAX.write(&condition.cheapest_first());
            tree.insert(&index, &text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        }
        Self { tree, scan: Scan::new(&needles(&rules.conditions)) }
    }

    fn input(&self, case: &Case, _: &[u32]) -> Input {
        let ticket = &case.ticket;
        let text = Prepared::text(case);
        let found = self.scan.found(&text);
        let tags: Vec<_> = ticket.tags.iter().map(String::as_str).collect();
        let mut event = self.tree.make_event();
        let numbers = Number::ALL.map(|n| event.with_integer(n.name(), number(case, n)));
        let words = [
            event.with_string("channel", ticket.channel.as_str()),
            event.with_string("priority", ticket.priority.map_or("", |p| p.as_str())),
            event.with_string("language", ticket.language.as_deref().unwrap_or_default()),
            event.with_string("brand", ticket.brand.as_deref().unwrap_or_default()),
            event.with_string_list("tags", &tags),
            event.with_string_list("words", &found),
            event.with_integer("status", ticket.status as i64),
            event.with_boolean("verified", ticket.requester.verified == Some(true)),
        ];
        numbers.into_iter().chain(words).collect::<Result<(), _>>().expect("the attributes are defined");
        Input { event: event.build().expect("nothing is missing"), text }
    }

    fn scratch(&self) -> Vec<u32> {
        vec![]
    }

    fn matches(&self, ticket: &Input, hits: &mut Vec<u32>, out: &mut Vec<u32>) {
        hits.clear();
        self.scan.hits(ticket.text.as_bytes(), hits);
        std::hint::black_box(&hits);
        let report = self.tree.search(&ticket.event).expect("the event has every attribute");
        out.extend(report.matches().iter().map(|index| **index));
        out.sort_unstable();
    }
}

const SYNTAX: Syntax = Syntax { and: " and ", or: " or ", not: "not ", question };

fn question(question: &Condition) -> String {
    let list = |attribute: &str, of: &str| format!("{attribute} one of [{}]", quoted([of], '"', ""));
    match question {
        Condition::ChannelIs(channel) => format!("channel = \"{channel}\""),
        Condition::ChannelIn(channels) => {
            format!("channel in [{}]", quoted(channels.iter().map(|c| c.as_str()), '"', ", "))
        }
        Condition::StatusIs(status) => format!("status = {}", *status as i64),
        Condition::StatusBelow(status) => format!("status < {}", *status as i64),
        Condition::PriorityIs(priority) => format!("priority = \"{priority}\""),
        Condition::Verified => "verified".to_owned(),
        Condition::AtLeast(number, least) => format!("{} >= {least}", number.name()),
        Condition::Less(number, most) => format!("{} < {most}", number.name()),
        Condition::Equals(number, value) => format!("{} = {value}", number.name()),
        Condition::HasTag(tag) => list("tags", tag),
        Condition::Contains(needle) => list("words", needle),
        Condition::LanguageIs(language) => format!("language = \"{language}\""),
        Condition::BrandIs(brand) => format!("brand = \"{brand}\""),
        Condition::All(_) | Condition::Any(_) | Condition::Not(_) => SYNTAX.write(question),
    }
}
