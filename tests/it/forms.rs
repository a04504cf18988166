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
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
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
    assert!(out.contains("file=./a%0Ab.twite,") && out.contains("file=./100%25.twite,"), "{out}");
    assert!(out.contains("file=./a%3Ab%2Cc#d?.twite,"), "{out}");
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
        ("other/twite.toml", ""),
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
    assert!(
        out.contains("TW0117") && out.contains("nothing declares a") | out.contains("nothing declares no group"),
        "{out}"
    );
    assert!(out.contains("there is no `twite.toml` beside the rules"), "{out}");
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
    ("[x]\nurl = \"https://x.example/?a=b\"", "cannot have `?` or `#`"),
    ("[x]\nurl = \"https://x.example#a\"", "cannot have `?` or `#`"),
    ("[x]\nurl = \"https://x.example/2\"", "X is not reached below a path"),
    ("[x]\nclient_id = \" \"", "this is no client id"),
    ("url = \"https://desk.example/?a=b\"", "cannot have `?` or `#`"),
    ("[store]\npath = \":memory:\"", "this is no name of a file"),
    ("[store]\npath = \"data/\"", "this is no name of a file"),
    ("[[schedule]]\nname = \"S\"\n[schedule.hours]\nmonday = [\"09:00-17:00\"]", "for nobody"),
    ("[mail]\nfrom = \"a@b.example\"\ndirectory = \"d\"\nuser = \"u\"\npassword_env = \"P\"", "nobody signs in"),
    ("[[account]]\nhandle = \"a\"\ncapture_from = 2026-11-25", "expected a day in quotes"),
    ("[x]\npoll_seconds = 0", "`poll_seconds` is from 1 to 86_400 seconds"),
    ("[x]\npoll_seconds = -1", "`poll_seconds` is from 1"),
    ("[x]\npoll_seconds = 9223372036854775807", "`poll_seconds` is from 1"),
    ("[x]\npoll_seconds = 99999999999999999999999", "`poll_seconds` is from 1"),
    ("[x]\nsettle_millis = 9223372036854775807", "`settle_millis` is from 0 to 600_000 milliseconds"),
    ("[x]\nrecheck_hours = 4294967296", "`recheck_hours` is from 0"),
    ("[limits]\nautomations_per_minute = 0", "`automations_per_minute` is from 1"),
    ("[[account]]\nhandle = \"a\"\npost_length = 25_001", "`post_length` is from 1 to 25_000"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"s\"\ndirectory = \"d\"", "not both"),
    ("[mail]\nfrom = \"a@b.example\"", "neither a `server` nor a `directory`"),
    ("[mail]\nfrom = \"nope\"\nserver = \"s\"", "`nope` is no e-mail address"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"a:99999\"", "`a:99999` is no mail server"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"a:0\"", "is no mail server"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"smtp://a\"", "is no mail server"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"\"", "is no mail server"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"::1\"", "is no mail server"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"[::1\"", "is no mail server"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"[::1]25\"", "is no mail server"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"[::1]:0\"", "is no mail server"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"[host]:25\"", "is no mail server"),
    ("[mail]\nfrom = \"a@b.example\"\nserver = \"a\"\nuser = \"u\"", "`user` and `password_env` go together"),
    ("[[agent]]\nname = \"A\"\nemail = \"not an address\"", "TW0510"),
    ("[[group]]\nname = \"A\"\nemail = \"\"", "TW0510"),
    ("[store]\npath = \"\"", "this is no name of a file"),
    ("[limits]\nreplies_per_person_per_hour = \"3\"", "expected a whole number from 0, found text"),
    ("[[account]]\nhandle = 7", "expected text in quotes, found a whole number"),
    ("[[account]]\nhandle = \"a\"\ntrack_likes = \"yes\"", "expected `true` or `false`, found text"),
    ("[[agent]]\nname = \"A\"\ngroups = \"B\"", "expected a list, as in `[\"one\", \"other\"]`, found text"),
    ("[x]\npoll_seconds = 1.5", "expected a whole number from 0, found a number with a point"),
    ("x = 3", "expected a table, found a whole number"),
    ("edition = \"sute\"", "expected `support` or `suite`, found `sute`, did you mean `suite`?"),
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
        let line = why.map(|why| format!("no mail reaches Ana: {why}"));
        assert!(line.as_ref().map_or(!status.contains("no mail reaches"), |line| status.contains(line)), "{status}");
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
        (store("a.twite"), Some("it is a file of another kind")),
        (store("short"), Some("it is a file of another kind")),
        (store("locked.db"), Some("it may not be written")),
        (store("gone/twite.db"), Some("there is no directory")),
        (store("a.twite/twite.db"), Some("a.twite")),
        (store("new.db"), None),
        (store("empty.db"), None),
        (store("folder/new.db"), None),
        (mail("a.twite"), Some("a.twite is no directory")),
        (mail("a.twite/mails"), Some("a.twite is no directory")),
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
    use twite::desk::{Account, Desk, config::NUMBERS};
    let desk = Desk { accounts: vec![Account::new("a")], ..Desk::default() };
    let desk = serde_json::to_value(&desk).unwrap();
    let mut seen = 0;
    for (table, value) in desk.as_object().unwrap() {
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
    for line in [
        "posts:2: left out: ",
        "posts:3: left out: ",
        "posts:4: left out: ",
        "posts:5: left out: the line is longer than 16 MiB",
    ] {
        assert!(err.contains(line), "{line}: {err}");
    }
    let (status, _, err) = twite(directory.path(), &["eval", "--tickets", "posts", "."], "");
    assert_eq!((status, err.contains("posts:2: left out: ")), (1, true), "{err}");
}
