//! Fetches the file of a photo, video or GIF, when somebody asks for it.
//!
//! The URLs come from X's answers. Only X's media hosts are asked, over https, and the simulator if `x.url` is one;
//! redirects are not followed, and size, time and type are limited.

use std::time::Duration;

use reqwest::{StatusCode, header::CONTENT_TYPE};
use url::Url;

use super::client::error_chain;

/// Hosts of public media. No token is sent to them.
const PUBLIC_HOSTS: &[&str] = &["pbs.twimg.com", "video.twimg.com"];
/// Hosts of media in direct messages, which need the account's token.
const PRIVATE_HOSTS: &[&str] = &["ton.twitter.com", "ton.x.com"];
/// Hosts of X's API, which serve no media.
const API_HOSTS: &[&str] = &["api.x.com", "api.twitter.com"];
/// The types that are accepted, each with the extension of its files.
const TYPES: &[(&str, &str)] =
    &[("image/jpeg", "jpg"), ("image/png", "png"), ("image/gif", "gif"), ("image/webp", "webp"), ("video/mp4", "mp4")];
/// Maximum size of a file, in bytes.
pub const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;
/// Timeout of a whole fetch.
const TOTAL: Duration = Duration::from_secs(60);

/// A fetched file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaFile {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Its media type, such as `image/jpeg`.
    pub content_type: &'static str,
    /// The extension of files of this type, such as `jpg`.
    pub extension: &'static str,
}

/// Why a file cannot be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// The URL is not one of X's media.
    #[error("{0} is not fetched: only media at {hosts} are, over https", hosts = [PUBLIC_HOSTS, PRIVATE_HOSTS].concat().join(", "))]
    NotAllowed(String),
    /// The file needs the account's token, and none was given.
    #[error("it is part of a direct message, which needs the authorization of the account")]
    NeedsToken,
    /// The server answered without the file.
    #[error("{host} answers {status}{}", advice(*status))]
    Refused {
        /// The server.
        host: String,
        /// The HTTP status of its answer.
        status: u16,
    },
    /// The content is no picture or video.
    #[error("its type is {0:?}, which is not accepted; accepted are {types}", types = TYPES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "))]
    WrongType(String),
    /// It is larger than [`MAX_FILE_BYTES`].
    #[error("it is larger than {} MiB", MAX_FILE_BYTES >> 20)]
    TooLarge,
    /// The server cannot be reached, or the answer broke off.
    #[error("{host} gives no whole answer: {why}")]
    NotReached {
        /// The server.
        host: String,
        /// What happened.
        why: String,
    },
}

/// What an HTTP status means here.
fn advice(status: u16) -> &'static str {
    match status {
        300..=399 => ": a redirect, which is not followed",
        401 => ": the token of the account has expired or was revoked; a running daemon renews it",
        403 => ": it may be protected, withheld or not this account's",
        404 | 410 => ": it is deleted",
        _ => "",
    }
}

/// Fetches a file. `api` is `x.url`; `token` is an access token of the account that received the message.
///
/// # Errors
/// When the URL, the type or the size is not allowed, or the server does not give the file.
pub async fn fetch(http: &reqwest::Client, api: &Url, url: &str, token: Option<&str>) -> Result<MediaFile, MediaError> {
    let not_allowed = || MediaError::NotAllowed(format!("{:?}", url.chars().take(200).collect::<String>()));
    let address = Url::parse(url).map_err(|_| not_allowed())?;
    let host = address.host_str().ok_or_else(not_allowed)?.to_owned();
    let is_plain = address.username().is_empty() && address.password().is_none();
    let is_https = address.scheme() == "https" && address.port().is_none();
    // A simulator serves its media itself.
    let is_simulated = address.origin() == api.origin() && !API_HOSTS.contains(&&*host);
    let is_private = is_https && PRIVATE_HOSTS.contains(&&*host);
    if !is_plain || !(is_simulated || is_private || (is_https && PUBLIC_HOSTS.contains(&&*host))) {
        return Err(not_allowed());
    }
    let mut request = http.get(address).timeout(TOTAL);
    if is_private || is_simulated {
        match token {
            Some(token) => request = request.bearer_auth(token),
            None if is_private => return Err(MediaError::NeedsToken),
            None => {}
        }
    }
    let lost = |error: reqwest::Error| {
        let why = if error.is_timeout() { "it takes too long".to_owned() } else { error_chain(&error.without_url()) };
        MediaError::NotReached { host: host.clone(), why }
    };
    let mut answer = request.send().await.map_err(lost)?;
    if answer.status() != StatusCode::OK {
        return Err(MediaError::Refused { status: answer.status().as_u16(), host });
    }
    let said = answer.headers().get(CONTENT_TYPE).and_then(|said| said.to_str().ok()).unwrap_or_default();
    let named = said.split(';').next().unwrap_or_default().trim();
    let accepted = TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(named));
    let Some((content_type, extension)) = accepted else {
        return Err(MediaError::WrongType(named.chars().take(100).collect()));
    };
    if answer.content_length().is_some_and(|length| length > MAX_FILE_BYTES as u64) {
        return Err(MediaError::TooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(lost)? {
        if bytes.len() + chunk.len() > MAX_FILE_BYTES {
            return Err(MediaError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(MediaFile { bytes, content_type, extension })
}
