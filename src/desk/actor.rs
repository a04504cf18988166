//! Who did something.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Who did something: every comment, event and effect says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The agent of this name.
    Agent(String),
    /// The rule of this title.
    Rule(String),
    /// Whoever wrote the message, at X or by mail: the requester, or somebody who uses the account elsewhere.
    #[default]
    Person,
    /// Twite itself.
    System,
    /// Whoever runs commands on the machine, where they do not say as which agent.
    Owner,
}

impl fmt::Display for Actor {
    /// As it is stored.
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
