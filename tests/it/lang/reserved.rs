//! Keywords in the place of a value or a name: each is accepted, or the message says how to write it.

use std::collections::BTreeSet;

use twite::{desk::Declarations, lang::check_sources};

const GRAMMAR: &str = include_str!("../../../grammar/twite.pest");

/// Every keyword of the grammar.
fn keywords() -> BTreeSet<&'static str> {
    GRAMMAR.lines().filter_map(|line| line.strip_prefix("kw_")?.split('"').nth(1)).collect()
}

#[test]
fn every_word_of_the_language_is_a_value_in_quotes() {
    let places = [
        "trigger \"x\" {\n  on created\n  then add tags KEYWORD\n}\n",
        "trigger \"x\" {\n  on created\n  then add tags a, KEYWORD\n}\n",
        "trigger \"x\" {\n  on created\n  then add tags KEYWORD, a\n}\n",
        "trigger \"x\" {\n  on created\n  then\n    add tags KEYWORD\n    add tags b\n}\n",
        "trigger \"x\" {\n  on created\n  then remove tags KEYWORD\n}\n",
        "trigger \"x\" {\n  on created\n  then set tags to KEYWORD\n}\n",
        "trigger \"x\" {\n  when tags has KEYWORD\n  then stop\n}\n",
        "trigger \"x\" {\n  when tags has any of (KEYWORD, a)\n  then stop\n}\n",
        "trigger \"x\" {\n  when tags has any of (a, KEYWORD)\n  then stop\n}\n",
        "trigger \"x\" {\n  when tags has a and tags has KEYWORD and tags has b\n  then stop\n}\n",
        "let a = tags has KEYWORD\n",
        "trigger \"x\" {\n  when group is KEYWORD\n  then stop\n}\n",
        "trigger \"x\" {\n  when group in (KEYWORD, b)\n  then stop\n}\n",
        "trigger \"x\" {\n  when group changed from KEYWORD\n  then stop\n}\n",
        "trigger \"x\" {\n  when group changed to KEYWORD\n  then stop\n}\n",
        "trigger \"x\" {\n  on created\n  then assign to group KEYWORD\n}\n",
        "trigger \"x\" {\n  on created\n  then set group to KEYWORD\n}\n",
        "trigger \"x\" {\n  on created\n  then\n    notify group KEYWORD {\n      subject \"a\"\n      body \"b\"\n    }\n}\n",
        "view \"x\" {\n  where status is new\n  columns subject\n  visible to group KEYWORD\n}\n",
        "automation \"x\" {\n  when tags has KEYWORD\n  then note \"x\"\n}\n",
        "view \"x\" {\n  where tags has KEYWORD\n  columns subject\n}\n",
        "report \"x\" {\n  where tags has KEYWORD\n  measure count\n}\n",
        "macro \"x\" {\n  then add tags KEYWORD\n}\n",
        "test \"x\" {\n  given ticket { channel twitter tags KEYWORD }\n  when created\n  expect nothing fired\n}\n",
        "test \"x\" {\n  given ticket { channel twitter tags a, KEYWORD }\n  when created\n  expect nothing fired\n}\n",
        "test \"x\" {\n  given ticket { channel twitter }\n  when updated { tags KEYWORD }\n  expect nothing fired\n}\n",
        "test \"x\" {\n  given ticket { channel twitter }\n  when updated\n  expect tags has KEYWORD\n}\n",
    ];
    let failed: Vec<_> = places.iter().flat_map(|place| unsaid(place, &|word| format!("\"{word}\""))).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn every_word_of_the_language_that_is_no_name_is_called_that() {
    let places = [
        "let KEYWORD = status is new\n",
        "trigger \"x\" {\n  on created\n  then clear KEYWORD\n}\n",
        "trigger \"x\" {\n  on created\n  then set KEYWORD to \"a\"\n}\n",
        "view \"x\" {\n  where status is new\n  columns KEYWORD\n}\n",
        "view \"x\" {\n  where status is new\n  columns subject\n  sort by KEYWORD\n}\n",
    ];
    let failed: Vec<_> = places.iter().flat_map(|place| unsaid(place, &|word| format!("`{word}`"))).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Keywords that are a syntax error in this place without a message that says how to write them.
fn unsaid(place: &str, way_out: &dyn Fn(&str) -> String) -> Vec<String> {
    let desk = std::sync::Arc::new(Declarations::default());
    let mut failed = vec![];
    // After `is not`, a value is missing.
    let goes_on = |word: &str| word == "not" && place.contains("is KEYWORD");
    for word in keywords().into_iter().filter(|word| !goes_on(word)) {
        let (_, found) = check_sources([("a.twite", place.replace("KEYWORD", word))], desk.clone());
        let is_syntax = |id: &str| id.starts_with("TW01");
        let said = found.iter().any(|d| {
            let all = format!("{} {}", d.message, d.help.as_deref().unwrap_or_default());
            all.contains(&way_out(word))
        });
        if found.iter().any(|d| is_syntax(d.code.id)) && !said {
            failed.push(format!(
                "{word} in {place:?}: {:?}",
                found.iter().map(|d| (&d.message, &d.help)).collect::<Vec<_>>()
            ));
        }
    }
    failed
}
