//! A value means the same wherever it comes from: stored, `given` in a test, in a file for `twite eval`, or written in
//! a rule; and whatever evaluates it: the index, the plain evaluator, or SQL.

use std::{fs, path::Path};

use assert_cmd::Command;
use proptest::{prelude::*, sample, strategy::ValueTree as _, test_runner::TestRunner};
use serde_json::{Value as Json, json};
use twite::{
    desk::{Declarations, Facts, Ticket, Viewer, XId, text::fold},
    engine::holds,
    lang::load,
    store::{Store, TicketKey},
};

use crate::support::command::run;

/// A condition, a ticket as a test gives it and as JSON, and whether the condition holds.
struct Case {
    when: String,
    given: String,
    ticket: Json,
    holds: bool,
}

fn case(when: &str, given: &str, ticket: Json, holds: bool) -> Case {
    Case { when: when.into(), given: given.into(), ticket, holds }
}

const DESK: &str = r#"
[[account]]
handle = "NorthwindHelp"
[[group]]
name = "Social Team"
[[agent]]
name = "Zoë"
[[field]]
name = "order"
type = "text"
[[field]]
name = "topic"
type = "choice"
choices = ["Rücksendung", "other"]
"#;

fn twite(folder: &Path, arguments: &[&str]) -> String {
    let (status, text) = run(folder, arguments);
    assert_eq!(status, 0, "{arguments:?}: {text}");
    text
}

/// Evaluates every case in every way.
async fn assert_all_evaluators_agree(cases: &[Case]) {
    let folder = tempfile::tempdir().unwrap();
    let rules: String = cases
        .iter()
        .enumerate()
        .map(|(n, Case { when, given, holds, .. })| {
            format!(
                "trigger \"t{n}\" {{\n  on created\n  when {when}\n  then note \"n\"\n}}\n\
         view \"v{n}\" {{\n  where {when}\n  columns id\n}}\n\
         test \"test {n}\" {{\n  given ticket {{\n    {given}\n  }}\n  when created\n  expect {} \"t{n}\"\n}}\n",
                if *holds { "fired" } else { "not fired" },
            )
        })
        .collect();
    fs::write(folder.path().join("twite.toml"), DESK).unwrap();
    fs::write(folder.path().join("rules.twite"), rules).unwrap();
    twite(folder.path(), &["test", "rules.twite"]);

    let lines: String = cases.iter().map(|case| case.ticket.to_string() + "\n").collect();
    fs::write(folder.path().join("tickets"), lines).unwrap();
    let decisions = twite(folder.path(), &["eval", "--tickets", "tickets", "rules.twite"]);
    let decisions: Vec<Json> = decisions.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert_eq!(decisions.len(), cases.len());

    let rules = load(&[folder.path().join("rules.twite")], None).rules.unwrap();
    let store = Store::open(&folder.path().join("twite.db")).await.unwrap();
    for (n, (case, decision)) in cases.iter().zip(&decisions).enumerate() {
        let Case { when, ticket, .. } = case;
        let fired = decision["fired"].as_array().unwrap().iter().any(|fired| fired["rule"] == format!("t{n}"));
        assert_eq!(fired, case.holds, "eval: {when} of {ticket}");
        let ticket: Ticket = serde_json::from_value(decision["ticket"].clone()).unwrap();
        let facts = Facts { ticket: &ticket, event: None, now: ticket.created, desk: &rules.desk };
        assert_eq!(holds(&rules.triggers[n].when, facts), case.holds, "plainly: {when} of {ticket:?}");
        let mut tx = store.begin().await.unwrap();
        let person: XId = (n as u64 + 1).to_string().parse().unwrap();
        let key = TicketKey { account: person.clone(), conversation: "1".into(), person: person.clone().into() };
        let stored = Ticket { id: tx.next_ticket().await.unwrap(), ..ticket };
        tx.open(&stored, &key, &person, stored.created).await.unwrap();
        tx.commit().await.unwrap();
        let mut snapshot = store.snapshot(Viewer::Owner).await.unwrap();
        let shown = snapshot.view(&rules.views[n], &rules.desk, stored.created, 1_000, 0).await.unwrap();
        snapshot.close().await.unwrap();
        assert_eq!(shown.iter().any(|shown| shown.id == stored.id), case.holds, "SQL: {when} of {stored:?}");
    }
    store.close().await;
}

#[tokio::test]
async fn what_reads_the_same_is_equal_to_every_evaluator() {
    let hashtag = |rule: &str, post: &str, holds| {
        case(
            &format!("post.hashtags has {rule}"),
            &format!("post {{ hashtags \"{post}\" }}"),
            json!({"post": {"hashtags": [post]}}),
            holds,
        )
    };
    let says = |test: &str, text: &str, holds| {
        case(&format!("description {test}"), &format!("comment {}", json!(text)), json!({"description": text}), holds)
    };
    let requester = |rule: &str, name: &str, value: &str, holds| {
        case(
            &format!("requester.{name} {rule}"),
            &format!("requester {{ {name} {} }}", json!(value)),
            json!({"requester": {name: value}}),
            holds,
        )
    };
    assert_all_evaluators_agree(&[
        hashtag("Fußball", "Fußball", true),
        hashtag("fussball", "FUSSBALL", true),
        hashtag("straßenbahn", "strassenbahn", true),
        hashtag("άκης", "ΆΚΗΣ", true),
        hashtag("Fail", "fail", true),
        hashtag("\"#fail\"", "fail", true),
        hashtag("fail", "＃Fail", true),
        hashtag("ﬁne", "FINE", true),
        hashtag("fail", "failure", false),
        case("tags has \"#VIP\"", "tags vip", json!({"tags": ["Vip"]}), true),
        case("tags has any of (Fußball, x)", "tags FUSSBALL", json!({"tags": ["#fussball"]}), true),
        says("contains \"doesn't work\"", "It doesn’t work", true),
        says("contains \"doesn’t work\"", "It doesn't work", true),
        says("contains word \"can't\"", "I can\u{2bc}t log in", true),
        says("contains word \"can\"", "I can’t log in", false),
        says("contains \"won't\"", "it won＇t", true),
        says("contains \"won't\"", "it won‘t", true),
        says("is \"say \\\"no\\\" - now...\"", "say “no” – now…", true),
        says("contains \"refund now\"", "refund  now", true),
        says("contains \"refund now\"", "refund \n now", true),
        says("contains \"refund\\nnow\"", "refund\u{a0}now", true),
        says("starts with \" refund\"", "\n refund", true),
        says("is \"refund\"", "  refund\u{3000}", true),
        says("contains word \"refund\"", "a re\u{200b}fu\u{ad}nd\u{2060}!", true),
        says("contains word \" refund \"", "a refund", true),
        says("contains \" refund \"", "prerefunded", false),
        says("contains \"👩‍💻\"", "👩‍💻", true),
        says("is \"👩💻\"", "👩‍💻", false),
        says("matches \"^don[’']t$\"", "DON\u{2019}T", true),
        says("matches \"no…$\"", "no...", true),
        says("matches \"no…$\"", "no way", false),
        says("matches \"a b\"", "a\u{a0}\n b", true),
        says("matches \"👨‍👩‍👧\"", "👨‍👩‍👧", true),
        says("matches \"👨👩\"", "👨‍👩", false),
        says("matches \"don\\\\u{2019}t\"", "don't", true),
        says("matches \"[\\\\x{2019}x]t\"", "don’t", true),
        says("matches \"\\\\u00C4pfel\"", "ÄPFEL", true),
        says("matches \"a\\\\x2Cb\"", "a,b", true),
        says("contains word \"iade\"", "İADE!", true),
        says("contains \"ısıtma\"", "ISITMA", true),
        says("contains \"1/2\"", "½ price", true),
        requester("is \"a@b.example\"", "email", "MAILTO:A@b.example", true),
        requester("is \"a@b.example\"", "email", "mailto: mailto:a@b.example", true),
        requester("is \"MailTo:a@b.example\"", "email", "a@b.example", true),
        requester("is empty", "language", "und", true),
        requester("is empty", "language", "und-Latn", true),
        requester("is \"nb\"", "language", "no", true),
        requester("is \"fil\"", "language", "tl", true),
        says("matches \"groß?$\"", "gro", true),
        says("is empty", " \u{200b}\n", true),
        requester("is \"@vip\"", "handle", "VIP", true),
        requester("in (\"vip\", \"x\")", "handle", "@Vip", true),
        requester("starts with \"@vi\"", "handle", "vip", true),
        requester("is \"ada@example.com\"", "email", " mailto:Ada@Example.com", true),
        requester("is empty", "email", "", true),
        requester("is empty", "handle", "@", true),
        requester("is empty", "name", " \u{a0}", true),
        requester("is set", "name", "Ada", true),
        case("language is \"de-DE\"", "language \"de\"", json!({"language": "de"}), true),
        case("language is \"de\"", "language \"de-AT\"", json!({"language": "de_AT"}), true),
        case("language in (\"he\")", "language \"iw\"", json!({"language": "iw"}), true),
        case("language is \"in\"", "language \"id\"", json!({"language": "id"}), true),
        case("group is \"social team\"", "group \"Social Team\"", json!({"group": "social  team"}), true),
        case("assignee is \"ZOË\"", "assignee \"zoë\"", json!({"assignee": "Zoe\u{308}"}), true),
        case("account is \"@northwindhelp\"", "account \"NorthwindHelp\"", json!({"account": "@NORTHWINDHELP"}), true),
        case(
            "field.topic is \"rücksendung\"",
            "field { topic \"Rücksendung\" }",
            json!({"custom": {"topic": "RÜCKSENDUNG"}}),
            true,
        ),
        case("field.order is empty", "field { order \"\" }", json!({"custom": {"order": ""}}), true),
        case("field.order is empty", "field { order \" \" }", json!({"custom": {"order": "\u{200b}"}}), true),
        case("field.order is not \"a\"", "field { order \"\" }", json!({"custom": {"order": ""}}), true),
        case("subject is set", "subject \" \"", json!({"subject": "\t"}), false),
    ])
    .await;
}

const PIECES: &[&str] = &[
    "a",
    "B",
    "ß",
    "ss",
    " ",
    "  ",
    "\n",
    "\u{a0}",
    "'",
    "’",
    "´",
    "\u{2bc}",
    "\u{201c}",
    "„",
    "-",
    "–",
    "—",
    "…",
    "...",
    "\u{200b}",
    "\u{ad}",
    "\u{feff}",
    "e\u{301}",
    "é",
    "Σ",
    "ς",
    "ﬁ",
    "👩",
    "\u{200d}",
    "💻",
    "❤\u{fe0f}",
    "İ",
    "x y",
    "#",
    "@",
];

#[tokio::test]
async fn generated_texts_are_equal_through_every_door_or_through_none() {
    let text = || proptest::collection::vec(sample::select(PIECES), 0..6).prop_map(|pieces| pieces.concat());
    let mut runner = TestRunner::deterministic();
    let mut cases = vec![];
    while cases.len() < 60 {
        let (value, asked) = (text(), text()).new_tree(&mut runner).unwrap().current();
        let (value, asked) = match cases.len() % 3 {
            // About as many equal as different texts.
            0 => (value.clone(), value.to_uppercase()),
            1 => (value.replace(['’', '´'], "'"), value),
            _ => (value, asked),
        };
        let (fold_value, fold_asked) = (fold(&value).into_owned(), fold(&asked).into_owned());
        let holds = !fold_value.is_empty() && fold_value == fold_asked;
        if !fold_asked.is_empty() {
            cases.push(case(
                &format!("field.order is {}", json!(asked)),
                &format!("field {{ order {} }}", json!(value)),
                json!({"custom": {"order": value}}),
                holds,
            ));
            cases.push(case(
                &format!("description contains {}", json!(asked.trim())),
                &format!("comment {}", json!(value)),
                json!({"description": value}),
                fold_value.contains(&*fold(asked.trim())),
            ));
        }
    }
    assert_all_evaluators_agree(&cases).await;
}

/// Comparing with empty text is an error, as it could never hold.
#[test]
fn no_text_is_compared_with_an_empty_one() {
    for condition in [
        "subject is \"\"",
        "subject is not \" \"",
        "subject in (\"a\", \"\\u{200b}\")",
        "subject not in (\"\")",
        "subject changed to \"\"",
        "subject changed from \"\" to \"a\"",
        "requester.handle is \"@\"",
        "requester.email is \"mailto:\"",
        "language is \"und\"",
        "requester.language in (\"und\", \"de\")",
        "field.order is \"\\u{ad}\"",
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("twite.toml"), DESK).unwrap();
        fs::write(folder.path().join("a.twite"), format!("trigger \"t\" {{ when {condition} then stop }}\n")).unwrap();
        let found = load(&[folder.path().to_owned()], None).diagnostics;
        let found: Vec<_> = found.iter().map(|d| (d.code.id, &*d.message)).collect();
        assert_eq!(found, [("TW0302", "no text equals the empty string")], "{condition}");
    }
}

/// A value of the wrong type is an error and is not silently dropped.
#[test]
fn a_field_holds_values_of_its_type() {
    let desk = "[[field]]\nname = \"n\"\ntype = \"number\"\n[[field]]\nname = \"y\"\ntype = \"yes_no\"\n\
        [[field]]\nname = \"t\"\ntype = \"text\"\n[[field]]\nname = \"c\"\ntype = \"choice\"\nchoices = [\"Red\", \"blue\"]\n";
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("twite.toml"), desk).unwrap();
    fs::write(folder.path().join("a.twite"), "trigger \"t\" { when status is open then stop }\n").unwrap();
    let cases = [
        (json!({"n": 3, "y": true, "t": "3", "c": "RED"}), ""),
        (json!({"t": "", "c": ""}), ""),
        (json!({"n": "3"}), "`/custom/n` must be a whole number, not \"3\""),
        (json!({"y": "yes"}), "`/custom/y` must be `true` or `false`, not \"yes\""),
        (json!({"t": 3}), "`/custom/t` must be a string, not 3"),
        (json!({"c": "green"}), "`/custom/c` must be `Red` or `blue`, not \"green\""),
    ];
    for (custom, complaint) in cases {
        fs::write(folder.path().join("tickets"), json!({ "custom": custom }).to_string()).unwrap();
        let mut eval = Command::cargo_bin("twite").unwrap();
        let ran = eval.current_dir(&folder).args(["eval", "--tickets", "tickets", "a.twite"]).output().unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(if complaint.is_empty() { said.is_empty() } else { said.contains(complaint) }, "{custom}: {said}");
        assert_eq!(ran.status.code(), Some(i32::from(!complaint.is_empty())), "{custom}");
    }
}

/// Undeclared names and invalid tags are refused in every kind of input.
#[test]
fn what_no_rule_can_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("twite.toml"), format!("{DESK}[[brand]]\nname = \"Acme\"\n")).unwrap();
    let long = "ä".repeat(201);
    let cases = [
        ("group", "social team", ""),
        (
            "group",
            "Socail Team",
            "`/group` is \"Socail Team\", which is not a declared group, did you mean `Social Team`?",
        ),
        ("assignee", "zoe", "`/assignee` is \"zoe\", which is not a declared agent, did you mean `Zoë`?"),
        ("brand", "other", "`/brand` is \"other\", which is not a declared brand; twite.toml declares `Acme`"),
        ("account", "@northwindhelp", ""),
        ("account", "acme", "`/account` is \"acme\", which is not a declared account"),
        ("tags", "a b", "`/tags` contains \"a b\", which is not a valid tag"),
        ("tags", "a,b", "is not a valid tag"),
        ("tags", &"ä".repeat(200), ""),
        ("tags", &long, "is not a valid tag"),
        ("tags", "#VIP", ""),
    ];
    for (field, value, complaint) in cases {
        let json = if field == "tags" { json!({ field: [value] }) } else { json!({ field: value }) };
        let given = format!("{field} {value:?}");
        let run = |arguments: &[&str]| {
            let ran = Command::cargo_bin("twite").unwrap().current_dir(&folder).args(arguments).output().unwrap();
            (ran.status.code(), String::from_utf8([ran.stderr, ran.stdout].concat()).unwrap())
        };
        let test = format!("test \"t\" {{\n  given ticket {{ {given} }}\n  when created\n  expect fired \"x\"\n}}\n");
        let rule = "trigger \"x\" { on created then note \"n\" }\n";
        fs::write(folder.path().join("a.twite"), format!("{rule}{test}")).unwrap();
        let (code, said) = run(&["test", "a.twite"]);
        assert_eq!(code, Some(if complaint.is_empty() { 0 } else { 2 }), "{given}: {said}");
        fs::write(folder.path().join("a.twite"), rule).unwrap();
        fs::write(folder.path().join("tickets"), json.to_string()).unwrap();
        let (code, said) = run(&["eval", "--tickets", "tickets", "a.twite"]);
        assert_eq!(code, Some(i32::from(!complaint.is_empty())), "{json}: {said}");
        assert!(said.contains(complaint), "{json}: {said}");
        // The same for the ticket before an update.
        let line = json!({"ticket": {}, "event": {"via": "web", "kind": {"updated": {"before": json}}}});
        fs::write(folder.path().join("tickets"), line.to_string()).unwrap();
        let (code, said) = run(&["eval", "--tickets", "tickets", "a.twite"]);
        assert_eq!(code, Some(i32::from(!complaint.is_empty())), "{line}: {said}");
        assert!(said.contains(&complaint.replace("`/", "`/event/kind/updated/before/")), "{line}: {said}");
    }
}

/// Names in `twite.toml` are compared without case, and take the spelling of their declaration.
#[test]
fn names_in_the_declarations_are_the_same_whatever_their_case() {
    let folder = tempfile::tempdir().unwrap();
    let toml = r#"
[[account]]
handle = "Acme"
brand = "NORTH"
[[brand]]
name = "North"
[[group]]
name = "Social"
[[agent]]
name = "Maya"
groups = ["SOCIAL"]
[[webhook]]
name = "Page"
url = "https://example.com"
[[schedule]]
name = "social"
groups = ["social"]
accounts = ["@acme"]
[schedule.hours]
monday = ["09:00-17:00"]
"#;
    fs::write(folder.path().join("twite.toml"), toml).unwrap();
    let rule = "trigger \"t\" {\n  on created\n  when group is social\n  then webhook \"page\"\n}\n";
    fs::write(folder.path().join("a.twite"), rule).unwrap();
    let loaded = load(&[folder.path().to_owned()], None);
    assert_eq!(loaded.errors(), 0, "{}", loaded.report());
    let desk = &loaded.rules.unwrap().desk;
    assert_eq!(desk.agents[0].groups, ["Social"]);
    assert_eq!(
        (&desk.schedules[0].groups, &desk.schedules[0].accounts),
        (&vec!["Social".into()], &vec!["Acme".into()])
    );
    assert_eq!(loaded.settings.accounts.0[0].brand.as_deref(), Some("North"));
    // A name listed twice in different case is a duplicate.
    let twice = toml.replace("[\"social\"]", "[\"social\", \"Social\"]");
    fs::write(folder.path().join("twite.toml"), twice).unwrap();
    assert_eq!(load(&[folder.path().to_owned()], None).errors(), 1);
}

#[test]
fn what_is_brought_into_form_stays_in_it() {
    let text = proptest::collection::vec(sample::select(PIECES), 0..6).prop_map(|pieces| pieces.concat());
    let mut runner = TestRunner::deterministic();
    let desk = Declarations::default();
    for _ in 0..500 {
        let [a, b, c] = std::array::from_fn(|_| text.new_tree(&mut runner).unwrap().current());
        let mut ticket: Ticket = serde_json::from_value(json!({
            "subject": a, "description": b, "tags": [a, b, c], "language": c, "group": b, "assignee": a,
            "requester": {"handle": a, "email": b, "name": c, "language": a}, "post": {"hashtags": [b, c]},
        }))
        .unwrap();
        ticket.normalize(&desk);
        let mut again = ticket.clone();
        again.normalize(&desk);
        assert_eq!(again, ticket);
    }
}
