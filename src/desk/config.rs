//! The desk as `twite.toml` declares it. Rules may name only what is declared here.
//!
//! Plain data with serde; reading the file with places for its errors is the job of `lang`
//! ([`crate::lang`]), because the checker must point into it. Secrets never stand here: where one is
//! needed, the name of an environment variable does.

use serde::{Deserialize, Serialize};

use super::{Account, Hours, Kind, Ticket, text::fold};

/// Everything declared.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Desk {
    /// What this installation may do.
    pub edition: Edition,
    /// Where the desk's pages are reached; the start of `{{ticket.link}}`.
    pub url: Option<String>,
    /// Groups of agents.
    #[serde(rename = "group")]
    pub groups: Vec<Group>,
    /// People who answer.
    #[serde(rename = "agent")]
    pub agents: Vec<Agent>,
    /// Connected accounts.
    #[serde(rename = "account")]
    pub accounts: Vec<Account>,
    /// Brands.
    #[serde(rename = "brand")]
    pub brands: Vec<Brand>,
    /// Custom fields, `field.NAME` in rules.
    #[serde(rename = "field")]
    pub fields: Vec<CustomField>,
    /// Webhooks rules may call.
    #[serde(rename = "webhook")]
    pub webhooks: Vec<Webhook>,
    /// When the desk is open, for tickets that no schedule is for.
    pub hours: Hours,
    /// When the desk is open for some groups and accounts.
    #[serde(rename = "schedule")]
    pub schedules: Vec<Schedule>,
    /// Where tickets are kept.
    pub store: StoreSettings,
    /// How X is reached.
    pub x: XSettings,
    /// How mail is sent; without it, notifications fail visibly.
    pub mail: Option<MailSettings>,
    /// What rules may send, at most.
    pub limits: Limits,
}

/// What this installation may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edition {
    /// One account, public messages only.
    Support,
    /// Up to five accounts, public and private messages.
    #[default]
    Suite,
}

impl Edition {
    /// How many accounts may be declared.
    pub const fn most_accounts(self) -> usize {
        match self {
            Self::Support => 1,
            Self::Suite => 5,
        }
    }
}

/// When the desk is open for some groups and accounts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// The groups whose tickets it is for.
    #[serde(default)]
    pub groups: Vec<String>,
    /// The accounts whose tickets it is for, unless their group has a schedule.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// The hours.
    pub hours: Hours,
}

/// A group of agents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name in rules.
    pub name: String,
    /// An address for the whole group. Without one, a notification goes to each member.
    #[serde(default)]
    pub email: Option<String>,
}

/// Somebody who answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// The name in rules.
    pub name: String,
    /// Where notifications go.
    #[serde(default)]
    pub email: Option<String>,
    /// The groups the agent is in.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Whether the agent may change settings.
    #[serde(default)]
    pub admin: bool,
}

/// A brand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brand {
    /// Its name in rules.
    pub name: String,
}

/// A field of this desk's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomField {
    /// Its name after `field.`: lower-case letters, digits and `_`, starting with a letter.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: CustomKind,
    /// The words of a `choice` field.
    #[serde(default)]
    pub choices: Vec<String>,
    /// What it is for; shown by hover and in the pages.
    #[serde(default)]
    pub doc: Option<String>,
}

/// What a custom field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomKind {
    /// Free text.
    Text,
    /// A whole number.
    Number,
    /// Yes or no.
    YesNo,
    /// One of the declared words.
    Choice,
}

impl CustomField {
    /// The type of the field, as the checker sees it.
    pub fn kind(&self) -> Kind {
        match self.kind {
            CustomKind::Text => Kind::Text,
            CustomKind::Number => Kind::Number,
            CustomKind::YesNo => Kind::YesNo,
            CustomKind::Choice => Kind::Declared(super::field::Declared::Choice(self.name.clone())),
        }
    }
}

/// A place to send JSON to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Its name in rules.
    pub name: String,
    /// Where it is reached; `http` or `https`.
    pub url: String,
    /// The environment variable with the key that signs its bodies (HMAC-SHA256, header `Twite-Signature`).
    #[serde(default)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// The server, as `host` or `host:port`; an IPv6 address stands in brackets.
    #[serde(default)]
    pub server: Option<String>,
    /// A directory that mail is written to instead, one `.eml` file each: to try rules without a server.
    #[serde(default)]
    pub directory: Option<String>,
    /// The address mail comes from.
    pub from: String,
    /// How the connection is protected.
    #[serde(default)]
    pub security: MailSecurity,
    /// The user to sign in as.
    #[serde(default)]
    pub user: Option<String>,
    /// The environment variable with that user's password.
    #[serde(default)]
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

impl Desk {
    /// All opening hours that are declared.
    pub fn all_hours_mut(&mut self) -> impl Iterator<Item = &mut Hours> {
        std::iter::once(&mut self.hours).chain(self.schedules.iter_mut().map(|s| &mut s.hours))
    }

    /// The calendar files that opening hours name, each once.
    pub fn calendars(&self) -> std::collections::BTreeSet<&str> {
        let hours = std::iter::once(&self.hours).chain(self.schedules.iter().map(|s| &s.hours));
        hours.flat_map(|h| h.calendars.iter().map(String::as_str)).collect()
    }
}

impl Schedule {
    /// Whether it is for the tickets of this group.
    fn is_for_group(&self, group: &str) -> bool {
        self.groups.iter().any(|g| g == group)
    }

    /// Whether it is for the tickets of this account.
    fn is_for_account(&self, handle: &str) -> bool {
        self.accounts.iter().any(|a| a.eq_ignore_ascii_case(handle))
    }
}

impl Desk {
    /// The declared account with this handle, by X's rule that case does not matter.
    pub fn account(&self, handle: &str) -> Option<&Account> {
        self.accounts.iter().find(|a| a.handle.eq_ignore_ascii_case(handle))
    }

    /// The account that answers what was said to one: that one where it may, else the default.
    pub fn answering_account(&self, addressed: &str) -> Option<&Account> {
        let addressed = self.account(addressed).filter(|a| a.allow_replies);
        addressed.or_else(|| self.accounts.iter().find(|a| a.default && a.allow_replies))
    }

    /// Why no account answers what was said to one.
    pub fn why_unanswered(&self, addressed: &str) -> String {
        let why = match self.account(addressed) {
            None => format!("@{addressed} is not declared in twite.toml"),
            Some(account) => format!("@{} is declared with `allow_replies = false`", account.handle),
        };
        format!("{why}, and no account that allows replies is the default")
    }

    /// The addresses of the agents who may change settings, with their names.
    pub fn admins(&self) -> impl Iterator<Item = (&str, &str)> {
        self.agents.iter().filter(|a| a.admin).filter_map(|a| Some((a.name.as_str(), a.email.as_deref()?)))
    }

    /// The admins whom no mail reaches, with the reason: trouble with an account is mailed to admins.
    pub fn unreachable_admins(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.agents.iter().filter(|a| a.admin).filter_map(|a| match (&a.email, &self.mail) {
            (None, _) => Some((a.name.as_str(), "the agent has no `email`")),
            (_, None) => Some((a.name.as_str(), "there is no `[mail]`")),
            _ => None,
        })
    }

    /// When the desk is open for a ticket: by the first schedule that names its group, else by the first that
    /// names its account, else by `[hours]`.
    pub fn hours_of(&self, ticket: &Ticket) -> &Hours {
        let group = ticket.group.as_deref().and_then(|g| self.schedules.iter().find(|s| s.is_for_group(g)));
        let account = || ticket.account.as_deref().and_then(|a| self.schedules.iter().find(|s| s.is_for_account(a)));
        group.or_else(account).map_or(&self.hours, |s| &s.hours)
    }

    /// The declared custom field with this name.
    pub fn field(&self, name: &str) -> Option<&CustomField> {
        self.fields.iter().find(|f| f.name == name)
    }

    /// The declared webhook with this name, whatever its case.
    pub fn webhook(&self, name: &str) -> Option<&Webhook> {
        let name = fold(name);
        self.webhooks.iter().find(|webhook| fold(&webhook.name) == name)
    }

    /// The agents of a group, in the order in which they are declared.
    pub fn members(&self, group: &str) -> impl Iterator<Item = &Agent> {
        self.agents.iter().filter(move |agent| agent.groups.iter().any(|g| g == group))
    }

    /// Where a notification to a group goes: the group's own address, else each member's.
    pub fn group_addresses(&self, group: &str) -> Vec<String> {
        let own = self.groups.iter().find(|g| g.name == group).and_then(|g| g.email.clone());
        match own {
            Some(address) => vec![address],
            None => self.members(group).filter_map(|a| a.email.clone()).collect(),
        }
    }

    /// What may stand as a value of a declared kind, in the order declared.
    pub fn declared(&self, what: &super::field::Declared) -> Vec<&str> {
        use super::field::Declared;
        match what {
            Declared::Group => self.groups.iter().map(|g| g.name.as_str()).collect(),
            Declared::Agent => self.agents.iter().map(|a| a.name.as_str()).collect(),
            Declared::Account => self.accounts.iter().map(|a| a.handle.as_str()).collect(),
            Declared::Brand => self.brands.iter().map(|b| b.name.as_str()).collect(),
            Declared::Choice(field) => {
                self.field(field).map(|f| f.choices.iter().map(String::as_str).collect()).unwrap_or_default()
            }
        }
    }
}
