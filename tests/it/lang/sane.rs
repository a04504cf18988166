//! No lint warns of rules that are right: those of `sane.twite`, all together and fifty choices among them.

use std::{fs, path::Path};

use twite::lang::load;

const RULES: &str = include_str!("sane.twite");

fn findings(rules: &str) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let desk = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/twite.toml")).unwrap();
    fs::write(directory.path().join("twite.toml"), desk).unwrap();
    fs::write(directory.path().join("a.twite"), rules).unwrap();
    let loaded = load(&[directory.path().to_owned()], None);
    loaded.diagnostics.iter().map(|found| format!("{}: {}", found.code.id, found.message)).collect()
}

#[test]
fn rules_that_are_right_are_not_warned_of() {
    assert_eq!(findings(RULES), Vec::<String>::new());
    let items: Vec<&str> = RULES.split("\n\n").skip(1).collect();
    let is_needed = |item: &str| item.starts_with("let ");
    for seed in 1..=50_u64 {
        // A linear congruential generator chooses about two in three.
        let mut state = seed;
        let mut chosen = String::new();
        for item in &items {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            if is_needed(item) || state >> 33 & 3 > 0 {
                chosen += item;
                chosen += "\n\n";
            }
        }
        // What a choice leaves unused or without its rule is not about the rules that are left.
        let about_choice = ["TW0401", "TW0207"];
        let found: Vec<_> = findings(&chosen)
            .into_iter()
            .filter(|found| !about_choice.iter().any(|code| found.starts_with(code)))
            .collect();
        assert_eq!(found, Vec::<String>::new(), "{chosen}");
    }
}

/// The lints ask the same of every action that says something, and of every condition.
#[test]
fn no_lint_forgets_a_kind_of_action_or_item() {
    let alternatives = r#"(language is "de" or requester.language is "de" or tags has german)"#;
    let trigger = |title: &str, when: &str, then: &str| {
        format!("trigger \"{title}\" {{\n  on created\n  when {when}\n  then {then}\n}}\n")
    };
    let volume = |when: &str| format!("volume \"V\" {{\n  when {when}\n  at least 20 tickets within 10 minutes\n}}\n");
    let every = |then: &str| {
        format!("automation \"A\" {{\n  when status is new\n  every 30 minutes while it holds\n  then {then}\n}}\n")
    };
    let [liked, asks] = ["channel is twitter_like", "tags has vip"];
    for (rules, code) in [
        (trigger("A", liked, "message requester \"Hello\""), Some("TW0423")),
        (trigger("A", asks, "message requester \"Hello\"\n    message requester \"Bye\""), Some("TW0424")),
        (
            trigger("A", asks, "message requester \"Hello\"") + &trigger("B", asks, "message requester \"Bye\""),
            Some("TW0424"),
        ),
        (trigger("A", asks, "reply \"We wrote to you\"\n    message requester \"Hello\""), None),
        (every("message requester \"Hello\""), Some("TW0453")),
        (every("remind assignee in 5 minutes"), Some("TW0453")),
        (every("remind requester in 5 minutes"), Some("TW0453")),
        (volume("channel is email and post.likes > 100"), Some("TW0425")),
        (
            volume(alternatives)
                + &format!("sla \"S\" {{\n  when {alternatives}\n  first reply within 1 hour\n}}\n")
                + &format!("report \"R\" {{\n  measure count\n  where {alternatives}\n}}\n"),
            Some("TW0432"),
        ),
        (format!("disabled {}", volume(asks)) + &trigger("A", "volume \"V\" lasts", "add tags known"), Some("TW0457")),
        (format!("disabled {}disabled ", volume(asks)) + &trigger("A", "volume \"V\" lasts", "add tags known"), None),
        (volume("status < solved and tags has vip") + &trigger("A", "volume \"V\" lasts", "add tags known"), None),
    ] {
        let found = findings(&rules);
        let codes: Vec<_> = found.iter().filter_map(|found| found.split(':').next()).collect();
        assert_eq!(codes.first().copied(), code, "{rules}{found:?}");
    }
}
