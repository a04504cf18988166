//! Forms of findings and results: whatever files and rules are called, every form stays what it is.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

/// What steers a terminal, a log, GitHub's runner or a reader's eye.
const HOSTILE: &str = "x\n::stop-commands::t\u{1b}[31m\r\u{9b}\u{85}\u{2028}\u{202e}y";

/// Status, standard output, standard error.
fn twite(directory: &Path, arguments: &[&str], input: &str) -> (i32, String, String) {
    twite_in(directory, arguments, input, &[])
}

fn twite_in(directory: &Path, arguments: &[&str], input: &str, environment: &[(&str, &str)]) -> (i32, String, String) {
    let mut twite = Command::new(env!("CARGO_BIN_EXE_twite"));
    twite.current_dir(directory).args(arguments).envs(environment.iter().copied());
    let mut child = twite.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that reads nothing may have ended.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

/// Quoted in a rule file: the escapes of the language, and everything else as it is.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\n', "\\n").replace('\r', "\\r"))
}

fn assert_plain(what: &str, text: &str) {
    let steers = |c: char| c != '\n' && twite::desk::visible::is_control(c);
    assert!(!text.contains(steers), "{what}: {text:?}");
    assert!(!text.lines().any(|line| line.starts_with("::stop")), "{what}: {text}");
}

#[test]
fn texts_of_rules_steer_nobodys_terminal() {
    let title = quoted(HOSTILE);
    let rules = format!(
        "## {doc}\ntrigger {title} {{\n  on created\n  then add tags VIP\n}}\n\ntest {title} {{\n  given ticket {{\n    comment \
         \"hello\"\n  }}\n  when created\n  expect not fired {title}\n}}\n",
        doc = "a\u{1b}]0;b\u{202e}"
    );
    let directory = directory(&[("a.twite", &rules)]);
    for arguments in [
        ["check", "--format", "human", "."].as_slice(),
        &["check", "--format", "short", "."],
        &["check", "--format", "github", "."],
        &["rules", "."],
        &["test", "."],
        &["test", "--coverage", "."],
        &["test", "--coverage", "--color", "always", "."],
        &["eval", "--format", "human", "--tickets", "-", "."],
        &["demo", "--once", "--rules", "."],
    ] {
        let (_, out, err) = twite(directory.path(), arguments, "{}\n");
        let uncoloured =
            |text: &str| text.replace("\u{1b}[32m", "").replace("\u{1b}[39m", "").replace("\u{1b}[31mFAIL", "");
        let colour = arguments.contains(&"always");
        assert!(!out.contains("::stop-commands::t\u{1b}"), "{arguments:?}: {out:?}");
        if !colour {
            assert_plain(&format!("{arguments:?}"), &uncoloured(&out));
        }
        assert_plain(&format!("{arguments:?}"), &err);
    }
}

/// Names that files have somewhere.
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
    // From anywhere, a file has one name: that in the repository.
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
    // What lies elsewhere has an address of its own.
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
        // CR and the LF behind it are one line end.
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

#[test]
fn output_follows_the_terminal() {
    let text = "trigger \"T\" {\n  on created\n  when requester.folowers > 10 and status is open and priority is high\n  then add tags a\n}\n";
    let directory = directory(&[("a.twite", text)]);
    let check = |environment: &[(&str, &str)]| twite_in(directory.path(), &["check", "."], "", environment).1;
    assert!(
        check(&[("COLUMNS", "40")]).lines().all(|line| line.chars().count() <= 50),
        "{}",
        check(&[("COLUMNS", "40")])
    );
    assert!(check(&[("LC_ALL", "C")]).is_ascii());
    assert!(!check(&[("LC_ALL", "C.UTF-8")]).is_ascii());
    assert!(check(&[("FORCE_COLOR", "1")]).contains("\u{1b}["));
    assert!(!check(&[("TERM", "xterm")]).contains("\u{1b}["));
    assert!(!check(&[("NO_COLOR", "1"), ("FORCE_COLOR", "1")]).contains("\u{1b}["));
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
    // What is wrong with others is theirs.
    for (at, file) in
        [("project", "rules/deep/b.twite"), ("project/rules/deep", "b.twite"), (".", "project/rules/deep/b.twite")]
    {
        let (status, text) = check(at, &[file], "");
        assert_eq!((status, text.matches("TW0403").count(), text.matches("TW0").count()), (0, 1, 1), "{at}: {text}");
    }
    // Files of two sets, each in its own: here nothing declares `vip`.
    let (status, text) = check(".", &["project/rules/deep/b.twite", "other/c.twite"], "");
    assert_eq!((status, text.contains("TW0201")), (1, true), "{text}");
    // A buffer stands for its file, or for one that is to be.
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
    // Mail to the group goes to its members.
    fs::write(directory.path().join("twite.toml"), toml.replace("groups", "email = \"ana@acme.example\"\ngroups"))
        .unwrap();
    assert!(!twite(directory.path(), &["check", "."], "").1.contains("TW0410"));
}

/// Settings that cannot work: what stands in `twite.toml`, and what is said of it.
const REFUSED: &[(&str, &str)] = &[
    ("[x]\nurl = \"127.0.0.1:1\"", "TW0508"),
    ("[x]\nurl = \"ftp://x\"", "TW0508"),
    ("[x]\nurl = \"\"", "TW0508"),
    ("[x]\nurl = \"https://x.example/?a=b\"", "must not contain `?` or `#`"),
    ("[x]\nurl = \"https://x.example#a\"", "must not contain `?` or `#`"),
    ("[x]\nurl = \"https://x.example/2\"", "the URL of X must not have a path"),
    ("[x]\nclient_id = \" \"", "empty client id"),
    ("url = \"https://desk.example/?a=b\"", "must not contain `?` or `#`"),
    ("[store]\npath = \":memory:\"", "not a valid file name"),
    ("[store]\npath = \"data/\"", "not a valid file name"),
    ("[[schedule]]\nname = \"S\"\n[schedule.hours]\nmonday = [\"09:00-17:00\"]", "unused schedule"),
    ("[mail]\nfrom = \"a@b.example\"\ndirectory = \"d\"\nuser = \"u\"\npassword_env = \"P\"", "needs no `user`"),
    (
        "[[account]]\nhandle = \"a\"\ncapture_from = 2026-11-25",
        "`capture_from` must be a date in quotes, as in `\"2026-11-25\"`, not a date without quotes",
    ),
    ("[x]\npoll_seconds = 0", "`poll_seconds` must be from 1 to 86_400 seconds"),
    ("[x]\npoll_seconds = -1", "`poll_seconds` must be from 1"),
    ("[x]\npoll_seconds = 9223372036854775807", "`poll_seconds` must be from 1"),
    ("[x]\npoll_seconds = 99999999999999999999999", "`poll_seconds` must be from 1"),
    ("[x]\nsettle_millis = 9223372036854775807", "`settle_millis` must be from 0 to 600_000 milliseconds"),
    ("[x]\nrecheck_hours = 4294967296", "`recheck_hours` must be from 0"),
    ("[limits]\nautomations_per_minute = 0", "`automations_per_minute` must be from 1"),
    ("[[account]]\nhandle = \"a\"\npost_length = 25_001", "`post_length` must be from 1 to 25_000"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"s\"\ndirectory = \"d\"", "has both a `server` and a `directory`"),
    ("[mail]\nfrom = \"a@b.example\"", "needs a `server` or a `directory`"),
    ("[mail]\nfrom = \"nope\"\nserver = \"s\"", "`nope` is not a valid email address"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"a:99999\"", "`a:99999` is not a valid mail server"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"a:0\"", "is not a valid mail server"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"smtp://a\"", "is not a valid mail server"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"\"", "is not a valid mail server"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"::1\"", "is not a valid mail server"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"[::1\"", "is not a valid mail server"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"[::1]25\"", "is not a valid mail server"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"[::1]:0\"", "is not a valid mail server"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"[host]:25\"", "is not a valid mail server"),
    (
        "[mail]\nfrom = \"a@b.example\"\nserver = \"a\"\nuser = \"u\"",
        "`user` and `password_env` must be given together",
    ),
    ("[[agent]]\nname = \"A\"\nemail = \"not an address\"", "TW0510"),
    ("[[group]]\nname = \"A\"\nemail = \"\"", "TW0510"),
    ("[store]\npath = \"\"", "not a valid file name"),
    (
        "[limits]\nreplies_per_person_per_hour = \"3\"",
        "`replies_per_person_per_hour` must be a whole number from 0 to 1_000 (replies), not a string",
    ),
    ("[[account]]\nhandle = 7", "`handle` must be a string in quotes, not a whole number"),
    ("[[account]]\nhandle = \"a\"\ntrack_likes = \"yes\"", "`track_likes` must be `true` or `false`, not a string"),
    ("[[agent]]\nname = \"A\"\ngroups = \"B\"", "`groups` must be a list, as in `[\"one\", \"other\"]`, not a string"),
    (
        "[x]\npoll_seconds = 1.5",
        "`poll_seconds` must be a whole number from 1 to 86_400 (seconds), not a decimal number",
    ),
    ("x = 3", "`x` must be a table, not a whole number"),
    (
        "[[limits]]\nreplies_per_person_per_hour = 3",
        "`limits` must be a single table: write `[limits]` instead of `[[limits]]`",
    ),
    ("limits = [3, 100, 500]", "`limits` must be a table, not a list"),
    ("[account]\nhandle = \"a\"", "`account` must be an array of tables: write `[[account]]`"),
    ("account = [[\"a\"]]", "each `account` must be a table, not a list"),
    ("edition = 1", "`edition` must be `suite` or `support`, not a whole number"),
    ("edition = \"sute\"", "`edition` must be `support` or `suite`, not `sute`, did you mean `suite`?"),
    ("", "empty file"),
];

#[test]
fn settings_that_cannot_work_are_refused_at_their_place() {
    for (toml, said) in REFUSED {
        let directory =
            directory(&[("twite.toml", toml), ("a.twite", "trigger \"T\" {\n  on created\n  then stop\n}\n")]);
        let (status, out, _) = twite(directory.path(), &["check", "--format", "short", "."], "");
        assert_eq!(status, 1, "{toml}: {out}");
        assert!(out.contains(said), "{toml}: {out}");
        assert!(out.starts_with("./twite.toml:"), "{toml}: {out}");
        assert_eq!(out.matches(": error").count(), 1, "{toml} is said once: {out}");
    }
}

/// Every mistake of every table is told at once, and nothing that follows from one: rules are told of what nothing declares, and
/// not of what a mistake may have hidden.
#[test]
fn all_mistakes_in_twite_toml_are_told_at_once() {
    const TOML: &str = r#"edition = "suport"
teams = 3
[[account]]
handle = "acme"
track_likes = "no"
colour = "red"
post_length = "long"
[[agent]]
name = "Ana"
email = 5
groups = [7, "Nobody", false]
admin = true
[[group]]
email = "night@acme.example"
[[field]]
name = "topic"
type = "choice"
choices = "one"
[[field]]
name = "size"
type = "numbr"
[[webhook]]
nmae = "page"
url = "https://a.example"
[hours]
zone = "Europe/Pari"
monday = ["9-17", "09:00-17:00", "late"]
[mail]
from = "desk@acme.example"
server = 25
user = "u"
[x]
poll_seconds = true
client_id = 1
"#;
    const RULES: &str = r#"trigger "Hidden" {
  on created
  when group is Night and field.topic is one and field.size > 3 and assignee is Ana
  then
    webhook "page"
    assign to next agent of group "Night"
    notify agent "Ana" {
      subject "{{ticket.field.size}}"
      body "b"
    }
}
trigger "Unknown" {
  on created
  when assignee is Bob and account is acne and brand is North
  then add tags a
}
report "R" {
  measure average field.size
  by status
}
"#;
    let directory = directory(&[("twite.toml", TOML), ("a.twite", RULES)]);
    let (status, out, _) = twite(directory.path(), &["check", "--format", "short", "."], "");
    assert_eq!(status, 1);
    insta::assert_snapshot!(out);
}

#[test]
fn every_way_to_name_a_mail_server_is_taken() {
    for server in ["mail.example", "mail.example:25", "127.0.0.1:25", "[::1]", "[::1]:25", "[2001:db8::7]:465"] {
        let toml = format!("[mail]\nfrom = \"a@b.example\"\nserver = \"{server}\"\n");
        let directory = directory(&[("twite.toml", &toml), ("a.twite", ONE)]);
        let (status, out, _) = twite(directory.path(), &["check", "."], "");
        assert_eq!(status, 0, "{server}: {out}");
    }
}

const ONE: &str = "trigger \"T\" {\n  on created\n  then stop\n}\n";

#[test]
fn an_admin_whom_no_mail_reaches_is_said_at_its_place() {
    let admin = "[[agent]]\nname = \"Ana\"\nadmin = true\n";
    let email = "email = \"ana@acme.example\"\n";
    let mail = "[mail]\nfrom = \"desk@acme.example\"\nserver = \"mail.acme.example\"\n";
    let account = "[[account]]\nhandle = \"acme\"\n";
    for (toml, why) in [
        (format!("{admin}{account}"), Some("the agent has no `email`")),
        (format!("{admin}{account}{mail}"), Some("the agent has no `email`")),
        (format!("{admin}{email}{account}"), Some("there is no `[mail]`")),
        (format!("{admin}{email}{account}{mail}"), None),
        (format!("{}{account}", admin.replace("true", "false")), None),
    ] {
        let directory = directory(&[("twite.toml", &toml), ("a.twite", ONE)]);
        let (status, out, _) = twite(directory.path(), &["check", "--format", "short", "."], "");
        assert_eq!((status, out.contains("./twite.toml:3:9: warning TW0412")), (0, why.is_some()), "{toml}: {out}");
        let status = twite(directory.path(), &["status", "--rules", "."], "").1;
        let line = why.map(|why| format!("Ana cannot receive email: {why}"));
        assert!(
            line.as_ref().map_or(!status.contains("cannot receive email"), |line| status.contains(line)),
            "{status}"
        );
        assert!(line.is_none() || out.contains(why.unwrap()), "{out}");
    }
}

#[cfg(unix)]
#[test]
fn paths_that_cannot_be_used_are_said_at_their_place() {
    use std::os::unix::fs::PermissionsExt as _;
    let mail = |directory: &str| format!("[mail]\nfrom = \"a@b.example\"\ndirectory = \"{directory}\"\n");
    let store = |path: &str| format!("[store]\npath = \"{path}\"\n");
    for (toml, says) in [
        (store("folder"), Some("it is a directory")),
        (store("a.twite"), Some("not an SQLite database")),
        (store("short"), Some("not an SQLite database")),
        (store("locked.db"), Some("permission denied")),
        (store("gone/twite.db"), Some("no such directory: ")),
        (store("a.twite/twite.db"), Some("a.twite")),
        (store("new.db"), None),
        (store("empty.db"), None),
        (store("folder/new.db"), None),
        (mail("a.twite"), Some("a.twite is not a directory")),
        (mail("a.twite/mails"), Some("a.twite is not a directory")),
        (mail("folder"), None),
        (mail("folder/new"), None),
    ] {
        let directory =
            directory(&[("twite.toml", &toml), ("a.twite", ONE), ("short", "SQL"), ("empty.db", ""), ("folder/x", "")]);
        let locked = directory.path().join("locked.db");
        fs::write(&locked, "").unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o444)).unwrap();
        let (status, out, _) = twite(directory.path(), &["check", "--format", "short", "."], "");
        let line = if toml.starts_with("[mail]") { 3 } else { 2 };
        let place = format!("./twite.toml:{line}:{}: warning TW0413", if line == 3 { 13 } else { 8 });
        assert_eq!((status, out.contains(&place)), (0, says.is_some()), "{toml}: {out}");
        assert!(says.is_none_or(|says| out.contains(says)), "{toml}: {out}");
    }
}

/// Every number among the settings has a range.
#[test]
fn every_number_in_twite_toml_has_a_range() {
    use twite::{
        desk::{Account, Accounts},
        settings::{NUMBERS, Settings},
    };
    let settings = Settings { accounts: Accounts(vec![Account::new("a")]), ..Settings::default() };
    let settings = serde_json::to_value(&settings).unwrap();
    let mut seen = 0;
    for (table, value) in settings.as_object().unwrap() {
        let value = value.as_array().and_then(|tables| tables.first()).unwrap_or(value);
        for (key, number) in value.as_object().into_iter().flatten().filter(|(_, value)| value.is_number()) {
            let range = NUMBERS.iter().find(|range| range.table == table && range.key == key);
            let range = range.unwrap_or_else(|| panic!("{table}.{key} has no range"));
            assert!(range.allowed.contains(&number.as_i64().unwrap()), "the default of {table}.{key}");
            seen += 1;
        }
    }
    assert_eq!(seen, NUMBERS.len());
}

#[test]
fn what_the_demo_and_eval_leave_out_is_named_and_counted() {
    let post = |id: u32| {
        format!(
            "{{\"id\": \"{id}\", \"author_id\": \"2\", \"text\": \"hi @acme\", \"created_at\": \"2026-01-05T09:00:00.000Z\", \"conversation_id\": \"{id}\"}}"
        )
    };
    let users = "\"includes\": {\"users\": [{\"id\": \"2\", \"username\": \"ana\", \"name\": \"Ana\"}]}";
    let padding = "x".repeat(2 << 20);
    let page = format!("{{\"data\": [{}, {}], {users}, \"meta\": {{\"pad\": \"{padding}\"}}}}", post(1), post(2));
    let lines = format!(
        "{page}\nnot json\nnot json\n{{\"data\": [{}, {{\"id\": \"x\"}}], {users}}}\n{}\n",
        post(3),
        "y".repeat(17 << 20)
    );
    let directory = directory(&[
        ("twite.toml", "[[account]]\nhandle = \"acme\"\n"),
        ("a.twite", "trigger \"T\" {\n  on created\n  then add tags a\n}\n"),
        ("posts", &lines),
    ]);
    let (status, out, err) =
        twite(directory.path(), &["demo", "--rules", ".", "--posts", "posts", "--format", "json"], "");
    let summary: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &summary["left_out"], &summary["tickets"]), (1, &4.into(), &3.into()), "{out}{err}");
    for line in
        ["posts:2: skipped: ", "posts:3: skipped: ", "posts:4: skipped: ", "posts:5: skipped: longer than 16 MiB"]
    {
        assert!(err.contains(line), "{line}: {err}");
    }
    let (status, _, err) = twite(directory.path(), &["eval", "--tickets", "posts", "."], "");
    assert_eq!((status, err.contains("posts:2: skipped: ")), (1, true), "{err}");
}

/// Every character that does something instead of being seen, by the lists of Unicode (Cc, Zl, Zp, Bidi_Control and the
/// deprecated or annotating of Cf) and XML's of what is no character; written down apart from the code.
fn steering() -> Vec<char> {
    [
        ('\0', '\u{1f}'),
        ('\u{7f}', '\u{9f}'),
        ('\u{61c}', '\u{61c}'),
        ('\u{200e}', '\u{200f}'),
        ('\u{2028}', '\u{202e}'),
        ('\u{2066}', '\u{206f}'),
        ('\u{fff9}', '\u{fffb}'),
        ('\u{fffe}', '\u{ffff}'),
    ]
    .into_iter()
    .flat_map(|(first, last)| first..=last)
    .collect()
}

/// Such a text, that also tries to be a line of its own.
fn steering_text() -> String {
    steering().into_iter().fold("<&>\"]]>\n::stop-commands::t".to_owned(), |text, c| format!("{text}.{c}"))
}

/// All of it as escapes that rules and TOML share.
fn as_escapes(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' => "\\\"".to_owned(),
            c if c.is_ascii_graphic() => c.to_string(),
            c => format!("\\u{{{:x}}}", u32::from(c)),
        })
        .collect()
}

fn as_toml(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' => "\\\"".to_owned(),
            c if c.is_ascii_graphic() => c.to_string(),
            c => format!("\\u{:04x}", u32::from(c)),
        })
        .collect()
}

/// Nothing in it steers, in whatever form it is.
fn assert_steers_nothing(what: &str, text: &str) {
    let found: Vec<_> = text.chars().filter(|c| *c != '\n' && steering().contains(c)).collect();
    assert!(found.is_empty(), "{what}: {found:?} in {text}");
    let forged = text.lines().find(|line| line.trim_start().starts_with("::stop"));
    assert!(forged.is_none(), "{what}: {forged:?}");
}

/// All characters, in all places that a text can come from, in all forms.
#[cfg(unix)]
#[test]
fn nothing_steers_in_any_form_wherever_it_comes_from() {
    let text = steering_text();
    let (rules, toml) = (as_escapes(&text), as_toml(&text));
    // No name of a file holds all of them.
    let file: String = steering().into_iter().filter(|c| *c != '\0').collect();
    let doc: String = steering().into_iter().filter(|c| !"\0\n\r\u{85}\u{2028}\u{2029}".contains(*c)).collect();
    let good = format!(
        "## \u{200e}\u{61c}\ntrigger \"{rules}\" {{\n  on created\n  when subject is not \"{rules}\"\n  then reply \"{rules}\"\n}}\n\n\
         macro \"{rules}\" {{\n  then set status to solved\n}}\n\n\
         test \"{rules}\" {{\n  given ticket {{\n    comment \"{rules}\"\n  }}\n  when created\n  expect not fired \"{rules}\"\n  \
         expect subject is \"{rules}!\"\n}}\n"
    );
    let desk = format!("[[group]]\nname = \"{toml}\"\n[[agent]]\nname = \"{toml}\"\ngroups = [\"{toml}\"]\n");
    let bad = format!(
        "# twite: allow TW9999 because {doc}\n# twite: {doc}\ntrigger \"{rules}\" {{\n  on created\n  when group is \"{rules}\" and \
         {doc} is open and tags has \"{rules}\" and subject matches \"({rules}\" and {}\n  then assign to group \"{rules}\" add tags \
         \"{rules}\" notify webhook \"{rules}\"\n}}\ntrigger \"{rules}\" {{ then run trigger \"{rules}\" }}\nlet {doc} = \"{text}\"\n",
        steering()
            .into_iter()
            .filter(|c| *c != '\0')
            .map(|c| format!("a{c}b is open"))
            .collect::<Vec<_>>()
            .join(" and ")
    );
    let wrong_toml = [
        format!(
            "[[group]]\nname = \"{toml}\"\n[[group]]\nname = \"{toml}\"\n[[agent]]\nname = \"{toml}\"\ngroups = [\"{toml}!\"]\nemail = \"{toml}\"\n"
        ),
        format!(
            "[[account]]\nhandle = \"{toml}\"\n[x]\nurl = \"{toml}\"\n[hours]\nzone = \"{toml}\"\ncalendars = [\"{toml}\"]\n"
        ),
        format!("\"{toml}\" = 1\n[\"{toml}\"]\nx = 2\n[[field]]\nname = \"{toml}\"\nkind = \"{toml}\"\n"),
        format!("x = {doc}\n"),
        format!("[mail]\nfrom = \"{toml}\"\nserver = \"{toml}\"\n[store]\npath = \"{toml}\"\nedition = \"{toml}\"\n"),
    ];
    let odd = format!("{file}/{file}.twite");
    let sets: Vec<(String, String)> = [(good.clone(), "# none\n".to_owned()), (good.clone(), desk.clone())]
        .into_iter()
        .chain([(bad.clone(), desk)])
        .chain(wrong_toml.map(|toml| (good.clone(), toml)))
        .collect();
    for (n, (rules, toml)) in sets.iter().enumerate() {
        let directory = directory(&[(&odd, rules), ("twite.toml", toml)]);
        let run = |arguments: &[&str], input: &str| {
            let (status, out, err) = twite(directory.path(), arguments, input);
            assert!(status < 3, "{n}, {arguments:?}: {status} {err}");
            assert_steers_nothing(&format!("set {n}, {arguments:?}"), &out);
            assert_steers_nothing(&format!("set {n}, {arguments:?}, errors"), &err);
            (status, out, err)
        };
        let (_, json, _) = run(&["check", "--format", "json", "."], "");
        let json: Value = serde_json::from_str(&json).unwrap();
        let found = json["diagnostics"].as_array().unwrap();
        let (_, out, _) = run(&["check", "--format", "short", "."], "");
        assert_eq!(out.lines().count(), found.len(), "set {n}: a line each\n{out}");
        let (_, out, _) = run(&["check", "--format", "github", "."], "");
        let annotated =
            out.lines().filter(|line| line.starts_with("::error file=") || line.starts_with("::warning file="));
        assert_eq!(annotated.count(), found.len(), "set {n}: a command each\n{out}");
        let (_, out, _) = run(&["check", "--format", "sarif", "."], "");
        let log: Value = serde_json::from_str(&out).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        assert_eq!(results.len(), found.len(), "set {n}");
        for result in results {
            assert_steers_nothing("a message of SARIF is for people", result["message"]["text"].as_str().unwrap());
        }
        if n > 2 {
            // Other commands tell the same of a broken `twite.toml`.
            continue;
        }
        for arguments in [
            &["check", "--format", "human", "."][..],
            &["check", "--color", "never", &odd],
            &["check", "--format", "short", "no such/\n::stop-commands::t\u{1b}\u{9b}\u{202e}"],
            &["check", "--config", "no such\n::stop-commands::t\u{1b}\u{9b}\u{202e}", "."],
            &["check", "-", "--stdin-path", &odd],
            &["fmt", "--check", "."],
            &["fmt", "--check", &format!("\n::stop\u{1b}{file}")],
            &["test", "."],
            &["test", "--coverage", "."],
            &["test", "--format", "json", "."],
            &["test", "--format", "junit", "."],
            &["test", "--filter", "(\n::stop-commands::t\u{9b}", "."],
            &["rules", "."],
            &["rules", "--format", "json", "."],
            &["eval", "--tickets", "-", "."],
            &["eval", "--tickets", "-", "--format", "human", "."],
            &["eval", "--tickets", &format!("no\n::stop {file}"), "."],
            &["explain", &format!("TW\n::stop{file}")],
            &["init", &odd],
            &["status", "--rules", "."],
            &["view", &format!("no\n::stop {file}"), "--rules", "."],
            &["view", "--rules", ".", "--database", &format!("no\n::stop {file}")],
            &["report", &format!("no\n::stop {file}"), "--rules", "."],
            &["sim", "--load", &format!("no\n::stop {file}")],
            &[&format!("--no\n::stop{file}")],
            &["serve", "--config", ".", &format!("no\n::stop{file}")],
        ] {
            let (_, out, _) =
                run(arguments, "{\"description\": \"x\\u001b\\u202e\\n::stop\"}\n{\"x\\u001b\\n::stop\\u202e\": 1}\n");
            if arguments.contains(&"json") && !out.is_empty() {
                let value: Value = serde_json::from_str(&out).unwrap();
                assert!(value.to_string().contains("::stop-commands"), "{arguments:?}: nothing is lost\n{out}");
            }
        }
        if n == 0 {
            let (_, out, _) = run(&["rules", "--format", "json", "."], "");
            let listed: Value = serde_json::from_str(&out).unwrap();
            assert_eq!(listed[0]["title"], text.as_str(), "programs get texts as they are");
            assert_eq!(listed[0]["span"]["file"], format!("./{odd}").as_str());
        }
    }
}

/// From wherever it is called, a finding is told of by the name that the repository knows the file by, byte for byte.
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
    // What lies elsewhere has no name there.
    let (_, out, _) = twite(outside.path(), &["check", "--format", "github", below.to_str().unwrap()], "");
    assert!(out.starts_with(&format!("::error file={}/r\\xFF\\xC3.twite,", below.to_str().unwrap())), "{out}");
    // Asked about by its name, too.
    let file = OsStr::from_bytes(b"r\xff\xc3.twite");
    let output = Command::new(env!("CARGO_BIN_EXE_twite")).current_dir(&below).arg("check").arg(file).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

/// What stands before a mistake, and at which line and column the mistake is then.
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
    // These end no line.
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
    // A form without columns agrees on the line, where there are tests that can run.
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

/// Every command writes through the one place that knows who reads it.
#[test]
fn nothing_is_printed_past_the_terminal_module() {
    fn below(directory: &Path, into: &mut Vec<std::path::PathBuf>) {
        for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { below(&path, into) } else { into.push(path) }
        }
    }
    let mut files = vec![];
    below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let is_test = |file: &Path| file.components().any(|part| part.as_os_str() == "tests");
    for file in files.iter().filter(|file| !file.ends_with("cli/terminal.rs") && !is_test(file)) {
        let text = fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (n, line) in code.lines().enumerate() {
            let asks = line.contains("is_terminal") || line.contains("style(") || line.contains("colored(");
            let prints = ["println!(", "print!(", "io::stdout()", "io::stderr()"].iter().any(|way| line.contains(way));
            assert!(asks || !prints || line.trim_start().starts_with("//"), "{}:{}: {line}", file.display(), n + 1);
        }
    }
}
