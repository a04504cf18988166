//! The closed vocabularies of the desk: each a Rust enum whose variants carry the word people write.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A vocabulary as data, for the field table, the checker and completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// The words, lowest first where they are ordered.
    pub words: &'static [&'static str],
    /// Whether `<` and its kin make sense between them.
    pub ordered: bool,
}

impl Words {
    /// The place of a word in its vocabulary, which is its rank where the words are ordered.
    pub fn rank(&self, word: &str) -> Option<usize> {
        self.words.iter().position(|w| *w == word)
    }
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident, ordered: $ordered:literal { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            /// The words of this vocabulary.
            pub const WORDS: Words = Words { words: &[$($word,)+], ordered: $ordered };

            /// The word people write.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownWord { word: text.to_owned(), known: Self::WORDS.words }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// A word that is not in the vocabulary it was looked up in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not one of {}", known.join(", "))]
pub struct UnknownWord {
    /// The word as written.
    pub word: String,
    /// The words that would have been fine.
    pub known: &'static [&'static str],
}

words! {
    /// Where a ticket came from.
    Channel, ordered: false {
        /// A public post that mentions a connected account.
        Twitter = "twitter",
        /// A direct message to a connected account.
        TwitterDm = "twitter_dm",
        /// A post that a connected account liked.
        TwitterLike = "twitter_like",
        /// An email.
        Email = "email",
        /// The desk's own pages.
        Web = "web",
        /// The desk's own interface for programs.
        Api = "api",
    }
}

words! {
    /// The way an update came in.
    Via, ordered: false {
        /// A public post.
        Twitter = "twitter",
        /// A direct message.
        TwitterDm = "twitter_dm",
        /// A like by a connected account.
        TwitterLike = "twitter_like",
        /// An email.
        Email = "email",
        /// The desk's own pages.
        Web = "web",
        /// The desk's own interface for programs.
        Api = "api",
        /// A command in a terminal.
        Cli = "cli",
        /// A rule.
        Rule = "rule",
    }
}

words! {
    /// Why something that was to be sent is not, or not yet.
    ReasonKind, ordered: false {
        /// The comment cannot be answered: it is a note, or gone.
        NotAnswerable = "not_answerable",
        /// The text is empty: all that it names has no value.
        Empty = "empty",
        /// The text is longer than a post of the account may be.
        TooLong = "too_long",
        /// Rules have sent too many replies within the hour.
        Capped = "capped",
        /// The part of the reply before this one did not arrive.
        EarlierPart = "earlier_part",
        /// No account may answer.
        NoAccount = "no_account",
        /// The author of the post has not mentioned the account.
        NotSummoned = "not_summoned",
        /// X had the same text before.
        Duplicate = "duplicate",
        /// The post is deleted or not visible.
        Gone = "gone",
        /// The person takes no direct messages from the account.
        DirectClosed = "direct_closed",
        /// X refused for another reason.
        RefusedByX = "refused_by_x",
        /// There is no address, webhook or mail server to send to.
        NoRecipient = "no_recipient",
        /// The ticket was solved before the reminder was due.
        Solved = "solved",
        /// The mail server or the webhook refused.
        RefusedByReceiver = "refused_by_receiver",
        /// It was tried for days and the mail server or the webhook never answered.
        GivenUp = "given_up",
        /// There were too many calls.
        RateLimited = "rate_limited",
        /// The app has no credit, or reached its cap.
        NoCredit = "no_credit",
        /// X refuses the account's authorisation.
        Unauthorised = "unauthorised",
        /// X refuses the app, or has locked the account.
        NotAllowed = "not_allowed",
        /// The receiver cannot be reached or does not work.
        Unavailable = "unavailable",
        /// The answer was lost, so that it may have arrived.
        AnswerLost = "answer_lost",
        /// Twite itself is not set up to send it, or its store fails.
        NotReady = "not_ready",
        /// An agent withdrew it.
        Withdrawn = "withdrawn",
    }
}

words! {
    /// What an agent does with something in the outbox.
    Act, ordered: false {
        /// It is not sent, or not again.
        Withdraw = "withdraw",
        /// It is sent at once, without a lookup whether it arrived.
        Resend = "resend",
    }
}

impl From<Channel> for Via {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Twitter => Self::Twitter,
            Channel::TwitterDm => Self::TwitterDm,
            Channel::TwitterLike => Self::TwitterLike,
            Channel::Email => Self::Email,
            Channel::Web => Self::Web,
            Channel::Api => Self::Api,
        }
    }
}

words! {
    /// How far a ticket has come.
    Status, ordered: true {
        /// Nobody has looked at it.
        New = "new",
        /// Somebody is at it.
        Open = "open",
        /// Waiting for the requester.
        Pending = "pending",
        /// Waiting for a third party.
        Hold = "hold",
        /// Answered; the requester may open it again.
        Solved = "solved",
        /// Done for good: a further message opens a follow-up.
        Closed = "closed",
    }
}

words! {
    /// How urgent a ticket is.
    Priority, ordered: true {
        /// Can wait.
        Low = "low",
        /// As it comes.
        Normal = "normal",
        /// Before the normal ones.
        High = "high",
        /// Now.
        Urgent = "urgent",
    }
}

words! {
    /// What sort of work a ticket is.
    TicketType, ordered: false {
        /// Somebody wants to know something.
        Question = "question",
        /// One of several tickets about a problem.
        Incident = "incident",
        /// The cause of incidents.
        Problem = "problem",
        /// Something to do.
        Task = "task",
    }
}

words! {
    /// The kind of X's verification mark.
    VerifiedType, ordered: false {
        /// No mark.
        None = "none",
        /// A paying person.
        Blue = "blue",
        /// An organisation.
        Business = "business",
        /// A government or multilateral body.
        Government = "government",
    }
}
