//! Write buffer of a transaction: its rows are inserted at commit, or before their tables are read, many per statement.

use std::{cell::RefCell, collections::HashMap, pin::Pin};

use sqlx::Error;

use super::{
    comes_again,
    db::{Builder, Connection, Dialect, Executor, Sql, Transaction, Value},
    tx_cache::{Cached, TxCache},
};

/// The maximum number of rows per statement.
const MAX_ROWS: usize = 500;

/// Rows to be inserted, by table.
#[derive(Debug, Default)]
pub(super) struct WriteBuffer {
    pub(super) tags: Vec<TagRow>,
    pub(super) hashtags: Vec<HashtagRow>,
    pub(super) media: Vec<MediaRow>,
    pub(super) watchers: Vec<WatcherRow>,
    pub(super) fields: Vec<FieldRow>,
    pub(super) past_statuses: Vec<PastStatusRow>,
    pub(super) decisions: Vec<DecisionRow>,
    pub(super) outbox: Vec<OutboxRow>,
    pub(super) fired: Vec<FiredRow>,
}

impl WriteBuffer {
    fn is_empty(&self) -> bool {
        let Self { tags, hashtags, media, watchers, fields, past_statuses, decisions, outbox, fired } = self;
        tags.is_empty()
            && hashtags.is_empty()
            && media.is_empty()
            && watchers.is_empty()
            && fields.is_empty()
            && past_statuses.is_empty()
            && decisions.is_empty()
            && outbox.is_empty()
            && fired.is_empty()
    }
}

/// A row of a table.
trait Row {
    const TABLE: &'static str;
    const COLUMNS: &'static [&'static str];

    /// The values of the columns.
    fn values(self) -> Vec<Value<'static>>;
}

/// Declares rows of tables. The fields of a row are the columns of its table.
macro_rules! rows {
    ($($row:ident in $table:ident { $($column:ident: $value:ty,)+ })+) => {
        $(#[doc = concat!("A row of `", stringify!($table), "`.")]
        #[derive(Debug)]
        pub(super) struct $row {
            $(pub(super) $column: $value,)+
        }

        impl Row for $row {
            const TABLE: &'static str = stringify!($table);
            const COLUMNS: &'static [&'static str] = &[$(stringify!($column)),+];

            fn values(self) -> Vec<Value<'static>> {
                vec![$(self.$column.into()),+]
            }
        })+

        /// The tables of [`WriteBuffer`].
        const TABLES: &[&str] = &[$($row::TABLE),+];
    };
}

rows! {
    TagRow in ticket_tag {
        ticket: i64,
        tag: String,
    }

    HashtagRow in ticket_hashtag {
        ticket: i64,
        tag: String,
    }

    MediaRow in ticket_media {
        ticket: i64,
        tag: &'static str,
    }

    WatcherRow in ticket_watcher {
        ticket: i64,
        agent: String,
    }

    FieldRow in ticket_field {
        ticket: i64,
        name: String,
        kind: &'static str,
        number: Option<i64>,
        text: Option<String>,
        folded: Option<String>,
    }

    PastStatusRow in past_status {
        ticket: i64,
        place: i64,
        status: &'static str,
        began: i64,
        ended: i64,
    }

    DecisionRow in decision {
        id: i64,
        ticket: i64,
        made: i64,
        actor: String,
        rules: String,
        commit_id: Option<String>,
        before: String,
        event: String,
        decision: String,
    }

    OutboxRow in outbox {
        key: String,
        ticket: Option<i64>,
        rule: Option<String>,
        actor: String,
        kind: &'static str,
        effect: String,
        account: Option<String>,
        destination: String,
        answers: Option<i64>,
        follows: Option<String>,
        made: i64,
        due: i64,
        state: &'static str,
    }

    FiredRow in fired {
        decision: i64,
        place: i64,
        rule: String,
        shadow: i64,
    }
}

/// The connection of a write transaction, with its buffered rows and its cache. Before a statement that names a table
/// of buffered rows, they are inserted; before one that writes a cached table, its rows are forgotten. No other access to
/// the connection is possible, except by [`Buffered::past_buffer`] and [`Buffered::past_cache`].
#[derive(Debug)]
pub(super) struct Buffered {
    transaction: Transaction,
    pub(super) buffer: WriteBuffer,
    pub(super) cache: TxCache,
}

/// What a statement does with buffered and cached tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Uses {
    /// Whether it names a table of [`WriteBuffer`].
    buffered: bool,
    /// The cached table that it writes.
    writes: Option<Cached>,
}

thread_local! {
    /// The uses of statements whose text is part of the program, by its address and length.
    static KNOWN: RefCell<HashMap<(usize, usize), Uses>> = RefCell::default();
}

impl Uses {
    fn of(sql: &str) -> Self {
        let mut uses = Self::default();
        let (mut earlier, mut before) = ("", "");
        for word in sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty()) {
            let writes = matches!((earlier, before), (_, "UPDATE" | "INTO") | ("DELETE", "FROM"));
            if writes {
                uses.writes = uses.writes.or(Cached::of(word));
            }
            uses.buffered |= (writes || matches!(before, "FROM" | "JOIN")) && TABLES.contains(&word);
            (earlier, before) = (before, word);
        }
        uses
    }

    /// [`Uses::of`], decided once.
    fn of_static(sql: &'static str) -> Self {
        let key = (sql.as_ptr().addr(), sql.len());
        KNOWN.with_borrow_mut(|known| *known.entry(key).or_insert_with(|| Self::of(sql)))
    }
}

impl Buffered {
    pub(super) fn new(transaction: Transaction) -> Self {
        Self { transaction, buffer: WriteBuffer::default(), cache: TxCache::default() }
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.transaction.dialect()
    }

    /// The connection for a statement, with the rows inserted that it may use, and those forgotten that it may change.
    pub(super) async fn ready_for(&mut self, sql: &Sql, keeps_cache: bool) -> Result<&mut Connection, Error> {
        let uses = match sql {
            Sql::Static(sql) => Uses::of_static(sql),
            Sql::Made(sql) => Uses::of(sql),
        };
        let writes = uses.writes.filter(|_| !keeps_cache);
        // A ticket with buffered rows has to be in the cache.
        if !self.buffer.is_empty() && (uses.buffered || writes.is_some()) {
            self.flush().await?;
        }
        if let Some(written) = writes {
            self.cache.forget(written);
        }
        Ok(&mut self.transaction)
    }

    /// For a statement that changes nothing that is cached, or whose caller then updates the cache.
    pub(super) fn past_cache(&mut self) -> Executor<'_> {
        Executor::Buffered { connection: self, keeps_cache: true }
    }

    /// The connection for a statement whose result does not depend on buffered rows.
    pub(super) fn past_buffer(&mut self) -> &mut Connection {
        &mut self.transaction
    }

    /// Undoes everything.
    pub(super) async fn rollback(self) -> Result<(), Error> {
        self.transaction.rollback().await
    }

    /// Inserts the buffered rows and commits.
    pub(super) async fn commit(mut self) -> Result<(), Error> {
        self.flush().await?;
        self.transaction.commit().await
    }

    /// Inserts the buffered rows. Boxed, because the inserts are statements too.
    pub(super) fn flush(&mut self) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + '_>> {
        Box::pin(self.insert_all())
    }

    async fn insert_all(&mut self) -> Result<(), Error> {
        let WriteBuffer { tags, hashtags, media, watchers, fields, past_statuses, decisions, outbox, fired } =
            std::mem::take(&mut self.buffer);
        self.insert(tags).await?;
        self.insert(hashtags).await?;
        self.insert(media).await?;
        self.insert(watchers).await?;
        self.insert(fields).await?;
        self.insert(past_statuses).await?;
        self.insert(decisions).await?;
        self.insert(outbox).await?;
        self.insert(fired).await
    }

    /// Inserts rows in batches of [`MAX_ROWS`].
    async fn insert<R: Row>(&mut self, rows: Vec<R>) -> Result<(), Error> {
        let again = comes_again(rows.len());
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let into = format!("INSERT INTO {} ({}) ", R::TABLE, R::COLUMNS.join(", "));
            let mut insert = Builder::new(self.dialect(), into);
            insert.push_values(rows.by_ref().take(MAX_ROWS), |values, row| {
                for value in row.values() {
                    values.push_bind(value);
                }
            });
            insert.build().persistent(again).execute(&mut self.transaction).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_statement_uses_is_told_by_its_text() {
        use Cached::{People, Posts, Tickets};
        for (sql, buffered, writes) in [
            ("SELECT id FROM outbox WHERE ticket = $1", true, None),
            ("UPDATE outbox SET state = 'sent'", true, None),
            ("SELECT 1 FROM comment c JOIN\n outbox o ON o.answers = c.id", true, None),
            ("DELETE FROM ticket_tag WHERE ticket = $1", true, Some(Tickets)),
            ("SELECT (SELECT count(*) FROM fired)", true, None),
            ("UPDATE automation_state SET fired = $1", false, None),
            ("SELECT decision FROM ticket", false, None),
            ("UPDATE ticket SET status = $1", false, Some(Tickets)),
            ("INSERT INTO person (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET name = $1", false, Some(People)),
            ("DELETE FROM post WHERE x_id = $1 AND EXISTS (SELECT 1 FROM ticket)", false, Some(Posts)),
            ("UPDATE comment SET ticket = $2 FROM ticket", false, None),
        ] {
            assert_eq!(Uses::of(sql), Uses { buffered, writes }, "{sql}");
            assert_eq!([Uses::of_static(sql), Uses::of_static(sql)], [Uses { buffered, writes }; 2], "{sql}");
        }
    }
}
