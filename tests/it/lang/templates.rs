//! Placeholders of texts are nodes of the syntax tree, with their exact spans.

use std::ops::Range;

use proptest::{prelude::*, sample};
use regex::Regex;
use twite::lang::{
    format,
    syntax::{SyntaxKind, parse},
};

use super::kinds::samples;

/// The spans of all nodes of a kind.
fn spans(text: &str, kind: SyntaxKind) -> Vec<Range<usize>> {
    let nodes = parse(text).tree().descendants();
    nodes.filter(|node| node.kind() == kind).map(|node| node.text_range().into()).collect()
}

#[test]
fn every_placeholder_is_a_node_with_its_exact_span() {
    let placeholder = Regex::new(r"\{\{[^}]*\}\}").unwrap();
    let escapes =
        r#"trigger "a" { then reply "\"\t\\\u{1F600}é{{ticket.id}}\n{{ ticket.subject | default: \"\" }}\"" }"#;
    let block = "trigger \"a\" {\n  then\n    note \"\"\"\n      \\\"a {{ticket.id}}\n        {{ticket.subject |\n        upcase}}\n\n\
                 {{ticket.id}}\n      \"\"\"\n    set subject to \"{{ticket.id}}\"\n}\n";
    let all = samples().into_iter().map(|(_, text)| text);
    let mut count = 0;
    for text in all.chain([escapes.to_owned(), block.to_owned()]) {
        for text in [text.replace('\n', "\r\n"), text] {
            let expected: Vec<_> = placeholder.find_iter(&text).map(|found| found.range()).collect();
            count += expected.len();
            assert_eq!(spans(&text, SyntaxKind::Placeholder), expected, "{text}");
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn only_texts_of_actions_have_placeholders() {
    let text = "let a = description contains \"{{ticket.id}}\"\ntrigger \"{{ticket.id}}\" {\n  when a\n  \
                then webhook \"{{ticket.id}}\" { body \"{{ticket.id}}\" }\n}\n";
    let body = text.rfind("\"{{").unwrap()..text.rfind(" }").unwrap();
    assert_eq!(spans(text, SyntaxKind::Template), vec![body]);
}

/// Fragments of templates, combined at random.
const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{",
    "}",
    "{%",
    "%}",
    "|",
    ":",
    " ",
    "'",
    "\\\"",
    "\\",
    "\\\\",
    "\\u{7B}",
    "\\n",
    "\\q",
    "\n",
    "\r\n",
    "    ",
    "\t",
    "ticket.id",
    "default",
    "upcase",
    "é",
    "\"",
    "\u{200B}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_template_loses_nothing(
        pieces in proptest::collection::vec(sample::select(PIECES), 0..20),
        quotes in sample::select(&["\"", "\"\"\"", "'"][..]),
    ) {
        let text = format!("trigger \"a\" {{\n  then\n    reply {quotes}{}{quotes}\n}}\n", pieces.concat());
        let tree = parse(&text).tree();
        prop_assert_eq!(tree.text().to_string(), &*text);
        // Every `{{` of a template starts a placeholder or is part of one.
        for template in tree.descendants().filter(|node| node.kind() == SyntaxKind::Template) {
            let tokens = template.descendants_with_tokens().filter_map(|element| element.into_token());
            let outside = tokens.filter(|token| token.parent().as_ref() == Some(&template));
            for token in outside.filter(|token| token.kind() == SyntaxKind::TextChunk) {
                prop_assert!(!token.text().contains("{{"), "{:?} of {:?}", token.text(), text);
            }
        }
        if let Ok(formatted) = format(&text) {
            prop_assert_eq!(&format(&formatted).unwrap(), &formatted);
        }
    }
}
