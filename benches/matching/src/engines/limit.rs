//! A lower bound, not a matcher: the cost of reading the ticket and writing the answer when the answer is known.

use rustc_hash::FxHashMap;
use twite::desk::text;

use super::{Engine, scan::Scan};
use crate::{
    condition::{needles, tags},
    rules::RuleSet,
    tickets::Case,
};

pub struct Limit {
    scan: Scan,
    tags: FxHashMap<String, u32>,
}

/// The ticket as it arrives, before folding.
pub struct Written {
    text: String,
    tags: Vec<String>,
    answer: Vec<u32>,
}

#[derive(Default)]
pub struct Read {
    folded: String,
    hits: Vec<u32>,
    tags: Vec<u32>,
}

impl Engine for Limit {
    const NAME: &'static str = "limit";
    type Input = Written;
    type Scratch = Read;

    fn build(rules: &RuleSet) -> Self {
        let tags = (0..).zip(tags(&rules.conditions)).map(|(n, tag)| (tag.to_owned(), n)).collect();
        Self { scan: Scan::new(&needles(&rules.conditions)), tags }
    }

    fn input(&self, case: &Case, answer: &[u32]) -> Written {
        let tags = case.ticket.tags.iter().cloned().collect();
        Written { text: case.text().to_owned(), tags, answer: answer.to_vec() }
    }

    fn scratch(&self) -> Read {
        Read::default()
    }

    fn matches(&self, ticket: &Written, read: &mut Read, out: &mut Vec<u32>) {
        read.folded.clear();
        if ticket.text.is_ascii() {
            read.folded.push_str(&ticket.text);
            read.folded.make_ascii_lowercase();
        } else {
            read.folded.push_str(&text::fold(&ticket.text));
        }
        read.hits.clear();
        self.scan.hits(read.folded.as_bytes(), &mut read.hits);
        read.tags.clear();
        read.tags.extend(ticket.tags.iter().filter_map(|tag| self.tags.get(tag)));
        // Otherwise the compiler would remove the reading, whose result is not used.
        std::hint::black_box((&read.hits, &read.tags));
        out.extend_from_slice(&ticket.answer);
    }
}
