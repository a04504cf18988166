//! The names that rules may refer to, as `twite.toml` declares them: groups, agents, accounts, brands, organisations,
//! fields, webhooks and opening hours.
//!
//! They are part of the checked rules and of their hash. Settings that only the process needs are in
//! [`crate::settings`].

use serde::Deserialize;

use super::{Accounts, CustomField, Hours, Owner, RatingWords, Ticket, text::fold};

/// All declarations that rules may refer to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Declarations {
    /// The edition, which limits accounts and channels.
    pub edition: Edition,
    /// Base URL of the desk's pages; `{{ticket.link}}` starts with it.
    pub url: Option<String>,
    /// Groups of agents.
    pub groups: Vec<Group>,
    /// Agents.
    pub agents: Vec<Agent>,
    /// Connected accounts.
    pub accounts: Accounts,
    /// Brands.
    pub brands: Vec<Brand>,
    /// Organisations that people belong to.
    pub organisations: Vec<Organisation>,
    /// Custom fields, `field.NAME` and `requester.field.NAME` in rules.
    pub fields: Vec<CustomField>,
    /// The names of webhooks.
    pub webhooks: Vec<String>,
    /// Opening hours of tickets that no schedule covers.
    pub hours: Hours,
    /// Opening hours of some groups and accounts.
    pub schedules: Vec<Schedule>,
    /// What requesters answer when they are asked how satisfied they are.
    pub satisfaction: RatingWords,
}

/// The edition, which limits accounts and channels.
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
    /// Maximum number of accounts.
    pub const fn most_accounts(self) -> usize {
        match self {
            Self::Support => 1,
            Self::Suite => 5,
        }
    }

    /// That maximum in words.
    pub const fn account_limit(self) -> &'static str {
        match self {
            Self::Support => "the edition `support` allows one account",
            Self::Suite => "the edition `suite` allows five accounts",
        }
    }
}

/// Opening hours of some groups and accounts.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// The groups whose tickets it applies to.
    pub groups: Vec<String>,
    /// The accounts whose tickets it applies to, unless the ticket's group has a schedule.
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
    /// Email address of the whole group. If `None`, each member is notified.
    pub email: Option<String>,
}

/// An agent: a person who answers tickets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Agent {
    /// The name in rules.
    pub name: String,
    /// Email address for notifications.
    pub email: Option<String>,
    /// The groups the agent is in.
    pub groups: Vec<String>,
    /// The tickets the agent sees.
    pub sees: Sees,
    /// Whether the agent may change settings.
    pub admin: bool,
}

/// The tickets an agent sees. The others do not exist for the agent, see [`super::Viewer`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sees {
    /// All tickets.
    #[default]
    All,
    /// Tickets of the agent's groups, and those assigned to the agent.
    Groups,
    /// Tickets assigned to the agent.
    Assigned,
}

/// A brand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Brand {
    /// Its name in rules.
    pub name: String,
}

/// An organisation that people belong to: a customer, a partner.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Organisation {
    /// Its name in rules.
    pub name: String,
}

impl Declarations {
    /// All declared opening hours: the default ones and those of the schedules.
    pub fn all_hours_mut(&mut self) -> impl Iterator<Item = &mut Hours> {
        std::iter::once(&mut self.hours).chain(self.schedules.iter_mut().map(|s| &mut s.hours))
    }

    /// The calendar files of all opening hours, without duplicates.
    pub fn calendars(&self) -> std::collections::BTreeSet<&str> {
        let hours = std::iter::once(&self.hours).chain(self.schedules.iter().map(|s| &s.hours));
        hours.flat_map(|h| h.calendars.iter().map(String::as_str)).collect()
    }
}

impl Schedule {
    /// Whether it applies to tickets of this group.
    fn is_for_group(&self, group: &str) -> bool {
        self.groups.iter().any(|g| g == group)
    }

    /// Whether it applies to tickets of this account.
    fn is_for_account(&self, handle: &str) -> bool {
        self.accounts.iter().any(|a| a.eq_ignore_ascii_case(handle))
    }
}

impl Declarations {
    /// Names and email addresses of the admins that have an address.
    pub fn admins(&self) -> impl Iterator<Item = (&str, &str)> {
        self.agents.iter().filter(|a| a.admin).filter_map(|a| Some((a.name.as_str(), a.email.as_deref()?)))
    }

    /// The admins that cannot be notified of problems with an account, each with the reason.
    pub fn unreachable_admins(&self, sends_mail: bool) -> impl Iterator<Item = (&str, &'static str)> {
        self.agents.iter().filter(|a| a.admin).filter_map(move |a| match &a.email {
            None => Some((a.name.as_str(), "the agent has no `email`")),
            Some(_) if !sends_mail => Some((a.name.as_str(), "there is no `[mail]`")),
            Some(_) => None,
        })
    }

    /// The opening hours of a ticket: those of the first schedule with its group, else of the first with its account,
    /// else `[hours]`.
    pub fn hours_of(&self, ticket: &Ticket) -> &Hours {
        let group = ticket.group.as_deref().and_then(|g| self.schedules.iter().find(|s| s.is_for_group(g)));
        let account = || ticket.account.as_deref().and_then(|a| self.schedules.iter().find(|s| s.is_for_account(a)));
        group.or_else(account).map_or(&self.hours, |s| &s.hours)
    }

    /// The declared custom field with this name in rules: `field.NAME` or `requester.field.NAME`.
    pub fn field(&self, name: &str) -> Option<&CustomField> {
        let (of, name) = Owner::split(name);
        let name = name.strip_prefix("field.")?;
        self.fields.iter().find(|field| field.of == of && field.name == name)
    }

    /// The declared webhook with this name, compared case-insensitively (see [`fold`]).
    pub fn webhook(&self, name: &str) -> Option<&str> {
        let name = fold(name);
        self.webhooks.iter().map(String::as_str).find(|webhook| fold(webhook) == name)
    }

    /// The agents of a group, in the order in which they are declared.
    pub fn members(&self, group: &str) -> impl Iterator<Item = &Agent> {
        self.agents.iter().filter(move |agent| agent.groups.iter().any(|g| g == group))
    }

    /// The allowed values of a declared kind, in order of declaration.
    pub fn declared(&self, what: &super::field::Declared) -> Vec<&str> {
        use super::field::Declared;
        match what {
            Declared::Group => self.groups.iter().map(|g| g.name.as_str()).collect(),
            Declared::Agent => self.agents.iter().map(|a| a.name.as_str()).collect(),
            Declared::Account => self.accounts.iter().map(|a| a.handle.as_str()).collect(),
            Declared::Brand => self.brands.iter().map(|b| b.name.as_str()).collect(),
            Declared::Organisation => self.organisations.iter().map(|o| o.name.as_str()).collect(),
            Declared::Schedule => self.schedules.iter().map(|s| s.name.as_str()).collect(),
            // Declared by the rules.
            Declared::Sla => vec![],
            Declared::Choice(field) => {
                self.field(field).map(|f| f.choices.iter().map(String::as_str).collect()).unwrap_or_default()
            }
        }
    }
}
