//! What people write who come from other languages and help desks, one slip at a time, and what they are told.

use std::{fmt::Write as _, fs, path::Path};

use rowan::TokenAtOffset;
use twite::lang::{
    Diagnostic, Edit, load,
    syntax::{SyntaxKind, SyntaxNode, parse},
};

/// The files of `tests/it/lang/slips`, with what stands around each of their cases. Cases are separated by lines with
/// `---` or, if there are none, by line.
const FILES: &[(&str, &str)] = &[
    ("conditions", "trigger \"a\" {\n  on created\n  when …\n  then add tags b\n}\n"),
    ("actions", "trigger \"a\" {\n  on created\n  then\n    …\n}\n"),
    ("assignments", "trigger \"a\" {\n  on created\n  then\n    …\n}\n"),
    ("recipients", "trigger \"a\" {\n  on created\n  then\n    …\n}\n"),
    ("watchers", "trigger \"a\" {\n  on created\n  then\n    …\n}\n"),
    ("languages", "trigger \"a\" {\n  on created\n  then\n    …\n}\n"),
    ("watching", "trigger \"a\" {\n  on created\n  when …\n  then add tags b\n}\n"),
    ("items", "…"),
    ("slas", "…"),
    ("volumes", "…"),
    ("clauses", "automation \"a\" {\n  when status is open\n  …\n  then add tags b\n}\n"),
    ("settings", "…"),
    ("givens", "test \"a\" {\n  given ticket { channel twitter }\n  …\n  when created\n  expect nothing fired\n}\n"),
];

fn cases(text: &str) -> Vec<&str> {
    match text.contains("\n---\n") {
        true => text.split("---\n").collect(),
        false => text.lines().collect(),
    }
}

/// The diagnostics of a case, each with the line it is about.
fn told(file: &str, text: &str) -> Vec<(Diagnostic, String)> {
    let directory = tempfile::tempdir().unwrap();
    let desk = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/twite.toml")).unwrap();
    let (config, rules) = if file == "settings" { (text, "# None.\n") } else { (&*desk, text) };
    fs::write(directory.path().join("twite.toml"), config).unwrap();
    fs::write(directory.path().join("rules.twite"), rules).unwrap();
    let loaded = load(&[directory.path().to_owned()], None);
    let about = |found: Diagnostic| {
        let span = found.span().range();
        let (start, end) = (text[..span.start].rfind('\n').map_or(0, |at| at + 1), span.end.min(text.len()));
        let line = text[start..].lines().next().unwrap_or_default();
        let before = text[start..span.start].chars().count();
        let length = text[span.start..end].lines().next().unwrap_or_default().chars().count().max(1);
        let marked = format!("{line}\n{}{}", " ".repeat(before), "~".repeat(length));
        (found, marked)
    };
    loaded.diagnostics.into_iter().map(about).collect()
}

/// Whether what an edit writes becomes part of a token beside it.
fn runs_together(text: &str, edit: &Edit) -> bool {
    let range = edit.span.range();
    let edited = format!("{}{}{}", &text[..range.start], edit.text, &text[range.end..]);
    let (before, after) = (parse(text).tree(), parse(&edited).tree());
    let tokens_at = |tree: &SyntaxNode, at: usize| tree.token_at_offset(u32::try_from(at).unwrap().into());
    let is_between = |tree: &SyntaxNode, at: usize| match tokens_at(tree, at) {
        TokenAtOffset::Single(token) => token.kind() == SyntaxKind::Whitespace,
        tokens => matches!(tokens, TokenAtOffset::Between(..)),
    };
    let ends = [(range.start, range.start), (range.end, range.start + edit.text.len())];
    ends.into_iter().any(|(was, is)| is_between(&before, was) && !is_between(&after, is))
}

#[test]
fn every_slip_is_told_with_a_way_out() {
    let (mut without, mut merging) = (String::new(), String::new());
    for (file, frame) in FILES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/lang/slips/{file}.txt"));
        let text = fs::read_to_string(path).unwrap();
        let mut shown = String::new();
        for case in cases(&text) {
            writeln!(shown, "{}", "─".repeat(40)).unwrap();
            let told = told(file, &frame.replace('…', case));
            if told.is_empty() || *frame == "…" {
                writeln!(shown, "{}\n", case.trim_end()).unwrap();
            }
            for (found, line) in &told {
                writeln!(shown, "{line}\n{}: {}", found.code.id, found.message).unwrap();
                if let Some(help) = &found.help {
                    writeln!(shown, "help: {help}").unwrap();
                }
                if let Some(fix) = &found.fix {
                    writeln!(shown, "{:?} fix: {}", fix.grade, fix.title).unwrap();
                    let whole = frame.replace('…', case);
                    if *file != "settings" && fix.edits.iter().any(|edit| runs_together(&whole, edit)) {
                        writeln!(merging, "{file}: {case}\n  {:?}", fix.edits).unwrap();
                    }
                } else if found.help.is_none()
                    && !["write ", "must be ", "use "].iter().any(|way| found.message.contains(way))
                {
                    writeln!(without, "{file}: {case}\n  {}", found.message).unwrap();
                }
            }
        }
        insta::assert_snapshot!(*file, shown);
    }
    assert_eq!(without, "");
    assert_eq!(merging, "");
}
