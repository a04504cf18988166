//! Volumes: whether many tickets came within a short time, as far as an event tells.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Cause, Event, text::counted};

/// What an event knows of a volume that lasts, or for which it counts its ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeAt {
    /// The volume's title.
    pub volume: String,
    /// Since when it lasts; `None` if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Whether it starts with this event.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub starts: bool,
    /// When the event counts its ticket; `None` if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Timestamp>,
    /// How many tickets there are within its time, the event's included; not asked if it lasted before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tickets: Option<u32>,
    /// With how many it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u32>,
}

impl VolumeAt {
    /// That a volume lasts, since a time.
    pub fn lasting(volume: String, since: Timestamp) -> Self {
        Self { volume, since: Some(since), starts: false, counted: None, tickets: None, of: None }
    }
}

/// `volume "Outage" starts`, `lasts` or `ends`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeAsked {
    /// The volume's title.
    pub volume: String,
    /// What is asked of it.
    pub state: VolumeState,
}

/// What a condition asks of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VolumeState {
    /// The event is the one with which it starts.
    Starts,
    /// It has started, at the latest with this event, and has not ended.
    Lasts,
    /// The event is that it ends.
    Ends,
}

impl VolumeState {
    /// All, in the order in which they follow each other.
    pub const ALL: [Self; 3] = [Self::Starts, Self::Lasts, Self::Ends];

    /// As written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starts => "starts",
            Self::Lasts => "lasts",
            Self::Ends => "ends",
        }
    }
}

impl fmt::Display for VolumeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl VolumeAsked {
    /// Whether it is so, by what the event tells.
    pub fn holds(&self, event: &Event) -> bool {
        match self.state {
            VolumeState::Starts => self.at(event).is_some_and(|at| at.starts),
            VolumeState::Lasts => self.at(event).is_some_and(|at| at.since.is_some()),
            VolumeState::Ends => matches!(&event.cause, Some(Cause::VolumeEnds(volume)) if *volume == self.volume),
        }
    }

    /// What the event tells of the volume, in words: `12 of 20 tickets`.
    pub fn found(&self, event: &Event) -> Option<String> {
        match (self.state, self.at(event)) {
            (VolumeState::Ends, _) => None,
            (_, Some(VolumeAt { tickets: Some(tickets), of: Some(of), .. })) => {
                Some(format!("{tickets} of {}", counted(u64::from(*of), "ticket")))
            }
            (_, Some(VolumeAt { since: Some(since), .. })) => Some(format!("it lasts since {since:.0}")),
            (VolumeState::Starts, _) => Some("this event does not count".to_owned()),
            (VolumeState::Lasts, _) => None,
        }
    }

    fn at<'e>(&self, event: &'e Event) -> Option<&'e VolumeAt> {
        event.volumes.iter().find(|at| at.volume == self.volume)
    }
}
