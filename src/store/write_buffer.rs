//! Write buffer of a transaction: its rows are inserted at commit, or before their tables are read, many per statement.

use std::{cell::RefCell, collections::HashMap, pin::Pin};

use sqlx::Error;

use super::{
    comes_again,
    db::{Builder, Connection, Dialect, Executor, Separated, Sql, Transaction},
    tx_cache::{Cached, TxCache},
};

/// The maximum number of rows per statement.
const MAX_ROWS: usize = 500;

/// Rows to be inserted, by table.
#[derive(Debug, Default)]
pub(super) struct WriteBuffer {
    pub(super) tags: Vec<(i64, String)>,
    pub(super) hashtags: Vec<(i64, String)>,
    pub(super) fields: Vec<FieldRow>,
    pub(super) decisions: Vec<DecisionRow>,
    pub(super) outbox: Vec<OutboxRow>,
    pub(super) fired: Vec<FiredRow>,
}

impl WriteBuffer {
    fn is_empty(&self) -> bool {
        let Self { tags, hashtags, fields, decisions, outbox, fired } = self;
        tags.is_empty()
            && hashtags.is_empty()
            && fields.is_empty()
            && decisions.is_empty()
            && outbox.is_empty()
            && fired.is_empty()
    }
}

/// A row of `ticket_field`.
#[derive(Debug)]
pub(super) struct FieldRow {
    pub(super) ticket: i64,
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) number: Option<i64>,
    pub(super) text: Option<String>,
    pub(super) folded: Option<String>,
}

/// A row of `decision`.
#[derive(Debug)]
pub(super) struct DecisionRow {
    pub(super) id: i64,
    pub(super) ticket: i64,
    pub(super) made: i64,
    pub(super) actor: String,
    pub(super) rules: String,
    pub(super) commit: Option<String>,
    pub(super) before: String,
    pub(super) event: String,
    pub(super) decision: String,
}

/// A row of `outbox`.
#[derive(Debug)]
pub(super) struct OutboxRow {
    pub(super) key: String,
    pub(super) ticket: Option<i64>,
    pub(super) rule: Option<String>,
    pub(super) actor: String,
    pub(super) kind: &'static str,
    pub(super) effect: String,
    pub(super) account: Option<String>,
    pub(super) destination: String,
    pub(super) answers: Option<i64>,
    pub(super) follows: Option<String>,
    pub(super) made: i64,
    pub(super) due: i64,
}

/// A row of `fired`.
#[derive(Debug)]
pub(super) struct FiredRow {
    pub(super) decision: i64,
    pub(super) place: i64,
    pub(super) rule: String,
    pub(super) shadow: bool,
}

type Row<'b> = Separated<'b, 'static>;

/// The connection of a write transaction, with its buffered rows and its cache. Before a statement that names a table
/// of buffered rows, they are inserted; before one that writes a cached table, its rows are forgotten. No other access to
/// the connection is possible, except by [`Buffered::past_buffer`] and [`Buffered::past_cache`].
#[derive(Debug)]
pub(super) struct Buffered {
    transaction: Transaction,
    pub(super) buffer: WriteBuffer,
    pub(super) cache: TxCache,
}

/// The tables of [`WriteBuffer`].
const TABLES: [&str; 6] = ["ticket_tag", "ticket_hashtag", "ticket_field", "decision", "outbox", "fired"];

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
        let buffer = std::mem::take(&mut self.buffer);
        let pair = |row: &mut Row<'_>, (ticket, tag): (i64, String)| {
            row.push_bind(ticket).push_bind(tag);
        };
        self.insert("INSERT INTO ticket_tag (ticket, tag) ", buffer.tags, pair).await?;
        self.insert("INSERT INTO ticket_hashtag (ticket, tag) ", buffer.hashtags, pair).await?;
        let fields = "INSERT INTO ticket_field (ticket, name, kind, number, text, folded) ";
        self.insert(fields, buffer.fields, |row, f| {
            row.push_bind(f.ticket).push_bind(f.name).push_bind(f.kind).push_bind(f.number);
            row.push_bind(f.text).push_bind(f.folded);
        })
        .await?;
        let decisions = "INSERT INTO decision (id, ticket, made, actor, rules, commit_id, before, event, decision) ";
        self.insert(decisions, buffer.decisions, |row, d| {
            row.push_bind(d.id)
                .push_bind(d.ticket)
                .push_bind(d.made)
                .push_bind(d.actor)
                .push_bind(d.rules)
                .push_bind(d.commit);
            row.push_bind(d.before).push_bind(d.event).push_bind(d.decision);
        })
        .await?;
        let outbox = "INSERT INTO outbox (key, ticket, rule, actor, kind, effect, account, destination, answers, follows, made, due, state) ";
        self.insert(outbox, buffer.outbox, |row, o| {
            row.push_bind(o.key).push_bind(o.ticket).push_bind(o.rule).push_bind(o.actor).push_bind(o.kind);
            row.push_bind(o.effect).push_bind(o.account);
            row.push_bind(o.destination)
                .push_bind(o.answers)
                .push_bind(o.follows)
                .push_bind(o.made)
                .push_bind(o.due)
                .push_bind("waiting");
        })
        .await?;
        self.insert("INSERT INTO fired (decision, place, rule, shadow) ", buffer.fired, |row, f| {
            row.push_bind(f.decision).push_bind(f.place).push_bind(f.rule).push_bind(i64::from(f.shadow));
        })
        .await
    }

    /// Inserts rows in batches of [`MAX_ROWS`].
    async fn insert<T>(
        &mut self,
        into: &'static str,
        rows: Vec<T>,
        bind: impl Fn(&mut Row<'_>, T) + Copy,
    ) -> Result<(), Error> {
        let again = comes_again(rows.len());
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let mut insert = Builder::new(self.dialect(), into);
            insert.push_values(rows.by_ref().take(MAX_ROWS), bind);
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
