//! Messages about mistakes in rules: every code with the examples of its page, and whole files from
//! `tests/it/lang/cases`.

use std::{fs, path::Path};

use assert_cmd::Command;
use twite::lang::codes;

use crate::support::{command::run, files::each_file};

/// The fenced blocks of a page, with their info strings.
fn blocks(page: &str) -> Vec<(&str, String)> {
    let mut blocks = vec![];
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((info, block.join("\n") + "\n"));
        }
    }
    blocks
}

/// A directory with this block: rules beside the `twite.toml` that comes with Twite, or a `twite.toml`.
fn directory(language: &str, block: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let desk = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/twite.toml");
    if language == "toml" {
        fs::write(path.join("twite.toml"), block).unwrap();
    } else {
        fs::copy(desk, path.join("twite.toml")).unwrap();
        fs::write(path.join("rules.twite"), block).unwrap();
    }
    directory
}

/// Pages about files, or about mistakes that a page cannot show; they are covered by other tests.
const ABOUT_FILES: &[&str] = &[
    "TW0109", "TW0110", "TW0111", "TW0117", "TW0119", "TW0120", "TW0121", "TW0122", "TW0406", "TW0408", "TW0410",
    "TW0493", "TW0314",
];

#[test]
fn every_code_is_what_its_page_shows() {
    let mut shown = String::new();
    for code in codes::all() {
        assert!(code.page.starts_with(&format!("# {}: {}\n", code.id, code.title)), "{}", code.page);
        assert!(code.page.len() > 150, "{} says little", code.id);
        let blocks = blocks(code.page);
        let wrong: Vec<_> = blocks.iter().filter(|(info, _)| info.ends_with(" wrong")).collect();
        assert_eq!(wrong.len(), usize::from(!ABOUT_FILES.contains(&code.id)), "{}: one example", code.id);
        for (info, block) in &blocks {
            let (language, wrong) = info.split_once(' ').unwrap_or((info, ""));
            let directory = directory(language, block);
            let (status, text) = run(directory.path(), &["check", "--fail-level", "note", "--allow-empty", "."]);
            if wrong == "wrong" {
                assert_eq!(status, 1, "{}:\n{block}\n{text}", code.id);
                assert!(text.starts_with(code.id), "{}:\n{block}\n{text}", code.id);
                assert_eq!(text.matches("\nTW").count(), 0, "{} is alone:\n{text}", code.id);
                shown += &text.replace(&"(".repeat(100), "((…((").replace(&"─".repeat(100), "──…──");
            } else {
                assert_eq!(status, 0, "{}:\n{block}\n{text}", code.id);
                if language == "twite" {
                    let (status, text) = run(directory.path(), &["fmt", "--check", "."]);
                    assert_eq!(status, 0, "{} as `twite fmt` writes it:\n{block}\n{text}", code.id);
                }
            }
        }
    }
    insta::assert_snapshot!("every_code", shown);
}

#[test]
fn an_action_at_x_needs_an_account_that_allows_it() {
    let page = &codes::all().iter().find(|code| code.id == "TW0314").unwrap().page;
    let blocks = blocks(page);
    let [(_, rules), (_, account), ..] = &blocks[..] else { panic!("{blocks:?}") };
    let directory = directory("twite", rules);
    for (account, status) in [(account.as_str(), 0), (&account.replace("true", "false"), 1)] {
        fs::write(directory.path().join("twite.toml"), account).unwrap();
        let (found, text) = run(directory.path(), &["check", "."]);
        assert_eq!((found, text.contains("TW0314")), (status, status == 1), "{text}");
    }
}

/// Each file of `tests/it/lang/cases`, checked with the `twite.toml` that comes with Twite.
#[test]
fn files_are_reported_whole() {
    each_file("tests/it/lang/cases", "twite", |path| {
        let directory = directory("twite", &fs::read_to_string(path).unwrap());
        let (status, text) = run(directory.path(), &["check", "."]);
        // Warnings alone give exit status 0.
        assert_eq!(status, i32::from(!path.ends_with("warnings.twite")), "{text}");
        insta::assert_snapshot!(text);
    });
}

const FIXABLE: &str = "trigger \"Fixable\" {
  on created
  when status == new && requester.verified is true # a comment
  then
    add tag vip
    set priority = high
}
";

#[test]
fn safe_fixes_are_written_and_nothing_else() {
    let directory = directory("twite", FIXABLE);
    let file = directory.path().join("rules.twite");
    let (status, text) = run(directory.path(), &["check", "--fix", "."]);
    assert_eq!(status, 0, "{text}");
    insta::assert_snapshot!("fixed", fs::read_to_string(&file).unwrap());
    // A guess is an unsafe fix and is not applied.
    let guess = "trigger \"Guess\" {\n  on created\n  when stauts is new\n  then add tags vip\n}\n";
    fs::write(&file, guess).unwrap();
    let (status, text) = run(directory.path(), &["check", "--fix", "."]);
    assert_eq!(status, 1, "{text}");
    assert_eq!(fs::read_to_string(&file).unwrap(), guess);
}

/// A fix never merges with adjacent tokens and never changes the meaning.
#[test]
fn a_fix_is_set_apart_from_what_stands_beside_it() {
    let cases = [
        ("when status==open&&priority==high then stop", "when status is open and priority is high then stop"),
        ("when status!=open||priority=high then stop", "when status is not open or priority is high then stop"),
        (
            "when tags has a|tags has b&status==new then stop",
            "when tags has a or tags has b and status is new then stop",
        ),
        ("when status==open or statusisopen then stop", "when status is open or statusisopen then stop"),
        ("when status=<open then stop", "when status<=open then stop"),
        (
            "when requester.followers>\"10,000\"and status==new then stop",
            "when requester.followers>10000 and status is new then stop",
        ),
        ("when status is\"open\"and status!=new then stop", "when status is open and status is not new then stop"),
        (
            "when description contains'refund'or description contains“money”then stop",
            "when description contains \"refund\" or description contains \"money\" then stop",
        ),
        ("when description contains refund then stop", "when description contains \"refund\" then stop"),
        ("when !requester.verified then stop", "when not requester.verified then stop"),
        ("when(status==open)then stop", "when(status is open)then stop"),
        ("when status is(open,new)then stop", "when status in (open,new)then stop"),
        ("when requester.verified==true&&status==new then stop", "when requester.verified and status is new then stop"),
        ("when group is not empty and priority==empty then stop", "when group is set and priority is empty then stop"),
        ("then set priority=high", "then set priority to high"),
        ("then add tag vip", "then add tags vip"),
        ("then add tags(a, b,)stop", "then add tags a, b stop"),
        ("then clear type set priority to empty", "then clear type clear priority"),
        // `not` with `is no` becomes the plain condition, not a double negation.
        ("when not requester.verified is no then stop", "when requester.verified then stop"),
        ("when not requester.verified is yes then stop", "when not requester.verified then stop"),
        ("when not not requester.verified is no then stop", "when not requester.verified then stop"),
        ("when !requester.verified is no then stop", "when requester.verified then stop"),
        ("when !(requester.verified is not yes)then stop", "when not (not requester.verified)then stop"),
    ];
    for (slip, fixed) in cases {
        let rules = |inside: &str| {
            format!(
                "let statusisopen = priority is high\n\ntrigger \"a\" {{\n  {inside}\n}}\n\ntrigger \"b\" {{\n  when statusisopen\n  then stop\n}}\n"
            )
        };
        let directory = directory("twite", &rules(slip));
        let (status, text) = run(directory.path(), &["check", "--fix", "."]);
        assert_eq!(fs::read_to_string(directory.path().join("rules.twite")).unwrap(), rules(fixed), "{text}");
        assert_eq!(status, 0, "{slip}: {text}");
    }
    // A fix that would delete a comment is not applied.
    let commented = "let a = requester.verified # for now\n  is yes\n";
    let directory = directory("twite", commented);
    let (status, text) = run(directory.path(), &["check", "--fix", "."]);
    assert_eq!(status, 1, "{text}");
    assert_eq!(fs::read_to_string(directory.path().join("rules.twite")).unwrap(), commented);
}

/// Which warnings are left when part of the rules has a suppression, before and after formatting.
#[test]
fn a_suppression_covers_the_whole_clause_it_stands_above() {
    let condition = "when status is open and priority is high and tags has VIP";
    let allow = |code| format!("# twite: allow {code} because the warehouse writes it so");
    let trigger = |inside: &str| format!("trigger \"a\" {{\n  on created\n{inside}\n}}\n");
    let cases = [
        (trigger(&format!("  {}\n  {condition}\n  then stop", allow("TW0403"))), vec![]),
        (trigger(&format!("  {condition} {}\n  then stop", allow("TW0403"))), vec![]),
        (format!("{}\n## Documented.\n{}", allow("TW0403"), trigger(&format!("{condition} then stop"))), vec![]),
        (trigger(&format!("when status is open\n{}\nand tags has VIP\nthen stop", allow("TW0403"))), vec![]),
        (trigger(&format!("when tags has any of (\n{}\nVIP) then stop", allow("TW0403"))), vec![]),
        (trigger(&format!("then\n{}\nadd tags a, VIP, a", allow("TW0403, TW0404"))), vec![]),
        (trigger(&format!("{}\nthen add tags VIP add tags WEB", allow("TW0403"))), vec![]),
        // One that covers only what another suppresses is unused.
        (format!("{0}\n{0}\n{1}", allow("TW0403"), trigger("then add tags VIP")), vec!["TW0491"]),
        (
            format!("{0}\n{1}", allow("TW0403"), trigger(&format!("{}\nthen add tags VIP", allow("TW0403")))),
            vec!["TW0491"],
        ),
        // It does not cover the next action, the next clause or another code.
        (trigger(&format!("then\n{}\nadd tags VIP\nadd tags WEB", allow("TW0403"))), vec!["TW0403"]),
        (trigger(&format!("{}\n{condition} then add tags WEB", allow("TW0403"))), vec!["TW0403"]),
        (trigger(&format!("{}\nthen add tags VIP, VIP", allow("TW0403"))), vec!["TW0404"]),
        (trigger(&format!("then add tags VIP\n{}", allow("TW0403"))), vec!["TW0403", "TW0491"]),
        // A malformed suppression is reported, suppresses nothing and does not keep rules from going live.
        (trigger("# Twite: allow TW0403 because x\nthen add tags VIP"), vec!["TW0403", "TW0492"]),
        (trigger("# twite: allow because x\nthen add tags VIP"), vec!["TW0403", "TW0492"]),
        (trigger("# twite: this file holds what we say\nthen add tags vip"), vec![]),
    ];
    for (rules, expected) in cases {
        let directory = directory("twite", &rules);
        for formatted in [false, true] {
            if formatted {
                assert_eq!(run(directory.path(), &["fmt", "."]).0, 0, "{rules}");
            }
            let (status, text) = run(directory.path(), &["check", "--format", "short", "."]);
            let mut codes: Vec<_> = text.split("warning TW").skip(1).map(|rest| format!("TW{}", &rest[..4])).collect();
            codes.sort_unstable();
            assert_eq!(status, 0, "{rules}\n{text}");
            assert_eq!(codes, expected, "formatted: {formatted}\n{rules}\n{text}");
        }
    }
}

#[test]
fn findings_for_machines() {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/lang/cases/warnings.twite")).unwrap();
    let directory = directory("twite", &text);
    for format in ["github", "json", "short"] {
        let (status, text) = run(directory.path(), &["check", "--format", format, "."]);
        assert_eq!(status, 0, "warnings are no findings unless asked for");
        insta::assert_snapshot!(format, text);
    }
    assert_eq!(run(directory.path(), &["check", "--fail-level", "warning", "."]).0, 1);
    // The list of lints is long and part of every SARIF log, so it is compared with the codes instead of a snapshot.
    let output = Command::cargo_bin("twite")
        .unwrap()
        .current_dir(directory.path())
        .args(["check", "--format", "sarif", "."])
        .output()
        .unwrap();
    let mut sarif: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].take();
    let ids: Vec<_> = rules.as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids, codes::all().iter().map(|code| code.id).collect::<Vec<_>>());
    for result in sarif["runs"][0]["results"].as_array().unwrap() {
        assert!(ids.contains(&result["ruleId"].as_str().unwrap()), "{result}");
    }
    // The root of the repository, or the directory without one.
    let base = sarif["runs"][0]["originalUriBaseIds"]["%SRCROOT%"]["uri"].take();
    assert!(base.as_str().unwrap().starts_with("file:///") && base.as_str().unwrap().ends_with('/'), "{base}");
    insta::assert_json_snapshot!("sarif", sarif);
}

/// Invalid files in a directory, with the expected codes and words of the messages.
#[test]
fn hard_input_is_refused_by_name_and_all_else_is_read() {
    let good = "trigger \"Good\" {\n  on created\n  then add tags good\n}\n";
    let nested = |n: usize| {
        format!("trigger \"Deep\" {{\n  when {}status is new{}\n  then add tags a\n}}\n", "(".repeat(n), ")".repeat(n))
    };
    type Lay = Box<dyn Fn(&Path)>;
    let file = |text: Vec<u8>| -> Lay { Box::new(move |path| fs::write(path.join("bad.twite"), &text).unwrap()) };
    let cases: Vec<(&str, Lay, &str)> = vec![
        (
            "100 MB",
            Box::new(|path| fs::File::create(path.join("bad.twite")).unwrap().set_len(100 << 20).unwrap()),
            "TW0109",
        ),
        ("ten thousand parentheses", file(nested(10_000).into()), "TW0108"),
        ("a million parentheses", file("(".repeat(1_000_000).into()), "TW0108"),
        ("ten thousand nots", file(format!("let a = {}b\n", "not ".repeat(10_000)).into()), "TW0201"),
        ("invalid UTF-8", file(b"# caf\xe9\n".to_vec()), "TW0110"),
        ("a NUL", file(b"trigger \"\0\" {".to_vec()), "TW01"),
        ("an empty title", file("trigger \"\" {\n  then stop\n}\n".into()), "TW"),
        ("a directory", Box::new(|path| fs::create_dir(path.join("bad.twite")).unwrap()), "TW0111"),
        #[cfg(unix)]
        (
            "a link to itself",
            Box::new(|path| std::os::unix::fs::symlink("bad.twite", path.join("bad.twite")).unwrap()),
            "TW0111",
        ),
    ];
    for (what, lay, code) in cases {
        let directory = directory("twite", good);
        lay(directory.path());
        let (status, text) = run(directory.path(), &["check", "--format", "short", "."]);
        assert_eq!(status, i32::from(!code.is_empty()), "{what}: {text}");
        assert!(text.contains(code), "{what}: {text}");
        assert!(code.is_empty() || text.contains("bad.twite"), "{what} names the file: {text}");
        assert!(text.len() < 2_000, "{what} is said in short: {text}");
        assert!(!text.contains("./rules.twite"), "{what}: the good file is good: {text}");
    }
    // Windows line ends and a byte order mark are allowed.
    let directory = directory("twite", &format!("\u{feff}{}", good.replace('\n', "\r\n")));
    let (status, text) = run(directory.path(), &["check", "."]);
    assert_eq!(status, 0, "{text}");
    let (status, text) = run(directory.path(), &["check", "nowhere"]);
    assert_eq!((status, text.contains("no such file")), (2, true), "{text}");
}

#[test]
fn a_lint_says_since_when_it_is_there_and_whether_it_fixes() {
    let explain = |code| {
        let ran = assert_cmd::Command::cargo_bin("twite").unwrap().args(["explain", code]).output().unwrap();
        String::from_utf8(ran.stdout).unwrap()
    };
    assert!(explain("tw0403").ends_with("\nLint since 0.1.0: warning; it suggests a fix.\n"));
    assert!(explain("TW0405").ends_with("\nLint since 0.1.0: warning.\n"));
    assert!(!explain("TW0203").contains("Lint since"));
    // No page has Markdown left, or lines that are longer than a terminal is wide, but for examples.
    for code in codes::all() {
        let page = explain(code.id);
        assert!(!page.contains("```") && !page.starts_with('#') && !page.contains("]("), "{page}");
        let wide = page.lines().find(|line| !line.starts_with("    ") && line.chars().count() > 88);
        assert_eq!(wide, None, "{page}");
    }
}

#[test]
fn a_needle_of_which_the_field_keeps_nothing_is_refused() {
    for condition in ["language contains \"--\"", "language starts with \"-\""] {
        let text = format!("trigger \"One\" {{\n  on created\n  when {condition}\n  then stop\n}}\n");
        let ran =
            assert_cmd::Command::cargo_bin("twite").unwrap().args(["check", "-"]).write_stdin(text).output().unwrap();
        let printed = String::from_utf8(ran.stdout).unwrap() + &String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(1), "{printed}");
        assert!(printed.contains("TW0302"), "{printed}");
    }
}

/// White space at the ends and in the middle of a name is not compared, as in names that `twite.toml` declares.
#[test]
fn names_are_found_whatever_their_white_space() {
    let rules = |condition: &str, fired: &str, applied: &str| {
        format!(
            "trigger \"a  B\" {{\n  on created\n  when {condition}\n  then add tags b\n}}\n\n\
             macro \"Thank you\" {{\n  then add tags c\n}}\n\n\
             test \"t\" {{\n  given ticket {{\n    channel twitter\n  }}\n  when created\n  when macro \"{applied}\"\n  expect fired \
             \"{fired}\"\n  expect tags has c\n}}\n"
        )
    };
    for title in ["a  B", "a B", " a b ", "a\u{a0}b", "A B"] {
        let directory = directory("twite", &rules("status is new", title, " thank\u{a0} you"));
        let (status, text) = run(directory.path(), &["test", "."]);
        assert_eq!((status, text.contains("1 passed")), (0, true), "{title}: {text}");
    }
    // A suggestion is never what was written.
    let directory = directory("twite", &rules("status is \"new \"", "a c", "Thank"));
    let (status, text) = run(directory.path(), &["check", "--format", "short", "."]);
    assert_eq!((status, text.contains("write values of `status` without quotes")), (1, true), "{text}");
    assert!(!text.contains("did you mean `new`"), "{text}");
    // Titles that are found alike are twins.
    for twin in ["a  b ", "A\u{a0}B"] {
        let text = format!(
            "{}\ntrigger \"{twin}\" {{\n  on created\n  then stop\n}}\n",
            rules("status is new", "a b", "thank you")
        );
        let directory = self::directory("twite", &text);
        let (status, text) = run(directory.path(), &["check", "--format", "short", "."]);
        assert_eq!((status, text.contains("TW0202: there is already a rule \"a  B\"")), (1, true), "{text}");
    }
}

/// Values that the field holds equal are the same value twice, however they are written.
#[test]
fn the_same_value_twice_is_found_however_it_is_written() {
    let trigger = |when: &str| format!("trigger \"a\" {{\n  on created\n  when {when}\n  then add tags b\n}}\n");
    let report = |clause: &str| format!("report \"r\" {{\n  {clause}\n}}\n");
    for (text, twice) in [
        (trigger("requester.handle in (\"@ada\", \"Ada\")"), 1),
        (trigger("language in (\"de\", \"de-AT\", \"DE\")"), 2),
        (trigger("requester.followers in (1000, 1_000)"), 1),
        (trigger("post.hashtags has any of (fussball, \"Fußball\")"), 1),
        (trigger("subject in (\"Straße\", \"STRASSE\", \"strasse \")"), 2),
        (trigger("subject in (\"a b\", \"ab\")"), 0),
        (trigger("status in (new, open)"), 0),
        (trigger("status is new").replace("tags b", "tags b, \"#b\""), 1),
        (report("measure count, median first_reply_time, count"), 1),
        (report("measure count\n  by channel, channel"), 1),
        (report("measure median first_reply_time, median business first_reply_time"), 0),
    ] {
        let directory = directory("twite", &text);
        let (_, out) = run(directory.path(), &["check", "--format", "short", "."]);
        assert_eq!((out.matches("TW0404").count(), out.matches(": error").count()), (twice, 0), "{text}{out}");
    }
    let directory = directory("toml", "[[group]]\nname = \"Social\"\n");
    fs::write(directory.path().join("a.twite"), trigger("group in (\"Social\", \"social \")")).unwrap();
    let (_, out) = run(directory.path(), &["check", "--format", "short", "."]);
    assert!(out.contains("TW0404: duplicate value `social `, which equals `Social`"), "{out}");
}

#[test]
fn nothing_is_put_off_for_no_time() {
    for (action, code) in [
        ("snooze for 0 hours", "TW0116"),
        ("snooze for 0 business weeks", "TW0116"),
        ("remind assignee in 0 hours", "TW0116"),
        ("snooze for 1 minute", ""),
    ] {
        let directory = directory("twite", &format!("trigger \"a\" {{\n  on created\n  then {action}\n}}\n"));
        let (status, out) = run(directory.path(), &["check", "--format", "short", "."]);
        assert_eq!((status, out.contains(code)), (i32::from(!code.is_empty()), true), "{action}: {out}");
    }
}

#[test]
fn the_formatter_keeps_the_line_ends_of_most_lines() {
    for (text, end) in [("# a\r\n# b\n# c\n", "\n"), ("# a\n# b\r\n# c\r\n", "\r\n"), ("# a\r\n# b\n", "\n")] {
        let formatted = twite::lang::format(text).unwrap();
        assert_eq!(formatted.matches(end).count(), formatted.lines().count(), "{formatted:?}");
        assert_eq!(formatted.contains('\r'), end == "\r\n", "{formatted:?}");
    }
}

#[test]
fn comments_without_an_item_stay_at_the_start_of_the_line() {
    let text = "# a\n# b\n\n# c\n";
    assert_eq!(twite::lang::format(text).unwrap(), text);
    assert_eq!(twite::lang::format("  # a\n    # b\n\n\n# c").unwrap(), text);
}
