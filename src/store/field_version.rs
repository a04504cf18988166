//! For each field of a ticket, the version of the ticket at which it last changed. An update names the version it is
//! based on, and conflicts with later changes of the same fields. What is kept about the requester counts as fields of
//! each of the person's unclosed tickets.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use super::{
    StoreError, Tx,
    column::Column,
    comes_again,
    db::{Builder, Executor, query, query_scalar},
    person::PERSON,
    snapshot::{SeenTicket, Snapshot},
    ticket::CHANGING,
};
use crate::desk::{CustomValue, Person, Ticket, TicketId, field::FIELDS};

impl Tx {
    /// Records the fields that the next save of a ticket changes.
    pub(super) async fn keep_field_versions(&mut self, before: &Ticket, after: &Ticket) -> Result<(), StoreError> {
        let fields = changed(before, after);
        if fields.is_empty() {
            return Ok(());
        }
        let version = self.ticket_version(after.id).await? + 1;
        let again = comes_again(fields.len());
        let mut insert = Builder::new(self.conn.dialect(), "INSERT INTO field_version (ticket, field, version) ");
        insert.push_values(fields, |row, field| {
            row.push_bind(after.id.0).push_bind(field).push_bind(version);
        });
        insert.push(" ON CONFLICT (ticket, field) DO UPDATE SET version = excluded.version");
        insert.build().persistent(again).execute(&mut self.conn).await?;
        Ok(())
    }

    /// Raises the versions of a person and of the person's unclosed tickets, if what is kept about the person changes, and
    /// records the fields.
    pub(super) async fn keep_requester_versions(
        &mut self,
        number: i64,
        before: &Person,
        after: &Person,
    ) -> Result<(), StoreError> {
        let fields = changed_about(before, after);
        if fields.is_empty() {
            return Ok(());
        }
        query("UPDATE person SET version = version + 1 WHERE id = $1")
            .bind(number)
            .execute(self.conn.past_cache())
            .await?;
        let raise =
            "UPDATE ticket SET version = version + 1 WHERE requester = $1 AND status <> 'closed' RETURNING id, version";
        for row in query(raise).bind(number).fetch_all(self.conn.past_cache()).await? {
            self.conn.cache.keep_ticket_version(TicketId(row.try_get(0)?), row.try_get(1)?);
        }
        for field in fields {
            query(
                "INSERT INTO field_version (ticket, field, version)
                 SELECT id, $2, version FROM ticket WHERE requester = $1 AND status <> 'closed'
                 ON CONFLICT (ticket, field) DO UPDATE SET version = excluded.version",
            )
            .bind(number)
            .bind(field)
            .execute(self.conn.past_cache())
            .await?;
        }
        Ok(())
    }

    /// The names of the fields that an agent can set and that have changed since a version, without tags, which are
    /// added and removed one by one.
    pub async fn changed_since(&mut self, ticket: TicketId, version: i64) -> Result<BTreeSet<String>, StoreError> {
        changed_since(&mut self.conn, ticket, version).await
    }
}

impl Snapshot<'_> {
    /// As [`Tx::changed_since`].
    pub async fn changed_since(&mut self, ticket: &SeenTicket, version: i64) -> Result<BTreeSet<String>, StoreError> {
        changed_since(&mut self.conn, ticket.id(), version).await
    }
}

async fn changed_since(
    on: impl Into<Executor<'_>>,
    ticket: TicketId,
    version: i64,
) -> Result<BTreeSet<String>, StoreError> {
    let fields: Vec<String> = query_scalar("SELECT field FROM field_version WHERE ticket = $1 AND version > $2")
        .bind(ticket.0)
        .bind(version)
        .fetch_all(on)
        .await?;
    Ok(fields.into_iter().collect())
}

/// The columns of the built-in fields of a ticket that can be set, with the fields' names.
static SETTABLE: LazyLock<Vec<(&'static str, &'static Column<Ticket>)>> = LazyLock::new(|| settable("t.", CHANGING));

/// As [`SETTABLE`], of the requester.
static SETTABLE_ABOUT: LazyLock<Vec<(&'static str, &'static Column<Person>)>> =
    LazyLock::new(|| settable("p.", PERSON));

fn settable<T>(table: &str, columns: &'static [Column<T>]) -> Vec<(&'static str, &'static Column<T>)> {
    let settable = FIELDS.iter().filter(|field| field.is_writable());
    let column = |sql: &str| columns.iter().find(|column| sql.strip_prefix(table) == Some(column.name));
    settable.filter_map(|field| Some((field.name, column(field.sql?)?))).collect()
}

fn changed(before: &Ticket, after: &Ticket) -> Vec<String> {
    let custom = changed_custom(&before.custom, &after.custom);
    let custom = custom.map(|name| format!("field.{name}"));
    changed_columns(&SETTABLE, before, after).map(str::to_owned).chain(custom).collect()
}

fn changed_about(before: &Person, after: &Person) -> Vec<String> {
    let custom = changed_custom(&before.custom, &after.custom);
    let custom = custom.map(|name| format!("requester.field.{name}"));
    changed_columns(&SETTABLE_ABOUT, before, after).map(str::to_owned).chain(custom).collect()
}

fn changed_columns<'f, T>(
    settable: &'f [(&'static str, &'static Column<T>)],
    before: &'f T,
    after: &'f T,
) -> impl Iterator<Item = &'static str> + 'f {
    let differ = |column: &Column<T>| (column.write)(before) != (column.write)(after);
    settable.iter().filter(move |(_, column)| differ(column)).map(|(name, _)| *name)
}

fn changed_custom<'f>(
    before: &'f BTreeMap<String, CustomValue>,
    after: &'f BTreeMap<String, CustomValue>,
) -> impl Iterator<Item = &'f str> {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).map(String::as_str).collect();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name))
}
