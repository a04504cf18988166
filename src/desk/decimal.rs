//! Decimal numbers, such as amounts of money.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// The number of digits after the point that are kept.
const PLACES: usize = 4;
/// The number of ten-thousandths in one.
const ONE: i64 = 10_000;

/// An exact decimal number with up to four digits after the point.
///
/// It is text in JSON, because other programs round numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal {
    /// The number in ten-thousandths.
    units: i64,
}

/// Why a text is no [`Decimal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotADecimal {
    /// It is not digits with at most one point.
    #[error("it is no number")]
    Form,
    /// It has more digits after the point than are kept.
    #[error("it has more than {PLACES} digits after the point")]
    Places,
    /// It is too large.
    #[error("it is too large")]
    Large,
}

impl Decimal {
    /// The largest one.
    pub const MAX: Self = Self { units: i64::MAX };
    /// The smallest one.
    pub const MIN: Self = Self { units: i64::MIN };

    /// From ten-thousandths.
    pub const fn from_units(units: i64) -> Self {
        Self { units }
    }

    /// In ten-thousandths.
    pub const fn units(self) -> i64 {
        self.units
    }

    /// The nearest floating-point number to a number of ten-thousandths.
    pub fn approximate(units: f64) -> f64 {
        units / ONE as f64
    }
}

impl FromStr for Decimal {
    type Err = NotADecimal;

    /// Digits, optionally with a sign before and a fraction behind: `-12.50`.
    fn from_str(text: &str) -> Result<Self, NotADecimal> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        if [whole, fraction].iter().any(|part| part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(NotADecimal::Form);
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > PLACES {
            return Err(NotADecimal::Places);
        }
        let number = |digits: &str| digits.parse::<i64>().map_err(|_| NotADecimal::Large);
        let fraction = number(&format!("{fraction:0<PLACES$}"))?;
        let units = number(whole)?.checked_mul(sign * ONE).and_then(|units| units.checked_add(sign * fraction));
        units.map(Self::from_units).ok_or(NotADecimal::Large)
    }
}

impl fmt::Display for Decimal {
    /// Without a fraction of zero, and else with at least two digits, as amounts are written: `12`, `12.50`, `0.125`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (units, one) = (self.units.unsigned_abs(), ONE.unsigned_abs());
        let sign = if self.units < 0 { "-" } else { "" };
        write!(f, "{sign}{}", units / one)?;
        match units % one {
            0 => Ok(()),
            fraction => {
                let digits = format!("{fraction:0PLACES$}");
                write!(f, ".{:0<2}", digits.trim_end_matches('0'))
            }
        }
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_was_meant() {
        for (text, units, shown) in [
            ("0", 0, "0"),
            ("-0", 0, "0"),
            ("12", 120_000, "12"),
            ("12.0", 120_000, "12"),
            ("12.5", 125_000, "12.50"),
            ("012.50", 125_000, "12.50"),
            ("-0.05", -500, "-0.05"),
            ("0.1250", 1_250, "0.125"),
            ("0.00010", 1, "0.0001"),
            ("922337203685477.5807", i64::MAX, "922337203685477.5807"),
        ] {
            let decimal: Decimal = text.parse().unwrap();
            assert_eq!((decimal.units(), decimal.to_string().as_str()), (units, shown), "{text}");
            assert_eq!(shown.parse(), Ok(decimal), "{shown}");
        }
    }

    #[test]
    fn what_is_none_says_why() {
        for text in ["", "-", ".", "1.", ".5", "1e3", "+1", "1,5", "1.5.2", " 1", "--1", "1_000", "१"] {
            assert_eq!(text.parse::<Decimal>(), Err(NotADecimal::Form), "{text}");
        }
        assert_eq!("0.00001".parse::<Decimal>(), Err(NotADecimal::Places));
        for text in ["922337203685477.5808", "1000000000000000", "99999999999999999999"] {
            assert_eq!(text.parse::<Decimal>(), Err(NotADecimal::Large), "{text}");
        }
    }
}
