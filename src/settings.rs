//! Settings of the process in `twite.toml`, which rules cannot refer to.
//!
//! Secrets are never part of them: a setting names the environment variable that contains the secret.

mod address;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use self::address::{Address, Server};
use crate::desk::{Account, Accounts, text::fold};

/// The settings of a process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// The settings of the declared accounts.
    #[serde(rename = "account")]
    pub accounts: Accounts,
    /// The declared webhooks.
    pub webhooks: Vec<Webhook>,
    /// Where tickets are stored.
    pub store: StoreSettings,
    /// How to connect to the X API.
    pub x: XSettings,
    /// How mail is sent; if `None`, notifications fail visibly.
    pub mail: Option<MailSettings>,
    /// Maximum rates for what rules send.
    pub limits: Limits,
    /// The HTTP server of the daemon.
    pub web: WebSettings,
}

impl Settings {
    /// The declared webhook with this name, ignoring case.
    pub fn webhook(&self, name: &str) -> Option<&Webhook> {
        let name = fold(name);
        self.webhooks.iter().find(|webhook| fold(&webhook.name) == name)
    }
}

/// Settings of one process that override those in `twite.toml`.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The handles of the accounts to use. An undeclared account tracks likes; its other settings have their defaults.
    pub accounts: Option<Vec<String>>,
    /// How to connect to the X API.
    pub x: Option<XSettings>,
    /// How mail is sent.
    pub mail: Option<MailSettings>,
    /// The URL for all webhooks; requests to it are not signed.
    pub webhook_url: Option<String>,
}

impl Overrides {
    /// Applies the overrides to the settings from `twite.toml`.
    #[must_use]
    pub fn over(&self, mut settings: Settings) -> Settings {
        if let Some(handles) = &self.accounts {
            let account = |handle: &String| {
                let declared = settings.accounts.get(handle).cloned();
                declared.unwrap_or_else(|| Account { track_likes: true, ..Account::new(handle) })
            };
            settings.accounts = Accounts(handles.iter().map(account).collect());
        }
        if let Some(x) = &self.x {
            settings.x.clone_from(x);
        }
        if let Some(mail) = &self.mail {
            settings.mail = Some(mail.clone());
        }
        if let Some(url) = &self.webhook_url {
            for webhook in &mut settings.webhooks {
                webhook.url.clone_from(url);
                webhook.key_env = None;
            }
        }
        settings
    }
}

/// A URL that rules can send JSON to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhook {
    /// Its name in rules.
    pub name: String,
    /// Its URL: `http` or `https`.
    pub url: String,
    /// The environment variable with the key that signs its bodies (HMAC-SHA256, header `Twite-Signature`).
    pub key_env: Option<String>,
}

/// Where tickets are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSettings {
    /// The database: `sqlite:FILE`, relative to `twite.toml`, or `postgres://…` without a password.
    pub url: String,
    /// The environment variable with the password for PostgreSQL.
    pub password_env: Option<String>,
    /// The environment variable with the key that encrypts X tokens at rest: 32 bytes in base64.
    pub key_env: String,
    /// Days for which posts that made no ticket are kept; 0 keeps none.
    pub incoming_days: u32,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { url: "sqlite:twite.db".into(), password_env: None, key_env: "TWITE_KEY".into(), incoming_days: 30 }
    }
}

/// How to connect to the X API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct XSettings {
    /// The base URL of X's API; use that of `twite sim` to try things without X.
    pub url: String,
    /// The app's OAuth 2 client id.
    pub client_id: Option<String>,
    /// The environment variable with the client secret of a confidential app.
    pub client_secret_env: Option<String>,
    /// The environment variable with the secret of the app's API key, with which X signs calls of webhooks of apps without
    /// a client secret.
    pub consumer_secret_env: Option<String>,
    /// The environment variable with the app's bearer token, which streams and webhooks need.
    pub bearer_env: Option<String>,
    /// Seconds between two polls of an endpoint; X's rate limits may make it longer.
    pub poll_seconds: u64,
    /// Seconds between two polls of an account that receives by a stream or webhook that works, for what these miss.
    pub backup_poll_seconds: u64,
    /// Hours after which posts on tickets that are not closed are fetched again, to find out whether they were deleted;
    /// 0 turns this off. Each post costs one read.
    pub recheck_hours: u32,
    /// Minutes after which likes, reposts and replies of posts that opened a ticket are read again, while rules ask for
    /// them; 0 turns this off. Each post costs one read.
    pub count_minutes: u32,
    /// Milliseconds until a sent post can be found at X. If the response to a post is lost, the search for it waits
    /// this long.
    pub visibility_delay_millis: u64,
}

impl Default for XSettings {
    fn default() -> Self {
        Self {
            url: "https://api.x.com".into(),
            client_id: None,
            client_secret_env: None,
            consumer_secret_env: None,
            bearer_env: None,
            poll_seconds: 30,
            backup_poll_seconds: 300,
            recheck_hours: 12,
            count_minutes: 60,
            visibility_delay_millis: 5_000,
        }
    }
}

/// The HTTP server of the daemon.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebSettings {
    /// The address and port to listen on, such as `127.0.0.1:8917`; `None` for no server.
    pub listen: Option<String>,
}

/// How mail is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailSettings {
    /// The server, as `host` or `host:port`; an IPv6 address needs brackets.
    pub server: Option<String>,
    /// A directory that mail is written to instead of being sent, one `.eml` file each, to try rules without a server.
    /// In `twite.toml`, relative to that file; here, relative to the working directory.
    pub directory: Option<PathBuf>,
    /// The sender address.
    pub from: String,
    /// How the connection is protected.
    pub security: MailSecurity,
    /// The user name for the mail server.
    pub user: Option<String>,
    /// The environment variable with the password for `user`.
    pub password_env: Option<String>,
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailSecurity {
    /// TLS from the first byte.
    #[default]
    Tls,
    /// Unencrypted, then upgraded with STARTTLS; fails if the server does not offer it.
    Starttls,
    /// No encryption: for a relay on this machine.
    None,
}

/// Maximum rates for what rules send and do: too many automatic replies, likes or blocks get accounts banned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Maximum replies by rules to one person per hour.
    pub replies_per_person_per_hour: u32,
    /// Maximum replies by rules from one account per hour.
    pub replies_per_account_per_hour: u32,
    /// Maximum actions at X by rules from one account per hour, such as likes.
    pub actions_per_account_per_hour: u32,
    /// Maximum tickets per minute on which automations fire; the others wait.
    pub automations_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            replies_per_person_per_hour: 3,
            replies_per_account_per_hour: 100,
            actions_per_account_per_hour: 100,
            automations_per_minute: 500,
        }
    }
}

/// The allowed range of a number in `twite.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberRange {
    /// The table that contains the key.
    pub table: &'static str,
    /// The key of the number.
    pub key: &'static str,
    /// The allowed values, from minimum to maximum.
    pub allowed: std::ops::RangeInclusive<i64>,
    /// The unit in messages, in the plural.
    pub unit: &'static str,
}

/// The allowed range of each number in `twite.toml`.
pub static NUMBERS: &[NumberRange] = &[
    NumberRange { table: "account", key: "post_length", allowed: 1..=25_000, unit: "characters" },
    NumberRange { table: "limits", key: "actions_per_account_per_hour", allowed: 0..=100_000, unit: "actions" },
    NumberRange { table: "limits", key: "automations_per_minute", allowed: 1..=1_000_000, unit: "tickets" },
    NumberRange { table: "limits", key: "replies_per_account_per_hour", allowed: 0..=100_000, unit: "replies" },
    NumberRange { table: "limits", key: "replies_per_person_per_hour", allowed: 0..=1_000, unit: "replies" },
    NumberRange { table: "store", key: "incoming_days", allowed: 0..=3_650, unit: "days" },
    NumberRange { table: "x", key: "backup_poll_seconds", allowed: 1..=86_400, unit: "seconds" },
    NumberRange { table: "x", key: "count_minutes", allowed: 0..=10_080, unit: "minutes" },
    NumberRange { table: "x", key: "poll_seconds", allowed: 1..=86_400, unit: "seconds" },
    NumberRange { table: "x", key: "recheck_hours", allowed: 0..=8_760, unit: "hours" },
    NumberRange { table: "x", key: "visibility_delay_millis", allowed: 0..=600_000, unit: "milliseconds" },
];

/// Whether a text can be the name of an environment variable.
pub fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 100
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

impl MailSettings {
    /// Host and port of a mail server: `host`, `host:port`, or an IPv6 address in brackets with or without a port.
    /// `None` if the text is none of these.
    pub fn host_and_port(server: &str) -> Option<(&str, Option<u16>)> {
        let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
        if let Some((address, rest)) = server.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            address.parse::<std::net::Ipv6Addr>().ok()?;
            return match rest.strip_prefix(':') {
                Some(text) => Some((address, Some(port(text)?))),
                None => rest.is_empty().then_some((address, None)),
            };
        }
        let (host, port) = match server.rsplit_once(':') {
            Some((host, text)) => (host, Some(port(text)?)),
            None => (server, None),
        };
        let fits = !host.contains(['/', '@', ':']) && url::Host::parse(host).is_ok();
        fits.then_some((host, port))
    }
}
