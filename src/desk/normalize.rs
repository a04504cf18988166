//! Normalises values from X, from ticket files and tests, and in rules, so that equivalent values compare equal.

use std::{borrow::Cow, collections::BTreeSet};

use super::{
    CustomField, CustomKind, CustomValue, Decimal, Declarations, FieldRef, Owner, Person, Ticket, field::Declared,
    moment::day, text,
};

/// Normalises a tag or hashtag: folded, without `#`. Empty if no other characters are left.
pub fn tag(text: &str) -> String {
    text::fold(text).trim_start_matches(['#', ' ']).to_owned()
}

/// Whether a text is a valid tag, which rules can refer to.
pub fn is_tag(text: &str) -> bool {
    const MAX_CHARS: usize = 200;
    !tag(text).is_empty()
        && text.chars().count() <= MAX_CHARS
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == ',')
}

/// Normalises a handle: trimmed, without `@`.
pub fn handle(text: &str) -> Cow<'_, str> {
    match text::trim(text) {
        Cow::Borrowed(text) => Cow::Borrowed(without_at(text)),
        Cow::Owned(text) => Cow::Owned(without_at(&text).to_owned()),
    }
}

/// Normalises an email address: trimmed, without `mailto:`.
pub fn email(text: &str) -> Cow<'_, str> {
    match text::trim(text) {
        Cow::Borrowed(text) => Cow::Borrowed(without_scheme(text)),
        Cow::Owned(text) => Cow::Owned(without_scheme(&text).to_owned()),
    }
}

fn without_at(text: &str) -> &str {
    text.trim_start_matches(|c: char| matches!(c, '@' | '＠') || c.is_whitespace())
}

fn without_scheme(text: &str) -> &str {
    const SCHEME: &str = "mailto:";
    let mut text = text;
    while let Some((_, rest)) =
        text.split_at_checked(SCHEME.len()).filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME))
    {
        text = rest.trim_start();
    }
    text
}

/// Normalises a language tag to its primary language, with X's obsolete codes replaced: `de-AT` is `de`, `iw` is `he`.
/// Empty for `und` (undetermined).
pub fn language(text: &str) -> Cow<'_, str> {
    let folded = text::fold(text);
    match folded.split(['-', '_']).next().unwrap_or_default().trim() {
        "und" => Cow::Borrowed(""),
        "iw" => Cow::Borrowed("he"),
        "in" => Cow::Borrowed("id"),
        "ji" => Cow::Borrowed("yi"),
        "jw" => Cow::Borrowed("jv"),
        "mo" => Cow::Borrowed("ro"),
        "nb" => Cow::Borrowed("no"),
        "tl" => Cow::Borrowed("fil"),
        language if language == text => Cow::Borrowed(text),
        language => Cow::Owned(language.to_owned()),
    }
}

impl FieldRef {
    /// Normalises a text as a value of this field, in rules and in incoming data alike.
    pub fn normalize<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &*self.name() {
            "requester.handle" => handle(text),
            "requester.email" => email(text),
            "language" | "requester.language" => language(text),
            _ => Cow::Borrowed(text),
        }
    }
}

/// What the values of a text field are made of, as they are compared.
#[derive(Debug, Clone, Copy)]
pub struct Alphabet {
    /// Whether a value may contain a character. Those that are not ASCII are all allowed or all not.
    pub contains: fn(char) -> bool,
    /// The values in words.
    pub says: &'static str,
}

impl FieldRef {
    /// What the values of this text field are made of, as they are compared.
    pub fn alphabet(&self) -> Alphabet {
        match &*self.name() {
            "requester.handle" => Alphabet {
                contains: |c| c.is_ascii_alphanumeric() || c == '_',
                says: "a handle has letters, digits and `_`, and no `@`",
            },
            "requester.email" => Alphabet {
                contains: |c| !c.is_ascii_whitespace() && !matches!(c, ':' | '<' | '>'),
                says: "an email address is like `ada@acme.example`, without a name or `mailto:`",
            },
            "language" | "requester.language" => Alphabet {
                contains: |c| c.is_ascii_alphabetic(),
                says: "a language is a code such as `de`, without a region",
            },
            _ => Alphabet {
                contains: |c| c == ' ' || !c.is_ascii_whitespace(),
                says: "texts are compared as one line with single spaces: write a space for any white space",
            },
        }
    }
}

impl Person {
    /// Normalises the handle, email address and language, and clears blank texts.
    pub fn normalize(&mut self) {
        normalize(&mut self.handle, handle);
        normalize(&mut self.email, email);
        normalize(&mut self.language, language);
        for text in [&mut self.name, &mut self.location, &mut self.note] {
            normalize(text, |text| Cow::Borrowed(text));
        }
    }
}

impl Ticket {
    /// Normalises all fields: tags and handles without `#` and `@`, names spelt as declared, blank texts cleared.
    pub fn normalize(&mut self, desk: &Declarations) {
        self.requester.normalize();
        normalize(&mut self.language, language);
        tags(&mut self.tags);
        tags(&mut self.requester.tags);
        tags(&mut self.post.hashtags);
        for (name, declared) in [
            (&mut self.account, Declared::Account),
            (&mut self.brand, Declared::Brand),
            (&mut self.group, Declared::Group),
            (&mut self.assignee, Declared::Agent),
            (&mut self.last_replier, Declared::Agent),
            (&mut self.requester.organisation, Declared::Organisation),
        ] {
            normalize(name, |name| {
                desk.declared_name(&declared, name).map_or(Cow::Borrowed(name), |name| name.to_owned().into())
            });
        }
        let watchers = std::mem::take(&mut self.watchers).into_iter().filter(|name| !text::is_blank(name));
        let declared = |name: String| desk.declared_name(&Declared::Agent, &name).map(str::to_owned).unwrap_or(name);
        self.watchers = watchers.map(declared).collect();
        for text in [&mut self.subject, &mut self.description] {
            if text::is_blank(text) {
                text.clear();
            }
        }
        for text in [&mut self.satisfaction_comment, &mut self.latest_comment, &mut self.latest_public_comment] {
            normalize(text, |text| Cow::Borrowed(text));
        }
        for owner in Owner::ALL {
            owner.custom_mut(self).retain(|name, value| {
                let field = desk.fields.iter().find(|field| field.of == owner && field.name == *name);
                custom(value, field, desk)
            });
        }
    }
}

/// Normalises the value of a declared field. Returns whether there is one.
fn custom(value: &mut CustomValue, field: Option<&CustomField>, desk: &Declarations) -> bool {
    let declared = field.filter(|field| field.kind.has_choices()).map(CustomField::declared);
    let choice = |text: &str| Some(desk.declared_name(declared.as_ref()?, text)?.to_owned());
    match value {
        CustomValue::YesNo(_) | CustomValue::Number(_) => true,
        CustomValue::Text(text) => {
            let parsed = || match field?.kind {
                CustomKind::Decimal => Some(text::trim(text).parse::<Decimal>().ok()?.to_string()),
                CustomKind::Date => Some(day(&text::trim(text)).ok()?.to_string()),
                _ => None,
            };
            if let Some(normal) = choice(text).or_else(parsed) {
                *text = normal;
            }
            !text::is_blank(text)
        }
        CustomValue::Set(set) => {
            let texts = std::mem::take(set).into_iter().filter(|text| !text::is_blank(text));
            *set = texts.map(|text| choice(&text).unwrap_or(text)).collect();
            !set.is_empty()
        }
    }
}

impl Declarations {
    /// The declared name that a text refers to: an exact match, else the only name with the same fold. The `@` of a
    /// handle is ignored.
    pub fn declared_name(&self, declared: &Declared, text: &str) -> Option<&str> {
        named(declared, &self.declared(declared), text)
    }
}

/// The name that a text refers to among `names`, see [`Declarations::declared_name`].
pub fn named<'n>(declared: &Declared, names: &[&'n str], text: &str) -> Option<&'n str> {
    if let Some(name) = names.iter().find(|name| **name == text) {
        return Some(name);
    }
    let text = match declared {
        Declared::Account => handle(text),
        _ => Cow::Borrowed(text),
    };
    let folded = text::fold(&text);
    let mut same = names.iter().copied().filter(|name| text::fold(name) == folded);
    same.next().filter(|_| same.next().is_none())
}

fn normalize(value: &mut Option<String>, how: impl Fn(&str) -> Cow<'_, str>) {
    if let Some(text) = value {
        match how(text) {
            Cow::Borrowed(normal) if normal == text => {}
            normal => *text = normal.into_owned(),
        }
    }
    value.take_if(|text| text::is_blank(text));
}

fn tags(tags: &mut BTreeSet<String>) {
    if tags.iter().any(|written| tag(written) != *written) || tags.contains("") {
        *tags = tags.iter().map(|written| tag(written)).filter(|tag| !tag.is_empty()).collect();
    }
}
