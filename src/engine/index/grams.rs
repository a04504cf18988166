//! Searches a text for many needles by 4-grams.
//!
//! Each needle is stored in a hash table under its rarest 4-byte gram. For each position of a text, the gram there is
//! hashed; most buckets are empty, and the needles of a non-empty bucket are compared with the text. Unlike in an
//! automaton, positions are independent of each other. Needles shorter than four bytes are in a second table, keyed by
//! two bytes.

use rustc_hash::FxHashMap;

/// Bytes of a gram.
const GRAM_BYTES: usize = 4;
/// The size of each hash table, a constant so that the hash is one shift.
const TABLE_BITS: u32 = 15;
const TABLE_SIZE: usize = 1 << TABLE_BITS;

/// A search for a set of needles.
#[derive(Debug, Default)]
pub(super) struct Grams {
    long: Table<{ u32::MAX }>,
    /// Needles shorter than a gram, keyed by two bytes.
    short: Table<0xffff>,
    /// The concatenated needles.
    texts: Vec<u8>,
}

/// A hash table of needles, keyed by the bytes of a gram that `MASK` keeps.
#[derive(Debug, Default)]
struct Table<const MASK: u32> {
    /// The bucket of each hash, from 1; 0 is empty. `None` if there are no needles.
    buckets: Option<Box<[u16; TABLE_SIZE]>>,
    /// The index of the first entry of each bucket; bucket 0 is unused.
    starts: Vec<u32>,
    entries: Vec<Entry>,
}

/// A needle with the gram that is its key.
#[derive(Debug, Clone, Copy)]
struct Entry {
    gram: u32,
    needle: u32,
    /// The offset of the gram in the needle.
    offset: u32,
    /// The start and length of the needle in [`Grams::texts`].
    text: u32,
    length: u32,
}

/// An occurrence of a needle, with its end in the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) needle: u32,
    pub(super) end: u32,
}

/// Counts of grams in sample texts.
#[derive(Debug, Default)]
pub(super) struct Occurrences(FxHashMap<u32, u32>);

impl Occurrences {
    /// Counts the grams of a folded text.
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
    bytes.windows(GRAM_BYTES).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]]))
}

/// The gram at a position, padded with zeros at the end of the text. Needles contain no zero there.
fn gram_at(bytes: &[u8], at: usize) -> u32 {
    let byte = |n: usize| bytes.get(at + n).copied().unwrap_or(0);
    u32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)])
}

impl Grams {
    /// Stores each needle under its rarest gram.
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
                // Any byte may follow a one-byte needle, so it is stored under every second byte.
                (None, [one]) => short.extend((0..=255).map(|next| entry(u32::from_le_bytes([*one, next, 0, 0]), 0))),
                (None, [one, two, ..]) => short.push(entry(u32::from_le_bytes([*one, *two, 0, 0]), 0)),
                // An empty needle is not searched for.
                (None, []) => {}
            }
        }
        Self { long: Table::new(long), short: Table::new(short), texts }
    }

    /// Appends every occurrence of every needle in a folded text.
    pub(super) fn find(&self, text: &str, hits: &mut Vec<Hit>) {
        self.long.find(text.as_bytes(), &self.texts, hits);
        self.short.find(text.as_bytes(), &self.texts, hits);
    }
}

/// The hash of a gram.
#[inline]
fn hash(gram: u32) -> usize {
    // Fibonacci hashing: the upper bits of the product depend on all bits of the gram.
    (gram.wrapping_mul(0x9e37_79b1) >> (u32::BITS - TABLE_BITS)) as usize
}

impl<const MASK: u32> Table<MASK> {
    fn new(mut entries: Vec<Entry>) -> Self {
        let Ok(mut buckets) = <Box<[u16; TABLE_SIZE]>>::try_from(vec![0; TABLE_SIZE]) else { return Self::default() };
        if entries.is_empty() {
            return Self::default();
        }
        entries.sort_by_key(|entry| (hash(entry.gram), entry.gram, entry.needle));
        let mut starts = vec![0];
        for (at, entry) in (0..).zip(&entries) {
            let bucket = &mut buckets[hash(entry.gram)];
            if *bucket == 0 {
                // There are at most TABLE_SIZE buckets, fewer than u16::MAX.
                *bucket = starts.len() as u16;
                starts.push(at);
            }
        }
        starts.push(entries.len() as u32);
        Self { buckets: Some(buckets), starts, entries }
    }

    fn find(&self, bytes: &[u8], texts: &[u8], hits: &mut Vec<Hit>) {
        /// The number of positions hashed at once.
        const POSITIONS: usize = 64;
        let Some(buckets) = &self.buckets else { return };
        let mut from = 0;
        while let Some(window) = bytes.get(from..from + POSITIONS + GRAM_BYTES - 1) {
            let mut found = [0; POSITIONS];
            for (found, gram) in found.iter_mut().zip(grams(window)) {
                *found = buckets[hash(gram & MASK)];
            }
            // Most buckets are empty, so four are tested at once.
            for (four, found) in (from..).step_by(4).zip(found.chunks_exact(4)) {
                if found != [0; 4] {
                    for (at, bucket) in (four..).zip(found) {
                        if *bucket != 0 {
                            self.compare(*bucket, at, bytes, texts, hits);
                        }
                    }
                }
            }
            from += POSITIONS;
        }
        for at in from..bytes.len() {
            let bucket = buckets[hash(gram_at(bytes, at) & MASK)];
            if bucket != 0 {
                self.compare(bucket, at, bytes, texts, hits);
            }
        }
    }

    /// Compares the needles of a bucket with the text at a position.
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
        fn finds_every_occurrence(
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
