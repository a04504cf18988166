//! The sample with every kind of item, clause and value, for tests that change it in every place.

use std::{
    fs,
    ops::Range,
    sync::{Arc, LazyLock},
};

use twite::{
    desk::Declarations,
    lang::{
        Diagnostic, check_sources, load,
        rules::Rules,
        syntax::{SyntaxKind, parse},
    },
};

pub(super) const EVERY_KIND: &str = include_str!("kinds/every_kind.twite");
/// The declarations of the sample.
pub(super) const DESK: &str = include_str!("../../../rules/twite.toml");

/// A directory with declarations and rules.
pub(super) fn directory(desk: &str, rules: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("twite.toml"), desk).unwrap();
    fs::write(directory.path().join("a.twite"), rules).unwrap();
    directory
}

/// Checks a text against the declarations of the sample.
pub(super) fn check(text: &str) -> (Option<Rules>, Vec<Diagnostic>) {
    static DECLARED: LazyLock<Arc<Declarations>> = LazyLock::new(|| {
        let directory = directory(DESK, EVERY_KIND);
        Arc::clone(&load(&[directory.path().to_owned()], None).rules.unwrap().desk)
    });
    check_sources([("a.twite", text)], Arc::clone(&DECLARED))
}

/// The sample with white space in place of the items that changes in these spans have nothing to do with, so that there is
/// less to check. Places stay the same.
pub(super) fn needed_for<'s>(changed: impl IntoIterator<Item = &'s Range<usize>>) -> String {
    static ITEMS: LazyLock<Vec<(SyntaxKind, Range<usize>)>> = LazyLock::new(|| {
        parse(EVERY_KIND).tree().children().map(|item| (item.kind(), item.text_range().into())).collect()
    });
    let changed: Vec<_> = changed.into_iter().collect();
    let is_changed = |n: usize| {
        let item = &ITEMS[n].1;
        changed.iter().any(|span| item.start <= span.start && span.end <= item.end)
    };
    // An error at the end of an item is seen at the start of the next one.
    let mut needed: Vec<bool> = (0..ITEMS.len()).map(|n| is_changed(n) || n > 0 && is_changed(n - 1)).collect();
    let written = |n: usize| &EVERY_KIND[ITEMS[n].1.clone()];
    let is_condition_or_list = |n: usize| matches!(ITEMS[n].0, SyntaxKind::LetItem | SyntaxKind::ListItem);
    // Titles are named in quotes.
    let names = |m: usize, n: usize| match is_condition_or_list(n) {
        true => {
            let name = written(n).split_whitespace().skip_while(|word| !matches!(*word, "let" | "list")).nth(1);
            m != n && name.is_some_and(|name| written(m).contains(name))
        }
        false => written(n).split('"').nth(1).is_some_and(|title| written(m).contains(&format!("\"{title}\""))),
    };
    // What is needed needs what it names, and a condition or a list somebody who names it.
    loop {
        let named = |n: &usize| !needed[*n] && (0..ITEMS.len()).any(|m| needed[m] && names(m, *n));
        let is_unused =
            |n: &usize| needed[*n] && is_condition_or_list(*n) && !(0..ITEMS.len()).any(|m| needed[m] && names(m, *n));
        let user = |n: usize| (0..ITEMS.len()).find(|m| names(*m, n));
        let missing = (0..ITEMS.len()).find(named).or_else(|| (0..ITEMS.len()).filter(is_unused).find_map(user));
        let Some(missing) = missing else { break };
        needed[missing] = true;
    }
    let mut text = EVERY_KIND.to_owned();
    for (n, (_, item)) in ITEMS.iter().enumerate().filter(|(n, _)| !needed[*n]) {
        let blank = |c: char| if c == '\n' { "\n".to_owned() } else { " ".repeat(c.len_utf8()) };
        text.replace_range(item.clone(), &written(n).chars().map(blank).collect::<String>());
    }
    text
}
