//! Conditions in a neutral form; every engine is given the same trees.

use twite::desk::{Channel, Priority, Status};

/// A rule's condition.
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
    /// The needle is already folded, like the text.
    Contains(String),
    LanguageIs(String),
    BrandIs(String),
}

/// Numeric fields that conditions compare. Every ticket has all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    Followers,
    Likes,
    Replies,
    Reopens,
}

impl Number {
    pub const ALL: [Self; 4] = [Self::Followers, Self::Likes, Self::Replies, Self::Reopens];

    /// The field's name in the engines.
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
    /// All predicates of the condition.
    pub fn leaves(&self) -> Vec<&Self> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::leaves).collect(),
            Self::Not(inner) => inner.leaves(),
            leaf => vec![leaf],
        }
    }

    /// The same condition with cheap predicates first: how an expert would order it for an engine that evaluates from
    /// left to right.
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

/// The distinct needles of these conditions, in order of first use.
pub fn needles(conditions: &[Condition]) -> Vec<&str> {
    distinct(conditions, |leaf| match leaf {
        Condition::Contains(needle) => Some(needle),
        _ => None,
    })
}

/// The distinct tags of these conditions, in order of first use.
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
