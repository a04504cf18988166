//! Values of a wrong type, in `twite.toml` and in tickets for `twite eval`: for every key there is, a value of every type. What is said
//! names the key and the place, in the words of whoever wrote it.

use std::{collections::BTreeMap, fs, process::Command};

use serde_json::{Value as Json, json};
use twite::lang::{Diagnostic, Loaded, load};

/// Words of the program's own language and libraries, which nobody who writes a file knows.
const OURS: &[&str] = &[
    "struct",
    "enum",
    "variant",
    "untagged",
    "u8",
    "u16",
    "u32",
    "u64",
    "usize",
    "i64",
    "f64",
    "invalid type",
    "invalid value",
    "invalid length",
    "Invalid input",
    "sequence",
    "map",
    "boolean",
    "Option",
    "Vec",
    "newtype",
    "field `",
    "did not match",
    "CustomValue",
    "Person",
    "Ticket ",
    "floating",
    "integer",
    "tuple",
    "unit",
];

fn assert_in_the_users_words(message: &str, of: &str) {
    let words = |c: char| !(c.is_alphanumeric() || c == '_');
    for ours in OURS {
        let found = match ours.contains(' ') {
            true => message.contains(ours),
            false => message.split(words).any(|word| word == *ours),
        };
        assert!(!found, "`{ours}` in {message:?}, said of\n{of}");
    }
}

/// What stands beside a key so that nothing is missing.
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

/// A value of each type, as TOML writes it.
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

/// The keys that can stand somewhere, as the message about one that cannot lists them.
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

/// Where it is said to be, as a text.
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
        // One table where there are several, and several where there is one.
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
            assert_in_the_users_words(&said, toml);
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

/// The JSON pointers to every key of a value, with the kind of thing that stands there.
fn pointers(value: &Json, at: &str, into: &mut Vec<String>) {
    if let Json::Object(entries) = value {
        for (key, value) in entries {
            let at = format!("{at}/{key}");
            pointers(value, &at, into);
            into.push(at);
        }
    }
}

#[test]
fn every_key_of_a_ticket_of_another_type_is_told_in_plain_words() {
    let ticket = serde_json::to_value(twite::desk::Ticket::default()).unwrap();
    let line = json!({
        "ticket": {},
        "now": "2026-01-05T12:00:00Z",
        "event": {
            "via": "web",
            "kind": {"updated": {"before": {"status": "solved"}}},
            "comment": {"text": "hello", "public": true, "author": "agent"},
            "cause": {"macro": "Hello"},
        },
    });
    let values = [
        json!("zzz"),
        json!(7),
        json!(-7),
        json!(u64::MAX),
        json!(1.5),
        json!(true),
        json!(["zzz"]),
        json!([7]),
        json!([["zzz"]]),
        json!({"zzz": 7}),
        json!([{"zzz": 7}]),
        json!({}),
        Json::Null,
    ];
    let mut cases: Vec<(String, String)> = vec![];
    for whole in [&ticket, &line] {
        let mut at = vec![];
        pointers(whole, "", &mut at);
        for at in at {
            for value in &values {
                let mut changed = whole.clone();
                *changed.pointer_mut(&at).unwrap() = value.clone();
                cases.push((at.clone(), changed.to_string()));
            }
            // And a key there that is none.
            let (above, _) = at.rsplit_once('/').unwrap();
            let mut changed = whole.clone();
            changed.pointer_mut(above).unwrap()["zzzzzz"] = json!(1);
            cases.push((format!("{above}/zzzzzz"), changed.to_string()));
        }
    }
    assert!(cases.len() > 700, "{}", cases.len());
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.twite"), "trigger \"x\" {\n  on created\n  then add tags b\n}\n").unwrap();
    fs::write(directory.path().join("tickets"), cases.iter().map(|(_, line)| format!("{line}\n")).collect::<String>())
        .unwrap();
    let mut eval = Command::new(env!("CARGO_BIN_EXE_twite"));
    let ran = eval.args(["eval", "--tickets", "tickets", "."]).current_dir(directory.path()).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    let mut refused: BTreeMap<&str, usize> = BTreeMap::new();
    for line in said.lines() {
        let (number, says) = line.strip_prefix("tickets:").unwrap().split_once(": ").unwrap();
        let (at, of) = &cases[number.parse::<usize>().unwrap() - 1];
        assert_in_the_users_words(says, of);
        if let Some(complaint) = says.strip_prefix("skipped: ") {
            assert!(complaint.contains(&format!("`{at}")), "{at}: {complaint}");
            *refused.entry(at).or_default() += 1;
        }
    }
    for (at, _) in &cases {
        let refused = refused.get(at.as_str()).copied().unwrap_or_default();
        let least = match at.as_str() {
            at if at.ends_with("/zzzzzz") => 1,
            // Every other is a table.
            "/custom" => 9,
            _ => 8,
        };
        assert!(refused >= least, "`{at}` takes values of too many types: it refuses {refused}");
    }
}
