//! A connected X account, as declared in `twite.toml`.

use serde::{Deserialize, Serialize};

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
    pub capture_from: Option<jiff::civil::Date>,
    /// The most weighted characters one post of this account may hold (X counts; 280 unless the account pays for more).
    #[serde(default = "post_length")]
    pub post_length: usize,
}

fn some_day<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<jiff::civil::Date>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let wrong = |text: &str, why| serde::de::Error::custom(format!("`{}` is no day: {why}", headline(text, 40)));
    text.map(|text| day(&text).map_err(|why| wrong(&text, why))).transpose()
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
