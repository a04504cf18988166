//! Comments on tickets.

use jiff::Timestamp;

use super::{
    OutboxItem, Store, StoreError, StoredPost, Tx,
    db::{Executor, Row, query, query_scalar},
    post::kept_entities,
    snapshot::{SeenTicket, Snapshot},
    time, times, word, words,
};
use crate::desk::{Actor, Author, Comment, CommentSource, Delivery, Rating, SourceId, TicketId, XId};

/// A comment to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewComment {
    /// The ticket it is on.
    pub ticket: TicketId,
    /// The post or direct message that it is, or a note.
    pub source: CommentSource,
    /// The role of its author on the ticket.
    pub author: Author,
    /// Who wrote it.
    pub actor: Actor,
    /// The author's id at the source; `None` if it was written on the desk.
    pub author_id: Option<SourceId>,
    /// Its text.
    pub text: String,
    /// When it was written.
    pub made: Timestamp,
    /// Its delivery state; `Imported` if it was not sent by Twite.
    pub delivery: Delivery,
    /// The rating that it is, as the answer of a requester who was asked.
    pub rating: Option<Rating>,
}

/// Maximum number of comments imported into one ticket.
pub const MAX_IMPORTED_COMMENTS: i64 = 5_000;

/// The state of a ticket that is needed to add a comment to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The number of comments imported from X.
    pub imported: i64,
    /// The highest X id among its comments.
    pub newest: Option<XId>,
    /// When its automations are evaluated next.
    pub next_check_at: Option<Timestamp>,
}

impl Standing {
    /// Whether it takes no further messages.
    pub const fn is_full(&self) -> bool {
        self.imported >= MAX_IMPORTED_COMMENTS
    }
}

pub(super) fn author_word(author: Author) -> &'static str {
    match author {
        Author::Requester => "requester",
        Author::Agent => "agent",
        Author::Rule => "rule",
    }
}

fn delivery_word(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Imported => "imported",
        Delivery::Waiting => "waiting",
        Delivery::Sent => "sent",
        Delivery::Refused => "refused",
        Delivery::Unknown => "unknown",
    }
}

/// The select list that [`read`] expects. Entities are those of the post, as long as the comment has its text.
macro_rules! read_columns {
    () => {
        "id, ticket, kind, x_id, with_id, author, actor, author_id, text, version, deleted, made, delivery, rating, \
         (SELECT post.facts FROM post WHERE post.x_id = comment.x_id AND post.text = comment.text) AS facts"
    };
}

/// Inserts a comment. `$conflict`: what is done if its post is on the ticket already.
macro_rules! insert {
    ($conflict:literal) => {
        concat!(
            "INSERT INTO comment (ticket, kind, x_id, with_id, author, author_id, text, made, delivery, actor, rating)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (ticket, x_id) DO ",
            $conflict,
            " RETURNING id"
        )
    };
}

fn read(row: &Row) -> Result<Comment, StoreError> {
    let id: Option<XId> = words(row.try_get("x_id")?)?;
    let source = match (row.try_get::<&str, _>("kind")?, id) {
        ("post", Some(id)) => CommentSource::Post { id },
        ("direct_message", Some(id)) => CommentSource::DirectMessage { id, with: word(row.try_get("with_id")?)? },
        // A reply without an X id is not delivered yet: it is shown, but cannot be answered.
        _ => CommentSource::Note,
    };
    let author = match row.try_get("author")? {
        "requester" => Author::Requester,
        "agent" => Author::Agent,
        "rule" => Author::Rule,
        other => return Err(StoreError::Corrupt(format!("`{other}` is no author of a comment"))),
    };
    let delivery = match row.try_get("delivery")? {
        "imported" => Delivery::Imported,
        "waiting" => Delivery::Waiting,
        "sent" => Delivery::Sent,
        "refused" => Delivery::Refused,
        "unknown" => Delivery::Unknown,
        other => return Err(StoreError::Corrupt(format!("`{other}` is no state of a comment"))),
    };
    Ok(Comment {
        id: row.try_get("id")?,
        ticket: TicketId(row.try_get("ticket")?),
        source,
        author,
        actor: word(row.try_get("actor")?)?,
        author_id: words(row.try_get("author_id")?)?,
        text: row.try_get("text")?,
        version: row.try_get("version")?,
        deleted: row.try_get::<i64, _>("deleted")? != 0,
        made: time(row.try_get("made")?)?,
        delivery,
        rating: words(row.try_get("rating")?)?,
        entities: kept_entities(row.try_get("facts")?)?,
    })
}

impl Store {
    /// The comment that an outbox item answers.
    pub async fn answered(&self, by: &OutboxItem) -> Result<Option<Comment>, StoreError> {
        let statement = concat!(
            "SELECT ",
            read_columns!(),
            " FROM comment WHERE id = (SELECT answers FROM outbox WHERE outbox.id = $1)"
        );
        let row = query(statement).bind(by.id).fetch_optional(&self.reader).await?;
        row.as_ref().map(read).transpose()
    }
}

impl Snapshot<'_> {
    /// Whether a comment, by its row id, is on a ticket.
    pub async fn has_comment(&mut self, ticket: &SeenTicket, comment: i64) -> Result<bool, StoreError> {
        has_comment(&mut self.conn, ticket.id(), comment).await
    }

    /// The comments of a ticket in the order in which they were written: by time, then by X id.
    pub async fn comments(&mut self, ticket: &SeenTicket) -> Result<Vec<Comment>, StoreError> {
        let rows = query(concat!(
            "SELECT ",
            read_columns!(),
            " FROM comment WHERE ticket = $1 ORDER BY made, length(x_id) NULLS FIRST, x_id NULLS FIRST, id"
        ))
        .bind(ticket.id().0)
        .fetch_all(&mut self.conn)
        .await?;
        rows.iter().map(read).collect()
    }
}

async fn has_comment(connection: impl Into<Executor<'_>>, ticket: TicketId, comment: i64) -> Result<bool, StoreError> {
    let found: Option<i64> = query_scalar("SELECT id FROM comment WHERE id = $1 AND ticket = $2")
        .bind(comment)
        .bind(ticket.0)
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

impl Tx {
    /// Whether a comment, by its row id, is on a ticket.
    pub async fn has_comment(&mut self, ticket: TicketId, comment: i64) -> Result<bool, StoreError> {
        has_comment(&mut self.conn, ticket, comment).await
    }

    /// Whether a comment of a ticket was written at this moment.
    pub async fn has_comment_made(&mut self, ticket: TicketId, made: Timestamp) -> Result<bool, StoreError> {
        let found: Option<i64> = query_scalar("SELECT id FROM comment WHERE ticket = $1 AND made = $2 LIMIT 1")
            .bind(ticket.0)
            .bind(made.as_millisecond())
            .fetch_optional(&mut self.conn)
            .await?;
        Ok(found.is_some())
    }

    /// When the requester of a ticket first wrote after a time, ratings aside.
    pub async fn first_by_requester(
        &mut self,
        ticket: TicketId,
        after: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, StoreError> {
        let wrote = "SELECT min(made) FROM comment
             WHERE ticket = $1 AND author = 'requester' AND rating IS NULL AND made > $2";
        let after = after.map_or(i64::MIN, Timestamp::as_millisecond);
        times(query_scalar(wrote).bind(ticket.0).bind(after).fetch_one(&mut self.conn).await?)
    }

    /// Inserts a comment and returns its row id; `None` if the post or message is on the ticket already.
    pub async fn add_comment(&mut self, comment: &NewComment) -> Result<Option<i64>, StoreError> {
        self.insert_comment(insert!("NOTHING"), comment).await
    }

    /// Inserts the comment of a reply that was sent. If it was received from X before, it is marked as sent, with its
    /// author. Returns its row id.
    pub(super) async fn add_sent(&mut self, comment: &NewComment) -> Result<Option<i64>, StoreError> {
        let update =
            insert!("UPDATE SET delivery = excluded.delivery, author = excluded.author, actor = excluded.actor");
        self.insert_comment(update, comment).await
    }

    async fn insert_comment(&mut self, sql: &'static str, comment: &NewComment) -> Result<Option<i64>, StoreError> {
        let (kind, with) = match &comment.source {
            CommentSource::Post { .. } => ("post", None),
            CommentSource::DirectMessage { with, .. } => ("direct_message", Some(with.as_str())),
            CommentSource::Note => ("note", None),
        };
        Ok(query_scalar(sql)
            .bind(comment.ticket.0)
            .bind(kind)
            .bind(comment.source.x_id().map(XId::as_str))
            .bind(with)
            .bind(author_word(comment.author))
            .bind(comment.author_id.as_ref().map(SourceId::as_str))
            .bind(&comment.text)
            .bind(comment.made.as_millisecond())
            .bind(delivery_word(comment.delivery))
            .bind(comment.actor.to_string())
            .bind(comment.rating.map(Rating::as_str))
            .fetch_optional(&mut self.conn)
            .await?)
    }

    /// Whether this post or message is a comment on a ticket of the account.
    pub async fn is_comment(&mut self, account: &XId, id: &XId) -> Result<bool, StoreError> {
        Ok(query_scalar::<i64>(
            // `CROSS JOIN` makes SQLite start with the comments.
            "SELECT count(*) FROM comment c CROSS JOIN ticket t
             WHERE t.id = c.ticket AND c.x_id = $1 AND t.key_account = $2",
        )
        .bind(id.as_str())
        .bind(account.as_str())
        .fetch_one(&mut self.conn)
        .await?
            > 0)
    }

    /// The state of a ticket that is needed to add a comment to it.
    ///
    /// # Errors
    /// Also if the ticket does not exist.
    pub async fn standing(&mut self, ticket: TicketId) -> Result<Standing, StoreError> {
        let row = query(
            "SELECT (SELECT count(*) FROM comment WHERE ticket = $1 AND delivery = 'imported' AND kind <> 'note'),
                    (SELECT x_id FROM comment WHERE ticket = $1 AND x_id IS NOT NULL
                     ORDER BY length(x_id) DESC, x_id DESC LIMIT 1),
                    next_check_at, version
             FROM ticket WHERE id = $1",
        )
        .bind(ticket.0)
        .fetch_one(&mut self.conn)
        .await?;
        self.conn.cache.keep_ticket_version(ticket, row.try_get(3)?);
        Ok(Standing {
            imported: row.try_get(0)?,
            newest: words(row.try_get(1)?)?,
            next_check_at: times(row.try_get(2)?)?,
        })
    }

    /// The row id of the requester's latest comment from X.
    pub async fn latest_by_requester(&mut self, ticket: TicketId) -> Result<Option<i64>, StoreError> {
        Ok(query_scalar(
            "SELECT id FROM comment WHERE ticket = $1 AND author = 'requester' AND x_id IS NOT NULL
             ORDER BY length(x_id) DESC, x_id DESC LIMIT 1",
        )
        .bind(ticket.0)
        .fetch_optional(&mut self.conn)
        .await?)
    }

    /// Updates the text of all comments of an edited post and stores the old text as an earlier version. Returns
    /// ticket, row id and author of each.
    pub async fn revise_comments(&mut self, post: &StoredPost) -> Result<Vec<(TicketId, i64, Author)>, StoreError> {
        let rows = query(concat!("SELECT ", read_columns!(), " FROM comment WHERE x_id = $1 AND deleted = 0"))
            .bind(post.id.as_str())
            .fetch_all(&mut self.conn)
            .await?;
        let mut revised = Vec::new();
        for comment in rows.iter().map(read) {
            let comment = comment?;
            query("INSERT INTO comment_version (comment, version, text) VALUES ($1, $2, $3)")
                .bind(comment.id)
                .bind(comment.version)
                .bind(&comment.text)
                .execute(&mut self.conn)
                .await?;
            query("UPDATE comment SET text = $1, version = version + 1 WHERE id = $2")
                .bind(&post.text)
                .bind(comment.id)
                .execute(&mut self.conn)
                .await?;
            revised.push((comment.ticket, comment.id, comment.author));
        }
        Ok(revised)
    }
}
