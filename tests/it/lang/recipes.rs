//! The rules that come with Twite pass their own checks: valid, formatted, and with tests that cover every condition.

use std::{collections::HashSet, path::PathBuf};

use assert_cmd::Command;

fn twite(arguments: &[&str]) -> String {
    let run = Command::cargo_bin("twite")
        .unwrap()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("NO_COLOR", "1")
        .args(arguments)
        .assert()
        .success();
    String::from_utf8(run.get_output().stdout.clone()).unwrap()
}

#[test]
fn every_rule_set_is_sound_formatted_and_tested() {
    let recipes = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/recipes");
    let mut directories: Vec<String> = std::fs::read_dir(recipes)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.to_str().unwrap().to_owned())
        .collect();
    assert!(directories.len() >= 6);
    directories.extend(["rules".to_owned(), "examples/desk".to_owned()]);
    for directory in &directories {
        // Warnings count as well.
        twite(&["check", "--fail-level", "note", directory]);
        twite(&["fmt", "--check", directory]);
        let tested = twite(&["test", "--coverage", directory]);
        assert!(tested.contains("coverage: 100.0 %"), "{directory}: {tested}");
    }
}

/// How many items of this kind the rules of the desk have.
fn items_of_the_desk(keyword: &str) -> usize {
    let desk = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/desk");
    let files = std::fs::read_dir(desk).unwrap().map(|entry| entry.unwrap().path());
    let texts = files.filter(|path| path.extension().is_some_and(|e| e == "twite"));
    let starts = |line: &str| {
        let line = line.strip_prefix("shadow ").or(line.strip_prefix("disabled ")).unwrap_or(line);
        line.strip_prefix(keyword).is_some_and(|rest| rest.starts_with(" \""))
    };
    texts.map(|path| std::fs::read_to_string(path).unwrap().lines().filter(|line| starts(line)).count()).sum()
}

#[test]
fn the_desk_is_of_real_size() {
    for (keyword, least) in
        [("trigger", 60), ("automation", 20), ("macro", 15), ("view", 20), ("report", 8), ("sla", 3)]
    {
        let items = items_of_the_desk(keyword);
        assert!(items >= least, "{items} of {keyword}");
    }
}

/// The words of rules, without their texts and comments.
fn words(rules: &str) -> HashSet<String> {
    let rules = rules.replace("\\\"", "");
    let outside: Vec<&str> = rules.split("\"\"\"").step_by(2).collect();
    let mut words = HashSet::new();
    for line in outside.join(" ").lines() {
        let line = line.split('"').step_by(2).collect::<Vec<_>>().join(" ");
        let code = line.split('#').next().unwrap_or_default();
        words.extend(code.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').map(str::to_owned));
    }
    words
}

#[test]
fn the_desk_uses_every_keyword() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let directories = ["examples/desk", "examples/desk/tests"].map(|directory| root.join(directory));
    let files = directories.iter().flat_map(|path| std::fs::read_dir(path).unwrap()).map(|entry| entry.unwrap().path());
    let rules = files.filter(|path| path.extension().is_some_and(|e| e == "twite"));
    let used: HashSet<String> = rules.flat_map(|path| words(&std::fs::read_to_string(path).unwrap())).collect();
    let grammar = std::fs::read_to_string(root.join("grammar/twite.pest")).unwrap();
    let keywords =
        grammar.lines().filter_map(|line| line.strip_prefix("kw_")?.split_once("@{ \"")?.1.split('"').next());
    // `tag` is another word for `tags`.
    let unused: Vec<_> = keywords.filter(|word| !used.contains(*word) && *word != "tag").collect();
    assert!(unused.is_empty(), "the desk does not use {unused:?}");
}

#[test]
fn the_desk_is_at_work_in_the_demo() {
    let text = twite(&["demo", "--rules", "examples/desk", "--format", "json"]);
    let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(summary["tickets"].as_u64().unwrap() >= 20, "{text}");
    assert!(summary["fired"].as_object().unwrap().len() >= 30, "{text}");
    assert_eq!(summary["left_out"], 0, "{text}");
}

#[test]
fn every_recipe_says_what_it_is_for() {
    let recipes = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/recipes");
    let list = std::fs::read_to_string(recipes.join("README.md")).unwrap();
    for entry in std::fs::read_dir(&recipes).unwrap().map(Result::unwrap).filter(|e| e.path().is_dir()) {
        let name = entry.file_name().into_string().unwrap();
        assert!(list.contains(&format!("[{name}]({name})")), "{name} is not in the list");
        assert!(entry.path().join("README.md").is_file(), "{name} does not say what it is for");
    }
}
