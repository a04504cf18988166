//! The recipients of notifications, and their addresses.

use serde::{Deserialize, Serialize};

use super::{Declarations, Ticket, Viewer, declarations::Group};

/// A recipient of a notification. What depends on the ticket is looked up when the mail is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// `group "G"`: the address of a declared group, or if it has none, those of its agents.
    Group(String),
    /// `agents of group "G"`: every agent of a declared group.
    Agents(String),
    /// `group of ticket`: as [`Self::Group`], for the group of the ticket.
    TicketGroup,
    /// `agents of group of ticket`: as [`Self::Agents`], for the group of the ticket.
    TicketAgents,
    /// `agent "A"`: a declared agent.
    Agent(String),
    /// `assignee`: the agent the ticket is assigned to.
    Assignee,
    /// `previous assignee`: the agent it was assigned to before the update, if it is another one now. In an effect, that
    /// agent; in a rule, `None`.
    PreviousAssignee(Option<String>),
    /// `watchers`: the agents who follow the ticket, and see it.
    Watchers,
    /// `requester`, if the email address is known.
    Requester,
    /// `address "…"`: an email address of nobody who is declared.
    Address(String),
}

impl Recipient {
    /// Whether it is not of the desk, and so must not learn the addresses of others.
    pub const fn is_outside(&self) -> bool {
        matches!(self, Self::Requester | Self::Address(_))
    }

    /// Whether an effect with this recipient is one of a rule that names the other.
    pub fn is_from(&self, named: &Self) -> bool {
        self == named || matches!((self, named), (Self::PreviousAssignee(_), Self::PreviousAssignee(None)))
    }
}

/// The addresses of a mail, and why some of its recipients have none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    /// The addresses in order, without duplicates.
    pub found: Vec<String>,
    /// A reason for each recipient without an address: `the ticket has no assignee`.
    pub missing: Vec<String>,
}

impl Addresses {
    fn add(&mut self, found: Vec<String>) {
        for address in found {
            if !self.found.iter().any(|known| known.eq_ignore_ascii_case(&address)) {
                self.found.push(address);
            }
        }
    }
}

impl Declarations {
    /// The addresses of these recipients of a mail about a ticket.
    pub fn addresses(&self, to: &[Recipient], ticket: &Ticket) -> Addresses {
        let mut addresses = Addresses::default();
        for recipient in to {
            let found = match recipient {
                Recipient::Watchers if !ticket.watchers.is_empty() => {
                    ticket.watchers.iter().map(|agent| self.address_of_watcher(agent, ticket)).collect()
                }
                recipient => vec![self.addresses_of(recipient, ticket)],
            };
            for found in found {
                match found {
                    Err(missing) => addresses.missing.push(missing),
                    Ok(found) => addresses.add(found),
                }
            }
        }
        addresses
    }

    /// These addresses without those of agents who do not see the ticket, and of groups none of whose agents sees it, for a
    /// mail that shows all of it.
    pub fn seeing(&self, Addresses { found, mut missing }: Addresses, ticket: &Ticket) -> Addresses {
        let sees = |name: &str| Viewer::agent(self, name).is_some_and(|viewer| viewer.sees(ticket));
        let is_blind = |group: &&Group| {
            let mut members = self.members(&group.name).peekable();
            members.peek().is_some() && !members.any(|agent| sees(&agent.name))
        };
        let found = found.into_iter().filter(|address| {
            let is_theirs = |own: &String| own.eq_ignore_ascii_case(address);
            let owners = self.agents.iter().filter(|agent| agent.email.as_ref().is_some_and(is_theirs));
            let blind: Vec<_> = owners.map(|agent| agent.name.as_str()).filter(|name| !sees(name)).collect();
            let shared = self.groups.iter().filter(|group| group.email.as_ref().is_some_and(is_theirs));
            let groups: Vec<_> = shared.filter(is_blind).collect();
            missing.extend(blind.iter().map(|name| does_not_see(name)));
            missing.extend(groups.iter().map(|group| format!("nobody in {:?} sees the ticket", group.name)));
            blind.is_empty() && groups.is_empty()
        });
        Addresses { found: found.collect(), missing }
    }

    /// The address of an agent who follows a ticket, or why there is none.
    fn address_of_watcher(&self, agent: &str, ticket: &Ticket) -> Result<Vec<String>, String> {
        let viewer = Viewer::agent(self, agent).ok_or_else(|| format!("{agent:?} is no longer declared"))?;
        if !viewer.sees(ticket) {
            return Err(does_not_see(agent));
        }
        self.addresses_of(&Recipient::Agent(agent.to_owned()), ticket)
    }

    /// The addresses of a recipient, or why it has none.
    fn addresses_of(&self, to: &Recipient, ticket: &Ticket) -> Result<Vec<String>, String> {
        let ticket_group = || ticket.group.as_deref().ok_or("the ticket has no group");
        let (name, found) = match to {
            Recipient::Group(group) => (group.as_str(), self.group_addresses(group)),
            Recipient::Agents(group) => (group.as_str(), self.agent_addresses(group)),
            Recipient::TicketGroup => {
                let group = ticket_group()?;
                (group, self.group_addresses(group))
            }
            Recipient::TicketAgents => {
                let group = ticket_group()?;
                (group, self.agent_addresses(group))
            }
            Recipient::Agent(agent) => (agent.as_str(), self.agent_address(agent)),
            Recipient::Assignee => {
                let agent = ticket.assignee.as_deref().ok_or("the ticket has no assignee")?;
                (agent, self.agent_address(agent))
            }
            Recipient::PreviousAssignee(agent) => {
                let other = agent.as_deref().filter(|agent| ticket.assignee.as_deref() != Some(agent));
                let agent = other.ok_or("the ticket had no other assignee before")?;
                (agent, self.agent_address(agent))
            }
            Recipient::Watchers => return Err("nobody watches the ticket".into()),
            Recipient::Requester => {
                let known = ticket.requester.email.clone();
                return known
                    .map(|address| vec![address])
                    .ok_or_else(|| "the requester has no known email address".into());
            }
            Recipient::Address(address) => return Ok(vec![address.clone()]),
        };
        if found.is_empty() { Err(format!("{name:?} has no email address")) } else { Ok(found) }
    }

    fn agent_address(&self, name: &str) -> Vec<String> {
        self.agents.iter().find(|agent| agent.name == name).and_then(|agent| agent.email.clone()).into_iter().collect()
    }

    fn agent_addresses(&self, group: &str) -> Vec<String> {
        self.members(group).filter_map(|agent| agent.email.clone()).collect()
    }

    /// The addresses for a notification to a group: the group's own, else that of each agent.
    fn group_addresses(&self, name: &str) -> Vec<String> {
        let own = self.groups.iter().find(|group| group.name == name).and_then(|group| group.email.clone());
        own.map_or_else(|| self.agent_addresses(name), |address| vec![address])
    }
}

fn does_not_see(agent: &str) -> String {
    format!("{agent:?} does not see the ticket")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::{
        Person,
        declarations::{Agent, Group, Sees},
    };

    #[test]
    fn every_recipient_has_the_addresses_of_the_ticket_each_once_or_a_reason() {
        let agent = |name: &str, email: Option<&str>, group: &str| Agent {
            name: name.into(),
            email: email.map(Into::into),
            groups: vec![group.into()],
            ..Agent::default()
        };
        let group = |name: &str, email: Option<&str>| Group { name: name.into(), email: email.map(Into::into) };
        let desk = Declarations {
            groups: vec![group("Social", Some("social@x.example")), group("Billing", None), group("Empty", None)],
            agents: vec![
                agent("Ana", Some("ana@x.example"), "Social"),
                agent("Ben", None, "Social"),
                agent("Cleo", Some("cleo@x.example"), "Billing"),
            ],
            ..Declarations::default()
        };
        let social = Ticket {
            group: Some("Social".into()),
            assignee: Some("Ana".into()),
            requester: Person { email: Some("kim@y.example".into()), ..Person::default() },
            ..Ticket::default()
        };
        let desk = Declarations {
            agents: desk
                .agents
                .into_iter()
                .chain([Agent { sees: Sees::Groups, ..agent("Dan", Some("dan@x.example"), "Billing") }])
                .collect(),
            ..desk
        };
        let watched = Ticket { watchers: ["Ana", "Ben", "Dan", "Gone"].map(Into::into).into(), ..social.clone() };
        let with_billing = Ticket { group: Some("Billing".into()), ..watched.clone() };
        let (nobody, bens) = (Ticket::default(), Ticket { assignee: Some("Ben".into()), ..Ticket::default() });
        use Recipient as R;
        let ana = || R::Agent("Ana".into());
        for (to, ticket, found, missing) in [
            (vec![R::Group("Social".into())], &nobody, "social@x.example", ""),
            (vec![R::Group("Billing".into())], &nobody, "cleo@x.example dan@x.example", ""),
            (vec![R::Group("Empty".into())], &nobody, "", "\"Empty\" has no email address"),
            (vec![R::Agents("Social".into())], &nobody, "ana@x.example", ""),
            (vec![R::TicketGroup], &social, "social@x.example", ""),
            (vec![R::TicketAgents], &social, "ana@x.example", ""),
            (vec![R::TicketGroup], &nobody, "", "the ticket has no group"),
            (vec![R::TicketAgents, ana()], &nobody, "ana@x.example", "the ticket has no group"),
            (vec![R::Assignee, R::TicketAgents, ana()], &social, "ana@x.example", ""),
            (vec![R::Assignee], &nobody, "", "the ticket has no assignee"),
            (vec![R::Assignee], &bens, "", "\"Ben\" has no email address"),
            (vec![R::PreviousAssignee(Some("Cleo".into()))], &social, "cleo@x.example", ""),
            (vec![R::PreviousAssignee(None)], &social, "", "the ticket had no other assignee before"),
            (
                vec![R::Watchers, R::Assignee],
                &watched,
                "ana@x.example",
                "\"Ben\" has no email address; \"Dan\" does not see the ticket; \"Gone\" is no longer declared",
            ),
            (
                vec![R::Watchers],
                &with_billing,
                "ana@x.example dan@x.example",
                "\"Ben\" has no email address; \"Gone\" is no longer declared",
            ),
            (vec![R::Watchers, ana()], &nobody, "ana@x.example", "nobody watches the ticket"),
            (vec![R::Requester], &social, "kim@y.example", ""),
            (vec![R::Requester], &nobody, "", "the requester has no known email address"),
            (vec![R::Address("ANA@x.example".into()), R::Assignee], &social, "ANA@x.example", ""),
        ] {
            let addresses = desk.addresses(&to, ticket);
            assert_eq!((&*addresses.found.join(" "), &*addresses.missing.join("; ")), (found, missing), "{to:?}");
        }
    }

    #[test]
    fn an_effect_is_from_the_rule_that_names_its_recipient() {
        use Recipient as R;
        let ana = R::PreviousAssignee(Some("Ana".into()));
        assert!(ana.is_from(&R::PreviousAssignee(None)) && R::Assignee.is_from(&R::Assignee));
        assert!(!R::PreviousAssignee(None).is_from(&ana) && !R::TicketGroup.is_from(&R::TicketAgents));
    }

    #[test]
    fn what_shows_the_whole_ticket_goes_to_who_sees_it() {
        let agent = |name: &str, sees| Agent {
            email: Some(format!("{name}@x.example")),
            groups: vec!["Billing".into()],
            sees,
            ..Agent { name: name.into(), ..Agent::default() }
        };
        let group = |name: &str| Group { email: Some(format!("{name}@g.example")), name: name.into() };
        let kim = Agent { groups: vec!["Legal".into()], ..agent("kim", Sees::Groups) };
        let desk = Declarations {
            groups: vec![Group { email: None, ..group("Billing") }, group("Legal"), group("Press")],
            agents: vec![agent("ana", Sees::All), agent("dan", Sees::Groups), kim],
            ..Declarations::default()
        };
        let all = [Recipient::Agents("Billing".into()), Recipient::Address("list@y.example".into())];
        // Legal has one agent, who sees its own tickets; nobody is known to read for Press.
        let shared = [Recipient::Group("Legal".into()), Recipient::Group("Press".into())];
        for (to, group, found, missing) in [
            (&all, "Billing", "ana@x.example dan@x.example list@y.example", ""),
            (&all, "Social", "ana@x.example list@y.example", "\"dan\" does not see the ticket"),
            (&shared, "Legal", "Legal@g.example Press@g.example", ""),
            (&shared, "Social", "Press@g.example", "nobody in \"Legal\" sees the ticket"),
        ] {
            let ticket = Ticket { group: Some(group.into()), ..Ticket::default() };
            let addresses = desk.seeing(desk.addresses(to, &ticket), &ticket);
            assert_eq!((addresses.found.join(" "), addresses.missing.join("; ")), (found.into(), missing.into()));
        }
    }
}
