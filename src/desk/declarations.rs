//! What rules may name: groups, agents, accounts, brands, fields, webhooks and hours, as `twite.toml` declares them.
//!
//! Part of the checked rules, and of their hash. What only the process needs is in [`crate::settings`].

use serde::Deserialize;

use super::{Hours, Kind, Ticket, text::fold};

/// Everything that rules may name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Declarations {
    /// What this installation may do.
    pub edition: Edition,
    /// Where the desk's pages are reached; the start of `{{ticket.link}}`.
    pub url: Option<String>,
    /// Groups of agents.
    pub groups: Vec<Group>,
    /// People who answer.
    pub agents: Vec<Agent>,
    /// Connected accounts.
    pub accounts: Vec<AccountName>,
    /// Brands.
    pub brands: Vec<Brand>,
    /// Custom fields, `field.NAME` in rules.
    pub fields: Vec<CustomField>,
    /// The names of webhooks.
    pub webhooks: Vec<String>,
    /// When the desk is open, for tickets that no schedule is for.
    pub hours: Hours,
    /// When the desk is open for some groups and accounts.
    pub schedules: Vec<Schedule>,
}

/// What rules may know of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountName {
    /// The handle, without `@`: its name in rules.
    pub handle: String,
    /// Weighted characters that one of its posts may hold.
    pub post_length: usize,
}

/// What this installation may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// The groups whose tickets it is for.
    pub groups: Vec<String>,
    /// The accounts whose tickets it is for, unless their group has a schedule.
    pub accounts: Vec<String>,
    /// The hours.
    pub hours: Hours,
}

/// A group of agents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Group {
    /// Its name in rules.
    pub name: String,
    /// An address for the whole group. Without one, a notification goes to each member.
    pub email: Option<String>,
}

/// Somebody who answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Agent {
    /// The name in rules.
    pub name: String,
    /// Where notifications go.
    pub email: Option<String>,
    /// The groups the agent is in.
    pub groups: Vec<String>,
    /// Whether the agent may change settings.
    pub admin: bool,
}

/// A brand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Brand {
    /// Its name in rules.
    pub name: String,
}

/// A field of this desk's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CustomField {
    /// Its name after `field.`: lower-case letters, digits and `_`, starting with a letter.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: CustomKind,
    /// The words of a `choice` field.
    pub choices: Vec<String>,
    /// What it is for; shown by hover and in the pages.
    pub doc: Option<String>,
}

/// What a custom field holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomKind {
    /// Free text.
    #[default]
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

impl Declarations {
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

impl Declarations {
    /// The addresses of the agents who may change settings, with their names.
    pub fn admins(&self) -> impl Iterator<Item = (&str, &str)> {
        self.agents.iter().filter(|a| a.admin).filter_map(|a| Some((a.name.as_str(), a.email.as_deref()?)))
    }

    /// The admins whom no mail reaches, with the reason: trouble with an account is mailed to admins.
    pub fn unreachable_admins(&self, sends_mail: bool) -> impl Iterator<Item = (&str, &'static str)> {
        self.agents.iter().filter(|a| a.admin).filter_map(move |a| match &a.email {
            None => Some((a.name.as_str(), "the agent has no `email`")),
            Some(_) if !sends_mail => Some((a.name.as_str(), "there is no `[mail]`")),
            Some(_) => None,
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

    /// The declared webhook that is meant by a name, whatever its case.
    pub fn webhook(&self, name: &str) -> Option<&str> {
        let name = fold(name);
        self.webhooks.iter().map(String::as_str).find(|webhook| fold(webhook) == name)
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

    /// The allowed values of a declared kind, in order of declaration.
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
