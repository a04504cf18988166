//! Chance that falls the same way everywhere: whole numbers, and only such operations on floating-point ones as every
//! machine rounds alike.

/// SplitMix64.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`, evenly.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    /// From 0 to 1, without 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Yes, with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of them, evenly.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// One of them, by weight.
    pub fn weighted<T: Copy>(&mut self, from: &[(T, u32)]) -> T {
        let total: u32 = from.iter().map(|(_, weight)| weight).sum();
        let mut at = self.below(total as usize) as u32;
        for (item, weight) in from {
            match at.checked_sub(*weight) {
                None => return *item,
                Some(rest) => at = rest,
            }
        }
        unreachable!("it lies below the total")
    }

    /// Around 0, with a deviation of 1: the sum of twelve even ones is close enough to the bell.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// Log-normal: `median` times 2 to the power of `deviation` times a normal one.
    pub fn log_normal(&mut self, median: f64, deviation: f64) -> i64 {
        (median * power_of_two(deviation * self.normal())) as i64
    }
}

/// Two to the power of `x`, with straight lines between whole powers: no two mathematical libraries agree on more.
pub fn power_of_two(x: f64) -> f64 {
    let whole = x.floor();
    let power = (0..whole.abs() as u32).fold(1.0, |power, _| power * 2.0);
    let power = if whole < 0.0 { 1.0 / power } else { power };
    power * (1.0 + (x - whole))
}

/// Ranks drawn as words are: the n-th with a weight of 1 / (n + offset).
#[derive(Debug)]
pub struct Zipf {
    up_to: Vec<f64>,
}

impl Zipf {
    pub fn new(ranks: usize, offset: f64) -> Self {
        let mut total = 0.0;
        let weights = (1..=ranks).map(|rank| {
            total += 1.0 / (rank as f64 + offset);
            total
        });
        Self { up_to: weights.collect() }
    }

    /// A rank, from 0.
    pub fn draw(&self, random: &mut Random) -> usize {
        let at = random.unit() * self.up_to.last().copied().unwrap_or_default();
        self.up_to.partition_point(|up_to| *up_to <= at).min(self.up_to.len() - 1)
    }
}
