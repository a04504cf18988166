//! A connected X account, as declared in `twite.toml`.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize, de::Visitor};

use super::{moment::day, text::headline};

/// What an account captures and whether it answers. The handle is its name in rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The handle, without `@`.
    pub handle: String,
    /// Every public post that contains the handle becomes a ticket.
    #[serde(default = "yes")]
    pub capture_mentions: bool,
    /// Every incoming direct message becomes a ticket.
    #[serde(default = "yes")]
    pub capture_direct_messages: bool,
    /// Liking a post turns it into a ticket.
    #[serde(default)]
    pub track_likes: bool,
    /// Replies may be sent from this account.
    #[serde(default = "yes")]
    pub allow_replies: bool,
    /// Answers for accounts that do not allow replies. At most one account, and only where it allows replies.
    #[serde(default)]
    pub default: bool,
    /// The brand its tickets belong to, as declared.
    #[serde(default)]
    pub brand: Option<String>,
    /// Posts made before this day are context and open no ticket. Without it: the moment the account is connected.
    #[serde(default, deserialize_with = "some_day")]
    pub capture_from: Option<Date>,
    /// The most weighted characters one post of this account may hold (X counts; 280 unless the account pays for more).
    #[serde(default = "post_length")]
    pub post_length: usize,
}

/// A day, or none; what is wrong with it is said in words.
fn some_day<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    struct Day;

    impl<'de> Visitor<'de> for Day {
        type Value = Option<Date>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a date string")
        }

        fn visit_none<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_str(self)
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            let wrong = |why| E::custom(format_args!("`{}` is no day: {why}", headline(text, 40)));
            day(text).map(Some).map_err(wrong)
        }
    }

    deserializer.deserialize_option(Day)
}

const fn yes() -> bool {
    true
}

const fn post_length() -> usize {
    280
}

impl Account {
    /// An account with every default.
    pub fn new(handle: impl Into<String>) -> Self {
        Self {
            handle: handle.into(),
            capture_mentions: true,
            capture_direct_messages: true,
            track_likes: false,
            allow_replies: true,
            default: false,
            brand: None,
            capture_from: None,
            post_length: post_length(),
        }
    }
}
