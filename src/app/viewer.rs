//! The viewer of rules: the owner of the machine or an agent.

use crate::{
    desk::{Declarations, declarations::Agent},
    lang::rules::Audience,
};

/// For whom rules are read. A rule that is not visible to the viewer is treated as nonexistent.
#[derive(Debug, Clone, Copy)]
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

    /// Whether the viewer is in this audience. An empty audience means everyone.
    pub fn is_among(&self, visible_to: &[Audience]) -> bool {
        let Self::Agent(agent) = self else { return true };
        visible_to.is_empty()
            || visible_to.iter().any(|audience| match audience {
                Audience::Group(group) => agent.groups.contains(group),
                Audience::Agent(name) => agent.name == *name,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{agent, reports, views},
        desk::declarations::Group,
        lang::check_sources,
    };

    const ITEMS: &str = r#"
macro "M" { VISIBLE then set status to solved }
view "V" { where status is open columns id VISIBLE }
report "R" { VISIBLE measure count by channel over last 7 days }
"#;

    fn desk() -> Declarations {
        let agent = |name: &str, groups: &[&str]| Agent {
            name: name.to_owned(),
            email: None,
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            admin: true,
        };
        let mut desk = Declarations {
            agents: vec![agent("Ana", &["Social"]), agent("Ben", &["Billing"])],
            ..Declarations::default()
        };
        let groups = ["Social", "Billing"].map(|name| Group { name: name.to_owned(), ..Group::default() });
        desk.groups.extend(groups);
        desk
    }

    #[test]
    fn what_is_visible_to_others_does_not_exist() {
        let desk = desk();
        for (visible, ana, ben) in
            [("", true, true), ("visible to group \"Social\"", true, false), ("visible to agent \"Ben\"", false, true)]
        {
            let (rules, found) = check_sources([("a.twite", ITEMS.replace("VISIBLE", visible))], desk.clone());
            let rules = rules.unwrap_or_else(|| panic!("{visible}: {found:#?}"));
            for (viewer, sees) in [
                (Viewer::Owner, true),
                (Viewer::agent(&desk, "Ana").unwrap(), ana),
                (Viewer::agent(&desk, "Ben").unwrap(), ben),
            ] {
                let seen = [
                    agent::find_macro(&rules, viewer, "M").is_ok(),
                    agent::macros(&rules, viewer).count() == 1,
                    views::find(&rules, viewer, "V").is_ok(),
                    reports::find(&rules, viewer, "R").is_ok(),
                    reports::all(&rules, viewer).count() == 1,
                ];
                assert_eq!(seen, [sees; 5], "{visible} to {viewer:?}");
            }
            let other = Viewer::agent(&desk, if ana { "Ben" } else { "Ana" }).unwrap();
            if !(ana && ben) {
                let error = views::find(&rules, other, "V").unwrap_err().to_string();
                assert_eq!(error, "unknown view `V`", "and no hint that there is one");
            }
        }
    }
}
