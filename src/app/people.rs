//! People: what is known of one, and what agents change about one by hand.

use super::{App, UnitOfWork};
use crate::{
    desk::{Change, Declarations, FieldRef, Owner, Person, Scope, Ticket, Via, Viewer},
    engine::{self, changes},
    lang::rules::{Action, ActionKind, Part, SetTo},
    store::{PersonChange, SeenPerson, Store, StoreError},
};

/// The maximum numbers of tickets and changes shown.
const MAX_SHOWN: u32 = 20;

/// Why a person is not shown or changed. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    /// The viewer sees no ticket of such a person.
    #[error("no person `{0}`")]
    Nobody(String),
    /// Several people have had this handle.
    #[error("several people are known as `{handle}`: {}; give the id", people.join(", "))]
    Several {
        /// The handle.
        handle: String,
        /// Each id, with the name.
        people: Vec<String>,
    },
    /// What is kept about the person, tags apart, has changed since the version that the agent saw.
    #[error(
        "{who} has changed since version {expected}, and is at version {version} now; `twite person show` says how"
    )]
    Conflict {
        /// The person, as given.
        who: String,
        /// The version that the agent saw.
        expected: i64,
        /// The current version.
        version: i64,
    },
    /// The person has never had the version that was given.
    #[error("{who} is at version {version}, and has had no version {expected}")]
    NoSuchVersion {
        /// The person, as given.
        who: String,
        /// The version that was given.
        expected: i64,
        /// The current version.
        version: i64,
    },
    /// A value is to be read from a ticket.
    #[error("`{0}` is known of a ticket, and a person is updated without one: write the value itself")]
    OfTicket(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A person with the latest tickets and changes.
#[derive(Debug)]
pub struct PersonSheet {
    /// What is known of the person.
    pub person: Person,
    /// How often what is kept about the person has changed, tags apart.
    pub version: i64,
    /// The person's latest tickets that the viewer sees.
    pub tickets: Vec<Ticket>,
    /// What agents changed by hand.
    pub changes: Vec<PersonChange>,
}

/// The result of an update of a person, or its preview.
#[derive(Debug)]
pub struct ChangedPerson {
    /// The person after it.
    pub person: Person,
    /// The version after it.
    pub version: i64,
    /// The fields that changed.
    pub changes: Vec<Change>,
}

/// An agent's update of a person.
#[derive(Debug, Clone, Copy)]
pub struct PersonUpdate<'u> {
    /// Who is changed: a handle, id at X or email address.
    pub who: &'u str,
    /// What is set, as actions on the requester.
    pub actions: &'u [Action],
    /// The version of the person that the update is based on. If it sets anything but tags, nothing else may have been
    /// set since.
    pub expected_version: Option<i64>,
}

/// Loads a person, named by handle, id at X or email address.
pub async fn sheet(store: &Store, viewer: Viewer<'_>, who: &str) -> Result<PersonSheet, PersonError> {
    let mut snapshot = store.snapshot(viewer).await?;
    let found = snapshot.people(who).await?;
    let sheet = match one(who, found) {
        Ok(seen) => Ok(PersonSheet {
            tickets: snapshot.tickets_of_person(&seen, MAX_SHOWN).await?,
            changes: snapshot.person_changes(&seen, MAX_SHOWN).await?,
            version: snapshot.person_version(&seen).await?,
            person: seen.person,
        }),
        Err(error) => Err(error),
    };
    snapshot.close().await?;
    sheet
}

/// Computes the result of an update, in a transaction that is rolled back.
///
/// # Errors
/// As [`update`].
pub async fn preview(app: &App, viewer: Viewer<'_>, update: &PersonUpdate<'_>) -> Result<ChangedPerson, PersonError> {
    let mut unit = app.begin().await?;
    let changed = unit.update_person(viewer, update).await?;
    unit.roll_back().await?;
    Ok(changed)
}

/// Applies actions on the requester to a person. No triggers run: the change is on all of the person's tickets, whose
/// automations are evaluated again.
///
/// # Errors
/// [`PersonError`]; then nothing has changed.
pub async fn update(app: &App, viewer: Viewer<'_>, update: &PersonUpdate<'_>) -> Result<ChangedPerson, PersonError> {
    let mut unit = app.begin().await?;
    let changed = unit.update_person(viewer, update).await?;
    unit.commit().await?;
    Ok(changed)
}

impl UnitOfWork<'_> {
    async fn update_person(
        &mut self,
        viewer: Viewer<'_>,
        update: &PersonUpdate<'_>,
    ) -> Result<ChangedPerson, PersonError> {
        let now = self.now();
        if let Some(field) = update.actions.iter().flat_map(reads).find(|field| is_of_ticket(field)) {
            return Err(PersonError::OfTicket(field.name().into_owned()));
        }
        let found = self.tx.people(viewer, update.who).await?;
        let seen = one(update.who, found)?;
        let version = self.tx.person_version(&seen).await?;
        let before = Ticket { requester: seen.person.clone(), ..Ticket::default() };
        let by = (viewer.actor(), Via::Cli);
        let after = engine::agent_update(update.actions, &before, &self.rules.desk, now, by, None).ticket;
        let changes = set_between(&before, &after, &self.rules.desk);
        let expected = update.expected_version.unwrap_or(version);
        let who = || update.who.to_owned();
        if !(1..=version).contains(&expected) {
            return Err(PersonError::NoSuchVersion { who: who(), expected, version });
        }
        if expected < version && changes.iter().any(|change| change.field != TAGS) {
            return Err(PersonError::Conflict { who: who(), expected, version });
        }
        if !changes.is_empty() {
            self.tx.update_person(&seen, &after.requester, (&viewer.actor(), &changes), now).await?;
        }
        Ok(ChangedPerson { changes, version: self.tx.person_version(&seen).await?, person: after.requester })
    }
}

/// The fields that an action sets others to.
fn reads(action: &Action) -> Vec<&FieldRef> {
    match &action.kind {
        ActionKind::Set(_, SetTo::Match { from, .. } | SetTo::Field { from, .. }) => vec![from],
        ActionKind::Set(_, SetTo::Template(template)) => {
            let fields = template.parts.iter().map(|part| match part {
                Part::Placeholder { field, .. } => Some(field),
                Part::Text(_) | Part::Conversation => None,
            });
            fields.flatten().collect()
        }
        _ => vec![],
    }
}

/// Whether a field is unknown where there is no ticket: it is neither of the requester, of the clock nor of who acts.
fn is_of_ticket(field: &FieldRef) -> bool {
    let name = field.name();
    Owner::split(&name).0 == Owner::Ticket && field.scope() != Scope::Clock && !name.starts_with("agent.")
}

/// The field that an update adds to and removes from, instead of setting it.
const TAGS: &str = "requester.tags";

/// What was set about the requester between two tickets.
pub(super) fn set_between(before: &Ticket, after: &Ticket, desk: &Declarations) -> Vec<Change> {
    if before.requester == after.requester {
        return vec![];
    }
    let is_set = |change: &Change| {
        let field = FieldRef::find(&change.field, desk).filter(FieldRef::writable);
        field.is_some_and(|field| Owner::split(&field.name()).0 == Owner::Requester)
    };
    let mut changes = changes(before, after, desk);
    changes.retain(is_set);
    changes
}

fn one(who: &str, mut found: Vec<SeenPerson>) -> Result<SeenPerson, PersonError> {
    match (found.pop(), found.len()) {
        (None, _) => Err(PersonError::Nobody(who.to_owned())),
        (Some(seen), 0) => Ok(seen),
        (Some(last), _) => {
            found.push(last);
            let id = |person: &Person| person.id.as_ref().map_or("unknown", |id| id.as_str()).to_owned();
            let each = found.iter().map(|seen| format!("{} ({})", id(&seen.person), seen.person.label()));
            Err(PersonError::Several { handle: who.to_owned(), people: each.collect() })
        }
    }
}
