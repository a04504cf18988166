//! Somebody who writes to the desk.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{VerifiedType, XId};

/// A person as last seen. Keyed by X's id: handles change hands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Person {
    /// X's id; `None` for people who came by another channel.
    pub id: Option<XId>,
    /// The handle, without `@`.
    pub handle: Option<String>,
    /// The name shown.
    pub name: Option<String>,
    /// An email address, where the person gave one.
    pub email: Option<String>,
    /// Language tag of the profile.
    pub language: Option<String>,
    /// Free text of the profile.
    pub location: Option<String>,
    /// When the profile was made.
    pub joined: Option<Timestamp>,
    /// People who follow this person; `None` is unknown.
    pub followers: Option<i64>,
    /// People this person follows.
    pub following: Option<i64>,
    /// Posts this person wrote.
    pub tweets: Option<i64>,
    /// Lists this person is on.
    pub listed: Option<i64>,
    /// Whether X shows a verification mark.
    pub verified: Option<bool>,
    /// Which mark.
    pub verified_type: Option<VerifiedType>,
}

impl Person {
    /// Takes over whatever the newer sighting knows, and keeps what it does not.
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

    /// What to call the person: the name, else the handle, else "someone".
    pub fn label(&self) -> &str {
        self.name.as_deref().or(self.handle.as_deref()).unwrap_or("someone")
    }
}
