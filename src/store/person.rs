//! People: requesters and authors.

use std::sync::LazyLock;

use jiff::Timestamp;

use super::{
    StoreError, Tx,
    column::{self, Column, columns},
    db::{Row, query},
    stored,
};
use crate::{
    desk::{Person, SourceId},
    engine::minute,
};

impl Tx {
    /// A person by the id at the source.
    pub async fn person(&mut self, id: &SourceId) -> Result<Option<Person>, StoreError> {
        if let Some(known) = self.conn.cache.person(id) {
            return Ok(known.map(|(_, person)| person.clone()));
        }
        let row = query(&READ_PERSON).bind(id.as_str()).fetch_optional(&mut self.conn).await?;
        let Some(row) = row else {
            self.conn.cache.nobody(id);
            return Ok(None);
        };
        let (number, found) = numbered_person(&row)?;
        self.conn.cache.keep_person(number, &found);
        Ok(Some(found))
    }

    /// Inserts or updates a person; fields that are missing from `person` keep their stored value. If a known person
    /// changed, automations evaluate that person's tickets again.
    pub async fn see(&mut self, person: &Person, now: Timestamp) -> Result<(), StoreError> {
        let Some(id) = &person.id else { return Ok(()) };
        let known = self.person(id).await?;
        let mut merged = known.clone().unwrap_or_else(|| person.clone());
        merged.update(person);
        merged.joined = merged.joined.map(stored);
        if known.as_ref() == Some(&merged) {
            return Ok(());
        }
        let number = self.put_person(&merged).await?;
        if known.is_some() {
            query(
                "UPDATE ticket SET next_check_at = $2
                 WHERE requester = $1 AND status <> 'closed' AND (next_check_at IS NULL OR next_check_at > $2)",
            )
            .bind(number)
            .bind(minute(now).as_millisecond())
            .execute(self.conn.past_cache())
            .await?;
        }
        Ok(())
    }

    /// Inserts or updates a person and returns the row id.
    pub(super) async fn put_person(&mut self, person: &Person) -> Result<i64, StoreError> {
        let put = column::bind(query(&PUT_PERSON), PERSON, person);
        let number = put.fetch_one(self.conn.past_cache()).await?.try_get(0)?;
        let mut kept = person.clone();
        column::round(PERSON, &mut kept);
        self.conn.cache.keep_person(number, &kept);
        Ok(number)
    }
}

pub(super) const PERSON: &[Column<Person>] = columns! { Person:
    "source_id" id;
    "handle" handle folded;
    "name" name folded;
    "email" email folded;
    "language" language folded;
    "location" location folded;
    "joined" joined;
    "followers" followers;
    "following" following;
    "tweets" tweets;
    "listed" listed;
    "verified" verified;
    "verified_type" verified_type;
};

/// Selects people with their row ids. A condition on `p.source_id` must be appended.
pub(super) static PEOPLE: LazyLock<String> =
    LazyLock::new(|| format!("SELECT p.id, {} FROM person p WHERE p.source_id", column::selected(PERSON, "p")));

static READ_PERSON: LazyLock<String> = LazyLock::new(|| format!("{} = $1", *PEOPLE));

static PUT_PERSON: LazyLock<String> = LazyLock::new(|| {
    let names = column::names(PERSON);
    let news: Vec<_> = names.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    let insert = column::insert("person", &names);
    format!("{insert} ON CONFLICT (source_id) DO UPDATE SET {} RETURNING id", news.join(", "))
});

/// Decodes a row of [`PEOPLE`].
pub(super) fn numbered_person(row: &Row) -> Result<(i64, Person), StoreError> {
    let mut person = Person::default();
    column::read(PERSON, &mut person, row, 1)?;
    Ok((row.try_get(0)?, person))
}
