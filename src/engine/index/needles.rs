//! Searches a text for all needles and regexes of its slot.

use memchr::memmem;
use regex_automata::{Input, PatternSet, meta};
use rustc_hash::FxHashMap;

use super::grams::{Grams, Hit, Occurrences};
use crate::{desk::text, lang::rules::Pattern};

/// Maximum size of the compiled set of regexes, in bytes.
const MAX_REGEX_SET_BYTES: usize = 64 << 20;

/// What is searched for in a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Find {
    /// Whether the text is empty.
    Nothing,
    /// This text, anywhere.
    Anywhere(Box<str>),
    /// This text, as whole words.
    Words(Box<str>),
    /// This text, at the start.
    Start(Box<str>),
    /// This text, at the end.
    End(Box<str>),
    /// A match of the regex with this number among the unindexed predicates.
    Regex(u32),
}

/// The needles and regexes of one text.
#[derive(Debug, Default)]
pub(super) struct Needles {
    /// The literal of each search.
    literals: FxHashMap<Find, u32>,
    /// The folded needles, with the literals each makes true.
    needles: Vec<Needle>,
    texts: Vec<Box<str>>,
    numbers: FxHashMap<Box<str>, u32>,
    /// The search for all needles.
    grams: Grams,
    /// Regexes that are keys of posting lists, and their literals.
    regexes: Vec<(Pattern, u32)>,
    regex_set: Option<meta::Regex>,
}

/// A needle, and the literals it makes true: found anywhere, as whole words, at the start, at the end.
#[derive(Debug)]
struct Needle {
    anywhere: Option<u32>,
    words: Option<u32>,
    start: Option<u32>,
    end: Option<u32>,
    length: u32,
}

/// Reused memory of a search.
#[derive(Debug, Default)]
pub(super) struct NeedleScratch {
    hits: Vec<Hit>,
    found: Option<PatternSet>,
    /// The word boundaries of the text, once needed.
    bounds: Vec<usize>,
}

impl Needles {
    /// The number of the literal for a search: its existing one, or `next` if the search is new.
    pub(super) fn literal(&mut self, find: &Find, next: u32) -> u32 {
        if let Some(literal) = self.literals.get(find) {
            return *literal;
        }
        self.literals.insert(find.clone(), next);
        let (Find::Anywhere(text) | Find::Words(text) | Find::Start(text) | Find::End(text)) = find else {
            return next;
        };
        let number = *self.numbers.entry(text.clone()).or_insert(self.needles.len() as u32) as usize;
        if number == self.needles.len() {
            self.needles.push(Needle {
                anywhere: None,
                words: None,
                start: None,
                end: None,
                length: text.len() as u32,
            });
            self.texts.push(text.clone());
        }
        let needle = &mut self.needles[number];
        match find {
            Find::Words(_) => needle.words = Some(next),
            Find::Start(_) => needle.start = Some(next),
            Find::End(_) => needle.end = Some(next),
            _ => needle.anywhere = Some(next),
        }
        next
    }

    /// Adds a regex that is a key of a posting list.
    pub(super) fn add_regex(&mut self, pattern: Pattern, literal: u32) {
        self.regexes.push((pattern, literal));
    }

    /// Builds the search for all needles, keyed by grams that are rare in recent texts.
    pub(super) fn build(&mut self, occurrences: &Occurrences) {
        self.grams = Grams::new(self.texts.iter().map(|text| &**text), occurrences);
    }

    /// Compiles all regexes into one set; if that is too large, each regex is matched separately.
    pub(super) fn build_regexes(&mut self) {
        if self.regexes.len() < 2 {
            return;
        }
        let patterns: Vec<&str> = self.regexes.iter().map(|(pattern, _)| pattern.regex.as_str()).collect();
        let config = meta::Config::new()
            .match_kind(regex_automata::MatchKind::All)
            .nfa_size_limit(Some(MAX_REGEX_SET_BYTES))
            .hybrid_cache_capacity(MAX_REGEX_SET_BYTES / 4);
        let syntax = regex_automata::util::syntax::Config::new().case_insensitive(true);
        self.regex_set = meta::Builder::new().configure(config).syntax(syntax).build_many(&patterns).ok();
    }

    /// Calls `found` with each literal that a folded text makes true, at least once.
    pub(super) fn search(&self, folded: &str, scratch: &mut NeedleScratch, mut found: impl FnMut(u32)) {
        let NeedleScratch { hits, bounds, .. } = scratch;
        bounds.clear();
        hits.clear();
        self.grams.find(folded, hits);
        for Hit { needle, end } in hits.iter() {
            let needle = &self.needles[*needle as usize];
            if let Some(literal) = needle.anywhere {
                found(literal);
            }
            if needle.start.is_none() && needle.end.is_none() && needle.words.is_none() {
                continue;
            }
            let (start, end) = ((end - needle.length) as usize, *end as usize);
            if let Some(literal) = needle.start
                && start == 0
            {
                found(literal);
            }
            if let Some(literal) = needle.end
                && end == folded.len()
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
        self.search_regexes(folded, scratch, &mut found);
    }

    fn search_regexes(&self, folded: &str, scratch: &mut NeedleScratch, found: &mut impl FnMut(u32)) {
        let Some(regex_set) = &self.regex_set else {
            for (pattern, literal) in &self.regexes {
                if pattern.regex.is_match(folded) {
                    found(*literal);
                }
            }
            return;
        };
        let set = scratch.found.get_or_insert_with(|| PatternSet::new(self.regexes.len()));
        set.clear();
        regex_set.which_overlapping_matches(&Input::new(folded), set);
        for pattern in set.iter() {
            found(self.regexes[pattern.as_usize()].1);
        }
    }
}

/// Searches a folded text for one needle.
#[derive(Debug)]
pub(super) struct Finder {
    find: Find,
    needle: memmem::Finder<'static>,
}

impl Finder {
    pub(super) fn new(find: &Find) -> Self {
        let needle = match find {
            Find::Anywhere(needle) | Find::Words(needle) | Find::Start(needle) | Find::End(needle) => needle.as_bytes(),
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
            Find::End(needle) => folded.ends_with(&**needle),
            // Without posting lists, regexes are unindexed predicates.
            Find::Regex(_) => false,
        }
    }
}

/// Whether a word begins or ends at this byte. `bounds` caches the word boundaries of the whole text.
fn is_bound(folded: &str, at: usize, bounds: &mut Vec<usize>) -> bool {
    text::is_word_bound(folded, at).unwrap_or_else(|| {
        if bounds.is_empty() {
            bounds.extend(text::word_bounds(folded));
        }
        bounds.binary_search(&at).is_ok()
    })
}
