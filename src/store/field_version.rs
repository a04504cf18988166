//! For each field of a ticket, the version of the ticket at which it last changed. An update names the version it is
//! based on, and conflicts with later changes of the same fields.

use std::{collections::BTreeSet, sync::LazyLock};

use super::{
    StoreError, Tx,
    column::Column,
    comes_again,
    db::{Builder, Executor, query_scalar},
    snapshot::{SeenTicket, Snapshot},
    ticket::CHANGING,
};
use crate::desk::{Ticket, TicketId, field::FIELDS};

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

/// The columns of the built-in fields that can be set, with the fields' names.
static SETTABLE: LazyLock<Vec<(&'static str, &'static Column<Ticket>)>> = LazyLock::new(|| {
    let settable = FIELDS.iter().filter(|field| field.is_writable());
    let column = |sql: &str| CHANGING.iter().find(|column| sql.strip_prefix("t.") == Some(column.name));
    settable.filter_map(|field| Some((field.name, column(field.sql?)?))).collect()
});

fn changed(before: &Ticket, after: &Ticket) -> Vec<String> {
    let known = SETTABLE.iter().filter(|(_, column)| (column.write)(before) != (column.write)(after));
    let custom: BTreeSet<_> = before.custom.keys().chain(after.custom.keys()).collect();
    let custom = custom.into_iter().filter(|name| before.custom.get(*name) != after.custom.get(*name));
    known.map(|(name, _)| (*name).to_owned()).chain(custom.map(|name| format!("field.{name}"))).collect()
}
