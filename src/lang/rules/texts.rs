//! Texts to the requester, which may differ by language.

use super::{Part, Template};
use crate::desk::{Ticket, normalize};

/// A text to the requester: one for everybody, or one for each of several languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// `by language { de "…" fr "…" }`: language codes as fields have them, each with its text. Empty if there is one text.
    pub by_language: Vec<(String, Template)>,
    /// The one text, or the one of `otherwise`.
    pub otherwise: Template,
}

/// Whose language decided which text was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken<'t> {
    /// The language of the post that opened the ticket, with its code.
    Post(&'t str),
    /// The language of the requester, with its code.
    Requester(&'t str),
    /// Neither has a text of its own.
    Otherwise,
}

impl From<Template> for Texts {
    fn from(otherwise: Template) -> Self {
        Self { by_language: vec![], otherwise }
    }
}

impl Texts {
    /// All the texts, each with the code of its language.
    pub fn all(&self) -> impl Iterator<Item = (Option<&str>, &Template)> {
        let texts = self.by_language.iter().map(|(language, text)| (Some(language.as_str()), text));
        texts.chain([(None, &self.otherwise)])
    }

    /// Whether any of them ends with the conversation.
    pub fn has_conversation(&self) -> bool {
        self.all().any(|(_, text)| text.parts.contains(&Part::Conversation))
    }

    /// The text for a ticket: that of the language of the post which opened it, else that of the requester's language.
    pub fn of(&self, ticket: &Ticket) -> (&Template, Taken<'_>) {
        let find = |language: &Option<String>| {
            let language = normalize::language(language.as_deref()?);
            self.by_language.iter().find(|(code, _)| *code == language)
        };
        match (find(&ticket.language), find(&ticket.requester.language)) {
            (Some((language, text)), _) => (text, Taken::Post(language)),
            (None, Some((language, text))) => (text, Taken::Requester(language)),
            (None, None) => (&self.otherwise, Taken::Otherwise),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::Person;

    #[test]
    fn the_post_decides_then_the_requester() {
        let text = |text: &str| Template { parts: vec![Part::Text(text.to_owned())] };
        let by_language = ["de", "fr", "pt", "he"].map(|code| (code.to_owned(), text(code))).into();
        let texts = Texts { by_language, otherwise: text("otherwise") };
        for (post, requester, taken) in [
            ("de", "fr", Taken::Post("de")),
            ("pt-BR", "", Taken::Post("pt")),
            ("iw", "", Taken::Post("he")),
            ("es", "fr", Taken::Requester("fr")),
            ("und", "FR", Taken::Requester("fr")),
            ("", "fr", Taken::Requester("fr")),
            ("es", "it", Taken::Otherwise),
            ("", "", Taken::Otherwise),
        ] {
            let known = |language: &str| Some(language.to_owned()).filter(|language| !language.is_empty());
            let ticket = Ticket {
                language: known(post),
                requester: Person { language: known(requester), ..Person::default() },
                ..Ticket::default()
            };
            let (found, by) = texts.of(&ticket);
            let code = match taken {
                Taken::Post(code) | Taken::Requester(code) => code,
                Taken::Otherwise => "otherwise",
            };
            assert_eq!((found, by), (&text(code), taken), "{post} {requester}");
            assert_eq!(Texts::from(text("one")).of(&ticket), (&text("one"), Taken::Otherwise));
        }
    }
}
