//! `twite check`: which files it checks, and its diagnostics in every format.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use crate::support::command::{directory, twite};

/// File names with unusual characters.
const ODD_NAMES: &[&str] =
    &["a b.twite", "ä.twite", "100%.twite", "[x].twite", "a\nb.twite", "🚒.twite", "a:b,c#d?.twite", "a\\b.twite"];

#[cfg(unix)]
#[test]
fn every_form_names_files_whatever_they_are_called() {
    let rules: Vec<_> = (0..ODD_NAMES.len())
        .map(|n| {
            format!(
                "trigger \"{n}\" {{
  then add tagz a
}}
"
            )
        })
        .collect();
    let files: Vec<_> = ODD_NAMES.iter().zip(&rules).map(|(name, rules)| (*name, rules.as_str())).collect();
    let directory = directory(&files);
    fs::create_dir(directory.path().join(".git")).unwrap();
    fs::create_dir(directory.path().join("below")).unwrap();
    let (_, out, _) = twite(directory.path(), &["check", "--format", "short", "."], "");
    assert_eq!(out.lines().filter(|line| line.contains("TW0101")).count(), ODD_NAMES.len(), "a line each: {out}");
    let (_, out, _) = twite(directory.path(), &["check", "--format", "github", "."], "");
    assert_eq!(out.lines().filter(|line| line.starts_with("::error file=")).count(), ODD_NAMES.len());
    assert!(out.contains("file=a%0Ab.twite,") && out.contains("file=100%25.twite,"), "{out}");
    assert!(out.contains("file=a%3Ab%2Cc#d?.twite,"), "{out}");
    // A file's URI is relative to the repository, whatever the current directory.
    let uris = |at: &Path, path: &str| {
        let (_, out, _) = twite(at, &["check", "--format", "sarif", path], "");
        let log: Value = serde_json::from_str(&out).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        let locations = results.iter().map(|r| r["locations"][0]["physicalLocation"]["artifactLocation"].clone());
        locations.map(|l| (l["uri"].as_str().unwrap().to_owned(), l["uriBaseId"].clone())).collect::<Vec<_>>()
    };
    let here = uris(directory.path(), ".");
    let absolute = directory.path().canonicalize().unwrap();
    assert_eq!(uris(&directory.path().join("below"), ".."), here);
    assert_eq!(uris(&absolute, absolute.to_str().unwrap()), here);
    for (uri, base) in &here {
        assert_eq!(base, "%SRCROOT%");
        assert!(uri.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)), "{uri}");
    }
    for expected in ["a%20b.twite", "%C3%A4.twite", "100%25.twite", "%5Bx%5D.twite", "a%0Ab.twite", "a%5Cb.twite"] {
        assert!(here.iter().any(|(uri, _)| uri == expected), "{expected} in {here:?}");
    }
    // Outside the repository, the URI is absolute.
    let elsewhere = uris(tempfile::tempdir().unwrap().path(), absolute.to_str().unwrap());
    assert!(elsewhere.iter().all(|(uri, base)| uri.starts_with("file:///") == base.is_null()), "{elsewhere:?}");
}

#[test]
fn twins_on_one_line_have_fingerprints_of_their_own() {
    let directory = directory(&[("a.twite", "trigger \"T\" {\n  on created\n  then add tags VIP, VIP, VIP\n}\n")]);
    let (_, out, _) = twite(directory.path(), &["check", "--format", "sarif", "."], "");
    let log: Value = serde_json::from_str(&out).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let prints: std::collections::BTreeSet<_> =
        results.iter().map(|r| r["partialFingerprints"]["twite/v1"].as_str().unwrap()).collect();
    assert!(results.len() >= 3 && prints.len() == results.len(), "{results:?}");
}

#[test]
fn github_shows_errors_first_and_a_count_where_it_does_not_show_all() {
    let warned = "trigger \"W\" {\n  on created\n  then add tags VIP\n}\n";
    let broken: String = (0..11).map(|n| format!("trigger \"{n}\" {{\n  then add tagz a\n}}\n")).collect();
    let directory = directory(&[("a.twite", warned), ("b.twite", &broken)]);
    let (_, out, _) = twite(directory.path(), &["check", "--format", "github", "."], "");
    let lines: Vec<_> = out.lines().collect();
    assert!(lines[..11].iter().all(|line| line.starts_with("::error ")), "{out}");
    assert!(lines[11].starts_with("::warning ") && lines[12].starts_with("::notice "), "{out}");
    assert!(lines[12].contains("errors: 11, warnings: 1"), "{out}");
}

#[test]
fn every_line_end_counts_in_every_form() {
    for end in ["\n", "\r\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"] {
        let text = format!("# one{end}# two{end}\ntrigger \"T\" {{\n  then add tagz a\n}}\n");
        let directory = directory(&[("a.twite", &text)]);
        let (_, out, _) = twite(directory.path(), &["check", "--format", "short", "."], "");
        // CRLF is one line end.
        let line = if end == "\r" { 4 } else { 5 };
        assert!(out.contains(&format!("a.twite:{line}:")), "{end:?}: {out}");
    }
}

#[test]
fn a_long_line_is_cut_around_the_place() {
    let long = "word ".repeat(40_000);
    let text = format!("trigger \"T\" {{\n  then reply \"{long}\" add tagz a reply \"{long}\"\n}}\n");
    let directory = directory(&[("a.twite", &text)]);
    let (status, out, _) = twite(directory.path(), &["check", "."], "");
    assert_eq!(status, 1);
    assert!(out.len() < 5_000, "{} bytes", out.len());
    let drawn = out.lines().find(|line| line.contains('│') && line.contains("tagz")).unwrap();
    assert!(drawn.contains('…') && drawn.chars().count() < 200, "{drawn}");
}

/// Whatever the current directory, a diagnostic names the file by its path in the repository, byte for byte.
#[cfg(target_os = "linux")]
#[test]
fn forges_know_files_by_their_path_from_the_root_of_the_work_tree() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    let broken = "trigger \"T\" {\n  then add tagz a\n}\n";
    let outside = tempfile::tempdir().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    let below = root.join("desk/rules");
    fs::create_dir_all(&below).unwrap();
    fs::create_dir(root.join(".git")).unwrap();
    fs::write(below.join(OsStr::from_bytes(b"r\xff\xc3.twite")), broken).unwrap();
    std::os::unix::fs::symlink(&root, outside.path().join("link")).unwrap();
    let linked = outside.path().join("link/desk/rules");
    for (at, path) in [
        (&root, "."),
        (&root, "desk/rules"),
        (&root, "./desk/../desk/rules"),
        (&below, "."),
        (&below, "../rules"),
        (&root, below.to_str().unwrap()),
        (&root, linked.to_str().unwrap()),
    ] {
        let (_, out, _) = twite(at, &["check", "--format", "github", path], "");
        assert!(out.contains("::error file=desk/rules/r\\xFF\\xC3.twite,line=2,"), "{path}: {out}");
        let (_, out, _) = twite(at, &["check", "--format", "sarif", path], "");
        let log: Value = serde_json::from_str(&out).unwrap();
        let location = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"];
        assert_eq!(location["uri"], "desk/rules/r%FF%C3.twite", "{path}");
        assert_eq!(location["uriBaseId"], "%SRCROOT%");
    }
    // Outside the repository, the path is absolute.
    let (_, out, _) = twite(outside.path(), &["check", "--format", "github", below.to_str().unwrap()], "");
    assert!(out.starts_with(&format!("::error file={}/r\\xFF\\xC3.twite,", below.to_str().unwrap())), "{out}");
    // The same when the file is named by itself.
    let file = OsStr::from_bytes(b"r\xff\xc3.twite");
    let output = Command::new(env!("CARGO_BIN_EXE_twite")).current_dir(&below).arg("check").arg(file).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

/// Text before a mistake, and the line and column of the mistake.
const PLACES: &[(&str, usize, usize)] = &[
    ("", 1, 1),
    ("\u{feff}", 1, 1),
    ("\u{feff}# a\n", 2, 1),
    ("\u{feff}# \u{feff}\n", 2, 1),
    ("# a\rb\n", 3, 1),
    ("# a\r\n", 2, 1),
    ("# a\r\r\n\n", 4, 1),
    ("# a\u{85}b\n", 3, 1),
    ("# a\u{2028}b\n", 3, 1),
    ("# a\u{2029}b\n", 3, 1),
    // These characters end no line.
    ("# a\u{b}\u{c}b\n", 2, 1),
    ("\t\t", 1, 3),
    ("\t", 1, 2),
    ("let é = tags has \"日本\" let b = ", 1, 31),
    ("let e\u{301} = tags has a let b = ", 1, 29),
    ("let a = tags has \"👩\u{200d}🚀\" let b = ", 1, 32),
    ("let a = tags has \"שלום\" let b = ", 1, 33),
    ("let a = tags has \"ＡＢ\" let b = ", 1, 31),
];

#[test]
fn every_form_names_the_same_place() {
    for (before, line, column) in PLACES {
        let text = format!("{before}requester.folowers > 1\n");
        let directory = directory(&[("a.twite", &text)]);
        let check = |form: &str| twite(directory.path(), &["check", "--color", "never", "--format", form, "."], "").1;
        let json: Value = serde_json::from_str(&check("json")).unwrap();
        let at = before.len();
        let found = json["diagnostics"].as_array().unwrap();
        let first = found.iter().find(|d| d["span"]["bytes"][0] == at).unwrap_or_else(|| panic!("{before:?}: {json}"));
        let span = &first["span"];
        assert_eq!(
            (&span["start"]["line"], &span["start"]["column"]),
            (&(*line).into(), &(*column).into()),
            "{before:?} json"
        );
        let code = first["code"].as_str().unwrap();
        let (end, end_column) = (&span["end"]["line"], &span["end"]["column"]);
        let short = check("short");
        assert!(short.contains(&format!("./a.twite:{line}:{column}: error {code}")), "{before:?}: {short}");
        let human = check("human");
        assert!(human.contains(&format!("[./a.twite:{line}:{column}]")), "{before:?}: {human}");
        let github = check("github");
        let expected = format!(
            "::error file=a.twite,line={line},endLine={end},col={column},endColumn={end_column},title={code}::"
        );
        assert!(github.contains(&expected), "{before:?}: {expected} in {github}");
        let log: Value = serde_json::from_str(&check("sarif")).unwrap();
        assert_eq!(log["runs"][0]["columnKind"], "unicodeCodePoints");
        let regions = log["runs"][0]["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| &r["locations"][0]["physicalLocation"]["region"]);
        let expected =
            serde_json::json!({"startLine": line, "startColumn": column, "endLine": end, "endColumn": end_column});
        assert!(regions.into_iter().any(|region| *region == expected), "{before:?}: {expected} in {log}");
    }
    // JUnit has lines but no columns; compared where tests can run.
    let mut agreed = 0;
    for (before, line, _) in PLACES.iter().filter(|(before, ..)| !before.contains("let ")) {
        let test = "test \"t\" {\n  given ticket {\n    comment \"a\"\n  }\n  when created\n  expect tags has b\n}\n";
        let directory = directory(&[("a.twite", &format!("{before}{test}"))]);
        let (status, out, _) = twite(directory.path(), &["test", "--format", "junit", "."], "");
        if status == 2 {
            continue;
        }
        agreed += 1;
        assert!(out.contains(&format!("./a.twite:{}", line + 5)), "{before:?}: {out}");
        let (_, out, _) = twite(directory.path(), &["test", "--format", "json", "."], "");
        let results: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(results["tests"][0]["span"]["line"], *line, "{before:?}");
        assert_eq!(results["tests"][0]["failures"][0]["span"]["line"], line + 5, "{before:?}");
        let (_, out, _) = twite(directory.path(), &["test", "."], "");
        assert!(out.contains(&format!("./a.twite:{}: expected", line + 5)), "{before:?}: {out}");
    }
    assert!(agreed >= 5, "{agreed}");
}

#[test]
fn a_file_is_checked_in_the_set_around_it() {
    let rules = "trigger \"T\" {\n  on created\n  when vip\n  then add tags VIP\n}\n";
    let directory = directory(&[
        ("project/twite.toml", "[[account]]\nhandle = \"acme\"\n"),
        ("project/rules/vip.twite", "let vip = requester.verified\nlet unused = status is open\n"),
        ("project/rules/deep/b.twite", rules),
        ("other/twite.toml", "# nothing\n"),
        ("other/c.twite", rules),
    ]);
    let check = |at: &str, arguments: &[&str], input: &str| {
        let (status, out, err) =
            twite(&directory.path().join(at), &[&["check", "--format", "short"], arguments].concat(), input);
        (status, out + &err)
    };
    // Errors in other files are not reported.
    for (at, file) in
        [("project", "rules/deep/b.twite"), ("project/rules/deep", "b.twite"), (".", "project/rules/deep/b.twite")]
    {
        let (status, text) = check(at, &[file], "");
        assert_eq!((status, text.matches("TW0403").count(), text.matches("TW0").count()), (0, 1, 1), "{at}: {text}");
    }
    // Files of two rule sets, each checked in its own: in `other`, nothing declares `vip`.
    let (status, text) = check(".", &["project/rules/deep/b.twite", "other/c.twite"], "");
    assert_eq!((status, text.contains("TW0201")), (1, true), "{text}");
    // The `twite.toml` of a directory is read with it; that of another is checked too.
    fs::write(directory.path().join("other/twite.toml"), "x = 1\n").unwrap();
    for (toml, found) in [("project/twite.toml", (0, false)), ("other/twite.toml", (1, true))] {
        let (status, text) = check(".", &["project", toml], "");
        assert_eq!((status, text.contains("other/twite.toml:1")), found, "{text}");
        assert_eq!(text.matches("project/rules/deep/b.twite:4").count(), 1, "{text}");
    }
    // Standard input replaces a file that exists, or one that does not exist yet.
    let broken = rules.replace("vip", "vipp");
    for path in ["rules/deep/b.twite", "rules/new.twite"] {
        let (status, text) = check("project", &["-", "--stdin-path", path], &broken);
        assert_eq!((status, text.contains(&format!("{path}:3:8: error TW0201"))), (1, true), "{text}");
    }
    assert_eq!(check("project", &["-", "--stdin-path", "rules/deep/b.twite"], rules).0, 0);
    let (status, text) = check("project", &["-"], "trigger \"T\" {\n");
    assert_eq!((status, text.contains("standard input:1:")), (1, true), "{text}");
}

#[test]
fn nothing_to_check_is_said_and_so_is_no_twite_toml() {
    let rules = "trigger \"T\" {\n  on created\n  then assign to group \"Social\"\n}\n";
    let odd = directory(&[("a.TWITE", rules), ("b.twit", rules), ("notes.txt", "")]);
    for command in ["check", "test", "fmt", "rules"] {
        let (status, out, err) = twite(odd.path(), &[command, "."], "");
        assert_eq!((status, out.as_str()), (2, ""), "{command}");
        assert!(
            err.contains("no rule files in `.`; `./a.TWITE`, `./b.twit` do not end in `.twite`"),
            "{command}: {err}"
        );
        assert_eq!(twite(odd.path(), &[command, "--allow-empty", "."], "").0, 0, "{command}");
    }
    let mixed = directory(&[("a.twite", rules), ("b.TWITE", rules)]);
    let (status, out, _) = twite(mixed.path(), &["check", "."], "");
    assert_eq!(status, 1);
    assert!(out.contains("TW0117") && out.contains("undeclared group `Social`"), "{out}");
    assert!(out.contains("found no `twite.toml`"), "{out}");
}

#[test]
fn a_notification_to_nobody_is_said() {
    let rules = "trigger \"T\" {\n  on created\n  then\n    notify group \"Night\" {\n      subject \"s\"\n      body \"b\"\n    }\n    \
                 notify agent \"Ana\" {\n      subject \"s\"\n      body \"b\"\n    }\n}\n";
    let toml = "[[group]]\nname = \"Night\"\n[[agent]]\nname = \"Ana\"\ngroups = [\"Night\"]\n";
    let directory = directory(&[("twite.toml", toml), ("a.twite", rules)]);
    let (status, out, _) = twite(directory.path(), &["check", "."], "");
    assert_eq!((status, out.matches("TW0410").count()), (0, 2), "{out}");
    // Mail to the group is delivered to its members.
    fs::write(directory.path().join("twite.toml"), toml.replace("groups", "email = \"ana@acme.example\"\ngroups"))
        .unwrap();
    assert!(!twite(directory.path(), &["check", "."], "").1.contains("TW0410"));
}

/// Two files that only together are wrong: naming either of them reports the error.
#[test]
fn an_error_about_two_files_counts_for_both() {
    let trigger = "trigger \"Same\" {\n  on created\n  then add tags a\n}\n";
    for (code, one, other) in [
        ("TW0202", trigger, trigger),
        ("TW0206", "let one = other\n", "let other = one\n"),
        ("TW0206", "let one = between\nlet between = other\n", "let other = one\n"),
    ] {
        let directory = directory(&[("twite.toml", "# nothing\n"), ("a.twite", one), ("z.twite", other)]);
        fs::write(directory.path().join("other.twite"), "# nothing\n").unwrap();
        for (file, expected) in [("a.twite", 1), ("z.twite", 1), ("other.twite", 0)] {
            let (status, out, _) = twite(directory.path(), &["check", "--format", "short", file], "");
            assert_eq!((status, out.matches(code).count()), (expected, expected as usize), "{file}: {out}");
        }
        let (status, out, _) =
            twite(directory.path(), &["check", "--format", "short", "-", "--stdin-path", "a.twite"], one);
        assert_eq!((status, out.matches(code).count()), (1, 1), "{out}");
    }
}

/// A search of a directory skips these files, but all commands read them when they are named.
#[test]
fn a_named_file_is_read_wherever_it_lies() {
    let rules = "trigger \"T\" {\n  on created\n  when vip\n  then add tags vip\n}\n";
    let test = "test \"works\" {\n  given ticket {\n    requester {\n      verified yes\n    }\n  }\n  when created\n  \
                expect fired \"T\"\n}\n";
    for file in ["rules/.c.twite", "rules/.old/c.twite", ".c.twite"] {
        let directory = directory(&[
            ("rules/twite.toml", "[[account]]\nhandle = \"acme\"\n"),
            ("rules/vip.twite", "let vip = requester.verified\n"),
            ("twite.toml", "[[account]]\nhandle = \"acme\"\n"),
            (file, &format!("{rules}\n{test}")),
        ]);
        if !file.starts_with("rules/") {
            fs::rename(directory.path().join("rules/vip.twite"), directory.path().join("vip.twite")).unwrap();
        }
        for (arguments, shown) in [
            (["check", "--format", "short", file].as_slice(), "no problems in 2 files"),
            (&["test", file], "1 passed"),
            (&["rules", file], "T"),
            (&["eval", "--tickets", "-", file], "\"rule\":\"T\""),
            (&["fmt", file], "of 1 file changed"),
        ] {
            let (status, out, err) = twite(directory.path(), arguments, "{\"requester\": {\"verified\": true}}\n");
            assert_eq!((status, (out.clone() + &err).contains(shown)), (0, true), "{arguments:?}: {out}{err}");
        }
        fs::write(directory.path().join(file), rules.replace("vip", "vipp")).unwrap();
        let (status, out, _) = twite(directory.path(), &["check", "--format", "short", file], "");
        assert_eq!((status, out.contains(&format!("{file}:3:8: error TW0201"))), (1, true), "{out}");
    }
}

/// Bytes that are no text, with the place of the first: the same in every form, from a file and from standard input.
#[test]
fn bytes_that_are_no_text_have_a_place() {
    use std::io::Write as _;
    let check = |at: &Path, arguments: &[&str], input: &[u8]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twite"));
        command.current_dir(at).args(arguments);
        let mut child = command
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    for (bytes, line, column, at) in
        [(b"# a\n# \xffb \xfe\n".as_slice(), 2, 3, 6), (b"\xff\xfe", 1, 1, 0), (b"# caf\xc3\xa9 \xc3", 1, 8, 8)]
    {
        let whole = directory(&[("twite.toml", "# nothing\n")]);
        let path = whole.path();
        fs::write(path.join("a.twite"), bytes).unwrap();
        let place = format!("a.twite:{line}:{column}");
        let (status, out, _) = check(path, &["check", "--format", "short", "."], b"");
        assert_eq!((status, out.contains(&format!("{place}: error TW0110"))), (Some(1), true), "{out}");
        let (_, out, _) = check(path, &["check", "."], b"");
        assert!(out.contains(&format!("a.twite:{line}:{column}]")) && out.contains("# ") == (at > 0), "{out}");
        for form in ["short", "json", "github", "sarif", "human"] {
            fs::write(path.join("a.twite"), bytes).unwrap();
            let disk = check(path, &["check", "--format", form, "a.twite"], b"");
            fs::write(path.join("a.twite"), "# fine\n").unwrap();
            assert_eq!(
                check(path, &["check", "--format", form, "-", "--stdin-path", "a.twite"], bytes).1.replace("./", ""),
                disk.1.replace("./", "")
            );
        }
        let (status, out, _) = check(path, &["check", "--format", "json", "-"], bytes);
        let json: Value = serde_json::from_str(&out).unwrap();
        let span = &json["diagnostics"][0]["span"];
        assert_eq!((status, &span["bytes"][0], &span["start"]["line"]), (Some(1), &at.into(), &line.into()), "{out}");
        let (status, _, err) = check(path, &["fmt", "-"], bytes);
        assert_eq!((status, err.contains("TW0110")), (Some(1), true), "{err}");
        // The same in `twite.toml`, of which secrets are not shown.
        let secret = [b"[store]\nurl = \"postgres://a:hunter2@b/c\" # ", bytes].concat();
        fs::write(path.join("twite.toml"), secret).unwrap();
        let (status, out, _) = check(path, &["check", "."], b"");
        assert_eq!((status, out.contains("TW0110"), out.contains("hunter2")), (Some(1), true, false), "{out}");
        assert!(out.contains("twite.toml:"), "{out}");
    }
    let large = "# a\n".repeat(300_000);
    let (status, out, _) = check(Path::new("."), &["check", "--format", "short", "-"], large.as_bytes());
    assert_eq!((status, out.contains("TW0109")), (Some(1), true), "{out}");
    let (status, _, err) = check(Path::new("."), &["fmt", "-"], large.as_bytes());
    assert_eq!((status, err.contains("TW0109")), (Some(1), true), "{err}");
}
