//! The rules that come with Twite pass their own checks: valid, formatted, and with tests that cover every condition.

use std::path::PathBuf;

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
    directories.push("rules".to_owned());
    for directory in &directories {
        // Warnings count as well.
        twite(&["check", "--fail-level", "note", directory]);
        twite(&["fmt", "--check", directory]);
        let tested = twite(&["test", "--coverage", directory]);
        assert!(tested.contains("coverage: 100.0 %"), "{directory}: {tested}");
    }
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
