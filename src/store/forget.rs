//! A deleted post loses its text, wherever it was kept. Its comments keep their places.

use sqlx::{Row as _, sqlite::SqliteRow};

use super::{StoreError, Tx};
use crate::desk::{Effect, Ticket, TicketId, XId};

impl Tx {
    /// Forgets what a deleted post said: itself, its comments and their versions, the tickets it was shown on, the runs
    /// that saw it, and what was sent about it. Returns the tickets it was a comment on.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn delete_post(&mut self, id: &XId) -> Result<Vec<TicketId>, StoreError> {
        self.write_now().await?;
        let texts: Vec<String> = sqlx::query_scalar(
            "SELECT text FROM post WHERE x_id = $1 AND text <> ''
             UNION SELECT text FROM comment WHERE x_id = $1 AND text <> ''
             UNION SELECT v.text FROM comment_version v JOIN comment c ON c.id = v.comment WHERE c.x_id = $1 AND v.text <> ''",
        )
        .bind(id.as_str())
        .fetch_all(&mut *self.0)
        .await?;
        let tickets: Vec<i64> = sqlx::query_scalar("SELECT DISTINCT ticket FROM comment WHERE x_id = $1")
            .bind(id.as_str())
            .fetch_all(&mut *self.0)
            .await?;
        for statement in [
            "UPDATE post SET text = '', deleted = 1 WHERE x_id = $1",
            "DELETE FROM comment_version WHERE comment IN (SELECT id FROM comment WHERE x_id = $1)",
            "UPDATE comment SET text = '', deleted = 1 WHERE x_id = $1",
            "UPDATE inbox SET payload = '', raw = NULL WHERE x_id = $1 AND state <> 'pending'",
        ] {
            sqlx::query(statement).bind(id.as_str()).execute(&mut *self.0).await?;
        }
        for ticket in &tickets {
            self.forget_on(TicketId(*ticket), id, &texts).await?;
        }
        Ok(tickets.into_iter().map(TicketId).collect())
    }

    async fn forget_on(&mut self, id: TicketId, post: &XId, texts: &[String]) -> Result<(), StoreError> {
        if let Some(mut ticket) = self.ticket(id).await? {
            let before = ticket.clone();
            if self.is_opened_by(id, post).await? {
                ticket.describe("");
            }
            let gone = |text: &Option<String>| text.as_ref().is_some_and(|text| texts.contains(text));
            if gone(&ticket.latest_comment) {
                ticket.latest_comment = self.latest_text(id, true).await?;
            }
            if gone(&ticket.latest_public_comment) {
                ticket.latest_public_comment = self.latest_text(id, false).await?;
            }
            if ticket != before {
                self.save(&Ticket { updated: before.updated, ..ticket }, before.updated).await?;
            }
        }
        let runs =
            sqlx::query("SELECT id, before, event, decision FROM decision WHERE ticket = $1 AND before IS NOT NULL")
                .bind(id.0)
                .fetch_all(&mut *self.0)
                .await?;
        for run in runs {
            if mentions(&run, &["before", "event", "decision"], texts)? {
                sqlx::query("UPDATE decision SET before = NULL, event = NULL, decision = NULL WHERE id = $1")
                    .bind(run.try_get::<i64, _>("id")?)
                    .execute(&mut *self.0)
                    .await?;
            }
        }
        let left =
            sqlx::query("SELECT id, effect FROM outbox WHERE ticket = $1 AND state NOT IN ('waiting', 'sending')")
                .bind(id.0)
                .fetch_all(&mut *self.0)
                .await?;
        for item in left {
            if mentions(&item, &["effect"], texts)? {
                let corrupt = |e: serde_json::Error| StoreError::Corrupt(e.to_string());
                let effect = match serde_json::from_str(item.try_get("effect")?).map_err(corrupt)? {
                    Effect::Remind { to, at, .. } => {
                        Effect::Remind { to, at, subject: String::new(), body: String::new() }
                    }
                    kept @ (Effect::Assign { .. } | Effect::Merge) => kept,
                    Effect::Notify { to, .. } => Effect::Notify { to, subject: String::new(), body: String::new() },
                    Effect::Webhook { name, .. } => Effect::Webhook { name, body: None },
                    Effect::Reply { .. } => Effect::Reply { text: String::new() },
                    Effect::Note { .. } => Effect::Note { text: String::new() },
                };
                sqlx::query("UPDATE outbox SET effect = $1 WHERE id = $2")
                    .bind(serde_json::to_string(&effect).map_err(corrupt)?)
                    .bind(item.try_get::<i64, _>("id")?)
                    .execute(&mut *self.0)
                    .await?;
            }
        }
        Ok(())
    }

    /// What was said last of what is left, with or without notes.
    async fn latest_text(&mut self, ticket: TicketId, notes: bool) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT text FROM comment WHERE ticket = $1 AND deleted = 0 AND (kind <> 'note' OR $2)
             ORDER BY made DESC, id DESC LIMIT 1",
        )
        .bind(ticket.0)
        .bind(notes)
        .fetch_optional(&mut *self.0)
        .await?)
    }
}

/// Whether columns of JSON hold a text, whole or as the beginning that traces keep of long ones.
fn mentions(row: &SqliteRow, columns: &[&str], texts: &[String]) -> Result<bool, StoreError> {
    for column in columns {
        let json: &str = row.try_get(column)?;
        for text in texts {
            let beginning: String = text.chars().take(MOST_OF_A_TEXT).collect();
            let written = serde_json::to_string(&beginning).map_err(|e| StoreError::Corrupt(e.to_string()))?;
            if json.contains(written.trim_matches('"')) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Less than any trace keeps of a text.
const MOST_OF_A_TEXT: usize = 60;
