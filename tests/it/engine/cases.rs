//! Decisions on rule files: each file in `tests/it/engine/cases` with the tickets beside it, decided by the binary.

use std::{fs, path::Path};

use assert_cmd::Command;

use crate::support::files::each_file;

/// `twite eval` on one file as a rule set, at a fixed time.
fn eval(name: &Path, format: &str) -> String {
    let (cases, set) = (Path::new("tests/it/engine/cases"), tempfile::tempdir().unwrap());
    let tickets = name.with_extension("ndjson");
    for file in [Path::new("twite.toml"), name, &tickets] {
        fs::copy(cases.join(file), set.path().join(file)).unwrap();
    }
    let mut twite = Command::cargo_bin("twite").unwrap();
    twite.current_dir(set.path());
    twite.args(["eval", "--now", "2026-01-05T12:00:00Z", "--format", format, "--tickets"]).arg(tickets).arg(name);
    let ran = twite.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// Removes the version of the rule set: its hash and commit change with every edit.
fn without_version(text: &str) -> String {
    let version = regex::Regex::new(r"rules [0-9a-f]{12}( \(commit [0-9a-f]+\+?\))?").unwrap();
    version.replace_all(text, "rules VERSION").into_owned()
}

#[test]
fn decisions_are_as_they_were() {
    each_file("tests/it/engine/cases", "twite", |path| {
        let name = Path::new(path.file_name().unwrap());
        insta::assert_snapshot!(without_version(&eval(name, "human")));
    });
}

#[test]
fn decisions_are_one_json_object_a_line() {
    let text = eval(Path::new("marks.twite"), "json");
    let decisions: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = decisions.iter().map(|d| (&d["line"], &d["ticket"]["id"], &d["stopped_by"])).collect();
    assert_eq!(
        serde_json::json!(told),
        serde_json::json!([[1, 1, "Enough"], [2, 2, null], [3, 3, null], [4, 4, "Enough"]])
    );
    let keys: Vec<_> = decisions[0].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["line", "version", "ticket", "changes", "effects", "fired", "held_back", "stopped_by", "passes", "closed"],
        "the shape is documented"
    );
}
