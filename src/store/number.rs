//! Ids of tickets and decisions, and numbers of effects, allocated before their rows are inserted. They increase and may
//! have gaps: on PostgreSQL, a transaction that is rolled back leaves one.

use super::{StoreError, Tx, db::Dialect, db::query_scalar};

/// A table whose ids are allocated before its rows are inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Numbered {
    Ticket,
    Decision,
    Effect,
}

impl Tx {
    /// Allocates the next id.
    pub(super) async fn next_number(&mut self, of: Numbered) -> Result<i64, StoreError> {
        let table = match of {
            Numbered::Ticket => "ticket",
            Numbered::Decision => "decision",
            Numbered::Effect => "outbox",
        };
        let next = match (self.conn.dialect(), self.conn.cache.last_number(of)) {
            // The write lock excludes other writers.
            (Dialect::Sqlite, Some(last)) => last + 1,
            (dialect, _) => {
                let next = query_scalar(match dialect {
                    Dialect::Sqlite => "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = $1",
                    Dialect::Postgres => "SELECT nextval(pg_get_serial_sequence($1, 'id'))",
                });
                next.bind(table).fetch_one(&mut self.conn).await?
            }
        };
        self.conn.cache.keep_last_number(of, next);
        Ok(next)
    }
}
