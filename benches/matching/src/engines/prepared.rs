//! A ticket prepared for native code: names as numbers, text folded.

use rustc_hash::FxHashMap;
use twite::desk::{
    Channel, Priority, Status,
    text::{self, Folder},
};

use crate::{
    condition::{Condition, Number},
    tickets::Case,
};

/// The values that rules compare.
#[derive(Debug)]
pub struct Prepared {
    pub channel: Channel,
    pub status: Status,
    pub priority: Option<Priority>,
    pub verified: bool,
    pub numbers: [i64; Number::ALL.len()],
    pub tags: Vec<u32>,
    pub language: u32,
    pub brand: u32,
    /// Folded.
    pub text: String,
}

impl Prepared {
    /// The text of the event, folded.
    pub fn text(case: &Case) -> String {
        text::fold(case.text()).into_owned()
    }
}

/// The ticket's value of a numeric field.
pub fn number(case: &Case, number: Number) -> i64 {
    let ticket = &case.ticket;
    match number {
        Number::Followers => ticket.requester.followers,
        Number::Likes => ticket.post.likes,
        Number::Replies => Some(ticket.replies),
        Number::Reopens => Some(ticket.reopens),
    }
    .unwrap_or_default()
}

/// The names used in rules, numbered.
#[derive(Debug, Default)]
pub struct Numbered(FxHashMap<String, u32>);

impl Numbered {
    /// Number of a name that no rule uses.
    const UNKNOWN: u32 = u32::MAX;

    pub fn new(conditions: &[Condition]) -> Self {
        let mut names = FxHashMap::default();
        for leaf in conditions.iter().flat_map(Condition::leaves) {
            if let Condition::HasTag(name) | Condition::LanguageIs(name) | Condition::BrandIs(name) = leaf {
                let next = names.len() as u32;
                names.entry(name.clone()).or_insert(next);
            }
        }
        Self(names)
    }

    pub fn number(&self, name: &str) -> u32 {
        self.0.get(name).copied().unwrap_or(Self::UNKNOWN)
    }

    pub fn prepare(&self, case: &Case) -> Prepared {
        let mut prepared = Prepared::default();
        self.read(case, &mut Folder::default(), &mut prepared);
        prepared
    }

    /// Prepares a ticket, reusing the memory of another.
    pub fn read(&self, case: &Case, folder: &mut Folder, prepared: &mut Prepared) {
        let ticket = &case.ticket;
        let name = |name: &Option<String>| name.as_deref().map_or(Self::UNKNOWN, |name| self.number(name));
        prepared.channel = ticket.channel;
        prepared.status = ticket.status;
        prepared.priority = ticket.priority;
        prepared.verified = ticket.requester.verified == Some(true);
        prepared.numbers = Number::ALL.map(|n| number(case, n));
        prepared.tags.clear();
        prepared.tags.extend(ticket.tags.iter().map(|tag| self.number(tag)));
        prepared.language = name(&ticket.language);
        prepared.brand = name(&ticket.brand);
        prepared.text.clear();
        prepared.text.push_str(folder.fold(case.text()));
    }
}

impl Default for Prepared {
    fn default() -> Self {
        Self {
            channel: Channel::Twitter,
            status: Status::New,
            priority: None,
            verified: false,
            numbers: [0; Number::ALL.len()],
            tags: vec![],
            language: Numbered::UNKNOWN,
            brand: Numbered::UNKNOWN,
            text: String::new(),
        }
    }
}
