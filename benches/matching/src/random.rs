//! A random generator with the same results on every machine: integers, and only those floating-point operations that
//! every machine rounds alike.

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

    /// Uniform, below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of them, uniformly.
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

    /// Approximately normal, mean 0 and standard deviation 1: the sum of twelve uniform values.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// Log-normal: `median` × 2^(`deviation` × a normal value).
    pub fn log_normal(&mut self, median: f64, deviation: f64) -> i64 {
        (median * power_of_two(deviation * self.normal())) as i64
    }
}

/// 2^`x`, linear between whole exponents: `exp2` of different mathematical libraries differs in its last bits.
pub fn power_of_two(x: f64) -> f64 {
    let whole = x.floor();
    let power = (0..whole.abs() as u32).fold(1.0, |power, _| power * 2.0);
    let power = if whole < 0.0 { 1.0 / power } else { power };
    power * (1.0 + (x - whole))
}

/// Zipf distribution, as of words: rank n has the weight 1 / (n + offset).
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

    /// A rank, counted from 0.
    pub fn draw(&self, random: &mut Random) -> usize {
        let at = random.unit() * self.up_to.last().copied().unwrap_or_default();
        self.up_to.partition_point(|up_to| *up_to <= at).min(self.up_to.len() - 1)
    }
}
