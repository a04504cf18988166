//! The agents of the desk: who is away, and entering it.

use jiff::Timestamp;

use super::agent::find_agent;
use crate::{
    desk::{Declarations, Viewer, declarations::Agent, moment::day_or_moment},
    store::{Absence, Store, StoreError},
};

/// An agent, and whether the agent is away.
#[derive(Debug)]
pub struct AgentStatus<'d> {
    /// The agent.
    pub agent: &'d Agent,
    /// The absence, if there is one now.
    pub away: Option<Absence>,
}

/// Why an absence is not entered or ended.
#[derive(Debug, thiserror::Error)]
pub enum AbsenceError {
    /// No such agent is declared.
    #[error("{0}")]
    NoSuchAgent(String),
    /// An agent who is no admin says so of another.
    #[error("only an admin says of others that they are away or back: `{0}` can only say so of themselves")]
    NotYours(String),
    /// It would be over already.
    #[error("{0:.0} is in the past")]
    Past(Timestamp),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// All agents, in the order in which they are declared. Without a database, nobody is away.
pub async fn agents<'d>(
    store: Option<&Store>,
    desk: &'d Declarations,
    now: Timestamp,
) -> Result<Vec<AgentStatus<'d>>, StoreError> {
    let mut absences = match store {
        Some(store) => store.absences(now).await?,
        None => vec![],
    };
    let status = |agent: &'d Agent| {
        let at = absences.iter().position(|absence| absence.agent == agent.name);
        AgentStatus { agent, away: at.map(|at| absences.swap_remove(at)) }
    };
    Ok(desk.agents.iter().map(status).collect())
}

/// Enters that an agent is away, until a time or until somebody says otherwise. Returns the absence.
pub async fn away(
    store: &Store,
    (desk, viewer): (&Declarations, Viewer<'_>),
    name: &str,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<Absence, AbsenceError> {
    let agent = may_say(desk, viewer, name)?;
    if let Some(past) = until.filter(|until| *until <= now) {
        return Err(AbsenceError::Past(past));
    }
    let absence = Absence { agent: agent.to_owned(), since: now, until, by: viewer.actor() };
    let mut tx = store.begin().await?;
    tx.enter_absence(&absence).await?;
    tx.commit().await?;
    Ok(absence)
}

/// Enters that an agent is back. Returns the agent's name, and whether the agent was away.
pub async fn back(
    store: &Store,
    (desk, viewer): (&Declarations, Viewer<'_>),
    name: &str,
    now: Timestamp,
) -> Result<(String, bool), AbsenceError> {
    let agent = may_say(desk, viewer, name)?;
    let mut tx = store.begin().await?;
    let was_away = tx.absences(now).await?.iter().any(|absence| absence.agent == agent);
    tx.end_absence(agent).await?;
    tx.commit().await?;
    Ok((agent.to_owned(), was_away))
}

/// The name of an agent of whom the viewer may say whether they are away: of themselves, and an admin of everybody.
fn may_say<'d>(desk: &'d Declarations, viewer: Viewer<'_>, name: &str) -> Result<&'d str, AbsenceError> {
    let found = find_agent(desk, name).map_err(AbsenceError::NoSuchAgent)?;
    let agent = found.as_agent().ok_or_else(|| AbsenceError::NoSuchAgent(format!("there is no agent `{name}`")))?;
    match viewer {
        Viewer::Agent(by) if !by.admin && by.name != agent.name => Err(AbsenceError::NotYours(by.name.clone())),
        _ => Ok(&agent.name),
    }
}

/// When an absence ends: at a time, or after a last day, where the desk is.
///
/// # Errors
/// A message, if the text is neither.
pub fn end_of_absence(text: &str, desk: &Declarations) -> Result<Timestamp, String> {
    let found = day_or_moment(text, &desk.hours.zone);
    found.map(|(_, end)| end).ok_or_else(|| {
        format!("`{text}` is no date: write the last day, as in `2026-12-24`, or a time, as in `2026-12-24T12:00:00Z`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_day_ends_at_midnight_where_the_desk_is() {
        let mut desk = Declarations::default();
        desk.hours.zone = jiff::tz::TimeZone::get("Europe/Paris").unwrap();
        for (text, ends) in [
            ("2026-12-24", Some("2026-12-24T23:00:00Z")),
            ("2026-07-01", Some("2026-07-01T22:00:00Z")),
            ("2026-12-24T12:00:00+01:00", Some("2026-12-24T11:00:00Z")),
            ("2026-12-24T12:00:00", None),
            ("24.12.2026", None),
            ("2026-02-30", None),
            ("tomorrow", None),
            ("", None),
        ] {
            let ends: Option<Timestamp> = ends.map(|ends| ends.parse().unwrap());
            assert_eq!(end_of_absence(text, &desk).ok(), ends, "{text}");
        }
    }
}
