//! The origin of a person or comment: an id of X or a mail address.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};

use super::{XId, normalize};

/// The id of a person or of a comment's author at the source: the user id at X, or the address they write mail from.
///
/// Written as the source writes it, in the database and in JSON: `925485174748086283` or `maya@acme.example`. Digits are
/// never an address and an address has an `@`, so the text alone tells which it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceId {
    /// A user id at X.
    X(XId),
    /// A mail address.
    Mail(MailAddress),
}

impl SourceId {
    /// The id as its source writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::X(id) => id.as_str(),
            Self::Mail(address) => address.as_str(),
        }
    }

    /// The user id at X; `None` for a person who writes mail.
    pub fn x(&self) -> Option<&XId> {
        match self {
            Self::X(id) => Some(id),
            Self::Mail(_) => None,
        }
    }
}

impl From<XId> for SourceId {
    fn from(id: XId) -> Self {
        Self::X(id)
    }
}

impl fmt::Display for SourceId {
    /// The form that is stored; [`FromStr`] parses it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X(id) => id.fmt(f),
            Self::Mail(address) => address.fmt(f),
        }
    }
}

/// The error of a text that is neither an X id nor a mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither an X id of 1 to 19 digits nor an email address")]
pub struct NotASource(pub String);

impl FromStr for SourceId {
    type Err = NotASource;

    fn from_str(text: &str) -> Result<Self, NotASource> {
        let parsed = match text.contains('@') {
            true => text.parse().map(Self::Mail).ok(),
            false => text.parse().map(Self::X).ok(),
        };
        parsed.ok_or_else(|| NotASource(text.chars().take(40).collect()))
    }
}

impl Serialize for SourceId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for SourceId {
    /// Accepts strings only: a JSON number may have lost precision.
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A mail address as an id: normalised by [`normalize::email`] and in ASCII lower case, so that one address has one form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailAddress(Box<str>);

impl MailAddress {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The error of a text that is not a mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid email address")]
pub struct NotAnAddress(pub String);

impl FromStr for MailAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let address = normalize::email(text).to_ascii_lowercase();
        match address.parse::<lettre::Address>() {
            Ok(_) => Ok(Self(address.into())),
            Err(_) => Err(NotAnAddress(text.chars().take(40).collect())),
        }
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mail:{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_text_alone_tells_the_source() {
        for (text, read) in [
            ("925485174748086283", "x:925485174748086283"),
            ("0", "x:0"),
            ("maya@acme.example", "mail:maya@acme.example"),
            (" mailto:Maya@Acme.Example ", "mail:maya@acme.example"),
            ("1@2.example", "mail:1@2.example"),
            ("größe@acme.example", "mail:größe@acme.example"),
        ] {
            assert_eq!(format!("{:?}", text.parse::<SourceId>().unwrap()), read, "{text}");
        }
        for text in ["", "maya", "@maya", "maya@", "a b@c.example", "12345678901234567890", "a@b@c", "x:1", "1\n"] {
            assert!(text.parse::<SourceId>().is_err(), "{text}");
        }
        assert!(serde_json::from_str::<SourceId>("925485174748086283").is_err());
    }

    proptest! {
        #[test]
        fn what_is_read_is_read_again_as_it_is_written(text in prop_oneof![
            "[0-9]{1,19}",
            "( |mailto:|MAILTO: ){0,2}[A-Za-z0-9.+ö\"-]{1,8}@[A-Za-z0-9.ö-]{1,8} ?",
            any::<String>(),
        ]) {
            let Ok(id) = text.parse::<SourceId>() else { return Ok(()) };
            prop_assert_eq!(id.to_string().parse(), Ok(id.clone()));
            prop_assert_eq!(&serde_json::from_str::<SourceId>(&serde_json::to_string(&id).unwrap()).unwrap(), &id);
        }
    }
}
