//! Ids: X's, kept as text throughout, and ticket numbers.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An id from X: a decimal number of up to 19 digits, kept as text because JSON numbers are exact only up to 2^53.
///
/// Ordered numerically: by length, then by digits. For posts that is the order of creation.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct XId(Box<str>);

/// Epoch of the timestamps in X's ids, in milliseconds since 1970.
const X_EPOCH: i64 = 1_288_834_974_657;

impl XId {
    /// The id as X writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When a post or message with this id was created, in milliseconds since 1970: X's ids since late 2010 hold the
    /// time in their upper bits. `None` for ids too small to hold a time (early users, hand-made test data).
    pub fn made_at_millis(&self) -> Option<i64> {
        let number: u64 = self.0.parse().ok()?;
        let since = i64::try_from(number >> 22).ok()?;
        (since > 0).then_some(X_EPOCH + since)
    }

    /// The lowest id that X could assign at a time. `None` before late 2010.
    pub fn made_at(at: jiff::Timestamp) -> Option<Self> {
        let since = u64::try_from(at.as_millisecond() - X_EPOCH).ok().filter(|since| *since > 0)?;
        let id = since.checked_mul(1 << 22)?;
        id.to_string().parse().ok()
    }

    /// The id minus one; `None` for zero.
    pub fn before(&self) -> Option<Self> {
        self.0.parse::<u64>().ok()?.checked_sub(1)?.to_string().parse().ok()
    }
}

/// The error of a text that is not an X id: empty, longer than 19 digits, or with other characters than digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an X id: expected 1 to 19 digits")]
pub struct NotAnId(pub String);

impl FromStr for XId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let digits = !text.is_empty() && text.len() <= 19 && text.bytes().all(|b| b.is_ascii_digit());
        if digits { Ok(Self(text.into())) } else { Err(NotAnId(text.chars().take(40).collect())) }
    }
}

impl TryFrom<String> for XId {
    type Error = NotAnId;

    fn try_from(text: String) -> Result<Self, NotAnId> {
        text.parse()
    }
}

impl<'de> Deserialize<'de> for XId {
    /// Accepts strings only: a JSON number may have lost precision.
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl PartialOrd for XId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for XId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl fmt::Display for XId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for XId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "x:{}", self.0)
    }
}

/// A ticket's number on this desk, counting from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TicketId(pub i64);

impl fmt::Display for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ordered_as_numbers() {
        let (short, long): (XId, XId) = ("999".parse().unwrap(), "1000".parse().unwrap());
        assert!(short < long);
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "12a", "8.41E+17", "-1", "12345678901234567890"] {
            assert!(text.parse::<XId>().is_err(), "{text}");
        }
        assert!(serde_json::from_str::<XId>("925485174748086283").is_err());
    }

    #[test]
    fn a_post_id_tells_its_time() {
        let id: XId = "925485174748086283".parse().unwrap();
        // 2017-10-31T22:10:35Z, as the same post's `created_at` says.
        assert_eq!(id.made_at_millis().unwrap() / 1000, 1_509_487_835);
    }
}
