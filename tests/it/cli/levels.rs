//! Which findings `twite check` reports, and how serious they are: `[lints]`, `until`, `--baseline`, `--changed-since`.

use std::{fs, path::Path, process::Command};

use crate::support::command::{directory, run};

const DESK: &str = "[[account]]\nhandle = \"acme\"\n";

fn rule(title: &str, tags: &str) -> String {
    format!("trigger \"{title}\" {{\n  on created\n  then add tags {tags}\n}}\n")
}

/// The codes of `check --format short`, with their levels.
fn found(directory: &Path, options: &[&str]) -> (i32, Vec<String>) {
    let options: Vec<_> = ["check", "--format", "short"].iter().chain(options).copied().collect();
    let (status, text) = run(directory, &options);
    let lines = text.lines().filter_map(|line| line.split(": ").nth(1));
    (status, lines.filter(|words| words.contains(" TW")).map(str::to_owned).collect())
}

#[test]
fn levels_are_set_by_code() {
    let cases = [
        ("", 0, vec!["warning TW0403"]),
        ("TW0403 = \"warning\"", 0, vec!["warning TW0403"]),
        ("TW0403 = \"error\"", 1, vec!["error TW0403"]),
        ("TW0403 = \"note\"", 0, vec!["note TW0403"]),
        ("TW0403 = \"off\"", 0, vec![]),
        // What has no effect is an error.
        ("TW0430 = \"of\"", 1, vec!["error TW0503", "warning TW0403"]),
        ("tw0403 = \"off\"", 1, vec!["error TW0502", "warning TW0403"]),
        ("TW0999 = \"off\"", 1, vec!["error TW0502", "warning TW0403"]),
        ("TW0203 = \"off\"", 1, vec!["error TW0503", "warning TW0403"]),
        ("TW0403 = true", 1, vec!["error TW0503", "warning TW0403"]),
    ];
    for (lints, status, expected) in cases {
        let toml = format!("{DESK}[lints]\n{lints}\n");
        let directory = directory(&[("twite.toml", &toml), ("a.twite", &rule("a", "VIP"))]);
        assert_eq!(
            found(directory.path(), &["."]),
            (status, expected.into_iter().map(str::to_owned).collect()),
            "{lints}"
        );
    }
    let directory = directory(&[("twite.toml", "lints = 1\n"), ("a.twite", &rule("a", "vip"))]);
    assert_eq!(found(directory.path(), &["."]).1, ["error TW0503"]);
    // A suppression also covers what is an error only by its level.
    let allowed = format!("# twite: allow TW0403 because the warehouse writes it so\n{}", rule("a", "VIP"));
    let toml = format!("{DESK}[lints]\nTW0403 = \"error\"\n");
    let directory = self::directory(&[("twite.toml", &toml), ("a.twite", &allowed)]);
    assert_eq!(found(directory.path(), &["."]), (0, vec![]));
}

#[test]
fn the_least_level_that_fails_is_chosen() {
    for (level, lint, status) in [
        ("error", "warning", 0),
        ("warning", "warning", 1),
        ("warning", "note", 0),
        ("note", "note", 1),
        ("never", "error", 0),
    ] {
        let toml = format!("{DESK}[lints]\nTW0403 = \"{lint}\"\n");
        let directory = directory(&[("twite.toml", &toml), ("a.twite", &rule("a", "VIP"))]);
        assert_eq!(found(directory.path(), &["--fail-level", level, "."]).0, status, "{level} {lint}");
    }
}

#[test]
fn a_suppression_ends_after_its_last_day() {
    let allowed = |until: &str| {
        let comment = format!("# twite: allow TW0403 {until}because the warehouse changes\n");
        directory(&[("twite.toml", DESK), ("a.twite", &(comment + &rule("a", "VIP") + &rule("b", "WEB")))])
    };
    for (until, codes) in [
        ("", vec!["warning TW0403"]),
        ("until 9999-12-31 ", vec!["warning TW0403"]),
        ("until 2020-02-29 ", vec!["warning TW0493", "warning TW0403", "warning TW0403"]),
        ("until tomorrow ", vec!["warning TW0492", "warning TW0403", "warning TW0403"]),
    ] {
        let directory = allowed(until);
        assert_eq!(found(directory.path(), &["."]).1, codes, "{until}");
        // Rules that are used do not change as time passes.
        assert_eq!(run(directory.path(), &["rules", "."]).0, 0);
    }
}

#[test]
fn what_a_baseline_accepts_is_not_reported() {
    let directory = directory(&[("twite.toml", DESK), ("a.twite", &rule("a", "VIP")), ("b.twite", &rule("b", "WEB"))]);
    let path = directory.path();
    let baseline = ["--fail-level", "note", "--baseline", "accepted.json"];
    let check = |more: &[&str]| {
        let options: Vec<_> = ["check", "--format", "short"].iter().chain(&baseline).chain(more).copied().collect();
        run(path, &options)
    };
    let (status, text) = check(&["--write-baseline", "."]);
    assert_eq!((status, text.contains("accepted.json: 2 findings accepted")), (0, true), "{text}");
    insta::assert_snapshot!(fs::read_to_string(path.join("accepted.json")).unwrap());
    assert_eq!(check(&["."]).0, 0);
    // Moved lines, and one file alone.
    fs::write(path.join("a.twite"), format!("# above\n\n{}", rule("a", "VIP"))).unwrap();
    assert_eq!(check(&["."]), (0, "no problems in 3 files\n".to_owned()));
    assert_eq!(check(&["a.twite"]).0, 0);
    // A new one is reported, and an error is never accepted.
    fs::write(path.join("c.twite"), rule("c", "NEW")).unwrap();
    let (status, text) = check(&["."]);
    assert_eq!((status, text.matches(" TW").count()), (1, 1), "{text}");
    fs::write(path.join("c.twite"), rule("c", "x").replace("add", "adds")).unwrap();
    let (status, text) = check(&["--write-baseline", "."]);
    assert_eq!((status, text.contains("error TW")), (1, true), "{text}");
    fs::remove_file(path.join("c.twite")).unwrap();
    // What is mended is named, and leaves the baseline when it is written.
    fs::write(path.join("a.twite"), rule("a", "vip")).unwrap();
    fs::remove_file(path.join("b.twite")).unwrap();
    let (status, text) = check(&["."]);
    assert_eq!((status, text.matches("note: mended: ").count()), (0, 2), "{text}");
    assert!(text.contains("note: mended: a.twite: TW0403: tag `VIP` is stored as `vip`"), "{text}");
    assert_eq!(check(&["--write-baseline", "."]).0, 0);
    assert!(fs::read_to_string(path.join("accepted.json")).unwrap().contains("\"findings\": []"));
}

#[test]
fn only_what_changed_since_a_revision_is_reported() {
    let directory = directory(&[
        ("twite.toml", DESK),
        ("a.twite", &format!("{}\n{}", rule("a", "VIP"), rule("b", "WEB"))),
        ("with a blank.twite", &rule("c", "OLD")),
    ]);
    let path = directory.path();
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(path).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        let identity = ["-c", "user.name=Ada", "-c", "user.email=ada@acme.example"];
        let output = git.args(identity).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "rules"]);
    let check = |more: &[&str]| {
        let options: Vec<_> =
            ["check", "--format", "short", "--changed-since", "HEAD"].iter().chain(more).copied().collect();
        run(path, &options)
    };
    assert_eq!(check(&["."]), (0, "no problems in 3 files\n".to_owned()));
    // The second trigger changes in a line without the finding.
    let changed = format!("{}\n{}", rule("a", "VIP"), rule("b", "WEB").replace("on created", "on created, updated"));
    fs::write(path.join("a.twite"), changed).unwrap();
    let (_, text) = check(&["."]);
    assert_eq!((text.matches(" TW").count(), text.contains("`WEB`")), (1, true), "{text}");
    // A file that git does not know is new, and an error anywhere is reported.
    fs::write(path.join("d.twite"), rule("d", "NEW")).unwrap();
    fs::write(path.join("with a blank.twite"), rule("c", "OLD") + &rule("a", "x")).unwrap();
    let (status, text) = check(&["."]);
    assert_eq!((status, text.matches(" TW").count()), (1, 3), "{text}");
    assert!(text.contains("error TW0202") && text.contains("`NEW`") && !text.contains("`OLD`"), "{text}");
    for revision in ["nowhere", "--help", "HEAD:a.twite"] {
        let (status, text) = run(path, &["check", &format!("--changed-since={revision}"), "."]);
        assert_eq!((status, text.contains("cannot tell what changed since")), (2, true), "{text}");
    }
}
