//! A connected X account: what becomes a ticket, and whether and how the account replies.

use std::{collections::BTreeMap, fmt};

use jiff::civil::Date;
use serde::{Deserialize, Serialize, de::Visitor};

use super::{Channel, Effect, Ticket, declarations::Edition, moment::day, text::headline, words::words};

/// Default maximum length of a post, in weighted characters.
const DEFAULT_POST_LENGTH: usize = 280;

words! {
    /// How an account's messages come from X.
    Receives, ordered: false {
        /// Its lists are polled.
        Poll = "poll",
        /// X sends them on the activity stream. The lists are polled less often, and as usual while the stream is down.
        Stream = "stream",
        /// X calls a webhook, and the same.
        Webhook = "webhook",
    }
}

words! {
    /// What happens to further messages of a ticket that has 5,000 comments.
    WhenFull, ordered: false {
        /// They are not imported, which the ticket shows.
        Stop = "stop",
        /// The requester's next message opens a follow-up.
        FollowUp = "follow_up",
    }
}

/// The settings of an account, as in `twite.toml`. Rules refer to it by its handle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    /// The handle, without `@`.
    pub handle: String,
    /// Every public post that contains the handle becomes a ticket.
    pub capture_mentions: bool,
    /// Every incoming direct message becomes a ticket.
    pub capture_direct_messages: bool,
    /// Every post that the account likes becomes a ticket.
    pub track_likes: bool,
    /// Replies may be sent from this account.
    pub allow_replies: bool,
    /// Rules and agents may like posts, hide answers, and mute and block people from this account.
    pub allow_actions: bool,
    /// Sends the public replies of accounts that do not allow replies. At most one account; it must allow replies
    /// itself.
    pub default: bool,
    /// The declared brand of its tickets.
    pub brand: Option<String>,
    /// Posts before this day are stored as context and open no ticket. If `None`, the time at which the account was
    /// connected.
    #[serde(deserialize_with = "some_day")]
    pub capture_from: Option<Date>,
    /// How its messages come from X.
    pub transport: Receives,
    /// What happens to further messages of a ticket that has as many comments as a ticket may have.
    pub when_full: WhenFull,
    /// Maximum length of a post of this account, in weighted characters.
    pub post_length: usize,
    /// The keys that `twite.toml` sets for this account, each with its line number, from 1. All others have their
    /// defaults.
    #[serde(skip)]
    pub written: BTreeMap<String, usize>,
}

/// Deserialises an optional date, with an error message that says why the date is invalid.
fn some_day<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    struct Day;

    impl<'de> Visitor<'de> for Day {
        type Value = Option<Date>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a date string")
        }

        fn visit_none<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_str(self)
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            let wrong = |why| E::custom(format_args!("`{}` is not a valid date: {why}", headline(text, 40)));
            day(text).map(Some).map_err(wrong)
        }
    }

    deserializer.deserialize_option(Day)
}

impl Default for Account {
    fn default() -> Self {
        Self::new("")
    }
}

impl Account {
    /// Whether direct messages are sent from it to who wrote in public: they are answered by direct messages, which it has
    /// to import.
    pub const fn allow_messages(&self) -> bool {
        self.allow_replies && self.capture_direct_messages
    }

    /// An account that `twite.toml` does not declare, with default settings, as far as the edition has them.
    pub fn undeclared(handle: impl Into<String>, edition: Edition) -> Self {
        Self { capture_direct_messages: edition == Edition::Suite, ..Self::new(handle) }
    }

    /// An account with default settings.
    pub fn new(handle: impl Into<String>) -> Self {
        Self {
            handle: handle.into(),
            capture_mentions: true,
            capture_direct_messages: true,
            track_likes: false,
            allow_replies: true,
            allow_actions: false,
            default: false,
            brand: None,
            capture_from: None,
            transport: Receives::Poll,
            when_full: WhenFull::Stop,
            post_length: DEFAULT_POST_LENGTH,
            written: BTreeMap::new(),
        }
    }
}

/// The accounts of a desk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Accounts(pub Vec<Account>);

impl Accounts {
    /// All accounts, in order of declaration.
    pub fn iter(&self) -> std::slice::Iter<'_, Account> {
        self.0.iter()
    }

    /// The account with this handle, compared ASCII case-insensitively, as X does.
    pub fn get(&self, handle: &str) -> Option<&Account> {
        self.iter().find(|account| account.handle.eq_ignore_ascii_case(handle))
    }

    /// The account from which a reply on a ticket is sent: the one that is `named`; by default the one that was
    /// addressed, if it allows replies, else the default account. A direct message is answered only from the account
    /// that received it.
    ///
    /// # Errors
    /// Why there is none, in words that name the account.
    pub fn replying(&self, ticket: &Ticket, named: Option<&str>) -> Result<&Account, String> {
        let addressed = ticket.account.as_deref().unwrap_or_default();
        let is_addressed = |account: &Account| account.handle.eq_ignore_ascii_case(addressed);
        let is_direct = ticket.channel == Channel::TwitterDm;
        let why = match self.get(named.unwrap_or(addressed)) {
            Some(account) if is_direct && !is_addressed(account) => {
                return Err(format!("a direct message is answered from the account that received it, @{addressed}"));
            }
            Some(account) if account.allow_replies => return Ok(account),
            Some(account) => format!("@{} has `allow_replies = false`", account.handle),
            None => format!("@{} is not declared in twite.toml", named.unwrap_or(addressed)),
        };
        if named.is_some() || is_direct {
            return Err(why);
        }
        let default = self.iter().find(|account| account.default && account.allow_replies);
        default.ok_or_else(|| format!("{why}, and no account that allows replies is the default"))
    }

    /// The account from which a ticket's requester is sent a direct message: the one that was addressed.
    ///
    /// # Errors
    /// Why there is none, in words that name the account.
    pub fn messaging(&self, ticket: &Ticket) -> Result<&Account, String> {
        if ticket.requester.x_id().is_none() {
            return Err(NOBODY.to_owned());
        }
        self.sending_messages(ticket.account.as_deref().unwrap_or_default())
    }

    fn sending_messages(&self, handle: &str) -> Result<&Account, String> {
        let account = self.get(handle).ok_or_else(|| format!("@{handle} is not declared in twite.toml"))?;
        let missing = match account {
            Account { allow_replies: false, .. } => "allow_replies",
            Account { capture_direct_messages: false, .. } => "capture_direct_messages",
            _ => return Ok(account),
        };
        Err(format!("@{} has `{missing} = false`", account.handle))
    }

    /// The account with this handle, from which something is done at X besides answers.
    ///
    /// # Errors
    /// Why it does nothing, in words that name the account.
    pub fn acting(&self, handle: &str) -> Result<&Account, String> {
        match self.get(handle) {
            Some(account) if account.allow_actions => Ok(account),
            Some(account) => Err(format!("@{} has `allow_actions = false`", account.handle)),
            None => Err("the ticket is of no declared account".to_owned()),
        }
    }

    /// Why an effect on a ticket is refused before X is asked; `None` if it is not, or needs no account.
    pub fn refuse(&self, effect: &Effect, ticket: &Ticket) -> Option<String> {
        let (channel, handle) = (ticket.channel, ticket.account.as_deref().unwrap_or_default());
        match effect {
            Effect::AtX { what } if what.is_about_post() && !channel.is_post() => {
                Some("the ticket has no public post".to_owned())
            }
            Effect::Reply { .. } | Effect::Message { .. } | Effect::AtX { .. } if !channel.is_at_x() => {
                Some(NOBODY.to_owned())
            }
            Effect::Reply { .. } => self.replying(ticket, effect.named_account()).err(),
            Effect::Message { .. } => self.sending_messages(handle).err(),
            Effect::AtX { .. } => self.acting(handle).err(),
            _ => None,
        }
    }
}

/// Why nothing can be done about who wrote.
pub(crate) const NOBODY: &str = "the requester is nobody at X";
