//! What the process needs of `twite.toml` and rules may not name. Pure code never sees it.
//!
//! Secrets never stand here: where one is needed, the name of an environment variable does.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::desk::{Account, Accounts, text::fold};

/// The settings of a process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// The switches of the declared accounts.
    #[serde(rename = "account")]
    pub accounts: Accounts,
    /// Where the declared webhooks are reached.
    pub webhooks: Vec<Webhook>,
    /// Where tickets are kept.
    pub store: StoreSettings,
    /// How X is reached.
    pub x: XSettings,
    /// How mail is sent; without it, notifications fail visibly.
    pub mail: Option<MailSettings>,
    /// What rules may send, at most.
    pub limits: Limits,
}

impl Settings {
    /// The declared webhook with this name, whatever its case.
    pub fn webhook(&self, name: &str) -> Option<&Webhook> {
        let name = fold(name);
        self.webhooks.iter().find(|webhook| fold(&webhook.name) == name)
    }
}

/// Settings of one process that override those in `twite.toml`.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The handles of the accounts to work for. One that is not declared tracks likes, and else has every default.
    pub accounts: Option<Vec<String>>,
    /// How X is reached.
    pub x: Option<XSettings>,
    /// How mail is sent.
    pub mail: Option<MailSettings>,
    /// Where every webhook is reached; nothing is signed then.
    pub webhook_url: Option<String>,
}

impl Overrides {
    /// The settings that hold, where these were read.
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

/// A place to send JSON to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhook {
    /// Its name in rules.
    pub name: String,
    /// Where it is reached; `http` or `https`.
    pub url: String,
    /// The environment variable with the key that signs its bodies (HMAC-SHA256, header `Twite-Signature`).
    pub key_env: Option<String>,
}

/// Where tickets are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSettings {
    /// An SQLite file, relative to `twite.toml`.
    pub path: String,
    /// The environment variable with the key that encrypts X tokens at rest: 32 bytes in base64.
    pub key_env: String,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { path: "twite.db".into(), key_env: "TWITE_KEY".into() }
    }
}

/// How X is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct XSettings {
    /// The interface's address; point it at `twite sim` to try things.
    pub url: String,
    /// The app's OAuth 2 client id.
    pub client_id: Option<String>,
    /// The environment variable with the client secret of a confidential app.
    pub client_secret_env: Option<String>,
    /// Seconds between two polls of one endpoint, before X's own limits slow it down.
    pub poll_seconds: u64,
    /// Hours after which posts on tickets that are not closed are looked up again, to learn whether they were deleted;
    /// 0 is never. Each costs one read of a post.
    pub recheck_hours: u32,
    /// Milliseconds that X may take to show a post where it is looked for after its answer was lost.
    pub settle_millis: u64,
}

impl Default for XSettings {
    fn default() -> Self {
        Self {
            url: "https://api.x.com".into(),
            client_id: None,
            client_secret_env: None,
            poll_seconds: 30,
            recheck_hours: 12,
            settle_millis: 5_000,
        }
    }
}

/// How mail is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailSettings {
    /// The server, as `host` or `host:port`; an IPv6 address stands in brackets.
    pub server: Option<String>,
    /// A directory that mail is written to instead, one `.eml` file each: to try rules without a server. Relative to
    /// `twite.toml` there, and to where the process was started here.
    pub directory: Option<PathBuf>,
    /// The address mail comes from.
    pub from: String,
    /// How the connection is protected.
    pub security: MailSecurity,
    /// The user to sign in as.
    pub user: Option<String>,
    /// The environment variable with that user's password.
    pub password_env: Option<String>,
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailSecurity {
    /// TLS from the first byte.
    #[default]
    Tls,
    /// Plain, then upgraded; refused where the server does not offer it.
    Starttls,
    /// None: for a relay on this machine.
    None,
}

/// What rules may send, at most: automatic public answers get accounts banned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Replies by rules to one person in one hour.
    pub replies_per_person_per_hour: u32,
    /// Replies by rules from one account in one hour.
    pub replies_per_account_per_hour: u32,
    /// Tickets on which automations fire in one minute; the others wait their turn.
    pub automations_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { replies_per_person_per_hour: 3, replies_per_account_per_hour: 100, automations_per_minute: 500 }
    }
}

/// What a number in `twite.toml` may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberRange {
    /// The table it stands in.
    pub table: &'static str,
    /// Its key.
    pub key: &'static str,
    /// From the least to the most.
    pub allowed: std::ops::RangeInclusive<i64>,
    /// What it counts.
    pub unit: &'static str,
}

/// The range of every number in `twite.toml`.
pub static NUMBERS: &[NumberRange] = &[
    NumberRange { table: "account", key: "post_length", allowed: 1..=25_000, unit: "characters" },
    NumberRange { table: "limits", key: "automations_per_minute", allowed: 1..=1_000_000, unit: "tickets" },
    NumberRange { table: "limits", key: "replies_per_account_per_hour", allowed: 0..=100_000, unit: "replies" },
    NumberRange { table: "limits", key: "replies_per_person_per_hour", allowed: 0..=1_000, unit: "replies" },
    NumberRange { table: "x", key: "poll_seconds", allowed: 1..=86_400, unit: "seconds" },
    NumberRange { table: "x", key: "recheck_hours", allowed: 0..=8_760, unit: "hours" },
    NumberRange { table: "x", key: "settle_millis", allowed: 0..=600_000, unit: "milliseconds" },
];

impl MailSettings {
    /// Host and port of a mail server: `host`, `host:port`, or an IPv6 address in brackets with or without a port. `None` where
    /// it is none of these.
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
