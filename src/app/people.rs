//! People: what is known of one, and what agents change about one by hand.

use jiff::Timestamp;

use super::{App, UnitOfWork};
use crate::{
    desk::{Change, Declarations, FieldRef, Owner, Person, Ticket, Via, Viewer},
    engine::{self, changes},
    lang::rules::Action,
    store::{PersonChange, SeenPerson, Store, StoreError},
};

/// The maximum numbers of tickets and changes shown.
const MAX_SHOWN: u32 = 20;

/// Why a person is not shown or changed. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum NotFound {
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
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A person with the latest tickets and changes.
#[derive(Debug)]
pub struct PersonSheet {
    /// What is known of the person.
    pub person: Person,
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
    /// The fields that changed.
    pub changes: Vec<Change>,
}

/// Loads a person, named by handle, id at X or email address.
pub async fn sheet(store: &Store, viewer: Viewer<'_>, who: &str) -> Result<PersonSheet, NotFound> {
    let mut snapshot = store.snapshot(viewer).await?;
    let found = snapshot.people(who).await?;
    let sheet = match one(who, found) {
        Ok(seen) => Ok(PersonSheet {
            tickets: snapshot.tickets_of_person(&seen, MAX_SHOWN).await?,
            changes: snapshot.person_changes(&seen, MAX_SHOWN).await?,
            person: seen.person,
        }),
        Err(error) => Err(error),
    };
    snapshot.close().await?;
    sheet
}

/// Computes the result of an update, in a transaction that is rolled back.
pub async fn preview(app: &App, viewer: Viewer<'_>, who: &str, actions: &[Action]) -> Result<ChangedPerson, NotFound> {
    let mut unit = app.begin().await?;
    let changed = unit.update_person(viewer, who, actions).await?;
    unit.roll_back().await?;
    Ok(changed)
}

/// Applies actions on the requester to a person. No triggers run: the change is on all of the person's tickets, whose
/// automations are evaluated again.
pub async fn update(app: &App, viewer: Viewer<'_>, who: &str, actions: &[Action]) -> Result<ChangedPerson, NotFound> {
    let mut unit = app.begin().await?;
    let changed = unit.update_person(viewer, who, actions).await?;
    unit.commit().await?;
    Ok(changed)
}

impl UnitOfWork<'_> {
    async fn update_person(
        &mut self,
        viewer: Viewer<'_>,
        who: &str,
        actions: &[Action],
    ) -> Result<ChangedPerson, NotFound> {
        let now = self.now();
        let found = self.tx.people(viewer, who).await?;
        let seen = one(who, found)?;
        let changed = changed(&seen, viewer, actions, &self.rules.desk, now);
        if !changed.changes.is_empty() {
            self.tx.update_person(&seen, &changed.person, (&viewer.actor(), &changed.changes), now).await?;
        }
        Ok(changed)
    }
}

fn changed(
    seen: &SeenPerson,
    viewer: Viewer<'_>,
    actions: &[Action],
    desk: &Declarations,
    now: Timestamp,
) -> ChangedPerson {
    let before = Ticket { requester: seen.person.clone(), ..Ticket::default() };
    let after = engine::agent_update(actions, &before, desk, now, (viewer.actor(), Via::Cli), None).ticket;
    ChangedPerson { changes: set_between(&before, &after, desk), person: after.requester }
}

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

fn one(who: &str, mut found: Vec<SeenPerson>) -> Result<SeenPerson, NotFound> {
    match (found.pop(), found.len()) {
        (None, _) => Err(NotFound::Nobody(who.to_owned())),
        (Some(seen), 0) => Ok(seen),
        (Some(last), _) => {
            found.push(last);
            let id = |person: &Person| person.id.as_ref().map_or("unknown", |id| id.as_str()).to_owned();
            let each = found.iter().map(|seen| format!("{} ({})", id(&seen.person), seen.person.label()));
            Err(NotFound::Several { handle: who.to_owned(), people: each.collect() })
        }
    }
}
