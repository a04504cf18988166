//! Printing a checked item and checking it again gives the same item.

use std::{cell::Cell, collections::BTreeMap, fmt::Debug, path::PathBuf};

use proptest::test_runner::{Config, TestCaseError, TestRunner};
use regex::Regex;
use twite::{
    desk::Declarations,
    lang::{
        check_sources, load,
        rules::{Condition, ConditionKind, Rules},
    },
};

use crate::support::generate;

/// All items, printed.
fn printed(rules: &Rules) -> String {
    let mut items: Vec<String> = rules.lets.iter().map(ToString::to_string).collect();
    items.extend(rules.lists.iter().map(ToString::to_string));
    items.extend(rules.macros.iter().map(ToString::to_string));
    items.extend(rules.triggers.iter().map(ToString::to_string));
    items.extend(rules.automations.iter().map(ToString::to_string));
    items.extend(rules.views.iter().map(ToString::to_string));
    items.extend(rules.reports.iter().map(ToString::to_string));
    items.extend(rules.slas.iter().map(ToString::to_string));
    items.extend(rules.volumes.iter().map(ToString::to_string));
    items.extend(rules.tests.iter().map(ToString::to_string));
    items.join("\n")
}

/// All items, without their spans.
fn items(rules: &Rules) -> String {
    let Rules { lets, lists, macros, triggers, automations, views, reports, slas, volumes, tests, .. } = rules;
    let items: [&dyn Debug; 10] = [lets, lists, macros, triggers, automations, views, reports, slas, volumes, tests];
    let places = Regex::new(r#"Span \{ file: "[^"]*", start: \d+, end: \d+, line: \d+ \}"#).unwrap();
    places.replace_all(&format!("{items:?}"), "").into_owned()
}

fn check(text: &str, desk: &Declarations) -> Result<Rules, String> {
    let (rules, found) = check_sources([("printed.twite", text)], desk.clone());
    let messages = || found.iter().map(|d| format!("{}: {}\n", d.code.id, d.message)).collect::<String>();
    rules.ok_or_else(|| format!("{}\n{text}", messages()))
}

#[test]
fn every_kind_of_item_is_printed_as_it_was_checked() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    for path in ["rules", "tests/it/lang/kinds"] {
        let rules = load(&[root.join(path)], Some(&root.join("rules/twite.toml"))).rules.unwrap();
        assert!(rules.items() > 5 && !rules.tests.is_empty(), "{path}");
        let again = check(&printed(&rules), &rules.desk).unwrap();
        assert_eq!(items(&rules), items(&again), "{path}");
    }
}

/// The named conditions that a condition uses, printed.
fn lets(condition: &Condition, found: &mut BTreeMap<String, String>) {
    match &condition.kind {
        ConditionKind::All(parts) | ConditionKind::Any(parts) => parts.iter().for_each(|part| lets(part, found)),
        ConditionKind::Not(inner) => lets(inner, found),
        ConditionKind::Let(named) => {
            found.insert(named.name.clone(), named.to_string());
            lets(&named.condition, found);
        }
        ConditionKind::Predicate(_) => {}
    }
}

#[test]
fn whatever_is_checked_is_printed_as_it_was() {
    let (desk, checked) = (generate::desk(), Cell::new(0));
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&generate::rules(3), |rules| {
        // Generated rules are often invalid, so each part is checked by itself.
        let parts = rules.triggers.iter().flat_map(|trigger| {
            let mut needed = BTreeMap::new();
            lets(&trigger.when, &mut needed);
            let needed: String = needed.into_values().collect();
            let condition = format!("{needed}trigger \"condition\" {{ when {} then stop }}", trigger.when);
            let actions = trigger.then.iter().map(|a| format!("trigger \"action\" {{ then {} }}", a.kind));
            actions.chain([condition, needed + &trigger.to_string()]).collect::<Vec<_>>()
        });
        for part in parts {
            if let Ok(rules) = check(&part, &desk) {
                let again = check(&printed(&rules), &desk);
                let again = again.map_err(|why| TestCaseError::fail(format!("{part:?}: {why}")))?;
                proptest::prop_assert_eq!(items(&rules), items(&again), "{}", printed(&rules));
                checked.set(checked.get() + 1);
            }
        }
        Ok(())
    });
    outcome.unwrap();
    assert!(checked.get() > 200, "only {} items were checked", checked.get());
}
