//! A person who writes to the desk.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CustomValue, Rating, SourceId, VerifiedType, XId};

/// A person: the latest known profile, and what the desk itself keeps about the person. Keyed by the id at the source,
/// as handles can change owner.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Person {
    /// The id at the source that the person writes from; `None` if unknown.
    pub id: Option<SourceId>,
    /// The handle, without `@`.
    pub handle: Option<String>,
    /// The display name.
    pub name: Option<String>,
    /// The email address, if known.
    pub email: Option<String>,
    /// Language tag of the profile.
    pub language: Option<String>,
    /// Location of the profile, free text.
    pub location: Option<String>,
    /// When the X account was created.
    pub joined: Option<Timestamp>,
    /// Number of followers; `None` if unknown.
    pub followers: Option<i64>,
    /// Number of accounts this person follows.
    pub following: Option<i64>,
    /// Number of posts.
    pub tweets: Option<i64>,
    /// Number of lists this person is on.
    pub listed: Option<i64>,
    /// Whether X shows a verification mark.
    pub verified: Option<bool>,
    /// The kind of the verification mark.
    pub verified_type: Option<VerifiedType>,
    /// The desk's tags for this person, folded.
    pub tags: BTreeSet<String>,
    /// The organisation that the person belongs to.
    pub organisation: Option<String>,
    /// What agents should know about the person.
    pub note: Option<String>,
    /// Values of declared fields, by name.
    pub custom: BTreeMap<String, CustomValue>,
    /// Number of tickets that the person ever opened, without those merged into others.
    pub tickets: i64,
    /// Number of these that are not solved.
    pub unsolved_tickets: i64,
    /// When the person's third-last ticket was opened, without those merged into others.
    pub third_last_ticket: Option<Timestamp>,
    /// When the fifth-last was.
    pub fifth_last_ticket: Option<Timestamp>,
    /// When the tenth-last was.
    pub tenth_last_ticket: Option<Timestamp>,
    /// The person's last rating on any ticket.
    pub satisfaction: Option<Rating>,
    /// When that was.
    pub satisfaction_rated: Option<Timestamp>,
}

impl Person {
    /// Overwrites each field of the profile that `newer` knows, and keeps the others and what the desk set.
    pub fn update(&mut self, newer: &Self) {
        fn take<T: Clone>(old: &mut Option<T>, new: &Option<T>) {
            if new.is_some() {
                old.clone_from(new);
            }
        }
        take(&mut self.id, &newer.id);
        take(&mut self.handle, &newer.handle);
        take(&mut self.name, &newer.name);
        take(&mut self.email, &newer.email);
        take(&mut self.language, &newer.language);
        take(&mut self.location, &newer.location);
        take(&mut self.joined, &newer.joined);
        take(&mut self.followers, &newer.followers);
        take(&mut self.following, &newer.following);
        take(&mut self.tweets, &newer.tweets);
        take(&mut self.listed, &newer.listed);
        take(&mut self.verified, &newer.verified);
        take(&mut self.verified_type, &newer.verified_type);
    }

    /// How many of the person's last tickets [`Self::set_latest_tickets`] needs.
    pub const LATEST_TICKETS: u32 = 10;

    /// Sets when the third-, fifth- and tenth-last ticket was opened. `opened` are the times at which the last were, the
    /// latest first.
    pub fn set_latest_tickets(&mut self, opened: &[Timestamp]) {
        let nth_last = |n: usize| opened.get(n - 1).copied();
        self.third_last_ticket = nth_last(3);
        self.fifth_last_ticket = nth_last(5);
        self.tenth_last_ticket = nth_last(10);
    }

    /// When the third-, fifth- and tenth-last ticket was opened, each with how many tickets that takes.
    pub fn latest_tickets(&self) -> [(Option<Timestamp>, i64); 3] {
        [(self.third_last_ticket, 3), (self.fifth_last_ticket, 5), (self.tenth_last_ticket, 10)]
    }

    /// Takes over what follows from the person's other tickets: how many there are, and when the last were opened.
    pub fn take_counts(&mut self, other: &Self) {
        self.tickets = other.tickets;
        self.unsolved_tickets = other.unsolved_tickets;
        self.third_last_ticket = other.third_last_ticket;
        self.fifth_last_ticket = other.fifth_last_ticket;
        self.tenth_last_ticket = other.tenth_last_ticket;
    }

    /// Counts a change of one of the person's tickets between unsolved and solved.
    pub fn count_unsolved(&mut self, was: bool, is: bool) {
        self.unsolved_tickets = match (was, is) {
            (false, true) => self.unsolved_tickets.saturating_add(1),
            // A ticket in a file need not be counted.
            (true, false) if self.unsolved_tickets > 0 => self.unsolved_tickets - 1,
            _ => self.unsolved_tickets,
        };
    }

    /// Takes over what rules and agents set about a person, which is no part of the profile. Returns whether it differs.
    pub fn take_kept(&mut self, other: &Self) -> bool {
        let Self { tags, organisation, note, custom, .. } = other;
        let differs = (&self.tags, &self.organisation, &self.note, &self.custom) != (tags, organisation, note, custom);
        if differs {
            self.tags.clone_from(tags);
            self.organisation.clone_from(organisation);
            self.note.clone_from(note);
            self.custom.clone_from(custom);
        }
        differs
    }

    /// The user id at X; `None` for a person who writes mail, or if unknown.
    pub fn x_id(&self) -> Option<&XId> {
        self.id.as_ref()?.x()
    }

    /// Display label: the name, else the handle, else "someone".
    pub fn label(&self) -> &str {
        self.name.as_deref().or(self.handle.as_deref()).unwrap_or("someone")
    }
}
