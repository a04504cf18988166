//! Erases the text of deleted posts wherever it was stored or copied. Their comments remain, without text.
//!
//! Rules copy texts into notes, fields, subjects and messages, and filters may change the copies. A copy is found by
//! its prefix, ignoring case and white space. Comments that are replies by the desk are not changed.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use super::{
    StoreError, Tx,
    db::{Row, query, query_scalar},
};
use crate::{
    desk::{
        CustomValue, Effect, Owner, ReasonKind, Ticket, TicketId, XId,
        text::{contains_word, fold},
    },
    engine::MAX_VALUE_LENGTH,
};

/// The length of the prefix by which copies of a text are found, in characters without white space.
/// Shorter texts are searched for whole; a copy cut to less than this is not found.
const BEGINNING: usize = 20;
/// How long the deletion of an unknown post or message is remembered: X lists direct messages for 30 days. A post that
/// comes later is looked up again by and by, and found to be deleted.
const DELETION_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The body of a mail whose text was erased before it was sent.
const REMOVED: &str = "The text of this mail was removed: it repeated a post that was deleted at X.";
// Values in traces are cut to `MAX_VALUE_LENGTH`, which must hold the prefix with a space after each character.
const _: () = assert!(2 * BEGINNING < MAX_VALUE_LENGTH);

impl Tx {
    /// Erases the text of a deleted post from the post, its comments and their versions, its tickets, recorded runs and
    /// the outbox. Returns the tickets on which it was a comment. An unknown post is remembered as deleted.
    pub async fn delete_post(&mut self, id: &XId, now: Timestamp) -> Result<Vec<TicketId>, StoreError> {
        let texts: Vec<String> = query_scalar(
            "SELECT text FROM post WHERE x_id = $1 AND text <> ''
             UNION SELECT text FROM comment WHERE x_id = $1 AND text <> ''
             UNION SELECT v.text FROM comment_version v JOIN comment c ON c.id = v.comment WHERE c.x_id = $1 AND v.text <> ''",
        )
        .bind(id.as_str())
        .fetch_all(&mut self.conn)
        .await?;
        let tickets: Vec<i64> = query_scalar("SELECT DISTINCT ticket FROM comment WHERE x_id = $1")
            .bind(id.as_str())
            .fetch_all(&mut self.conn)
            .await?;
        let known = query("UPDATE post SET text = '', facts = NULL, deleted = 1 WHERE x_id = $1").bind(id.as_str());
        if known.execute(&mut self.conn).await? == 0 {
            self.remember_deletion(id, now).await?;
        }
        for statement in [
            "DELETE FROM comment_version WHERE comment IN (SELECT id FROM comment WHERE x_id = $1)",
            "UPDATE comment SET text = '', deleted = 1 WHERE x_id = $1",
            "UPDATE inbox SET payload = '', raw = NULL WHERE x_id = $1 AND state <> 'pending'",
        ] {
            query(statement).bind(id.as_str()).execute(&mut self.conn).await?;
        }
        let said = Said::of(&texts);
        let mut copied = BTreeSet::new();
        for ticket in &tickets {
            copied.extend(self.forget_about_requester(TicketId(*ticket), &said).await?);
        }
        for ticket in tickets.iter().copied().map(TicketId).chain(copied) {
            self.forget_on(ticket, id, &said, now).await?;
        }
        Ok(tickets.into_iter().map(TicketId).collect())
    }

    /// Erases copies of a deleted text from what agents did to a ticket's requester by hand. Returns all tickets of this
    /// person if there was one, as their recorded runs may have it.
    async fn forget_about_requester(&mut self, id: TicketId, said: &Said) -> Result<Vec<TicketId>, StoreError> {
        let done = query(
            "SELECT c.id, c.changes FROM person_change c JOIN ticket t ON t.requester = c.person WHERE t.id = $1",
        );
        let mut found = false;
        for row in done.bind(id.0).fetch_all(&mut self.conn).await? {
            if said.any_in_json(&row, &["changes"], Said::is_copied_into)? {
                found = true;
                query("UPDATE person_change SET changes = '[]' WHERE id = $1")
                    .bind(row.try_get::<i64, _>("id")?)
                    .execute(&mut self.conn)
                    .await?;
            }
        }
        if !found {
            return Ok(vec![]);
        }
        let tickets: Vec<i64> = query_scalar(
            "SELECT o.id FROM ticket t JOIN ticket o ON o.requester = t.requester WHERE t.id = $1 AND o.id <> $1",
        )
        .bind(id.0)
        .fetch_all(&mut self.conn)
        .await?;
        Ok(tickets.into_iter().map(TicketId).collect())
    }

    /// Remembers that an unknown post is deleted, and forgets what was remembered for long enough.
    async fn remember_deletion(&mut self, id: &XId, now: Timestamp) -> Result<(), StoreError> {
        query("DELETE FROM deletion WHERE at < $1")
            .bind(now.saturating_sub(DELETION_KEPT).unwrap_or(Timestamp::MIN).as_millisecond())
            .execute(&mut self.conn)
            .await?;
        query("INSERT INTO deletion (x_id, at) VALUES ($1, $2) ON CONFLICT (x_id) DO UPDATE SET at = excluded.at")
            .bind(id.as_str())
            .bind(now.as_millisecond())
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    async fn forget_on(&mut self, id: TicketId, post: &XId, said: &Said, now: Timestamp) -> Result<(), StoreError> {
        let notes = query("SELECT id, text FROM comment WHERE ticket = $1 AND kind = 'note' AND text <> ''")
            .bind(id.0)
            .fetch_all(&mut self.conn)
            .await?;
        for note in notes {
            if said.is_in(note.try_get("text")?) {
                query("UPDATE comment SET text = '', deleted = 1 WHERE id = $1")
                    .bind(note.try_get::<i64, _>("id")?)
                    .execute(&mut self.conn)
                    .await?;
            }
        }
        if let Some(mut ticket) = self.ticket(id).await? {
            let before = ticket.clone();
            if self.is_opened_by(id, post).await? {
                ticket.describe("");
                ticket.post.hashtags.clear();
            }
            if said.is_in(&ticket.subject) {
                ticket.subject.clear();
            }
            // What is kept about a person outlives the ticket, and only an agent can have copied a text there. A short text
            // is most likely none: whoever posts "gold" and deletes it does not lose `requester.field.tier`.
            ticket.requester.note.take_if(|note| said.is_copied_into(note));
            for owner in Owner::ALL {
                let is_copy = |text: &str| match owner {
                    Owner::Ticket => said.is_in(text),
                    Owner::Requester => said.is_copied_into(text),
                };
                let custom = owner.custom_mut(&mut ticket);
                custom.retain(|_, value| !matches!(value, CustomValue::Text(text) if is_copy(text)));
            }
            ticket.satisfaction_comment.take_if(|said_with| said.is_in(said_with));
            let gone = |text: &Option<String>| text.as_ref().is_some_and(|text| said.is_in(text));
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
        let runs = query("SELECT id, before, event, decision FROM decision WHERE ticket = $1 AND before IS NOT NULL")
            .bind(id.0)
            .fetch_all(&mut self.conn)
            .await?;
        for run in runs {
            if said.is_in_json(&run, &["before", "event", "decision"])? {
                query("UPDATE decision SET before = NULL, event = NULL, decision = NULL WHERE id = $1")
                    .bind(run.try_get::<i64, _>("id")?)
                    .execute(&mut self.conn)
                    .await?;
            }
        }
        self.forget_in_outbox(id, post, said, now).await
    }

    /// Erases copies of a deleted text from the outbox. A reply that is not sent yet ends here if it answers the deleted
    /// post or repeats its text; a mail is sent without the text.
    async fn forget_in_outbox(
        &mut self,
        id: TicketId,
        post: &XId,
        said: &Said,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let items = query(
            "SELECT o.id, o.effect, o.state, o.possibly_sent, c.x_id FROM outbox o LEFT JOIN comment c ON c.id = o.answers
             WHERE o.ticket = $1 ORDER BY o.id",
        )
        .bind(id.0)
        .fetch_all(&mut self.conn)
        .await?;
        let corrupt = |e: serde_json::Error| StoreError::Corrupt(e.to_string());
        for row in items {
            let item: i64 = row.try_get("id")?;
            let effect: Effect = serde_json::from_str(row.try_get("effect")?).map_err(corrupt)?;
            let state: String = row.try_get("state")?;
            let repeats = said.is_in_json(&row, &["effect"])?;
            let answers = row.try_get::<Option<String>, _>("x_id")?.as_deref() == Some(post.as_str());
            let why = match &effect {
                Effect::Reply { .. } if answers => Some("the post that it answers was deleted at X"),
                Effect::Reply { .. } | Effect::Message { .. } if repeats => {
                    Some("it repeats the text of a post that was deleted at X")
                }
                // A body with the text cut out may be one that the receiver does not accept.
                Effect::Webhook { .. } if repeats => Some("its body repeats the text of a post that was deleted at X"),
                _ => None,
            };
            if repeats {
                query("UPDATE outbox SET effect = $1 WHERE id = $2")
                    .bind(serde_json::to_string(&without_text(effect, id, &state)).map_err(corrupt)?)
                    .bind(item)
                    .execute(&mut self.conn)
                    .await?;
            }
            if let Some(why) = why.filter(|_| state == "waiting") {
                // A reply that may have been delivered can no longer be looked up.
                query(
                    "UPDATE outbox SET state = CASE WHEN possibly_sent = 1 THEN 'unknown' ELSE 'refused' END,
                       reason_kind = $2, reason = $3 WHERE id = $1",
                )
                .bind(item)
                .bind(ReasonKind::Gone.as_str())
                .bind(why)
                .execute(&mut self.conn)
                .await?;
                self.recount_for(item, now).await?;
            }
        }
        Ok(())
    }

    /// The text of the latest comment that is not deleted, with or without notes.
    pub(super) async fn latest_text(&mut self, ticket: TicketId, notes: bool) -> Result<Option<String>, StoreError> {
        Ok(query_scalar(
            "SELECT text FROM comment WHERE ticket = $1 AND deleted = 0 AND (kind <> 'note' OR $2)
             ORDER BY made DESC, id DESC LIMIT 1",
        )
        .bind(ticket.0)
        .bind(notes)
        .fetch_optional(&mut self.conn)
        .await?)
    }
}

/// An effect without the text of a deleted post. Mail that is still to be sent says what it lacks.
fn without_text(effect: Effect, ticket: TicketId, state: &str) -> Effect {
    let (subject, body) = match state {
        "waiting" | "sending" => (format!("Ticket {ticket}"), REMOVED.to_owned()),
        _ => (String::new(), String::new()),
    };
    match effect {
        Effect::Remind { to, at, conversation, .. } => Effect::Remind { to, at, subject, body, conversation },
        kept @ (Effect::Assign { .. } | Effect::Merge | Effect::Incident { .. } | Effect::AtX { .. }) => kept,
        Effect::Notify { to, conversation, .. } => Effect::Notify { to, subject, body, conversation },
        // Without a body, it would be called with the ticket instead.
        Effect::Webhook { name, .. } => Effect::Webhook { name, body: Some(String::new()) },
        Effect::Reply { asks, from, .. } => Effect::Reply { text: String::new(), asks, from },
        Effect::Message { .. } => Effect::Message { text: String::new() },
        Effect::Note { .. } => Effect::Note { text: String::new() },
    }
}

/// Search patterns for copies of a deleted text, in all its versions.
struct Said {
    /// Prefixes of long texts, folded, without white space.
    long: Vec<String>,
    /// Short texts, folded.
    short: Vec<String>,
}

impl Said {
    fn of(texts: &[String]) -> Self {
        let mut said = Self { long: vec![], short: vec![] };
        for text in texts {
            let dense = dense(text);
            match dense.char_indices().nth(BEGINNING) {
                Some((end, _)) => said.long.push(dense.get(..end).unwrap_or_default().to_owned()),
                None => said.short.push(fold(text).into_owned()),
            }
        }
        said
    }

    /// Whether a text contains a copy.
    fn is_in(&self, text: &str) -> bool {
        let folded = fold(text);
        self.is_copied_into(text) || self.short.iter().any(|short| contains_word(&folded, short))
    }

    /// Whether a text contains a copy of a long text.
    fn is_copied_into(&self, text: &str) -> bool {
        let dense = dense(text);
        self.long.iter().any(|long| dense.contains(long))
    }

    /// Whether a string in one of these JSON columns contains a copy.
    fn is_in_json(&self, row: &Row, columns: &[&str]) -> Result<bool, StoreError> {
        self.any_in_json(row, columns, Self::is_in)
    }

    fn any_in_json(&self, row: &Row, columns: &[&str], is_copy: fn(&Self, &str) -> bool) -> Result<bool, StoreError> {
        for column in columns {
            let json: Json =
                serde_json::from_str(row.try_get(column)?).map_err(|e| StoreError::Corrupt(e.to_string()))?;
            if self.any_in_value(&json, is_copy) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn any_in_value(&self, json: &Json, is_copy: fn(&Self, &str) -> bool) -> bool {
        match json {
            Json::String(text) => is_copy(self, text),
            Json::Array(values) => values.iter().any(|value| self.any_in_value(value, is_copy)),
            Json::Object(values) => values.values().any(|value| self.any_in_value(value, is_copy)),
            Json::Null | Json::Bool(_) | Json::Number(_) => false,
        }
    }
}

/// Folds a text and removes white space.
fn dense(text: &str) -> String {
    fold(text).replace(' ', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_found_whatever_filters_made_of_them() {
        let long = "@acme  The Quokkas\nate my Straße, all of it";
        for (said, text, found) in [
            (long, long, true),
            (long, "on one line: @acme The Quokkas ate my Straße, all of it", true),
            (long, "@acme  The Quokkasate my Straße, all of it", true),
            (long, "> @ACME  THE QUOKKAS\nATE MY STRASSE", true),
            (long, "@acme  the quokkas\nate my…", true),
            (long, "@acme  the…", false),
            (long, "@acme the wombats ate my Straße, all of it", false),
            ("Help!", "they said: help!", true),
            ("Help!", "helpful", false),
            ("hi", "this and that", false),
            ("", "nothing was said", false),
        ] {
            assert_eq!(Said::of(&[said.to_owned()]).is_in(text), found, "{said:?} in {text:?}");
            // What is kept about a person is not erased for a short text.
            assert_eq!(
                Said::of(&[said.to_owned()]).is_copied_into(text),
                found && said == long,
                "{said:?} in {text:?}"
            );
        }
    }
}
