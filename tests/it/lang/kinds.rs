//! Properties of every kind of item, clause and keyword, also of future ones: the cases are made from the grammar and
//! from sample files, and the samples must contain every kind.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use twite::lang::{
    TextDiagnostic, format, load,
    syntax::{SyntaxElement, SyntaxKind, SyntaxNode, lexemes, parse},
};

use super::sample::{DESK, EVERY_KIND, check, directory, needed_for};

const GRAMMAR: &str = include_str!("../../../grammar/twite.pest");

/// Every rule file that comes with Twite, and the sample with every kind.
pub(super) fn samples() -> Vec<(PathBuf, String)> {
    fn below(directory: &Path, into: &mut Vec<PathBuf>) {
        for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => below(&path, into),
                false => into.extend((path.extension().is_some_and(|e| e == "twite")).then_some(path)),
            }
        }
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = vec![];
    for directory in ["rules", "examples", "tests/it/lang/kinds"] {
        below(&here.join(directory), &mut paths);
    }
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// Every word with a meaning in the grammar: keywords, reserved words, units, events, modes.
fn words() -> BTreeSet<String> {
    let rules = GRAMMAR.lines().filter(|line| !line.trim_start().starts_with("//"));
    let quoted = rules.flat_map(|line| line.split('"').skip(1).step_by(2));
    quoted
        .filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase()) && !word.contains('.'))
        .map(str::to_owned)
        .collect()
}

/// The kinds of nodes in a text.
fn kinds(text: &str) -> BTreeSet<SyntaxKind> {
    parse(text).tree().descendants().map(|node| node.kind()).collect()
}

fn errors(text: &str) -> Vec<TextDiagnostic> {
    parse(text).errors.into_iter().filter(TextDiagnostic::is_error).collect()
}

/// A new kind of node or keyword needs a sample, or the tests below would not cover it.
#[test]
fn the_samples_hold_every_kind_and_every_keyword() {
    let loaded = load(&[directory(DESK, EVERY_KIND).path().to_owned()], None);
    assert_eq!(loaded.errors(), 0, "{}", loaded.report());
    let seen = kinds(EVERY_KIND);
    // Entries are in files of their own.
    let slips = [SyntaxKind::WrongTest, SyntaxKind::Block, SyntaxKind::ListEntry];
    let missing: Vec<_> = SyntaxKind::ALL
        .iter()
        .filter(|kind| !kind.is_token() && !kind.is_bad() && !slips.contains(kind) && !seen.contains(kind))
        .collect();
    assert_eq!(missing, [] as [&SyntaxKind; 0], "kinds without a sample");
    let spoken: BTreeSet<_> = EVERY_KIND.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect();
    // Alternative spellings of keywords in the sample.
    let spellings = [
        "asc",
        "ascending",
        "desc",
        "minute",
        "month",
        "months",
        "second",
        "seconds",
        "week",
        "weeks",
        "year",
        "years",
        "tag",
    ];
    let missing: Vec<_> = words().difference(&spoken).filter(|w| !spellings.contains(&w.as_str())).cloned().collect();
    assert_eq!(missing, [] as [&str; 0], "keywords without a sample");
    assert_eq!(format(EVERY_KIND).unwrap(), EVERY_KIND);
}

/// The items of a file, with their text.
fn items(text: &str) -> Vec<(SyntaxNode, String)> {
    parse(text).tree().children().map(|item| (item.clone(), item.text().to_string())).collect()
}

/// A partly written file must never go live. A `let` is an exception: it has no closing brace, so a prefix of its
/// condition may be valid.
#[test]
fn an_item_that_is_cut_off_anywhere_is_an_error() {
    let mut missed = vec![];
    for (path, text) in samples() {
        for (item, text) in items(&text) {
            let ends = item.descendants_with_tokens().filter_map(|e| e.into_token()).filter(|t| !t.kind().is_trivia());
            let starts = usize::from(item.text_range().start());
            for end in ends.map(|token| usize::from(token.text_range().end()) - starts) {
                let whole = end == text.len();
                let unfinished_let = item.kind() == SyntaxKind::LetItem && errors(&text[..end]).is_empty();
                if whole || (unfinished_let && kinds(&text[..end]).contains(&SyntaxKind::Condition)) {
                    continue;
                }
                // A mode alone is a valid prefix of the next item.
                let only_marks = text[..end].split_whitespace().all(|word| matches!(word, "disabled" | "shadow"));
                for next in ["", "\n# a comment\n", "\ntrigger \"Next\" {\n  then stop\n}\n"] {
                    let cut = format!("{}{next}", &text[..end]);
                    if errors(&cut).is_empty() && !(only_marks && next.contains("trigger")) {
                        missed.push(format!("{}: {cut}", path.display()));
                    }
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} in silence, the first:\n{}", missed.len(), missed[0]);
}

/// Places for a tag, a choice, a name or a text.
const VALUES: &[&str] = &[
    "trigger T {\n  then stop\n}\n",
    "trigger \"a\" {\n  then add tags T\n}\n",
    "trigger \"a\" {\n  then add tags a, T\n}\n",
    "trigger \"a\" {\n  then\n    remove tags T, a\n    stop\n}\n",
    "trigger \"a\" {\n  then set field.choice to T\n}\n",
    "trigger \"a\" {\n  then assign to group T\n}\n",
    "trigger \"a\" {\n  then assign to T\n}\n",
    "trigger \"a\" {\n  then reply T\n}\n",
    "trigger \"a\" {\n  when tags has T\n  then stop\n}\n",
    "trigger \"a\" {\n  when tags has T and tags has T\n  then stop\n}\n",
    "trigger \"a\" {\n  when tags has any of (T, a)\n  then stop\n}\n",
    "trigger \"a\" {\n  when field.choice is T\n  then stop\n}\n",
    "trigger \"a\" {\n  when field.choice is not T\n  then stop\n}\n",
    "trigger \"a\" {\n  when field.choice in (T, a)\n  then stop\n}\n",
    "trigger \"a\" {\n  when field.choice changed from T to T\n  then stop\n}\n",
    "trigger \"a\" {\n  when group is T\n  then stop\n}\n",
    "trigger \"a\" {\n  when group in (T, a)\n  then stop\n}\n",
    "trigger \"a\" {\n  when description contains T\n  then stop\n}\n",
    "trigger \"a\" {\n  when description contains word T\n  then stop\n}\n",
    "view \"a\" {\n  where tags has T\n  visible to group T, agent T\n}\n",
    "test \"a\" {\n  given ticket {\n    tags T, a\n    group T\n  }\n  when created\n  expect tags has T\n}\n",
    "test \"a\" {\n  given ticket { field.choice T, tags a, T }\n  when created\n  expect field.choice is T\n}\n",
    "test \"a\" {\n  given ticket { post { hashtags T }, requester { name T, handle \"a\" } }\n  when created\n  expect fired T\n}\n",
];

#[test]
fn every_word_of_the_grammar_can_be_a_value_and_is_formatted() {
    for word in words() {
        for place in VALUES {
            let quoted = place.replace('T', &format!("\"{word}\""));
            let formatted = format(&quoted).unwrap_or_else(|error| panic!("{error}: {quoted}"));
            assert_eq!(format(&formatted).unwrap(), formatted, "{quoted}");
            let bare = place.replace('T', &word);
            if errors(&bare).is_empty() {
                format(&bare).unwrap_or_else(|error| panic!("{error}: {bare}"));
            }
        }
    }
}

/// Messages and traces print a condition in the syntax of rules.
#[test]
fn a_condition_is_shown_as_it_is_written() {
    let words = words();
    let all: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let mut desk = format!("[[field]]\nname = \"choice\"\ntype = \"choice\"\nchoices = [{}]\n", all.join(", "));
    words.iter().for_each(|word| desk += &format!("[[group]]\nname = \"{word}\"\n"));
    let questions = [
        "tags has T",
        "tags has none of (T, a)",
        "field.choice is T",
        "field.choice is not T",
        "field.choice in (T, \"note\")",
        "field.choice changed from T to T",
        "group is T",
        "description contains T",
    ];
    let rules = |conditions: &mut dyn Iterator<Item = String>| -> BTreeMap<String, String> {
        let rules =
            conditions.enumerate().map(|(n, c)| format!("trigger \"{n:05}\" {{\n  when {c}\n  then stop\n}}\n"));
        let directory = directory(&desk, &rules.collect::<String>());
        let loaded = load(&[directory.path().to_owned()], None);
        let rules = loaded.rules.as_ref().unwrap_or_else(|| panic!("{}", loaded.report()));
        rules.triggers.iter().map(|t| (t.title.clone(), t.when.to_string())).collect()
    };
    let written = all.iter().flat_map(|word| questions.map(|question| question.replace('T', word)));
    let shown = rules(&mut written.into_iter());
    assert_eq!(rules(&mut shown.values().cloned()), shown);
}

/// Comments before and after each token (and each template, which is one token to them), one token at a time, and around all tokens at once.
#[test]
fn a_comment_may_stand_around_any_token() {
    let mut failed = vec![];
    let mut formats = |commented: &str| match format(commented) {
        Ok(formatted) if format(&formatted).as_deref().ok() == Some(&*formatted) => {}
        Ok(formatted) => failed.push(format!("not the same again:\n{commented}\nbecomes\n{formatted}")),
        Err(error) => failed.push(format!("{error}:\n{commented}")),
    };
    for (item, text) in items(EVERY_KIND) {
        let starts = usize::from(item.text_range().start());
        let spans: Vec<_> = lexemes(&item)
            .map(|t| usize::from(t.text_range().start()) - starts..usize::from(t.text_range().end()) - starts)
            .collect();
        for span in &spans {
            let (before, token, after) = (&text[..span.start], &text[span.clone()], &text[span.end..]);
            formats(&format!("{before} # a\n{token} # b\n{after}"));
            formats(&format!("{before}\n# a\n\n{token}\n# b\n# c\n{after}"));
        }
        let everywhere: String = spans.iter().map(|span| format!("{} # c\n", &text[span.clone()])).collect();
        formats(&everywhere);
    }
    // Commas that `fmt` removes or inserts.
    for rules in [
        "test \"a\" {\n  given ticket { requester { name \"Ada\" # c\n , # d\n followers 8 } }\n  when created\n  expect fired \"a\"\n}\n",
        "test \"a\" {\n  given ticket { channel twitter # c\n , # d\n status open, # e\n }\n  when updated { status open # c\n , # d\n via web }\n  expect fired \"a\"\n}\n",
        "let a = channel in (twitter # c\n, # d\n)\n",
    ] {
        formats(rules);
    }
    assert!(failed.is_empty(), "{} failed, the first {}", failed.len(), failed[0]);
}

/// What is not checked is an error: with one token or value of the sample replaced, either there is an error, or every item, action,
/// step and expectation is in the rules.
#[test]
fn nothing_is_left_out_without_an_error() {
    use SyntaxKind as K;
    let tree = parse(EVERY_KIND).tree();
    let mut left_out = vec![];
    let is_value = |node: &SyntaxNode| matches!(node.kind(), K::Duration | K::List | K::TagList | K::Facts);
    let values = tree.descendants().filter(is_value).map(SyntaxElement::Node);
    for token in lexemes(&tree).chain(values) {
        let instead = "zzz";
        let span = Range::<usize>::from(token.text_range());
        let mut text = needed_for([&span]);
        text.replace_range(span.clone(), instead);
        let Some(rules) = check(&text).0 else { continue };
        let tree = parse(&text).tree();
        let written = |kinds: &[K]| tree.descendants().filter(|node| kinds.contains(&node.kind())).count();
        let actions = tree.descendants().filter(|node| node.kind() == K::ThenClause).flat_map(|then| then.children());
        let written =
            [tree.children().count(), actions.count(), written(&[K::HappensClause]), written(&[K::ExpectClause])];
        let then = rules.triggers.iter().map(|rule| &rule.then).chain(rules.automations.iter().map(|rule| &rule.then));
        let then = then.chain(rules.macros.iter().map(|rule| &rule.then));
        let read = [
            rules.declarations(),
            then.map(Vec::len).sum(),
            rules.tests.iter().map(|test| test.when.len()).sum(),
            rules.tests.iter().map(|test| test.expect.len()).sum(),
        ];
        if written != read {
            let line = EVERY_KIND[..span.start].matches('\n').count() + 1;
            left_out.push(format!("line {line}, `{token}` as `{instead}`: {written:?}, but {read:?}"));
        }
    }
    assert!(left_out.is_empty(), "{}", left_out.join("\n"));
}
