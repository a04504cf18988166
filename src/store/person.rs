//! People: requesters and authors, each with the latest profile and with what the desk keeps about the person.

use std::{collections::BTreeMap, sync::LazyLock};

use jiff::Timestamp;

use super::{
    StoreError, Tx,
    column::{self, Column, columns},
    custom::{CustomColumns, custom},
    db::{Connection, Row, query},
    stored,
    ticket::among,
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
        let rows = query(&READ_PERSON).bind(id.as_str()).fetch_all(&mut self.conn).await?;
        let Some((number, found)) = numbered_people(self.conn.past_buffer(), &rows).await?.pop() else {
            self.conn.cache.nobody(id);
            return Ok(None);
        };
        self.conn.cache.keep_person(number, &found);
        Ok(Some(found))
    }

    /// Inserts or updates a person's profile; fields that are missing from `person` keep their stored value. If a known
    /// person changed, automations evaluate that person's tickets again.
    pub async fn see(&mut self, person: &Person, now: Timestamp) -> Result<(), StoreError> {
        let Some(id) = &person.id else { return Ok(()) };
        let known = self.person(id).await?;
        let mut merged = known.clone().unwrap_or_else(|| person.clone());
        merged.update(person);
        merged.joined = merged.joined.map(stored);
        if known.as_ref() != Some(&merged) {
            self.keep_requester(&merged, now).await?;
        }
        Ok(())
    }

    /// Stores a person as given, and returns the row id.
    pub(super) async fn keep_requester(&mut self, person: &Person, now: Timestamp) -> Result<i64, StoreError> {
        if let Some(id) = &person.id {
            self.person(id).await?;
        }
        let known = person.id.as_ref().and_then(|id| self.conn.cache.person(id)?);
        if let Some((number, before)) = known {
            let (number, before) = (*number, before.clone());
            if before != *person {
                self.change_person(number, &before, person, now).await?;
            }
            return Ok(number);
        }
        let put = column::bind(query(&PUT_PERSON), PERSON, person);
        let number = put.fetch_one(self.conn.past_cache()).await?.try_get(0)?;
        self.keep_sets(number, &Person::default(), person).await?;
        self.cache_person(number, person);
        Ok(number)
    }

    /// Stores a changed person, and schedules the evaluation of automations on all tickets of the person; if only the
    /// counts of tickets changed, only where rules that time fires ask for them.
    pub(super) async fn change_person(
        &mut self,
        number: i64,
        before: &Person,
        after: &Person,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let changed = column::bind(query(&CHANGE_PERSON).bind(number), PERSON, after);
        changed.execute(self.conn.past_cache()).await?;
        self.keep_sets(number, before, after).await?;
        self.keep_requester_versions(number, before, after).await?;
        self.cache_person(number, after);
        let mut counted = before.clone();
        counted.take_counts(after);
        if !self.counts_matter && *after == counted {
            return Ok(());
        }
        // No ticket is evaluated twice on a minute.
        query(
            "UPDATE ticket SET next_check_at = CASE WHEN last_check < $2 THEN $2 ELSE last_check + 60000 END
             WHERE requester = $1 AND status <> 'closed' AND (next_check_at IS NULL OR next_check_at > $2)",
        )
        .bind(number)
        .bind(minute(now).as_millisecond())
        .execute(self.conn.past_cache())
        .await?;
        Ok(())
    }

    fn cache_person(&mut self, number: i64, person: &Person) {
        let mut kept = person.clone();
        column::round(PERSON, &mut kept);
        self.conn.cache.keep_person(number, &kept);
    }

    /// Writes the differences in tags and declared fields.
    async fn keep_sets(&mut self, number: i64, before: &Person, after: &Person) -> Result<(), StoreError> {
        let tags = before.tags.difference(&after.tags);
        let fields = before.custom.iter().filter(|(name, value)| after.custom.get(*name) != Some(*value));
        let gone: Vec<_> = tags
            .map(|tag| ("DELETE FROM person_tag WHERE person = $1 AND tag = $2", tag))
            .chain(fields.map(|(name, _)| ("DELETE FROM person_field WHERE person = $1 AND name = $2", name)))
            .collect();
        for (delete, what) in gone {
            query(delete).bind(number).bind(what).execute(self.conn.past_cache()).await?;
        }
        for tag in after.tags.difference(&before.tags) {
            let insert = query("INSERT INTO person_tag (person, tag) VALUES ($1, $2)").bind(number).bind(tag);
            insert.execute(self.conn.past_cache()).await?;
        }
        for (name, value) in after.custom.iter().filter(|(name, value)| before.custom.get(*name) != Some(*value)) {
            let CustomColumns { kind, number: value, text, folded } = value.into();
            query(
                "INSERT INTO person_field (person, name, kind, number, text, folded) VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(number)
            .bind(name)
            .bind(kind)
            .bind(value)
            .bind(text)
            .bind(folded)
            .execute(self.conn.past_cache())
            .await?;
        }
        Ok(())
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
    "organisation" organisation;
    "note" note folded;
    "tickets" tickets;
    "unsolved_tickets" unsolved_tickets;
    "third_last_ticket" third_last_ticket;
    "fifth_last_ticket" fifth_last_ticket;
    "tenth_last_ticket" tenth_last_ticket;
    "satisfaction" satisfaction;
    "satisfaction_rated" satisfaction_rated;
};

/// Selects people with their row ids. A condition on `p.source_id` must be appended.
pub(super) static PEOPLE: LazyLock<String> =
    LazyLock::new(|| format!("SELECT p.id, {} FROM person p WHERE ", column::selected(PERSON, "p")));

static READ_PERSON: LazyLock<String> = LazyLock::new(|| format!("{}p.source_id = $1", *PEOPLE));

static PUT_PERSON: LazyLock<String> = LazyLock::new(|| {
    let names = column::names(PERSON);
    let news: Vec<_> = names.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    let insert = column::insert("person", &names);
    format!("{insert} ON CONFLICT (source_id) DO UPDATE SET {} RETURNING id", news.join(", "))
});

static CHANGE_PERSON: LazyLock<String> =
    LazyLock::new(|| format!("UPDATE person SET {} WHERE id = $1", column::assignments(&column::names(PERSON), 2)));

/// One statement that reads the tables of tags and declared fields.
const SETS: &[&str] = &[
    "SELECT person, 'tag' AS kind, tag AS name, CAST(NULL AS BIGINT) AS number, NULL AS text FROM person_tag WHERE person",
    " UNION ALL SELECT person, kind, name, number, text FROM person_field WHERE person",
];

/// Decodes rows of [`PEOPLE`], and reads the tags and declared fields of these people.
pub(super) async fn numbered_people(
    connection: &mut Connection,
    rows: &[Row],
) -> Result<Vec<(i64, Person)>, StoreError> {
    let mut found = BTreeMap::new();
    for row in rows {
        let mut person = Person::default();
        column::read(PERSON, &mut person, row, 1)?;
        found.insert(row.try_get::<i64, _>(0)?, person);
    }
    if found.is_empty() {
        return Ok(vec![]);
    }
    let numbers: Vec<i64> = found.keys().copied().collect();
    for row in among(connection, SETS, &numbers).fetch_all(connection).await? {
        let Some(person) = found.get_mut(&row.try_get("person")?) else { continue };
        match row.try_get("kind")? {
            "tag" => person.tags.extend([row.try_get("name")?]),
            _ => person.custom.extend([custom(&row)?]),
        }
    }
    Ok(found.into_iter().collect())
}
