//! What can befall accounts and the whole platform: protected and suspended accounts, new handles, outages.

use serde_json::{Value, json};

use super::{
    SimError, SimHandle,
    answer::Answer,
    arguments::Arguments,
    query::is_handle,
    relations::Relation,
    world::{Fields, Post, World},
};

/// A state in which X refuses all API calls. Signing in and refreshing tokens still work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// Every token is refused, though none was revoked.
    Unauthorized,
    /// The app has no credits left.
    Credits,
    /// The app has reached its spend limit.
    SpendCap,
    /// The app is suspended.
    AppSuspended,
    /// X is overloaded.
    Unavailable,
}

impl Outage {
    const ALL: &[(&str, Self)] = &[
        ("unauthorized", Self::Unauthorized),
        ("credits", Self::Credits),
        ("spend_cap", Self::SpendCap),
        ("app_suspended", Self::AppSuspended),
        ("unavailable", Self::Unavailable),
    ];

    fn read(word: &str) -> Option<Option<Self>> {
        let found = Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, outage)| Some(*outage));
        found.or((word == "none").then_some(None))
    }

    /// X's answer to every call.
    pub(super) fn answer(self) -> Answer {
        match self {
            Self::Unauthorized => Answer::unauthorized(),
            Self::Credits => Answer::problem_of(402, "Payment Required", "credits depleted", "credits-depleted"),
            Self::SpendCap => Answer::problem_of(
                403,
                "SpendCapReached",
                "The spend limit of your account is reached.",
                "spend-cap-reached",
            ),
            Self::AppSuspended => {
                Answer::problem_of(403, "Client Forbidden", "This app is suspended.", "client-forbidden")
            }
            Self::Unavailable => {
                Answer::problem_of(503, "Service Unavailable", "Service Unavailable", "service-unavailable")
            }
        }
    }
}

/// Changes of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// Whether only followers see its posts.
    pub protected: Option<bool>,
    /// Whether the account is suspended: nobody sees its posts, and its tokens are refused.
    pub suspended: Option<bool>,
    /// Its new handle.
    pub username: Option<String>,
}

impl World {
    /// A post that a user may see; `None` stands for somebody who is not signed in.
    pub(super) fn visible_post(&self, id: u64, viewer: Option<u64>) -> Option<&Post> {
        self.post(id).filter(|post| self.may_see(post.author, viewer))
    }

    /// Whether a user may see another's posts.
    pub(super) fn may_see(&self, author: u64, viewer: Option<u64>) -> bool {
        let followed = || viewer.is_some_and(|viewer| self.relations.holds(Relation::Follow, viewer, author));
        !self.is_suspended(author) && (!self.is_protected(author) || viewer == Some(author) || followed())
    }

    pub(super) fn is_protected(&self, person: u64) -> bool {
        let fields = self.people.get(&person).map(|person| &person.fields);
        fields.and_then(|fields| fields.get("protected")) == Some(&Value::Bool(true))
    }

    pub(super) fn is_suspended(&self, person: u64) -> bool {
        self.people.get(&person).is_some_and(|person| person.suspended)
    }

    pub(super) fn change_account(&mut self, account: &str, change: &AccountChange) -> Result<(), SimError> {
        let id = self.find_person(account)?;
        let mut fields = Fields::new();
        if let Some(handle) = &change.username {
            if !is_handle(handle) {
                return Err(SimError::Command(format!(
                    "`{handle}` is no handle: those are 1 to 15 letters, digits and `_`"
                )));
            }
            if self.person_named(handle).is_some_and(|other| other != id) {
                return Err(SimError::HandleTaken(handle.clone()));
            }
            fields.insert("username".into(), json!(handle));
        }
        if let Some(protected) = change.protected {
            fields.insert("protected".into(), json!(protected));
        }
        self.know_person(id, fields)?;
        if let (Some(suspended), Some(person)) = (change.suspended, self.people.get_mut(&id)) {
            person.suspended = suspended;
        }
        Ok(())
    }

    /// Executes a command about accounts and the platform.
    pub(super) fn obey_status(&mut self, command: &str, mut given: Arguments) -> Result<Value, SimError> {
        match command {
            "account" => {
                let account = given.text("account");
                let change = AccountChange {
                    protected: given.flag("protected"),
                    suspended: given.flag("suspended"),
                    username: given.optional_text("username"),
                };
                given.finish()?;
                self.change_account(&account, &change)?;
            }
            "outage" => {
                let kinds: Vec<&str> = Outage::ALL.iter().map(|(name, _)| *name).collect();
                let wanted = format!("`{}` or `none`", kinds.join("`, `"));
                let outage = given.optional("kind", &wanted, Outage::read);
                given.finish()?;
                self.outage = outage.ok_or_else(|| SimError::Command("`/sim/outage`: `kind` is missing".into()))?;
            }
            _ => return Err(super::control::no_such_command("POST", command)),
        }
        Ok(json!({}))
    }
}

impl SimHandle {
    /// Protects, suspends or renames an account, or ends this.
    pub fn change_account(&self, account: &str, change: &AccountChange) -> Result<(), SimError> {
        self.shared.world().change_account(account, change)
    }

    /// Begins an outage, or ends it.
    pub fn set_outage(&self, outage: Option<Outage>) {
        self.shared.world().outage = outage;
    }

    /// Sets how many requests to an endpoint are left in the 24 hours that begin now: for each user, and for the app.
    pub fn limit_day(&self, endpoint: &str, requests: u32) -> Result<(), SimError> {
        self.shared.world().limit_day(endpoint, requests)
    }
}
