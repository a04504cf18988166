//! A scanner that splits text into lexemes, for checks before parsing and for the spans of messages.
//!
//! It splits a text as the grammar does, so that the nesting depth it counts is the depth that the parser will reach.

use std::ops::Range;

/// Maximum nesting depth of parentheses and braces.
pub const MAX_NESTING: usize = 128;

/// The span of the lexeme that starts at an offset, in bytes.
pub(super) fn lexeme(text: &str, start: usize) -> Range<usize> {
    let rest = text.get(start..).unwrap_or_default();
    let length = match rest.chars().next() {
        None => 0,
        Some('#') => rest.find('\n').unwrap_or(rest.len()),
        Some('"') => match string(rest) {
            Ok(length) => length,
            Err(length) => wrong_quotes(rest, '"').unwrap_or(length),
        },
        Some(open) if is_quote(open) => wrong_quotes(rest, open).unwrap_or(open.len_utf8()),
        Some(c) if is_part(c) => rest.find(|c| !is_part(c)).unwrap_or(rest.len()),
        Some(c) => c.len_utf8(),
    };
    start..start + length
}

/// Whether two characters, one after the other, would be read as part of one token.
pub(crate) fn runs_together(last: char, next: char) -> bool {
    let operator = |c| "<>=!&|".contains(c);
    let quote = |c| c == '"';
    (is_part(last) && (is_part(next) || quote(next)))
        || (quote(last) && (is_part(next) || quote(next)))
        || (operator(last) && operator(next))
}

/// Whether a character can be part of a word or number.
pub(crate) fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

/// Whether the grammar treats a character as white space.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || pest::unicode::FORMAT(c)
}

/// Whether a character is a quote of any kind.
pub(crate) fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '“' | '”' | '„' | '«' | '»' | '‘' | '’' | '‚')
}

/// Whether a character closes a string that another kind of quote opened.
fn closes_others(c: char) -> bool {
    is_quote(c) && !matches!(c, '\'' | '`')
}

/// Length in bytes of the string literal at the start; as an error, that of an unclosed one.
fn string(rest: &str) -> Result<usize, usize> {
    let long = rest.starts_with("\"\"\"");
    let open = if long { 3 } else { 1 };
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(open) {
        match c {
            '\n' | '\r' if !long => return Err(at),
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' if !long => return Ok(at + 1),
            '"' if rest.get(at..).is_some_and(|r| r.starts_with("\"\"\"")) => return Ok(at + 3),
            _ => {}
        }
    }
    if long { Ok(rest.len()) } else { Err(rest.len()) }
}

/// Length in bytes of the three wrong or straight double quotes at the start.
pub(super) fn three_quotes(rest: &str) -> Option<usize> {
    let quote = |c: &char| matches!(c, '"' | '“' | '”' | '„');
    let quotes = rest.chars().take(3).filter(quote).count() == 3;
    let wrong = quotes && !rest.starts_with('"');
    (wrong || rest.starts_with("\"\"\"")).then(|| rest.chars().take(3).map(char::len_utf8).sum())
}

/// Length in bytes of the string in wrong quotes at the start; `None` if it is unclosed.
fn wrong_quotes(rest: &str, open: char) -> Option<usize> {
    if let Some(start) = three_quotes(rest) {
        let mut inner = rest.get(start..).unwrap_or_default().char_indices();
        let end = inner.find_map(|(at, _)| Some(start + at + three_quotes(rest.get(start + at..)?)?));
        if end.is_some() {
            return end;
        }
    }
    let line = rest.split('\n').next().unwrap_or_default();
    let end = |closes: &dyn Fn(char) -> bool| {
        let found = line.char_indices().skip(1).find(|(_, c)| closes(*c) || *c == open);
        found.filter(|(_, c)| closes(*c)).map(|(at, c)| at + c.len_utf8())
    };
    let partner = match open {
        '\'' | '`' => return end(&|c| c == open),
        '"' => {
            let stops = |c| c == '\\' || closes_others(c);
            let (at, c) = line.char_indices().skip(1).find(|(_, c)| stops(*c))?;
            let after = line.get(at + c.len_utf8()..).unwrap_or_default();
            let closes = matches!(c, '“' | '”' | '„' | '»') && !after.starts_with(is_part);
            return closes.then_some(at + c.len_utf8());
        }
        '‘' => end(&|c| c == '’'),
        '“' => end(&|c| c == '”'),
        '„' => end(&|c| matches!(c, '“' | '”')),
        '«' => end(&|c| c == '»'),
        _ => None,
    };
    partner.or_else(|| end(&closes_others))
}

/// The lexeme that a message about this offset should point at: the next one after white space and comments. Empty at
/// the end of the text.
pub(super) fn found_at(text: &str, from: usize) -> Range<usize> {
    let mut at = from;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let blank = rest.len() - rest.trim_start_matches(is_blank).len();
        at += blank;
        let lexeme = lexeme(text, at);
        if text.get(lexeme.clone()).is_none_or(|t| !t.starts_with('#')) {
            return lexeme;
        }
        at = lexeme.end;
    }
}

/// The first parenthesis or brace nested deeper than [`MAX_NESTING`].
pub(super) fn too_deep(text: &str) -> Option<Range<usize>> {
    let (mut at, mut depth) = (0, 0usize);
    while at < text.len() {
        let lexeme = lexeme(text, at);
        match text.get(lexeme.clone()) {
            Some("(" | "{" | "（" | "｛") => depth += 1,
            Some(")" | "}" | "）" | "｝") => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_NESTING {
            return Some(lexeme);
        }
        at = lexeme.end;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::syntax::parse;

    fn depth<'t>(lexemes: impl Iterator<Item = &'t str>) -> usize {
        let (mut depth, mut deepest) = (0_usize, 0);
        for lexeme in lexemes {
            match lexeme {
                "(" | "{" | "（" | "｛" => depth += 1,
                ")" | "}" | "）" | "｝" => depth = depth.saturating_sub(1),
                _ => {}
            }
            deepest = deepest.max(depth);
        }
        deepest
    }

    proptest::proptest! {
        /// What the parser nests is seen before parsing, whatever quotes stand around it.
        #[test]
        fn the_parser_nests_no_deeper_than_the_scanner_counts(text in "[\"'`“”„«»‘’‚(){}a \\\\\n#]{0,40}", item in 0..2_u8) {
            let text = if item == 0 { format!("let a = {text}") } else { format!("trigger \"x\" {{\n {text}\n}}") };
            let tree = parse(&text).tree();
            let tokens: Vec<_> =
                tree.descendants_with_tokens().filter_map(|e| e.into_token()).map(|t| t.text().to_owned()).collect();
            let scanned = std::iter::successors(Some(lexeme(&text, 0)), |last| Some(lexeme(&text, last.end)))
                .take_while(|lexeme| !lexeme.is_empty());
            let scanned = depth(scanned.filter_map(|lexeme| text.get(lexeme)));
            proptest::prop_assert!(depth(tokens.iter().map(String::as_str)) <= scanned, "{text}");
        }
    }
}
