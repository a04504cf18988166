//! Samples: a stable share of all tickets.

use sha2::{Digest, Sha256};

use super::TicketId;

/// A prime: 2³¹ - 1. Products of two remainders fit into 64 bits, in SQL too.
const PRIME: i64 = 0x7fff_ffff;

/// `in sample "survey" of 10 percent`: a share of the tickets, the same ones for ever.
///
/// Numbers of tickets are shuffled by a permutation modulo the prime 2³¹ − 1 that the name chooses, x ↦ (a·x + b)⁵: 5 has no
/// divisor in common with `PRIME - 1`. A ticket is in the sample if its result is below the share. So a larger sample of
/// the same name contains the smaller one, and samples of other names are independent of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Its name.
    pub name: String,
    /// How many of a hundred tickets are in it, 1 to 99.
    pub percent: u8,
    factor: i64,
    summand: i64,
}

impl Sample {
    /// The sample of this name and share in percent.
    pub fn new(name: impl Into<String>, percent: u8) -> Self {
        let name = name.into();
        let hash = Sha256::digest(name.as_bytes());
        let number = |from: usize| {
            let bytes = hash.iter().skip(from).take(8);
            bytes.fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
        };
        // Below `PRIME`, so it fits.
        let below = |number: u64, most: i64| (number % most.unsigned_abs()) as i64;
        let (factor, summand) = (1 + below(number(0), PRIME - 1), below(number(8), PRIME));
        Self { name, percent, factor, summand }
    }

    /// Whether a ticket is in the sample. A ticket that has no number yet is in none.
    pub fn has(&self, TicketId(id): TicketId) -> bool {
        let x = (id % PRIME * self.factor + self.summand) % PRIME;
        let square = x * x % PRIME;
        id > 0 && square * square % PRIME * x % PRIME < self.limit()
    }

    /// [`Self::has`] as an SQL expression over the column with the ticket's number: 1 or 0.
    pub fn sql(&self, id: &str) -> String {
        let x = format!("(({id} % {PRIME} * {} + {}) % {PRIME})", self.factor, self.summand);
        let square = format!("({x} * {x} % {PRIME})");
        let fifth = format!("{square} * {square} % {PRIME} * {x} % {PRIME}");
        format!("CASE WHEN {id} > 0 AND {fifth} < {} THEN 1 ELSE 0 END", self.limit())
    }

    fn limit(&self) -> i64 {
        PRIME * i64::from(self.percent) / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(samples: &[&Sample], ids: std::ops::RangeInclusive<i64>) -> usize {
        ids.filter(|id| samples.iter().all(|sample| sample.has(TicketId(*id)))).count()
    }

    #[test]
    fn a_sample_is_as_large_as_it_says() {
        for name in ["survey", "trial", "", "Umfrage №1", "x"] {
            for percent in [1, 10, 50, 99] {
                let sample = Sample::new(name, percent);
                let (expected, found) = (1_000 * usize::from(percent), count(&[&sample], 1..=100_000));
                // Four standard deviations of a fair draw.
                assert!(found.abs_diff(expected) < 4 * 160, "{name} {percent}: {found}");
            }
        }
    }

    #[test]
    fn each_thousand_tickets_is_a_fair_draw() {
        let sample = Sample::new("survey", 10);
        let draws: Vec<_> = (0..1_000).map(|n| count(&[&sample], 1_000 * n + 1..=1_000 * (n + 1)) as f64).collect();
        let mean = draws.iter().sum::<f64>() / 1_000.0;
        let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / 1_000.0;
        let range = draws.iter().copied().fold((f64::MAX, f64::MIN), |(least, most), d| (least.min(d), most.max(d)));
        // A fair draw has a mean of 100 and a variance of 90.
        assert!((99.0..101.0).contains(&mean) && (60.0..120.0).contains(&variance), "{mean} {variance} {range:?}");
        assert!(range.0 > 55.0 && range.1 < 150.0, "{range:?}");
    }

    #[test]
    fn a_larger_sample_contains_a_smaller_and_other_names_are_independent() {
        let (ten, twenty, other) = (Sample::new("a", 10), Sample::new("a", 20), Sample::new("b", 10));
        assert_eq!(count(&[&ten, &twenty], 1..=10_000), count(&[&ten], 1..=10_000));
        let both = count(&[&ten, &other], 1..=100_000);
        assert!((880..1_120).contains(&both), "{both}");
    }

    #[test]
    fn a_ticket_without_a_number_is_in_none() {
        let most = Sample::new("survey", 99);
        assert!(!most.has(TicketId(0)) && !most.has(TicketId(-5)) && !most.has(TicketId(i64::MIN)));
        // The largest number does not overflow.
        let _ = most.has(TicketId(i64::MAX));
    }
}
