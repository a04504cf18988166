//! On whose behalf something is read.

use super::{
    Actor, Declarations, Ticket,
    declarations::{Agent, Sees},
};

/// On whose behalf something is read. What the viewer does not see is treated as nonexistent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer<'d> {
    /// The owner of the machine, who runs commands and sees everything.
    Owner,
    /// An agent.
    Agent(&'d Agent),
}

impl<'d> Viewer<'d> {
    /// The declared agent with this name.
    pub fn agent(desk: &'d Declarations, name: &str) -> Option<Self> {
        desk.agents.iter().find(|agent| agent.name == name).map(Self::Agent)
    }

    /// The viewer that acts as `actor`; `None` if that is neither the owner nor a declared agent.
    pub fn acting(desk: &'d Declarations, actor: &Actor) -> Option<Self> {
        match actor {
            Actor::Agent(name) => Self::agent(desk, name),
            Actor::Owner => Some(Self::Owner),
            Actor::Rule(_) | Actor::Person | Actor::System => None,
        }
    }

    /// The agent; `None` for the owner.
    pub fn as_agent(self) -> Option<&'d Agent> {
        match self {
            Self::Owner => None,
            Self::Agent(agent) => Some(agent),
        }
    }

    /// The actor that the viewer acts as.
    pub fn actor(self) -> Actor {
        match self {
            Self::Owner => Actor::Owner,
            Self::Agent(agent) => Actor::Agent(agent.name.clone()),
        }
    }

    /// Whether the viewer sees every ticket.
    pub fn sees_all(self) -> bool {
        self.as_agent().is_none_or(|agent| agent.sees == Sees::All)
    }

    /// Whether the viewer sees a ticket.
    pub fn sees(self, ticket: &Ticket) -> bool {
        let Self::Agent(agent) = self else { return true };
        let is_assigned = || ticket.assignee.as_ref() == Some(&agent.name);
        let is_in_group = || ticket.group.as_ref().is_some_and(|group| agent.groups.contains(group));
        match agent.sees {
            Sees::All => true,
            Sees::Groups => is_assigned() || is_in_group(),
            Sees::Assigned => is_assigned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_sees_what_is_declared() {
        let agent = |sees| Agent { name: "Ana".into(), groups: vec!["Social".into()], sees, ..Agent::default() };
        let ticket = |group: Option<&str>, assignee: Option<&str>| Ticket {
            group: group.map(Into::into),
            assignee: assignee.map(Into::into),
            ..Ticket::default()
        };
        for (group, assignee, of_groups, of_assigned) in [
            (Some("Social"), Some("Ana"), true, true),
            (Some("Social"), Some("Ben"), true, false),
            (Some("Social"), None, true, false),
            (Some("Billing"), Some("Ana"), true, true),
            (Some("Billing"), None, false, false),
            (None, Some("Ana"), true, true),
            (None, Some("Ben"), false, false),
            (None, None, false, false),
        ] {
            let ticket = ticket(group, assignee);
            let seen = [Sees::All, Sees::Groups, Sees::Assigned].map(|sees| Viewer::Agent(&agent(sees)).sees(&ticket));
            assert_eq!(seen, [true, of_groups, of_assigned], "{group:?} {assignee:?}");
            assert!(Viewer::Owner.sees(&ticket));
        }
    }
}
