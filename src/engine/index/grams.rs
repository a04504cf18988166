//! Finds needles in a text by four of their bytes, those that are rarest.
//!
//! Most positions of a text are the start of nothing that is looked for. Whether one is, four bytes and one place in a
//! small table tell, and no position has to wait for what came of the one before, as an automaton does.
//! Where it says so, the needles with these four bytes are compared. For needles of less than four bytes there is a
//! second table, of two bytes.

use rustc_hash::FxHashMap;

/// How many bytes tell.
const GRAM: usize = 4;
/// How many places a table has, as a power of two. That it is the same for all makes looking up cheap.
const BITS: u32 = 15;
const PLACES: usize = 1 << BITS;

/// Some needles, ready to be found.
#[derive(Debug, Default)]
pub(super) struct Grams {
    long: Table<{ u32::MAX }>,
    /// The needles of less than four bytes, by two.
    short: Table<0xffff>,
    /// The texts of the needles, one behind the other.
    texts: Vec<u8>,
}

/// Needles by those of four bytes that `MASK` leaves.
#[derive(Debug, Default)]
struct Table<const MASK: u32> {
    /// For each hash of such bytes, the number of the bucket with the needles that have them, from 1; 0 where there are
    /// none. Nothing where there are no needles at all.
    buckets: Option<Box<[u16; PLACES]>>,
    /// Where each bucket begins among the entries; the first one is 1.
    starts: Vec<u32>,
    entries: Vec<Entry>,
}

/// A needle, where in it the bytes stand that tell, and where its text begins and how long it is.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The bytes that tell.
    gram: u32,
    needle: u32,
    offset: u32,
    text: u32,
    length: u32,
}

/// A needle that was found, and where it ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) needle: u32,
    pub(super) end: u32,
}

/// How often each four bytes occur in texts.
#[derive(Debug, Default)]
pub(super) struct Occurrences(FxHashMap<u32, u32>);

impl Occurrences {
    /// Counts those of a folded text.
    pub(super) fn count(&mut self, text: &str) {
        for gram in grams(text.as_bytes()) {
            *self.0.entry(gram).or_default() += 1;
        }
    }

    fn of(&self, gram: u32) -> u32 {
        self.0.get(&gram).copied().unwrap_or(0)
    }
}

fn grams(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    bytes.windows(GRAM).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]]))
}

/// The four bytes from here on; behind the end of a text there are zeros, which are in no needle that reaches there.
fn gram_at(bytes: &[u8], at: usize) -> u32 {
    let byte = |n: usize| bytes.get(at + n).copied().unwrap_or(0);
    u32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)])
}

impl Grams {
    /// Makes needles ready to be found, by what of them occurs least.
    pub(super) fn new<'n>(needles: impl Iterator<Item = &'n str> + Clone, occurrences: &Occurrences) -> Self {
        let mut shared: FxHashMap<u32, u32> = FxHashMap::default();
        for needle in needles.clone() {
            grams(needle.as_bytes()).for_each(|gram| *shared.entry(gram).or_default() += 1);
        }
        let mut texts = vec![];
        let (mut long, mut short) = (vec![], vec![]);
        for (number, needle) in needles.enumerate() {
            let bytes = needle.as_bytes();
            let (needle, text, length) = (number as u32, texts.len() as u32, bytes.len() as u32);
            texts.extend(bytes);
            let entry = |gram, offset: usize| Entry { gram, needle, offset: offset as u32, text, length };
            let rarest = grams(bytes).enumerate().min_by_key(|(_, gram)| (occurrences.of(*gram), shared.get(gram)));
            match (rarest, bytes) {
                (Some((offset, gram)), _) => long.push(entry(gram, offset)),
                // Whatever stands behind it.
                (None, [one]) => short.extend((0..=255).map(|next| entry(u32::from_le_bytes([*one, next, 0, 0]), 0))),
                (None, [one, two, ..]) => short.push(entry(u32::from_le_bytes([*one, *two, 0, 0]), 0)),
                // Nothing at all is not looked for.
                (None, []) => {}
            }
        }
        Self { long: Table::new(long), short: Table::new(short), texts }
    }

    /// Adds what is found in a folded text, each as often as it is there.
    pub(super) fn find(&self, text: &str, hits: &mut Vec<Hit>) {
        self.long.find(text.as_bytes(), &self.texts, hits);
        self.short.find(text.as_bytes(), &self.texts, hits);
    }
}

/// Where a gram stands among the buckets.
#[inline]
fn place(gram: u32) -> usize {
    // Fibonacci hashing: the upper bits of the product depend on all bits of the gram.
    (gram.wrapping_mul(0x9e37_79b1) >> (u32::BITS - BITS)) as usize
}

impl<const MASK: u32> Table<MASK> {
    fn new(mut entries: Vec<Entry>) -> Self {
        let Ok(mut buckets) = <Box<[u16; PLACES]>>::try_from(vec![0; PLACES]) else { return Self::default() };
        if entries.is_empty() {
            return Self::default();
        }
        entries.sort_by_key(|entry| (place(entry.gram), entry.gram, entry.needle));
        let mut starts = vec![0];
        for (at, entry) in (0..).zip(&entries) {
            let bucket = &mut buckets[place(entry.gram)];
            if *bucket == 0 {
                // There are fewer places than numbers.
                *bucket = starts.len() as u16;
                starts.push(at);
            }
        }
        starts.push(entries.len() as u32);
        Self { buckets: Some(buckets), starts, entries }
    }

    fn find(&self, bytes: &[u8], texts: &[u8], hits: &mut Vec<Hit>) {
        /// How many positions are looked at at once.
        const POSITIONS: usize = 64;
        let Some(buckets) = &self.buckets else { return };
        let mut from = 0;
        while let Some(window) = bytes.get(from..from + POSITIONS + GRAM - 1) {
            let mut told = [0; POSITIONS];
            for (told, gram) in told.iter_mut().zip(grams(window)) {
                *told = buckets[place(gram & MASK)];
            }
            // Most of them tell nothing: four are passed over at once.
            for (four, told) in (from..).step_by(4).zip(told.chunks_exact(4)) {
                if told != [0; 4] {
                    for (at, bucket) in (four..).zip(told) {
                        if *bucket != 0 {
                            self.compare(*bucket, at, bytes, texts, hits);
                        }
                    }
                }
            }
            from += POSITIONS;
        }
        for at in from..bytes.len() {
            let bucket = buckets[place(gram_at(bytes, at) & MASK)];
            if bucket != 0 {
                self.compare(bucket, at, bytes, texts, hits);
            }
        }
    }

    /// Compares the needles that the bytes here may tell of.
    fn compare(&self, bucket: u16, at: usize, bytes: &[u8], texts: &[u8], hits: &mut Vec<Hit>) {
        let gram = gram_at(bytes, at) & MASK;
        let (first, end) = (self.starts[usize::from(bucket)], self.starts[usize::from(bucket) + 1]);
        for entry in &self.entries[first as usize..end as usize] {
            if entry.gram != gram {
                continue;
            }
            let Some(start) = at.checked_sub(entry.offset as usize) else { continue };
            let needle = &texts[entry.text as usize..(entry.text + entry.length) as usize];
            if bytes.get(start..).is_some_and(|here| here.starts_with(needle)) {
                hits.push(Hit { needle: entry.needle, end: start as u32 + entry.length });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_is_there_is_found(
            needles in prop::collection::btree_set("[abé]{1,6}", 1..30),
            text in "[abé ]{0,200}",
            seen in "[abé ]{0,60}",
        ) {
            let mut occurrences = Occurrences::default();
            occurrences.count(&seen);
            let grams = Grams::new(needles.iter().map(String::as_str), &occurrences);
            let mut hits = vec![];
            grams.find(&text, &mut hits);
            let mut found: Vec<_> = hits.iter().map(|hit| (hit.needle as usize, hit.end as usize)).collect();
            found.sort_unstable();
            let mut there: Vec<_> = needles.iter().enumerate().flat_map(|(n, needle)| {
                let ends = (needle.len()..=text.len()).filter(|end| text.as_bytes()[..*end].ends_with(needle.as_bytes()));
                ends.map(move |end| (n, end)).collect::<Vec<_>>()
            }).collect();
            there.sort_unstable();
            prop_assert_eq!(found, there);
        }
    }
}
