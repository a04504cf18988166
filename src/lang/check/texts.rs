//! Checks texts to the requester, which may differ by language.

use super::{Checker, value::shortened};
use crate::{
    desk::{Recipient, normalize},
    lang::{
        ast::{self, AstNode},
        codes,
        diagnostic::Diagnostic,
        language,
        rules::{Template, Texts},
        syntax::{SyntaxToken, range},
    },
};

/// Words for the text that is left, in other places and languages.
const OTHERWISE: &[&str] = &[
    "else", "default", "fallback", "other", "others", "any", "rest", "all", "sonst", "andere", "sinon", "autre", "otro",
];

const FALLBACK: &str = "write `otherwise \"…\"` for who writes in none of these languages, or in one that is not known";

impl Checker<'_, '_> {
    /// Checks a text to the requester, or the texts for each language.
    pub(super) fn texts_of(&mut self, text: Option<ast::Template>, by: Option<ast::ByLanguage>) -> Option<Texts> {
        match by {
            Some(by) => self.by_language(&by),
            None => self.text_of(text).map(Texts::from),
        }
    }

    /// Checks the texts for each language. There must be one for everybody else, at the end.
    pub(super) fn by_language(&mut self, node: &ast::ByLanguage) -> Option<Texts> {
        let mut by_language: Vec<(String, Template)> = vec![];
        let mut seen: Vec<(String, ast::LanguageText)> = vec![];
        let mut otherwise: Option<(ast::LanguageText, Option<Template>)> = None;
        let (mut fine, mut meant_otherwise) = (true, false);
        for part in node.texts() {
            let code = match part.language() {
                Some(token) if !part.otherwise() => {
                    meant_otherwise |= OTHERWISE.contains(&&*token.text().to_lowercase());
                    self.language_code(&token)
                }
                _ => None,
            };
            let text = self.text_of(part.text());
            if part.otherwise() {
                if otherwise.is_some() {
                    self.error(&codes::TW0115, part.span(), "duplicate `otherwise`");
                    fine = false;
                } else {
                    otherwise = Some((part, text));
                }
                continue;
            }
            if let Some((late, _)) = &otherwise {
                let error = Diagnostic::new(&codes::TW0115, late.span(), "`otherwise` must be the last text");
                self.report(error.with_help("write it after those of all languages"));
                fine = false;
            }
            let Some(code) = code else {
                fine = false;
                continue;
            };
            if let Some((_, first)) = seen.iter().find(|(known, _)| *known == code) {
                let error = Diagnostic::new(&codes::TW0115, part.span(), format!("duplicate text for `{code}`"));
                self.report(error.and_label(first.span(), "the first one is here").with_help("delete one of them"));
                fine = false;
            }
            seen.push((code.clone(), part));
            match text {
                Some(text) => by_language.push((code, text)),
                None => fine = false,
            }
        }
        if node.is_broken() || meant_otherwise {
            return None;
        }
        let Some((_, otherwise)) = otherwise else {
            let error = Diagnostic::new(&codes::TW0115, node.span(), "missing `otherwise` in the texts by language");
            self.report(error.with_help(FALLBACK));
            return None;
        };
        if seen.is_empty() && fine {
            let error = Diagnostic::new(&codes::TW0115, node.span(), "`by language` with one text");
            self.report(error.with_help("write the text alone, or texts for other languages: `de \"…\"`"));
            return None;
        }
        otherwise.filter(|_| fine).map(|otherwise| Texts { by_language, otherwise })
    }

    /// Checks the code of a language: as language fields have it, without a region.
    fn language_code(&mut self, token: &SyntaxToken) -> Option<String> {
        let (text, span) = (token.text(), range(token));
        let code = normalize::language(text).into_owned();
        if code == text && language::is_code(&code) {
            return Some(code);
        }
        let message = format!("no language has the code `{}`", shortened(text));
        let error = Diagnostic::new(&codes::TW0204, span.clone(), message);
        self.report(if OTHERWISE.contains(&&*text.to_lowercase()) {
            error.with_help("write `otherwise`").with_fix(span, "otherwise")
        } else if language::is_code(&code) {
            let message = format!("`{}` is `{code}` in the fields of tickets", shortened(text));
            let error = Diagnostic::new(&codes::TW0204, span.clone(), message);
            error.with_help(format!("write `{code}`")).with_fix(span, code)
        } else if let Some(meant) = language::named(&code).or_else(|| language::named(&text.to_lowercase())) {
            error.with_help(format!("write `{meant}`")).with_guess(span, meant)
        } else {
            error.with_help("a language is a code of two or three letters, such as `de`")
        });
        None
    }

    /// Whether all recipients may read the private notes of a conversation. Reports an error if not.
    pub(super) fn may_tell_conversation(&mut self, message: &ast::Message, body: &Texts, to: &[Recipient]) -> bool {
        let Some(outside) = to.iter().find(|to| to.is_outside()).filter(|_| body.has_conversation()) else {
            return true;
        };
        let span = message.named("body").next().map_or_else(|| message.span(), |part| part.span());
        let error = Diagnostic::new(
            &codes::TW0115,
            span,
            format!("the conversation has private notes: `{outside}` must not read them"),
        );
        self.report(
            error.with_help("write `{{ticket.latest_public_comment}}`, or notify who is not of the desk on its own"),
        );
        false
    }

    /// Whether the texts of a mail may differ by language: only the requester has one. Reports an error if not.
    pub(super) fn may_differ_by_language(&mut self, message: &ast::Message, to: Option<&[Recipient]>) {
        let Some(by) = message.parts().find_map(|part| part.by_language()) else { return };
        if to.is_some_and(|to| to.iter().any(|to| *to != Recipient::Requester)) {
            let message = "texts by language are for the requester alone";
            let help = "write one text here, and a `notify requester` of its own with texts by language";
            self.report(Diagnostic::new(&codes::TW0115, by.span(), message).with_help(help));
        }
    }
}
