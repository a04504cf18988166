//! People on behalf of a viewer, and what agents changed about them by hand.

use jiff::Timestamp;

use super::{
    StoreError, Tx,
    db::{Builder, Connection, Executor, query, query_scalar},
    person::{PEOPLE, numbered_people},
    snapshot::{Snapshot, push_seen},
    ticket::tickets,
    time, word,
};
use crate::desk::{Actor, Change, Person, Ticket, TicketId, Viewer, normalize::handle, text::fold};

/// The maximum number of people found under one handle, which can change owner.
const MAX_FOUND: i64 = 20;

/// A person who has a ticket that the viewer sees.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenPerson {
    number: i64,
    /// What is known of the person.
    pub person: Person,
}

/// What an agent changed about a person by hand. What rules changed is in the decisions on the person's tickets.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PersonChange {
    /// When it was done.
    pub made: Timestamp,
    /// Who did it.
    pub actor: String,
    /// The fields that changed.
    pub changes: Vec<StoredChange>,
}

/// A change of a field, with its values as JSON.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StoredChange {
    /// The field's name.
    pub field: String,
    /// The value before.
    pub from: serde_json::Value,
    /// The value after.
    pub to: serde_json::Value,
}

impl Snapshot<'_> {
    /// The people with this id at X, email address or handle who have a ticket that the viewer sees.
    pub async fn people(&mut self, who: &str) -> Result<Vec<SeenPerson>, StoreError> {
        people(&mut self.conn, self.viewer, who).await
    }

    /// The tickets of a person that the viewer sees, the latest first, at most `most`.
    pub async fn tickets_of_person(&mut self, of: &SeenPerson, most: u32) -> Result<Vec<Ticket>, StoreError> {
        let mut sql = Builder::new(self.conn.dialect(), "SELECT t.id FROM ticket t WHERE t.requester = ");
        sql.push_bind(of.number).push(" AND ");
        push_seen(&mut sql, self.viewer);
        sql.push(" ORDER BY t.created DESC, t.id DESC LIMIT ").push_bind(i64::from(most));
        let ids: Vec<i64> = sql.build_query_scalar().fetch_all(&mut self.conn).await?;
        tickets(&mut self.conn, &ids).await
    }

    /// What agents changed about a person by hand, the latest last, at most the latest `most`.
    pub async fn person_changes(&mut self, of: &SeenPerson, most: u32) -> Result<Vec<PersonChange>, StoreError> {
        let rows = query("SELECT made, actor, changes FROM person_change WHERE person = $1 ORDER BY id DESC LIMIT $2")
            .bind(of.number)
            .bind(i64::from(most))
            .fetch_all(&mut self.conn)
            .await?;
        let rows = rows.iter().rev().map(|row| {
            let changes = serde_json::from_str(row.try_get(2)?).map_err(|e| StoreError::Corrupt(e.to_string()))?;
            let actor: Actor = word(row.try_get(1)?)?;
            Ok(PersonChange { made: time(row.try_get(0)?)?, actor: actor.to_string(), changes })
        });
        rows.collect()
    }

    /// As [`Tx::person_version`].
    pub async fn person_version(&mut self, of: &SeenPerson) -> Result<i64, StoreError> {
        person_version(&mut self.conn, of).await
    }
}

impl Tx {
    /// How often what is kept about a person, tags apart, has been changed, counted from 1.
    pub async fn person_version(&mut self, of: &SeenPerson) -> Result<i64, StoreError> {
        person_version(&mut self.conn, of).await
    }

    /// As [`Snapshot::people`].
    pub async fn people(&mut self, viewer: Viewer<'_>, who: &str) -> Result<Vec<SeenPerson>, StoreError> {
        people(self.conn.past_buffer(), viewer, who).await
    }

    /// Stores what somebody changed about a person by hand. Automations evaluate the person's tickets again.
    pub async fn update_person(
        &mut self,
        before: &SeenPerson,
        after: &Person,
        (by, changes): (&Actor, &[Change]),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change_person(before.number, &before.person, after, now).await?;
        self.record_person_change(before.number, by, changes, now).await
    }

    /// Records what somebody changed about a ticket's requester by an update of the ticket.
    pub async fn requester_changed(
        &mut self,
        ticket: TicketId,
        by: &Actor,
        changes: &[Change],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let number = query_scalar("SELECT requester FROM ticket WHERE id = $1").bind(ticket.0);
        let number = number.fetch_one(&mut self.conn).await?;
        self.record_person_change(number, by, changes, now).await
    }

    async fn record_person_change(
        &mut self,
        number: i64,
        by: &Actor,
        changes: &[Change],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let changes = serde_json::to_string(changes).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        query("INSERT INTO person_change (person, made, actor, changes) VALUES ($1, $2, $3, $4)")
            .bind(number)
            .bind(now.as_millisecond())
            .bind(by.to_string())
            .bind(changes)
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }
}

async fn person_version(on: impl Into<Executor<'_>>, of: &SeenPerson) -> Result<i64, StoreError> {
    Ok(query_scalar("SELECT version FROM person WHERE id = $1").bind(of.number).fetch_one(on).await?)
}

async fn people(on: &mut Connection, viewer: Viewer<'_>, who: &str) -> Result<Vec<SeenPerson>, StoreError> {
    // Ids and addresses have other characters than handles, but for digits.
    let (address, handle) = (fold(who).into_owned(), fold(&handle(who)).into_owned());
    let mut sql = Builder::new(on.dialect(), PEOPLE.as_str());
    sql.push("(p.source_id IN (").push_bind(who.to_owned()).push(", ").push_bind(address.clone());
    sql.push(") OR p.email_folded = ").push_bind(address).push(" OR p.handle_folded = ").push_bind(handle);
    sql.push(") AND EXISTS (SELECT 1 FROM ticket t WHERE t.requester = p.id AND ");
    push_seen(&mut sql, viewer);
    sql.push(") ORDER BY p.id LIMIT ").push_bind(MAX_FOUND);
    let rows = sql.build().fetch_all(&mut *on).await?;
    let found = numbered_people(on, &rows).await?;
    Ok(found.into_iter().map(|(number, person)| SeenPerson { number, person }).collect())
}
