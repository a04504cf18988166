//! Conditions that belong to no engine: every engine is given the same trees.

use twite::desk::{Channel, Priority, Status};

/// What a rule asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    ChannelIs(Channel),
    ChannelIn(Vec<Channel>),
    StatusIs(Status),
    StatusBelow(Status),
    PriorityIs(Priority),
    Verified,
    AtLeast(Number, i64),
    Less(Number, i64),
    Equals(Number, i64),
    HasTag(String),
    /// The needle is folded, as the text is.
    Contains(String),
    LanguageIs(String),
    BrandIs(String),
}

/// The numbers that are asked about. All of them are known of every ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    Followers,
    Likes,
    Replies,
    Reopens,
}

impl Number {
    pub const ALL: [Self; 4] = [Self::Followers, Self::Likes, Self::Replies, Self::Reopens];

    /// The name engines know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Followers => "followers",
            Self::Likes => "likes",
            Self::Replies => "replies",
            Self::Reopens => "reopens",
        }
    }
}

impl Condition {
    /// Every question in it.
    pub fn leaves(&self) -> Vec<&Self> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::leaves).collect(),
            Self::Not(inner) => inner.leaves(),
            leaf => vec![leaf],
        }
    }

    /// The same, with the questions that cost least asked first: what an engine that asks in the order in which things
    /// stand would be given by somebody who knows it.
    pub fn cheapest_first(&self) -> Self {
        let sorted = |parts: &[Self]| {
            let mut parts: Vec<_> = parts.iter().map(Self::cheapest_first).collect();
            parts.sort_by_key(Self::cost);
            parts
        };
        match self {
            Self::All(parts) => Self::All(sorted(parts)),
            Self::Any(parts) => Self::Any(sorted(parts)),
            Self::Not(inner) => Self::Not(Box::new(inner.cheapest_first())),
            leaf => leaf.clone(),
        }
    }

    fn cost(&self) -> u32 {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::cost).sum(),
            Self::Not(inner) => inner.cost(),
            Self::Contains(_) => 100,
            Self::HasTag(_) => 5,
            Self::ChannelIn(_) | Self::LanguageIs(_) | Self::BrandIs(_) => 2,
            _ => 1,
        }
    }
}

/// The distinct needles of some conditions, in the order in which they first stand.
pub fn needles(conditions: &[Condition]) -> Vec<&str> {
    distinct(conditions, |leaf| match leaf {
        Condition::Contains(needle) => Some(needle),
        _ => None,
    })
}

/// The distinct tags of some conditions, in the order in which they first stand.
pub fn tags(conditions: &[Condition]) -> Vec<&str> {
    distinct(conditions, |leaf| match leaf {
        Condition::HasTag(tag) => Some(tag),
        _ => None,
    })
}

fn distinct(conditions: &[Condition], of: impl Fn(&Condition) -> Option<&str>) -> Vec<&str> {
    let mut seen = std::collections::HashSet::new();
    conditions.iter().flat_map(Condition::leaves).filter_map(of).filter(|text| seen.insert(*text)).collect()
}
