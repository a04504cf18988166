//! Open tickets of groups and agents that `twite.toml` does not declare, or not any more.

use std::fmt;

use serde::Serialize;

use super::{App, Notice};
use crate::{
    desk::{Declarations, TicketId, Viewer, field::Declared, text::counted, visible::visible},
    lang::rules::Rules,
    store::{Holding, Snapshot, StoreError},
};

/// A group or an agent that is not declared but has open tickets. No rule can ask for it by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undeclared {
    /// `group` or `agent`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The number of its tickets, without closed ones.
    pub tickets: i64,
    /// The first of them.
    pub first: TicketId,
}

/// The groups and agents that have open tickets but are not declared.
pub(crate) async fn undeclared(
    snapshot: &mut Snapshot<'_>,
    desk: &Declarations,
) -> Result<Vec<Undeclared>, StoreError> {
    let holdings = snapshot.holdings().await?.into_iter();
    let unknown = holdings.filter(|holding| desk.declared_name(&holding.kind, &holding.name).is_none());
    let named = unknown.map(|Holding { kind, name, tickets, first }| {
        let kind = if kind == Declared::Group { "group" } else { "agent" };
        Undeclared { kind, name, tickets, first }
    });
    Ok(named.collect())
}

impl App {
    /// Sends a notice of each group and agent that has open tickets but is not declared.
    pub(crate) async fn tell_undeclared(&self, rules: &Rules) -> Result<(), StoreError> {
        let mut snapshot = self.store().snapshot(Viewer::Owner).await?;
        let found = undeclared(&mut snapshot, &rules.desk).await?;
        snapshot.close().await?;
        found.into_iter().for_each(|undeclared| self.notices().tell(Notice::Undeclared(undeclared)));
        Ok(())
    }
}

impl fmt::Display for Undeclared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, tickets, first } = self;
        let tickets = counted(usize::try_from(*tickets).unwrap_or_default(), "open ticket");
        let name = visible(name);
        write!(
            f,
            "`{name}` is not declared, but has {tickets} (the first is ticket {first}): declare the {kind} again, or \
             move the tickets"
        )
    }
}
