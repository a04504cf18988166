//! The closed vocabularies of the desk: enums whose variants have the words that rules and JSON use.

/// A vocabulary as data, for the field table, the checker and completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Words {
    /// The words, in ascending order if `ordered`.
    pub words: &'static [&'static str],
    /// Whether `<`, `>` and the like apply.
    pub ordered: bool,
}

impl Words {
    /// The index of a word in the vocabulary; its rank if the vocabulary is ordered.
    pub fn rank(&self, word: &str) -> Option<usize> {
        self.words.iter().position(|w| *w == word)
    }
}

/// Declares an enum whose variants have words, with conversions from and to them.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident, ordered: $ordered:literal { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            /// The words of this vocabulary.
            pub const WORDS: $crate::desk::Words = $crate::desk::Words { words: &[$($word,)+], ordered: $ordered };

            /// The word, as it is written and stored.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::desk::words::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::desk::words::UnknownWord { word: text.to_owned(), known: Self::WORDS.words }),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(super) use words;

/// The error of a word that is not in the vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not one of {}", known.join(", "))]
pub struct UnknownWord {
    /// The word as written.
    pub word: String,
    /// The words of the vocabulary.
    pub known: &'static [&'static str],
}

words! {
    /// The channel that a ticket came from.
    #[derive(Default)]
    Channel, ordered: false {
        /// A public post that mentions a connected account.
        #[default]
        Twitter = "twitter",
        /// A direct message to a connected account.
        TwitterDm = "twitter_dm",
        /// A post that a connected account liked.
        TwitterLike = "twitter_like",
        /// An email.
        Email = "email",
        /// The desk's own pages.
        Web = "web",
        /// The desk's HTTP API.
        Api = "api",
    }
}

words! {
    /// The channel of an update.
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
        /// The desk's HTTP API.
        Api = "api",
        /// A command in a terminal.
        Cli = "cli",
        /// A rule.
        Rule = "rule",
    }
}

words! {
    /// Why an outbox item is not sent, or not yet.
    ReasonKind, ordered: false {
        /// The comment cannot be answered: it is a note, or was deleted.
        NotAnswerable = "not_answerable",
        /// The rendered text is empty: its placeholders have no value.
        Empty = "empty",
        /// The text exceeds the maximum length of a post of the account, or of a message at X.
        TooLong = "too_long",
        /// Rules sent too many replies, or did too much at X, within an hour.
        Capped = "capped",
        /// The previous part of a multi-part reply was not delivered.
        EarlierPart = "earlier_part",
        /// No account is allowed to reply.
        NoAccount = "no_account",
        /// The author of the post has not mentioned the account.
        NotSummoned = "not_summoned",
        /// X rejected the text as a duplicate.
        Duplicate = "duplicate",
        /// The post is deleted or not visible.
        Gone = "gone",
        /// The person does not accept direct messages from the account.
        DirectClosed = "direct_closed",
        /// X rejected it for another reason.
        RefusedByX = "refused_by_x",
        /// There is no address, webhook or mail server to send to.
        NoRecipient = "no_recipient",
        /// There is no earlier ticket to merge into, no agent to assign to, or no such problem.
        NoTarget = "no_target",
        /// The ticket was solved before the reminder was due.
        Solved = "solved",
        /// The mail server or the webhook rejected it.
        RefusedByReceiver = "refused_by_receiver",
        /// Retries ended after days without an answer from the mail server or the webhook.
        GivenUp = "given_up",
        /// A rate limit was reached.
        RateLimited = "rate_limited",
        /// The X app has no credit, or reached its spending cap.
        NoCredit = "no_credit",
        /// X rejects the account's authorisation.
        Unauthorised = "unauthorised",
        /// X rejects the app, or has locked the account.
        NotAllowed = "not_allowed",
        /// The receiver is unreachable or fails.
        Unavailable = "unavailable",
        /// The response was lost, so it may have been delivered.
        AnswerLost = "answer_lost",
        /// Twite itself is not set up to send it, or its store fails.
        NotReady = "not_ready",
        /// An agent withdrew it.
        Withdrawn = "withdrawn",
    }
}

words! {
    /// What an agent can do with an outbox item.
    Act, ordered: false {
        /// Do not send it, or not again.
        Withdraw = "withdraw",
        /// Send it at once, without looking up whether it was delivered before.
        Resend = "resend",
    }
}

impl Channel {
    /// Whether the ticket came from X.
    pub const fn is_at_x(self) -> bool {
        matches!(self, Self::Twitter | Self::TwitterDm | Self::TwitterLike)
    }

    /// Whether the ticket came from a public post.
    pub const fn is_post(self) -> bool {
        matches!(self, Self::Twitter | Self::TwitterLike)
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
    /// The status of a ticket.
    #[derive(Default)]
    Status, ordered: true {
        /// Not yet taken up by an agent.
        #[default]
        New = "new",
        /// In progress.
        Open = "open",
        /// Waiting for the requester.
        Pending = "pending",
        /// Waiting for a third party.
        Hold = "hold",
        /// Solved; a comment of the requester reopens it.
        Solved = "solved",
        /// Final: a further message opens a follow-up ticket.
        Closed = "closed",
    }
}

words! {
    /// How urgent a ticket is.
    Priority, ordered: true {
        /// Below normal.
        Low = "low",
        /// The usual priority.
        Normal = "normal",
        /// Above normal.
        High = "high",
        /// The highest priority.
        Urgent = "urgent",
    }
}

words! {
    /// The kind of request of a ticket.
    TicketType, ordered: false {
        /// A question.
        Question = "question",
        /// One of several tickets caused by the same problem.
        Incident = "incident",
        /// The cause of incidents.
        Problem = "problem",
        /// A task.
        Task = "task",
    }
}

words! {
    /// The kind of X's verification mark.
    VerifiedType, ordered: false {
        /// No mark.
        None = "none",
        /// A paying subscriber.
        Blue = "blue",
        /// An organisation.
        Business = "business",
        /// A government or multilateral body.
        Government = "government",
    }
}

words! {
    /// What a requester says about the help; no value until somebody asks.
    Satisfaction, ordered: false {
        /// Asked, and not answered yet.
        Offered = "offered",
        /// Rated good.
        Good = "good",
        /// Rated bad.
        Bad = "bad",
        /// The question waits to be delivered.
        Asking = "asking",
        /// The question was refused or withdrawn.
        Undelivered = "undelivered",
    }
}

words! {
    /// What is attached to a message.
    MediaKind, ordered: false {
        /// A picture.
        Photo = "photo",
        /// A video.
        Video = "video",
        /// An animation without sound.
        Gif = "gif",
    }
}

words! {
    /// A rating of the help.
    Rating, ordered: false {
        /// It was good.
        Good = "good",
        /// It was bad.
        Bad = "bad",
    }
}

words! {
    /// Who rated a ticket.
    RatedBy, ordered: false {
        /// The requester.
        Requester = "requester",
        /// An agent, or the owner of the machine.
        Agent = "agent",
        /// A rule.
        Rule = "rule",
    }
}
