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
