//! Whom rules are visible to. A rule that is not visible to a viewer is treated as nonexistent.

use crate::{desk::Viewer, lang::rules::Audience};

/// Whether a rule is visible to the viewer. An empty audience means everyone.
pub(super) fn includes(visible_to: &[Audience], viewer: Viewer<'_>) -> bool {
    let Viewer::Agent(agent) = viewer else { return true };
    visible_to.is_empty()
        || visible_to.iter().any(|audience| match audience {
            Audience::Group(group) => agent.groups.contains(group),
            Audience::Agent(name) => agent.name == *name,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{agent, reports, views},
        desk::{
            Declarations,
            declarations::{Agent, Group},
        },
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
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            admin: true,
            ..Agent::default()
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
