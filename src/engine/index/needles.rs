//! All that is searched for in one text, found in one pass over it.

use memchr::memmem;
use regex_automata::{Input, PatternSet, meta};
use rustc_hash::FxHashMap;

use super::{
    grams::{Grams, Hit, Occurrences},
    slots::Find,
};
use crate::{desk::text, lang::rules::Pattern};

/// The size up to which regexes are searched for together, in bytes.
const MOST_OF_REGEXES: usize = 64 << 20;

/// What is searched for in one text.
#[derive(Debug, Default)]
pub(super) struct Needles {
    /// The literals of what was asked for.
    literals: FxHashMap<Find, u32>,
    /// The needles, folded, with the literals that hang on each.
    needles: Vec<Needle>,
    texts: Vec<Box<str>>,
    numbers: FxHashMap<Box<str>, u32>,
    /// The same, with their texts, where they are all looked for.
    grams: Grams,
    /// Regexes that something is filed under, and their literals.
    regexes: Vec<(Pattern, u32)>,
    together: Option<meta::Regex>,
}

/// A needle, and the literals it makes true: found anywhere, as whole words, at the start.
#[derive(Debug)]
struct Needle {
    anywhere: Option<u32>,
    words: Option<u32>,
    start: Option<u32>,
    length: u32,
}

/// What searching needs room for.
#[derive(Debug, Default)]
pub(super) struct Room {
    hits: Vec<Hit>,
    found: Option<PatternSet>,
    /// Where words begin and end in the text, once somebody asked.
    bounds: Vec<usize>,
}

impl Needles {
    /// The literal of something to be found; `next` where it is new.
    pub(super) fn literal(&mut self, find: &Find, next: u32) -> u32 {
        if let Some(literal) = self.literals.get(find) {
            return *literal;
        }
        self.literals.insert(find.clone(), next);
        let (Find::Anywhere(text) | Find::Words(text) | Find::Start(text)) = find else { return next };
        let number = *self.numbers.entry(text.clone()).or_insert(self.needles.len() as u32) as usize;
        if number == self.needles.len() {
            self.needles.push(Needle { anywhere: None, words: None, start: None, length: text.len() as u32 });
            self.texts.push(text.clone());
        }
        let needle = &mut self.needles[number];
        match find {
            Find::Words(_) => needle.words = Some(next),
            Find::Start(_) => needle.start = Some(next),
            _ => needle.anywhere = Some(next),
        }
        next
    }

    /// Searches for a regex with all others that something is filed under.
    pub(super) fn add_regex(&mut self, pattern: Pattern, literal: u32) {
        self.regexes.push((pattern, literal));
    }

    /// Builds what searches for all needles at once, by what of them is rare in texts like these.
    pub(super) fn build(&mut self, occurrences: &Occurrences) {
        self.grams = Grams::new(self.texts.iter().map(|text| &**text), occurrences);
    }

    /// Builds what searches for all regexes at once; each is searched for alone where together they are too large.
    pub(super) fn build_regexes(&mut self) {
        if self.regexes.len() < 2 {
            return;
        }
        let patterns: Vec<&str> = self.regexes.iter().map(|(pattern, _)| pattern.regex.as_str()).collect();
        let config = meta::Config::new()
            .match_kind(regex_automata::MatchKind::All)
            .nfa_size_limit(Some(MOST_OF_REGEXES))
            .hybrid_cache_capacity(MOST_OF_REGEXES / 4);
        let syntax = regex_automata::util::syntax::Config::new().case_insensitive(true);
        self.together = meta::Builder::new().configure(config).syntax(syntax).build_many(&patterns).ok();
    }

    /// Tells which literals a folded text makes true. It may tell the same one several times.
    pub(super) fn search(&self, folded: &str, room: &mut Room, mut found: impl FnMut(u32)) {
        let Room { hits, bounds, .. } = room;
        bounds.clear();
        hits.clear();
        self.grams.find(folded, hits);
        for Hit { needle, end } in hits.iter() {
            let needle = &self.needles[*needle as usize];
            if let Some(literal) = needle.anywhere {
                found(literal);
            }
            if needle.start.is_none() && needle.words.is_none() {
                continue;
            }
            let (start, end) = ((end - needle.length) as usize, *end as usize);
            if let Some(literal) = needle.start
                && start == 0
            {
                found(literal);
            }
            if let Some(literal) = needle.words
                && is_bound(folded, start, bounds)
                && is_bound(folded, end, bounds)
            {
                found(literal);
            }
        }
        self.search_regexes(folded, room, &mut found);
    }

    fn search_regexes(&self, folded: &str, room: &mut Room, found: &mut impl FnMut(u32)) {
        let Some(together) = &self.together else {
            for (pattern, literal) in &self.regexes {
                if pattern.regex.is_match(folded) {
                    found(*literal);
                }
            }
            return;
        };
        let set = room.found.get_or_insert_with(|| PatternSet::new(self.regexes.len()));
        set.clear();
        together.which_overlapping_matches(&Input::new(folded), set);
        for pattern in set.iter() {
            found(self.regexes[pattern.as_usize()].1);
        }
    }
}

/// Looks for one thing in a folded text, where it is not searched for everything at once.
#[derive(Debug)]
pub(super) struct Finder {
    find: Find,
    needle: memmem::Finder<'static>,
}

impl Finder {
    pub(super) fn new(find: &Find) -> Self {
        let needle = match find {
            Find::Anywhere(needle) | Find::Words(needle) | Find::Start(needle) => needle.as_bytes(),
            Find::Nothing | Find::Regex(_) => &[],
        };
        Self { find: find.clone(), needle: memmem::Finder::new(needle).into_owned() }
    }

    pub(super) fn finds(&self, folded: &str) -> bool {
        match &self.find {
            Find::Nothing => folded.is_empty(),
            Find::Anywhere(_) => self.needle.find(folded.as_bytes()).is_some(),
            Find::Words(needle) => self.needle.find(folded.as_bytes()).is_some() && text::contains_word(folded, needle),
            Find::Start(needle) => folded.starts_with(&**needle),
            // Regexes are asked one by one, unless they are searched for with everything else.
            Find::Regex(_) => false,
        }
    }
}

/// Whether a word begins or ends here. What it takes the whole text to know is kept in `bounds`.
fn is_bound(folded: &str, at: usize, bounds: &mut Vec<usize>) -> bool {
    text::is_word_bound(folded, at).unwrap_or_else(|| {
        if bounds.is_empty() {
            bounds.extend(text::word_bounds(folded));
        }
        bounds.binary_search(&at).is_ok()
    })
}
