//! Search for needles in a text.

use aho_corasick::{
    Anchored, MatchKind, StartKind,
    automaton::{Automaton, StateID},
    dfa::DFA,
};

/// One automaton for all needles, stepped by hand: the library's fastest way to find every occurrence.
#[derive(Debug)]
pub struct Scan {
    automaton: DFA,
    start: StateID,
    needles: Vec<String>,
}

impl Scan {
    pub fn new(needles: &[&str]) -> Self {
        let automaton = DFA::builder()
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Unanchored)
            .prefilter(false)
            .build(needles)
            .expect("as many needles as fit in a file fit in an automaton");
        let start = automaton.start_state(Anchored::No).expect("it was built to start anywhere");
        Self { automaton, start, needles: needles.iter().map(|needle| (*needle).to_owned()).collect() }
    }

    /// Adds the number of every needle that occurs in the text, once per occurrence.
    pub fn hits(&self, text: &[u8], hits: &mut Vec<u32>) {
        let mut state = self.start;
        for byte in text {
            state = self.automaton.next_state(Anchored::No, state, *byte);
            if self.automaton.is_match(state) {
                for index in 0..self.automaton.match_len(state) {
                    hits.push(self.automaton.match_pattern(state, index).as_u32());
                }
            }
        }
    }

    /// The needles that occur in a text.
    pub fn found(&self, text: &str) -> Vec<&str> {
        let mut hits = vec![];
        self.hits(text.as_bytes(), &mut hits);
        hits.sort_unstable();
        hits.dedup();
        hits.into_iter().map(|hit| self.needles[hit as usize].as_str()).collect()
    }
}
