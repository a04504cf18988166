//! The originator of a comment, event or effect.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The originator of a comment, event or effect.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The agent with this name.
    Agent(String),
    /// The rule with this title.
    Rule(String),
    /// The author of a message on X or by mail: the requester, or a person who uses the connected account outside
    /// Twite.
    #[default]
    Person,
    /// Twite itself.
    System,
    /// The user who runs commands on the machine without naming an agent.
    Owner,
}

impl fmt::Display for Actor {
    /// The form that the database stores; [`FromStr`] parses it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(name) => write!(f, "agent:{name}"),
            Self::Rule(title) => write!(f, "rule:{title}"),
            Self::Person => f.write_str("person"),
            Self::System => f.write_str("system"),
            Self::Owner => f.write_str("owner"),
        }
    }
}

impl FromStr for Actor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("agent", name)) => Ok(Self::Agent(name.to_owned())),
            Some(("rule", title)) => Ok(Self::Rule(title.to_owned())),
            None if text == "person" => Ok(Self::Person),
            None if text == "system" => Ok(Self::System),
            None if text == "owner" => Ok(Self::Owner),
            _ => Err(format!("`{text}` is nobody who could do something")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Actor;

    #[test]
    fn actors_are_read_as_they_are_written() {
        let named = ["Maya", "", "a:b", "person"];
        let actors = named.iter().flat_map(|name| [Actor::Agent((*name).into()), Actor::Rule((*name).into())]);
        for actor in actors.chain([Actor::Person, Actor::System, Actor::Owner]) {
            assert_eq!(actor.to_string().parse(), Ok(actor));
        }
        for text in ["", "agent", "Person", "robot:x"] {
            assert!(text.parse::<Actor>().is_err(), "{text}");
        }
    }
}
