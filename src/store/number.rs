//! The numbers of tickets and decisions, which are given out before their rows are written. They grow, and may have gaps: on
//! PostgreSQL a transaction that never was leaves one.

use super::{StoreError, Tx, db::Dialect, db::query_scalar};

/// A table whose rows get their numbers before they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Numbered {
    Ticket,
    Decision,
}

impl Tx {
    /// The next number, which nobody else gets.
    pub(super) async fn next_number(&mut self, of: Numbered) -> Result<i64, StoreError> {
        let table = match of {
            Numbered::Ticket => "ticket",
            Numbered::Decision => "decision",
        };
        let next = match (self.conn.dialect(), self.cache.last_number(of)) {
            // Nobody else writes meanwhile.
            (Dialect::Sqlite, Some(last)) => last + 1,
            (dialect, _) => {
                let next = query_scalar(match dialect {
                    Dialect::Sqlite => "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = $1",
                    Dialect::Postgres => "SELECT nextval(pg_get_serial_sequence($1, 'id'))",
                });
                next.bind(table).fetch_one(&mut self.conn).await?
            }
        };
        self.cache.keep_last_number(of, next);
        Ok(next)
    }
}
