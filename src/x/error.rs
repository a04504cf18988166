//! What X says when it does not do what was asked.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

/// How much of an answer that makes no sense is repeated.
const REPEATED: usize = 200;

/// Why a call brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XError {
    /// X understood and refused.
    #[error("X refused: {0}")]
    Refused(Refusal),
    /// X did not answer as it should; asking again may help.
    #[error("{why}")]
    Unavailable {
        /// What it did instead, as a sentence.
        why: String,
        /// How long it asks to wait, where it does.
        wait: Option<Duration>,
    },
    /// No connection to X came about: whatever was to be sent was not.
    #[error("cannot reach X: {0}")]
    NotReached(String),
    /// Something between here and X answered in its place, and did not let the call through.
    #[error("{status} that is not from X, perhaps from a proxy: {detail}")]
    InBetween {
        /// The status of the answer.
        status: u16,
        /// What it says.
        detail: String,
    },
    /// The connection ended, or X failed, after something was sent: it may have arrived. What happened, as a sentence.
    #[error("unknown outcome: {0}")]
    AnswerLost(String),
    /// The tokens cannot be read or kept.
    #[error("{0}")]
    Tokens(String),
}

/// What X refused, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Too many calls.
    #[error("rate limit reached{}", wait.map(|w| format!("; retry in {} s", w.as_secs())).unwrap_or_default())]
    RateLimited {
        /// How long until the next are free, where X says so.
        wait: Option<Duration>,
    },
    /// A token is refused. That says nothing about the grant behind it: X has refused everybody's for hours.
    #[error("authorization refused: {0}")]
    Unauthorised(String),
    /// The grant is dead: the account must be connected again.
    #[error("authorization no longer valid: {0}")]
    GrantDead(String),
    /// The app may not do this, or the account is locked. Nothing about it is said of what was to be sent.
    #[error("the app or the account lacks permission: {0}")]
    NotAllowed(String),
    /// The app has no credit, or its cap is reached. Nothing about it changes by itself.
    #[error("the app's credits or spending cap are used up: {0}")]
    OutOfCredit(String),
    /// A reply to somebody who did not address the account.
    #[error("the author of the post has not mentioned this account: {0}")]
    NotSummoned(String),
    /// The same text was sent before.
    #[error("duplicate text: {0}")]
    Duplicate(String),
    /// The post that is answered, or what was asked for, is gone or cannot be seen.
    #[error("deleted or not visible: {0}")]
    Gone(String),
    /// The person takes no direct messages from this account.
    #[error("the person does not accept direct messages from this account: {0}")]
    DirectClosed(String),
    /// Anything else.
    #[error("{status}: {detail}")]
    Other {
        /// The status of the answer.
        status: u16,
        /// What X says about it.
        detail: String,
    },
}

impl Refusal {
    /// Whether X refuses the account or the app, whatever they ask for: nothing changes before somebody sees to it.
    pub fn is_about_account(&self) -> bool {
        matches!(self, Self::Unauthorised(_) | Self::GrantDead(_) | Self::OutOfCredit(_) | Self::NotAllowed(_))
    }
}

impl XError {
    /// How long X asks to wait before the next call, as far as that can be believed.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Refused(Refusal::RateLimited { wait }) | Self::Unavailable { wait, .. } => *wait,
            _ => None,
        }
    }

    /// X did not answer as it should.
    pub(super) fn unavailable(why: impl Into<String>) -> Self {
        Self::Unavailable { why: why.into(), wait: None }
    }
}

/// Makes sense of an answer that is no success: a problem at its top, a list of errors, or those of OAuth.
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
    // Problem types are addresses on one of two hosts: their last part is the name.
    let kind = text("type").unwrap_or_default();
    let kind = kind.rsplit('/').next().unwrap_or_default();
    let title = text("title").unwrap_or_default();
    let says = |words: &str| detail.to_ascii_lowercase().contains(words);
    let refused = match (status, kind) {
        (429, "usage-capped") => Refusal::OutOfCredit(detail),
        (429, _) if title == "UsageCapExceeded" => Refusal::OutOfCredit(detail),
        (429, _) | (_, "dm-rate-limited") => Refusal::RateLimited { wait },
        (401, _) => Refusal::Unauthorised(detail),
        (402, _) | (_, "credits-depleted" | "credits" | "usage-capped") => Refusal::OutOfCredit(detail),
        // X answers in JSON. Whatever else says no stands in between, and what was asked never arrived; where it gave up
        // on an answer, that is not known.
        (408 | 425 | 500.., _) => return XError::Unavailable { why: format!("X answered {status}: {detail}"), wait },
        (300..=399, _) => return XError::InBetween { status, detail },
        _ if !is_json => return XError::InBetween { status, detail },
        (403, _) if says("spendcap") || says("spend cap") || title == "SpendCapReached" => Refusal::OutOfCredit(detail),
        (_, "client-forbidden" | "oauth1-permissions" | "unsupported-authentication") => Refusal::NotAllowed(detail),
        (403, _) if says("your account is suspended") || says("account is temporarily locked") => {
            Refusal::NotAllowed(detail)
        }
        (_, "dm-duplicate") => Refusal::Duplicate(detail),
        (403, _) if says("duplicate content") => Refusal::Duplicate(detail),
        (403, _) if says("not been mentioned") => Refusal::NotSummoned(detail),
        (403, _) if says("deleted or not visible") => Refusal::Gone(detail),
        (404, _) => Refusal::Gone(detail),
        (403, _) if says("permission to dm") || kind.starts_with("dm-") => Refusal::DirectClosed(detail),
        _ => Refusal::Other { status, detail },
    };
    XError::Refused(refused)
}
