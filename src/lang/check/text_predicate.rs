//! Checks predicates on texts: what they contain, start with and match.

use std::ops::Range;

use super::{
    Checker,
    list::{ListValues, Search},
    predicate::bare,
};
use crate::{
    desk::{FieldRef, Kind, field::Members, text::fold},
    lang::{
        ast::{self, AstNode, span_of},
        codes,
        diagnostic::Diagnostic,
        rules::{Folded, InvalidPattern, Op, Pattern, Values},
        syntax::{SyntaxElement, SyntaxToken, range, text::Text},
    },
};

impl Checker<'_, '_> {
    /// Reports a character that no value of the field contains.
    pub(super) fn can_contain(&mut self, field: &FieldRef, folded: &str, span: Range<usize>) -> Option<()> {
        let alphabet = field.alphabet();
        let Some(c) = folded.chars().find(|c| !(alphabet.contains)(*c)) else { return Some(()) };
        let what = if c == ' ' { "a space".to_owned() } else { format!("`{c}`") };
        let message = format!("no `{field}` contains {what}");
        self.report(Diagnostic::new(&codes::TW0302, span, message).with_help(alphabet.says));
        None
    }

    /// Reports a pattern that matches no value of the field.
    pub(super) fn can_match(&mut self, field: &FieldRef, pattern: &Pattern, span: Range<usize>) -> Option<()> {
        let alphabet = field.alphabet();
        let message = format!("this pattern matches no `{field}`");
        let help = if !pattern.can_match(alphabet.contains) {
            alphabet.says.to_owned()
        } else if pattern.wants_capitals() {
            "texts are compared in lowercase: delete `(?-i)`".to_owned()
        } else {
            let texts = pattern.whole_texts().unwrap_or_default();
            let kept = |text: &String| fold(&field.normalize(text)).into_owned();
            let (Some(first), true) = (texts.first(), texts.iter().all(|text| kept(text) != fold(text))) else {
                return Some(());
            };
            match kept(first) {
                kept if kept.is_empty() => format!("`{first}` is kept as no value"),
                kept => format!("`{first}` is kept as `{kept}`"),
            }
        };
        self.report(Diagnostic::new(&codes::TW0302, span, message).with_help(help));
        None
    }

    pub(super) fn about_text(
        &mut self,
        field: &FieldRef,
        predicate: &ast::Predicate,
        value: &SyntaxElement,
    ) -> Option<Op> {
        let search = Search::of(predicate);
        let operator = search.map_or("matches", Search::as_str);
        let any_of = predicate.any_of();
        if field.kind() != Kind::Text {
            let help = match field.kind() {
                Kind::Set(Members::Tags) if search == Some(Search::Start) && !any_of => {
                    format!("write `{field} has any starting with {}`", bare(value))
                }
                Kind::Set(_) if any_of => format!("write `{field} has any of {value}`"),
                Kind::Set(_) => format!("write `{field} has {}`", bare(value)),
                Kind::Words(_) | Kind::Declared(_) if any_of => format!("write `{field} in {value}`"),
                Kind::Words(_) | Kind::Declared(_) => format!("write `{field} is {value}`"),
                kind => format!("use an operator for {kind}"),
            };
            let why = format!("is {}, but `{operator}` is for texts", field.kind());
            return self.cannot(field, predicate.span(), &why, &help);
        }
        if any_of {
            let ListValues::Texts(texts) = self.list_operand(field, predicate, value)? else { return None };
            return Some(search_op(search?, texts));
        }
        if self.is_list(value) {
            let message = format!("`{operator}` takes one string, not a list");
            let error = Diagnostic::new(&codes::TW0310, span_of(value), message);
            let start = span_of(value).start;
            self.report(match search {
                Some(_) => {
                    let help = format!("write `{field} {operator} any of {value}`");
                    error.with_help(help).with_guess(start..start, "any of ")
                }
                None => error.with_help(format!("write `{field} matches \"a|b\"`")),
            });
            self.uses_list(value);
            return None;
        }
        match search {
            Some(search) => self.needle(field, search, value).map(|text| search_op(search, Values::one(text))),
            None => {
                let (text, token) = (self.string(operator, value)?, value.as_token()?);
                let pattern = self.pattern(token, &text)?;
                self.can_match(field, &pattern, range(token))?;
                Some(Op::Matches(pattern))
            }
        }
    }

    /// Checks a regular expression. An error points to the position inside the pattern.
    pub(super) fn pattern(&mut self, token: &SyntaxToken, text: &Text) -> Option<Pattern> {
        // Unknown escapes have already been reported. Most likely they are meant for the regular expression.
        if !text.bad_escapes.is_empty() {
            return None;
        }
        let error = match Pattern::new(&text.value) {
            Ok(pattern) => return Some(pattern),
            Err(error) => error,
        };
        let error = match error {
            InvalidPattern::Regex(error) => error,
            class @ InvalidPattern::Class(c, _) => {
                let help = format!("write an alternative instead of the class, as in `({c}|x)`");
                let error =
                    Diagnostic::new(&codes::TW0307, range(token), format!("invalid regular expression: {class}"));
                self.report(error.with_help(help));
                return None;
            }
        };
        let (why, span) = match regex_syntax::parse(&text.value) {
            Err(regex_syntax::Error::Parse(e)) => (e.kind().to_string(), Some(range_of(e.span()))),
            Err(regex_syntax::Error::Translate(e)) => (e.kind().to_string(), Some(range_of(e.span()))),
            _ if matches!(error, regex::Error::CompiledTooBig(_)) => {
                ("too large when compiled; use less repetition".to_owned(), None)
            }
            // The pattern is valid, but its folded form is not: for example, a character range may now be reversed.
            _ => match Pattern::folded(&text.value).map(|folded| regex_syntax::parse(&folded)) {
                Ok(Err(regex_syntax::Error::Parse(e))) => (format!("after case folding, {}", e.kind()), None),
                _ => (error.to_string(), None),
            },
        };
        let span = span.map_or_else(|| range(token), |part| text.span(part));
        let help = if why.contains("look-around") || why.contains("backreference") {
            "look-around and backreferences are not supported, so that patterns run in linear time"
        } else if token.text().contains('\\') {
            "in a string, double each backslash of the pattern, as in `\"\\\\d+\"`"
        } else {
            "to search for these characters themselves, use `contains`"
        };
        let message = format!("invalid regular expression: {why}");
        self.report(Diagnostic::new(&codes::TW0307, span, message).with_help(help));
        None
    }
}

fn search_op(search: Search, texts: Values<Folded>) -> Op {
    match search {
        Search::Anywhere => Op::Contains(texts),
        Search::Words => Op::ContainsWord(texts),
        Search::Start => Op::StartsWith(texts),
        Search::End => Op::EndsWith(texts),
    }
}

fn range_of(span: &regex_syntax::ast::Span) -> Range<usize> {
    span.start.offset..span.end.offset
}
