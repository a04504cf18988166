//! Errors of calls to X.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use super::TokenError;

/// Maximum length, in bytes, of the excerpt of an unrecognised response in an error message.
const REPEATED: usize = 200;

/// Why a call to X failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XError {
    /// X processed the call and rejected it.
    #[error("X refused: {0}")]
    Refused(Refusal),
    /// X gave no usable response; a retry may succeed.
    #[error("{why}")]
    Unavailable {
        /// What happened, as a sentence.
        why: String,
        /// The wait before a retry, if X named one.
        wait: Option<Duration>,
    },
    /// No connection to X could be opened, so the call was not sent.
    #[error("cannot reach X: {0}")]
    NotReached(String),
    /// An intermediary, such as a proxy, rejected the call before it reached X.
    #[error("{status} that is not from X, perhaps from a proxy: {detail}")]
    InBetween {
        /// The HTTP status of the response.
        status: u16,
        /// The response, shortened.
        detail: String,
    },
    /// The call was sent, but its response was lost or X failed: it may have taken effect. What happened, as a
    /// sentence.
    #[error("unknown outcome: {0}")]
    AnswerLost(String),
    /// The tokens cannot be loaded or stored.
    #[error(transparent)]
    Tokens(#[from] TokenError),
    /// The client cannot be set up: invalid settings, a secret that is not set, or no random numbers.
    #[error("{0}")]
    Setup(String),
}

/// Why X rejected a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The rate limit is exceeded.
    #[error("rate limit reached{}", wait.map(|w| format!("; retry in {} s", w.as_secs())).unwrap_or_default())]
    RateLimited {
        /// Time until the rate limit resets, if X states it.
        wait: Option<Duration>,
    },
    /// X rejects an access token. The grant may still be valid: X has had outages that rejected every token for hours.
    #[error("authorization refused: {0}")]
    Unauthorised(String),
    /// The grant is revoked or expired: the account must be connected again.
    #[error("authorization no longer valid: {0}")]
    GrantDead(String),
    /// X does not know the app by its id and secret. The grant is not concerned.
    #[error("the client id or the client secret of the app is wrong: {0}")]
    AppUnknown(String),
    /// The app lacks permission. Says nothing about the content of the call.
    #[error("the app or the account lacks permission: {0}")]
    NotAllowed(String),
    /// X has suspended the app.
    #[error("X does not admit the app: {0}")]
    AppNotAdmitted(String),
    /// X has suspended the account, or locked it until its owner does something.
    #[error("the account is locked or suspended: {0}")]
    AccountLocked(String),
    /// The app's credits are used up; someone has to top them up.
    #[error("the app's credits are used up: {0}")]
    OutOfCredit(String),
    /// The app has reached the cap of what it may spend or read.
    #[error("the app's cap on spending or usage is reached: {0}")]
    Capped(String),
    /// A reply to a person who has not mentioned the account.
    #[error("the author of the post has not mentioned this account: {0}")]
    NotSummoned(String),
    /// X already has a post with this text.
    #[error("duplicate text: {0}")]
    Duplicate(String),
    /// The post that is replied to, or the requested object, is deleted or not visible.
    #[error("deleted or not visible: {0}")]
    Gone(String),
    /// The text is longer than X takes.
    #[error("the text is too long: {0}")]
    TooLong(String),
    /// The person does not accept direct messages from this account.
    #[error("the person does not accept direct messages from this account: {0}")]
    DirectClosed(String),
    /// Any other rejection.
    #[error("{status}: {detail}")]
    Other {
        /// The HTTP status of the response.
        status: u16,
        /// X's explanation.
        detail: String,
    },
}

impl Refusal {
    /// The reason, as one word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::RateLimited { .. } => "rate_limited",
            Self::Unauthorised(_) => "unauthorised",
            Self::GrantDead(_) => "grant_dead",
            Self::AppUnknown(_) => "app_unknown",
            Self::NotAllowed(_) => "not_allowed",
            Self::AppNotAdmitted(_) => "app_not_admitted",
            Self::AccountLocked(_) => "account_locked",
            Self::OutOfCredit(_) => "out_of_credit",
            Self::Capped(_) => "capped",
            Self::NotSummoned(_) => "not_summoned",
            Self::Duplicate(_) => "duplicate",
            Self::Gone(_) => "gone",
            Self::TooLong(_) => "too_long",
            Self::DirectClosed(_) => "messages_closed",
            Self::Other { .. } => "refused",
        }
    }

    /// Whether X rejects the account or the app as a whole, so that every call fails until a person fixes it.
    pub fn is_about_account(&self) -> bool {
        matches!(
            self,
            Self::Unauthorised(_)
                | Self::GrantDead(_)
                | Self::AppUnknown(_)
                | Self::AppNotAdmitted(_)
                | Self::AccountLocked(_)
                | Self::OutOfCredit(_)
                | Self::Capped(_)
                | Self::NotAllowed(_)
        )
    }

    /// Whether X rejects the app, and so all of its accounts.
    pub const fn is_about_app(&self) -> bool {
        matches!(self, Self::AppUnknown(_) | Self::AppNotAdmitted(_) | Self::OutOfCredit(_) | Self::Capped(_))
    }
}

impl XError {
    /// What went wrong, as one word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.word(),
            Self::Unavailable { .. } => "unavailable",
            Self::NotReached(_) => "not_reached",
            Self::InBetween { .. } => "proxy",
            Self::AnswerLost(_) => "answer_lost",
            Self::Tokens(_) => "tokens",
            Self::Setup(_) => "setup",
        }
    }

    /// The wait before the next call, if X asked for one.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Refused(Refusal::RateLimited { wait }) | Self::Unavailable { wait, .. } => *wait,
            _ => None,
        }
    }

    /// An [`XError::Unavailable`] without a wait.
    pub(crate) fn unavailable(why: impl Into<String>) -> Self {
        Self::Unavailable { why: why.into(), wait: None }
    }
}

/// Parses an error response: one problem object, a list of errors, or an OAuth error.
pub(super) fn refusal(status: u16, body: &[u8], wait: Option<Duration>) -> XError {
    let value = super::parts::salvage(body);
    let is_json = value.is_object();
    let first = value.pointer("/errors/0").unwrap_or(&Value::Null);
    let text =
        |name: &str| [&value, first].into_iter().find_map(|v| v.get(name).and_then(Value::as_str)).map(str::to_owned);
    let detail = text("detail")
        .or_else(|| text("error_description"))
        .or_else(|| text("message"))
        .or_else(|| text("title"))
        .unwrap_or_else(|| String::from_utf8_lossy(body).chars().take(REPEATED).collect::<String>().trim().to_owned());
    let detail = match StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()) {
        Some(words) if detail.is_empty() => words.to_owned(),
        _ => detail,
    };
    // Problem types are URLs on one of two hosts; the last path segment is the name.
    let kind = text("type").unwrap_or_default();
    let kind = kind.rsplit('/').next().unwrap_or_default();
    let title = text("title").unwrap_or_default();
    let says = |words: &str| detail.to_ascii_lowercase().contains(words);
    let refused = match (status, kind) {
        (_, "usage-capped" | "spend-cap-reached") => Refusal::Capped(detail),
        (429, _) if title == "UsageCapExceeded" => Refusal::Capped(detail),
        (429, _) | (_, "dm-rate-limited") => Refusal::RateLimited { wait },
        (401, _) => Refusal::Unauthorised(detail),
        (402, _) | (_, "credits-depleted" | "credits") => Refusal::OutOfCredit(detail),
        // X answers in JSON, so any other body comes from an intermediary and the call did not reach X. A 408, 425 or
        // 5xx leaves that open.
        (408 | 425 | 500.., _) => return XError::Unavailable { why: format!("X answered {status}: {detail}"), wait },
        (300..=399, _) => return XError::InBetween { status, detail },
        _ if !is_json => return XError::InBetween { status, detail },
        (403, _) if says("spendcap") || says("spend cap") || title == "SpendCapReached" => Refusal::Capped(detail),
        (_, "client-forbidden") if says("suspended") => Refusal::AppNotAdmitted(detail),
        // It may be about one endpoint, which the app's plan does not include.
        (_, "client-forbidden" | "oauth1-permissions" | "unsupported-authentication") => Refusal::NotAllowed(detail),
        (403, _) if says("your account is suspended") || says("account is temporarily locked") => {
            Refusal::AccountLocked(detail)
        }
        // The sender of a direct message, rather than the message or its recipient.
        (_, "dm-sender-dms-closed" | "dm-sender-not-verified" | "dm-safety-limited") => Refusal::NotAllowed(detail),
        // X explains what is wrong with a message; it answers this alone if a scope or a permission is missing.
        (403, _) if detail.eq_ignore_ascii_case("forbidden") => Refusal::NotAllowed(detail),
        (_, "dm-duplicate") => Refusal::Duplicate(detail),
        (403, _) if says("duplicate content") => Refusal::Duplicate(detail),
        (403, _) if says("not been mentioned") => Refusal::NotSummoned(detail),
        (403, _) if says("deleted or not visible") => Refusal::Gone(detail),
        (404, _) => Refusal::Gone(detail),
        (_, "dm-text-too-long") => Refusal::TooLong(detail),
        (_, "recipient-not-messageable") => Refusal::DirectClosed(detail),
        // Other problems of direct messages are about the message or the sender, and X says which.
        (403, _) if says("permission to dm") || kind.starts_with("dm-recipient-") => Refusal::DirectClosed(detail),
        _ => Refusal::Other { status, detail },
    };
    XError::Refused(refused)
}
