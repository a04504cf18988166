//! Native closures, one rule after another: what one would write by hand in Rust, and the reference for all other
//! engines.

use memchr::memmem::Finder;

use super::{
    Engine,
    prepared::{Numbered, Prepared},
};
use crate::{condition::Condition, rules::RuleSet, tickets::Case};

type Closure = Box<dyn Fn(&Prepared) -> bool + Send + Sync>;

pub struct Closures {
    rules: Vec<Closure>,
    names: Numbered,
}

impl Closures {
    /// The numbers of the names.
    pub fn names(&self) -> &Numbered {
        &self.names
    }

    /// The rules that match a ticket, as the reference for other engines.
    pub fn answer(&self, case: &Case) -> Vec<u32> {
        let mut out = vec![];
        self.matches(&self.names.prepare(case), &mut (), &mut out);
        out
    }
}

impl Engine for Closures {
    const NAME: &'static str = "closures";
    type Input = Prepared;
    type Scratch = ();

    fn build(rules: &RuleSet) -> Self {
        let names = Numbered::new(&rules.conditions);
        let rules = rules.conditions.iter().map(|c| compile(&c.cheapest_first(), &names)).collect();
        Self { rules, names }
    }

    fn input(&self, case: &Case, _: &[u32]) -> Prepared {
        self.names.prepare(case)
    }

    fn scratch(&self) {}

    fn matches(&self, ticket: &Prepared, (): &mut (), out: &mut Vec<u32>) {
        for (index, rule) in (0..).zip(&self.rules) {
            if rule(ticket) {
                out.push(index);
            }
        }
    }
}

fn compile(condition: &Condition, names: &Numbered) -> Closure {
    let all = |parts: &[Condition]| parts.iter().map(|part| compile(part, names)).collect::<Vec<_>>();
    match condition {
        // Most rules have two or three predicates, which need no loop.
        Condition::All(parts) => match <[Closure; 2]>::try_from(all(parts)) {
            Ok([a, b]) => Box::new(move |t| a(t) && b(t)),
            Err(parts) => match <[Closure; 3]>::try_from(parts) {
                Ok([a, b, c]) => Box::new(move |t| a(t) && b(t) && c(t)),
                Err(parts) => Box::new(move |t| parts.iter().all(|part| part(t))),
            },
        },
        Condition::Any(parts) => match <[Closure; 2]>::try_from(all(parts)) {
            Ok([a, b]) => Box::new(move |t| a(t) || b(t)),
            Err(parts) => Box::new(move |t| parts.iter().any(|part| part(t))),
        },
        Condition::Not(inner) => {
            let inner = compile(inner, names);
            Box::new(move |t| !inner(t))
        }
        leaf => question(leaf, names),
    }
}

fn question(leaf: &Condition, names: &Numbered) -> Closure {
    match leaf {
        Condition::ChannelIs(channel) => {
            let channel = *channel;
            Box::new(move |t| t.channel == channel)
        }
        Condition::ChannelIn(channels) => {
            let set = channels.iter().fold(0_u8, |set, channel| set | 1 << *channel as u8);
            Box::new(move |t| set & 1 << t.channel as u8 != 0)
        }
        Condition::StatusIs(status) => {
            let status = *status;
            Box::new(move |t| t.status == status)
        }
        Condition::StatusBelow(status) => {
            let status = *status;
            Box::new(move |t| t.status < status)
        }
        Condition::PriorityIs(priority) => {
            let priority = Some(*priority);
            Box::new(move |t| t.priority == priority)
        }
        Condition::Verified => Box::new(|t| t.verified),
        Condition::AtLeast(number, least) => {
            let (number, least) = (*number as usize, *least);
            Box::new(move |t| t.numbers[number] >= least)
        }
        Condition::Less(number, most) => {
            let (number, most) = (*number as usize, *most);
            Box::new(move |t| t.numbers[number] < most)
        }
        Condition::Equals(number, value) => {
            let (number, value) = (*number as usize, *value);
            Box::new(move |t| t.numbers[number] == value)
        }
        Condition::HasTag(tag) => {
            let tag = names.number(tag);
            Box::new(move |t| t.tags.contains(&tag))
        }
        Condition::Contains(needle) => {
            let finder = Finder::new(needle).into_owned();
            Box::new(move |t| finder.find(t.text.as_bytes()).is_some())
        }
        Condition::LanguageIs(language) => {
            let language = names.number(language);
            Box::new(move |t| t.language == language)
        }
        Condition::BrandIs(brand) => {
            let brand = names.number(brand);
            Box::new(move |t| t.brand == brand)
        }
        Condition::All(_) | Condition::Any(_) | Condition::Not(_) => compile(leaf, names),
    }
}
