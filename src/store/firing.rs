//! Firings of rules that have a cap, and what caps held back.

use jiff::{SignedDuration, Timestamp};

use super::{
    StoreError, Tx,
    db::{query, query_scalar},
    snapshot::Snapshot,
    times,
};
use crate::{
    desk::{FiredBefore, Per, Ticket, TicketId},
    engine::Decision,
};

/// A question about the firings of a rule.
#[derive(Debug, Clone, Copy)]
pub struct AskedFirings<'a> {
    /// The rule's title.
    pub rule: &'a str,
    /// Whether it is in shadow mode: its firings in shadow mode and those in effect are counted apart.
    pub shadow: bool,
    /// Which of its firings.
    pub per: Per,
    /// How many.
    pub times: u32,
}

/// How often a rule was held back lately.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct HeldBackLately {
    /// The rule's title.
    pub rule: String,
    /// How often within [`LATELY`].
    pub times: i64,
}

/// The time that [`Snapshot::held_back_lately`] covers.
pub const LATELY: SignedDuration = SignedDuration::from_hours(24);

impl Tx {
    /// Whether a rule has fired this often, for the ticket or those that count together with it, and since when.
    /// Firings later than now count too.
    pub async fn fired_before(
        &mut self,
        ticket: &Ticket,
        asked: AskedFirings<'_>,
    ) -> Result<Option<FiredBefore>, StoreError> {
        const OF_TICKET: &str =
            "SELECT at FROM firing WHERE rule = $1 AND shadow = $2 AND ticket = $4 ORDER BY at DESC LIMIT 1 OFFSET $3";
        let found = query_scalar(match (asked.per, &ticket.requester.id) {
            (Per::Ticket, _) | (Per::Requester, None) => OF_TICKET,
            (Per::Requester, Some(_)) => {
                "SELECT f.at FROM firing f JOIN ticket t ON t.id = f.ticket JOIN person p ON p.id = t.requester
                 WHERE f.rule = $1 AND f.shadow = $2 AND p.source_id = $4 ORDER BY f.at DESC LIMIT 1 OFFSET $3"
            }
            (Per::Account, _) => {
                "SELECT at FROM firing WHERE rule = $1 AND shadow = $2 AND account = $4 ORDER BY at DESC LIMIT 1 OFFSET $3"
            }
            (Per::All, _) => "SELECT at FROM firing WHERE rule = $1 AND shadow = $2 ORDER BY at DESC LIMIT 1 OFFSET $3",
        })
        .bind(asked.rule)
        .bind(i64::from(asked.shadow))
        .bind(i64::from(asked.times.saturating_sub(1)));
        let found = match (asked.per, &ticket.requester.id) {
            (Per::Ticket, _) | (Per::Requester, None) => found.bind(ticket.id.0),
            (Per::Requester, Some(id)) => found.bind(id.as_str()),
            (Per::Account, _) => found.bind(ticket.account.as_deref().unwrap_or_default()),
            (Per::All, _) => found,
        };
        let since = times(found.fetch_optional(&mut self.conn).await?)?;
        Ok(since.map(|since| FiredBefore { rule: asked.rule.to_owned(), per: asked.per, times: asked.times, since }))
    }

    /// Records that a rule with a cap fired on a ticket.
    pub async fn add_firing(
        &mut self,
        ticket: &Ticket,
        rule: &str,
        shadow: bool,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        query("INSERT INTO firing (rule, shadow, at, ticket, account) VALUES ($1, $2, $3, $4, $5)")
            .bind(rule)
            .bind(i64::from(shadow))
            .bind(at.as_millisecond())
            .bind(ticket.id.0)
            .bind(ticket.account.as_deref().unwrap_or_default())
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// Records which rules a decision held back.
    pub(super) async fn add_held_back(
        &mut self,
        ticket: TicketId,
        decision: &Decision,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        for held in decision.held_back.iter().filter(|held| !held.shadow) {
            query("INSERT INTO held_back (ticket, rule, at) VALUES ($1, $2, $3)")
                .bind(ticket.0)
                .bind(&*held.rule)
                .bind(at.as_millisecond())
                .execute(&mut self.conn)
                .await?;
        }
        Ok(())
    }
}

impl Snapshot<'_> {
    /// How often each rule was held back within [`LATELY`], by title, without those in shadow mode.
    pub async fn held_back_lately(&mut self, now: Timestamp) -> Result<Vec<HeldBackLately>, StoreError> {
        let rows = query("SELECT rule, count(*) FROM held_back WHERE at > $1 GROUP BY rule ORDER BY rule")
            .bind(now.saturating_sub(LATELY).unwrap_or(Timestamp::MIN).as_millisecond())
            .fetch_all(&mut self.conn)
            .await?;
        rows.iter().map(|row| Ok(HeldBackLately { rule: row.try_get(0)?, times: row.try_get(1)? })).collect()
    }
}
