//! Mistakes in `twite.toml`, each reported at its place: values out of range, and for every key a value of every type.

use std::{collections::BTreeMap, fs};

use twite::lang::{Diagnostic, Loaded, load};

use crate::support::{
    command::{directory, twite},
    wording::assert_plain_words,
};

/// Invalid settings, with the code of the diagnostic.
const REFUSED: &[(&str, &str)] = &[
    ("[x]\nurl = \"127.0.0.1:1\"", "TW0508"),
    ("[x]\nurl = \"ftp://x\"", "TW0508"),
    ("[x]\nurl = \"\"", "TW0508"),
    ("[x]\nurl = \"https://x.example/?a=b\"", "must not contain `?` or `#`"),
    ("[x]\nurl = \"https://x.example#a\"", "must not contain `?` or `#`"),
    ("[x]\nurl = \"https://x.example/2\"", "the URL of X must not have a path"),
    ("[x]\nclient_id = \" \"", "empty client id"),
    ("url = \"https://desk.example/?a=b\"", "must not contain `?` or `#`"),
    ("[store]\nurl = \"sqlite::memory:\"", "not a valid file name"),
    ("[store]\nurl = \"sqlite:data/\"", "not a valid file name"),
    ("[store]\nurl = \"twite.db\"", "not the URL of a database"),
    ("[store]\nurl = \"mysql://db/twite\"", "unknown kind of database: `mysql`"),
    ("[store]\nurl = \"postgres://db:port/twite\"", "not a valid URL of PostgreSQL: invalid port number"),
    ("[store]\nurl = \"postgres://desk:s3cret@db/twite\"", "this URL must not contain a password"),
    ("[store]\nurl = \"postgres://db/twite?password=s3cret\"", "this URL must not contain a password"),
    (
        "[store]\nurl = \"postgres://db/twite\"\npassword_env = \"s3cret\"",
        "expected the name of an environment variable",
    ),
    ("[store]\npassword_env = \"PASSWORD\"", "a database in a file has no password"),
    ("[store]\npath = \"twite.db\"", "unknown key `path`"),
    ("[x]\nurl = \"https://desk:s3cret@x.example\"", "not a valid URL"),
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
    (
        "[x]\nvisibility_delay_millis = 9223372036854775807",
        "`visibility_delay_millis` must be from 0 to 600_000 milliseconds",
    ),
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
    ("[store]\nurl = \"sqlite:\"", "not a valid file name"),
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
    ("[[agent]]\nname = \"A\"\nsees = true", "`sees` must be `all`, `groups` or `assigned`, not `true` or `false`"),
    (
        "[[agent]]\nname = \"A\"\nsees = \"group\"",
        "`sees` must be `all`, `groups` or `assigned`, not `group`, did you mean `groups`?",
    ),
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
        let (_, human, _) = twite(directory.path(), &["check", "."], "");
        assert!(!human.contains("s3cret"), "{human}");
        let (_, _, refused) = twite(directory.path(), &["view", "--rules", "."], "");
        assert!(!refused.contains("s3cret"), "{refused}");
    }
}

/// All mistakes in all tables are reported at once, without errors that follow from others: in rules, names that
/// nothing declares are reported, but not those whose declaration has a mistake.
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
[[webhook]]
name = "no url"
key_env = "a key"
[[schedule]]
name = "no hours"
accounts = ["acne"]
[[schedule]]
name = "hours that are no table"
hours = "9-17"
accounts = ["acme"]
[[schedule]]
accounts = ["acme"]
[schedule.hours]
zone = "Europe/Rom"
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
    let store = |path: &str| format!("[store]\nurl = \"sqlite:{path}\"\n");
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
        let place = format!("./twite.toml:{line}:{}: warning TW0413", if line == 3 { 13 } else { 7 });
        assert_eq!((status, out.contains(&place)), (0, says.is_some()), "{toml}: {out}");
        assert!(says.is_none_or(|says| out.contains(says)), "{toml}: {out}");
    }
}

/// Every numeric setting has a range.
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

/// The required keys of each table.
const TABLES: &[(&str, &str)] = &[
    ("account", "handle = \"acme\"\n"),
    ("agent", "name = \"Maya\"\n"),
    ("brand", "name = \"Acme\"\n"),
    ("field", "name = \"topic\"\ntype = \"text\"\n"),
    ("group", "name = \"Social\"\n"),
    ("schedule", "name = \"night\"\naccounts = [\"acme\"]\nhours = {}\n"),
    ("webhook", "name = \"page\"\nurl = \"https://example.com\"\n"),
    ("hours", ""),
    ("limits", ""),
    ("mail", "from = \"desk@example.com\"\ndirectory = \"mail\"\n"),
    ("store", ""),
    ("x", ""),
];

/// A value of each type, in TOML.
const VALUES: &[(&str, &str)] = &[
    ("text", "\"zzz\""),
    ("number", "7"),
    ("number below zero", "-7"),
    ("large number", "9223372036854775807"),
    ("fraction", "1.5"),
    ("yes or no", "true"),
    ("list of texts", "[\"zzz\"]"),
    ("list of numbers", "[7]"),
    ("list of lists", "[[\"zzz\"]]"),
    ("empty list", "[]"),
    ("table", "{ zzz = 7 }"),
    ("list of tables", "[{ zzz = 7 }]"),
    ("day", "2026-01-05"),
];

fn declared(toml: &str) -> Loaded {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("twite.toml"), toml).unwrap();
    fs::write(directory.path().join("a.twite"), "trigger \"x\" {\n  on created\n  then add tags b\n}\n").unwrap();
    load(&[directory.path().to_owned()], None)
}

/// The keys that are allowed in a table, from the message about an unknown key.
fn keys(toml: &str) -> Vec<String> {
    let loaded = declared(toml);
    let unknown = loaded.diagnostics.iter().find(|found| found.message.contains("unknown key `zzzzzz`"));
    let unknown = unknown.unwrap_or_else(|| panic!("{toml}: {:?}", loaded.diagnostics));
    unknown.help.as_deref().unwrap_or_default().split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn header(table: &str) -> String {
    match table {
        "hours" | "limits" | "mail" | "store" | "x" => format!("[{table}]\n"),
        "schedule" => "[[account]]\nhandle = \"acme\"\n[[schedule]]\n".to_owned(),
        "schedule.hours" => {
            format!("{}name = \"night\"\naccounts = [\"acme\"]\n[schedule.hours]\n", header("schedule"))
        }
        _ => format!("[[{table}]]\n"),
    }
}

/// The line that a diagnostic points to.
fn line_of<'t>(found: &Diagnostic, toml: &'t str) -> &'t str {
    toml.lines().nth(toml[..found.span().range().start].matches('\n').count()).unwrap_or_default()
}

#[test]
fn every_setting_of_another_type_is_told_in_plain_words() {
    let mut cases = vec![];
    let top = keys("zzzzzz = 1\n");
    for key in &top {
        for (kind, value) in VALUES {
            cases.push((key.clone(), *kind, format!("{key} = {value}\n"), key.clone()));
        }
        // A table instead of an array of tables, and the reverse.
        cases.push((key.clone(), "one table", format!("[{key}]\nzzz = 7\n"), key.clone()));
        cases.push((key.clone(), "tables", format!("[[{key}]]\nzzz = 7\n"), key.clone()));
    }
    let tables = TABLES.iter().copied().chain([("schedule.hours", "")]);
    for (table, beside) in tables {
        let known = keys(&format!("{}zzzzzz = 1\n{beside}", header(table)));
        assert!(!known.is_empty(), "{table}");
        for key in known {
            let beside: String = beside
                .lines()
                .filter(|line| !line.starts_with(&format!("{key} ")))
                .map(|line| format!("{line}\n"))
                .collect();
            for (kind, value) in VALUES {
                let at = format!("{table}.{key}");
                cases.push((at, *kind, format!("{}{beside}{key} = {value}\n", header(table)), key.clone()));
            }
        }
    }
    assert!(cases.len() > 700, "{}", cases.len());
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    for (at, kind, toml, key) in &cases {
        let loaded = declared(toml);
        let errors: Vec<_> = loaded.diagnostics.iter().filter(|found| found.is_error()).collect();
        for found in &errors {
            let said = format!("{} {}", found.message, found.help.as_deref().unwrap_or_default());
            assert_plain_words(&said, toml);
        }
        if let Some(found) = errors.iter().find(|found| found.file().ends_with("twite.toml")) {
            *refused.entry(at.clone()).or_default() += 1;
            let named = errors.iter().any(|found| {
                [key.as_str(), "`zzz`"].iter().any(|key| found.message.contains(key))
                    || line_of(found, toml).contains(key.as_str())
            });
            assert!(named, "{at}, {kind}: {}", found.message);
        }
    }
    for (at, refused) in refused {
        assert!(refused >= 9, "`{at}` takes values of too many types: it refuses {refused}");
    }
}

/// What misleads in `twite.toml` is reported as in rule files, once, and the rest is read.
#[test]
fn characters_are_reported_as_in_rule_files() {
    let cases: &[(&str, &[&str])] = &[
        ("<<<<<<< HEAD\n[[group]]\nname = \"a\"\n=======\n[[group]]\nname = \"b\"\n>>>>>>> x\n", &["TW0119"]),
        ("[[group]]\u{a0}\nname = \"a\"\n", &["TW0118"]),
        ("[[group]]\nname =\u{a0}\"a\"\n", &["TW0118"]),
        ("[[group]]\nname = \"a\u{a0}b\" # a\u{a0}b\n", &[]),
        ("[[group]]\nname = “a”\n", &["TW0107"]),
        ("[[group]]\nname = ‘a’\nemail = „a@b.example“\n", &["TW0107", "TW0107"]),
        ("[[group]]\nname = \"S\u{43e}cial\"\n[[group]]\nname = \"Social\"\n", &["TW0407"]),
        ("[[group]]\rname = \"a\"\n", &["TW0120"]),
        ("[[group]]\nname = \"a\rb\"\n", &["TW0120"]),
        ("# a\u{2028}b\n[[group]]\nname = \"a\"\r\n", &["TW0120"]),
        ("\u{feff}# a\n[[group]]\nname = \"#\\\"“a”\"\n", &[]),
        // No warning can be suppressed here.
        ("# twite: allow TW0412 because x\n[[agent]]\nname = \"A\" # see TW0412\n", &["TW0492"]),
        // What is read after a replacement is checked.
        ("[[group]]\u{a0}\nname = “a”\nnope = 1\n", &["TW0107", "TW0118", "TW0502"]),
    ];
    for (text, expected) in cases {
        let directory = directory(&[("twite.toml", text), ("a.twite", "# nothing\n")]);
        let (_, out, _) = twite(directory.path(), &["check", "--format", "short", "--allow-empty", "."], "");
        let mut codes: Vec<_> = out.lines().map(|line| &line[line.find(" TW").unwrap() + 1..][..6]).collect();
        codes.sort_unstable();
        assert_eq!(codes, *expected, "{text:?}: {out}");
    }
}

#[test]
fn a_schedule_is_used_by_its_name_in_a_rule() {
    let desk = "[[schedule]]\nname = \"Late\"\n[schedule.hours]\nmonday = [\"09:00-17:00\"]\n";
    let told = |condition: &str| {
        let rules = format!("trigger \"t\" {{\n  when {condition}\n  then stop\n}}\n");
        let directory = directory(&[("twite.toml", desk), ("a.twite", &rules)]);
        load(&[directory.path().to_owned()], None).report()
    };
    assert!(told("status is new").contains("unused schedule"));
    for used in ["within \"late\" hours", "within \"Late\" hours and statsu is new", "within \"Late\" hours and and"] {
        assert!(!told(used).contains("unused schedule"), "{used}: {}", told(used));
    }
}
