//! Advice about a part that did not parse: what was most likely meant, and how that is written here.

use std::ops::Range;

use pest::Parser as _;

use super::{
    grammar::{Grammar, Rule},
    is_keyword, is_name,
    parts::{ACTIONS, TRIGGER},
    scan::{is_quote, lexeme},
};
use crate::{
    desk::{
        Kind, Scope, Status,
        field::{FIELDS, Field, known as known_field},
    },
    lang::{
        foreign::{
            self, ANYWHERE, CONDITIONS, EXPECTATIONS, Phrases, SAMPLES, STARTS, digits, phrase, phrase_through,
            translated,
        },
        suggest::{for_how_long, listed, nearest},
    },
};

/// A part that did not parse.
pub(super) struct BadPart<'t> {
    rule: Rule,
    text: &'t str,
    /// The range of the part.
    span: Range<usize>,
    /// The range of the lexeme that was not expected.
    place: Range<usize>,
    /// That lexeme.
    found: &'t str,
    /// What was expected there.
    pub(super) wanted: Vec<Rule>,
    /// The lexemes of the part, and a few after it.
    lexemes: Vec<&'t str>,
    /// The index of `found` in `lexemes`.
    index: usize,
}

/// Help about a mistake that the list of expected words does not explain.
pub(super) struct Advice {
    /// What was expected, if it is known better than from the grammar.
    pub(super) expected: Option<String>,
    pub(super) help: String,
    /// A guess: a range and its replacement.
    pub(super) fix: Option<(Range<usize>, String)>,
}

impl Advice {
    fn help(help: impl Into<String>) -> Option<Self> {
        Some(Self { expected: None, help: help.into(), fix: None })
    }

    fn insert(at: usize, word: &str, help: impl Into<String>) -> Option<Self> {
        Some(Self { expected: None, help: help.into(), fix: Some((at..at, format!("{word} "))) })
    }

    fn replace(span: Range<usize>, write: impl Into<String>, help: impl Into<String>) -> Option<Self> {
        Some(Self { expected: None, help: help.into(), fix: Some((span, write.into())) })
    }
}

/// The operators between a field and a value.
const OPERATORS: &[&str] = &["is", "in", "has", "contains", "starts", "ends", "matches", "changed"];

/// The operators of a type of field.
fn operators(kind: &Kind) -> &'static [&'static str] {
    match kind {
        Kind::Set(_) => &["has", "changed"],
        Kind::Text => &["is", "contains", "starts", "ends", "matches", "changed"],
        Kind::YesNo => &["changed"],
        Kind::Number | Kind::Decimal | Kind::Words(_) | Kind::Declared(_) | Kind::Time => &["is", "in", "changed"],
        Kind::TimeOfDay | Kind::Date => &["is", "in"],
    }
}

/// Whether a word may be part of a name of several words that lacks its quotes.
fn is_word(word: &str) -> bool {
    // Keywords that follow only certain others.
    const COMMON: &[&str] = &["back", "held", "holds", "it", "most", "once", "times", "while"];
    word.starts_with(char::is_alphabetic) && (!is_keyword(word) || COMMON.contains(&word)) && is_name(word)
}

impl<'t> BadPart<'t> {
    pub(super) fn new(rule: Rule, text: &'t str, span: Range<usize>, place: Range<usize>, wanted: Vec<Rule>) -> Self {
        const MAX_AFTER: usize = 6;
        let within: Vec<_> = words(text, span.start..place.start).collect();
        let index = within.len();
        let after = words(text, place.start..text.len()).take(MAX_AFTER);
        let lexemes = within.into_iter().chain(after).collect();
        let found = text.get(place.clone()).unwrap_or_default();
        Self { rule, text, span, place, found, wanted, lexemes, index }
    }

    fn wants(&self, rule: Rule) -> bool {
        self.wanted.contains(&rule)
    }

    fn before(&self) -> &'t str {
        self.index.checked_sub(1).and_then(|last| self.lexemes.get(last)).copied().unwrap_or_default()
    }

    /// The mark that was found with the marks that directly follow it, such as `:=`; else `found`.
    pub(super) fn run(&self) -> &'t str {
        let rest = self.text.get(self.place.start..).unwrap_or_default();
        let length = rest.len() - rest.trim_start_matches(|c: char| ":=<>!&|+*/%~".contains(c)).len();
        rest.get(..length).filter(|run| !run.is_empty()).unwrap_or(self.found)
    }

    /// Whether the part is, or contains, a condition.
    fn is_condition(&self) -> bool {
        matches!(self.rule, Rule::only_condition | Rule::only_when | Rule::only_where | Rule::only_expect)
    }

    /// Whether the text goes on after the part, so that nothing in the part is unexpected.
    fn has_ended(&self) -> bool {
        self.place.start >= self.span.end
    }

    /// Whether an operator is expected.
    fn wants_operator(&self) -> bool {
        self.wants(Rule::is_test) || self.wants(Rule::kw_contains)
    }

    /// Whether only a condition can stand here.
    fn wants_condition(&self) -> bool {
        let starts = [Rule::condition, Rule::conjunction, Rule::negation, Rule::parens, Rule::question, Rule::hours];
        starts.into_iter().any(|rule| self.wants(rule)) && !self.in_condition()
    }

    /// Whether a condition can end or go on here; a list of events has `and` as well, and commas.
    fn in_condition(&self) -> bool {
        self.wants(Rule::kw_and) && !self.wants(Rule::comma)
    }

    pub(super) fn advice(&self) -> Option<Advice> {
        let starts_line = self.text.get(self.span.start..self.place.start).is_some_and(last_line_is_blank);
        if starts_line && let Some(advice) = self.new_line() {
            return Some(advice);
        }
        if self.has_ended() {
            return self.ended(starts_line);
        }
        self.in_lowercase()
            .or_else(|| Advice::help(format!("write a whole number: `{}`", self.decimal_duration()?)))
            .or_else(|| Advice::help(self.how_long_ago()?))
            .or_else(|| self.in_digits())
            .or_else(|| {
                let tables: &[Phrases] = match self.rule {
                    Rule::only_expect => &[CONDITIONS, SAMPLES, ANYWHERE, EXPECTATIONS],
                    Rule::only_given => &[foreign::GIVENS, SAMPLES, ANYWHERE],
                    _ if self.is_condition() => &[CONDITIONS, SAMPLES, ANYWHERE],
                    Rule::only_action if self.in_recipients() => &[foreign::ACTIONS, foreign::RECIPIENTS, ANYWHERE],
                    Rule::only_action => &[foreign::ACTIONS, ANYWHERE],
                    Rule::only_cap => &[foreign::CAPS, ANYWHERE],
                    Rule::only_on => &[foreign::EVENTS, ANYWHERE],
                    Rule::only_happens => &[foreign::HAPPENINGS, ANYWHERE],
                    Rule::only_fact => &[foreign::FACTS, ANYWHERE],
                    Rule::only_over => &[foreign::PERIODS, ANYWHERE],
                    Rule::only_every => &[foreign::EVERIES],
                    Rule::only_count => &[foreign::COUNTS],
                    Rule::only_measure => &[foreign::MEASURES, ANYWHERE],
                    Rule::only_target | Rule::only_pause => &[foreign::TARGETS],
                    Rule::only_language_text => &[foreign::LANGUAGE_TEXTS],
                    Rule::only_recipient if self.index == 0 => {
                        &[foreign::RECIPIENTS_START, foreign::RECIPIENTS, ANYWHERE]
                    }
                    Rule::only_recipient => &[foreign::RECIPIENTS, ANYWHERE],
                    _ => &[ANYWHERE],
                };
                Advice::help(phrase(tables, &self.lexemes, self.index)?)
            })
            .or_else(|| self.joined())
            .or_else(|| self.comment())
            .or_else(|| reserved(self.before(), if starts_line { "" } else { self.found }, &self.wanted))
            .or_else(|| self.misspelt())
            .or_else(|| self.repair())
            .or_else(|| if self.is_condition() { self.condition() } else { self.several_words() })
    }

    /// Whether it is between `notify` or `remind` and what is told.
    fn in_recipients(&self) -> bool {
        let before = self.lexemes.get(..self.index).unwrap_or_default();
        matches!(before.first(), Some(&("notify" | "remind"))) && !before.iter().any(|word| matches!(*word, "{" | "in"))
    }

    /// A keyword that is missing at the start of a line.
    fn new_line(&self) -> Option<Advice> {
        let may_end = self.wants(Rule::kw_and) || self.wants(Rule::comma);
        let at = self.place.start;
        if may_end && (self.rule == Rule::only_on || self.is_condition()) && ACTIONS.part(self.found).is_some() {
            let advice = Advice::insert(at, "then", "write actions after `then`");
            return advice.map(|advice| Advice { expected: Some("`then`".into()), ..advice });
        }
        let starts =
            self.field_at(self.index).is_some() || matches!(self.found, "time" | "within" | "in" | "not" | "(");
        if may_end && self.rule == Rule::only_on && starts {
            let advice = Advice::insert(at, "when", "write the condition after `when`");
            return advice.map(|advice| Advice { expected: Some("`when`".into()), ..advice });
        }
        if may_end {
            let starts = phrase(&[STARTS], self.lexemes.get(self.index..)?, 0);
            // A condition may go on in the words of another language.
            let goes_on = || {
                let phrase = phrase_through(&[CONDITIONS, SAMPLES], &self.lexemes, self.index);
                phrase.or_else(|| self.how_long_ago()).is_some()
            };
            return Advice::help(starts.filter(|_| !self.is_condition() || !goes_on())?);
        }
        None
    }

    /// What is missing at the end of the part.
    fn ended(&self, starts_line: bool) -> Option<Advice> {
        let before = self.before();
        if let Some(advice) = reserved(before, if starts_line { "" } else { self.found }, &self.wanted) {
            return Some(advice);
        }
        if matches!(before, "and" | "or" | "not") {
            return Advice::help(format!("expected a condition after `{before}`"));
        }
        if self.comment_after(before) {
            return self.comment();
        }
        let value = self.wants(Rule::string) && self.wants(Rule::path);
        let end = self.span.end;
        match () {
            () if value && before == "," && ACTIONS.part(self.found).is_some() => {
                Advice::help("write each action on its own line, without `,`")
            }
            () if matches!(self.found, ":" | "=") => {
                Advice::replace(self.place.clone(), "", format!("delete the `{}`", self.found))
            }
            () if self.rule == Rule::only_expect
                && let Some(help) = self.at_end(EXPECTATIONS) =>
            {
                Advice::help(help)
            }
            () if self.rule == Rule::only_given
                && let Some(help) = self.at_end(foreign::GIVENS) =>
            {
                Advice::help(help)
            }
            () if self.rule == Rule::only_action && before == "with" => Advice::help(foreign::UNDER),
            () if self.rule == Rule::only_action && self.lexemes.get(2) == Some(&"last") => {
                Advice::help(foreign::LAST_AGENT)
            }
            () if before == "," && self.rule == Rule::only_recipient => {
                Advice::help("write a recipient after the `,`, or delete it")
            }
            () if self.rule == Rule::only_recipient && before == "group" => Advice::help(foreign::OWN_GROUP),
            () if self.wants(Rule::rparen) => Advice::replace(end..end, ")", "close the parenthesis with `)`"),
            () if self.wants(Rule::kw_of) || self.wants(Rule::kw_percent) => Advice::help(self.at_end(SAMPLES)?),
            () if value => Advice::help(format!("write a value after `{before}`")),
            () => None,
        }
    }

    /// The help about a phrase at the end of the part, or one that holds the end.
    fn at_end(&self, phrases: Phrases) -> Option<String> {
        phrase(&[phrases], self.lexemes.get(..self.index)?, self.index.checked_sub(1)?)
    }

    /// Keywords in capital letters, here or just before.
    fn in_lowercase(&self) -> Option<Advice> {
        let is_capital = |word: &str| {
            let lower = word.to_lowercase();
            let wanted = self.wanted.iter().any(|rule| format!("{rule:?}").strip_prefix("kw_") == Some(&*lower));
            lower != word
                && lower.starts_with(char::is_alphabetic)
                && (wanted || (word.to_uppercase() == word && !is_name(&lower)))
        };
        let first = [self.index, self.index.checked_sub(1)?];
        let first = first.into_iter().find(|at| self.lexemes.get(*at).is_some_and(|word| is_capital(word)))?;
        let capitals = self.lexemes.get(first..)?.iter().take_while(|word| is_capital(word));
        let write = capitals.map(|word| word.to_lowercase()).collect::<Vec<_>>().join(" ");
        // A phrase such as `IS NULL` means something else than its words.
        let is_phrase = self.is_condition() && phrase(&[CONDITIONS], &self.lexemes, first).is_some();
        if is_phrase {
            return None;
        }
        let help = format!("keywords are in lowercase: write `{write}`");
        match first == self.index && !write.contains(' ') {
            true => Advice::replace(self.place.clone(), write, help),
            false => Advice::help(help),
        }
    }

    /// A number in letters, here or just before.
    fn in_digits(&self) -> Option<Advice> {
        const UNITS: [&str; 5] = ["second", "minute", "hour", "day", "week"];
        let (found, before) = (digits(self.found), digits(self.before()));
        match (found, before) {
            (Some(digits), _) if self.wants(Rule::number) || self.wants(Rule::kw_once) => {
                Advice::replace(self.place.clone(), digits, format!("write `{digits}`"))
            }
            (_, Some(digits)) if UNITS.contains(&self.found.trim_end_matches('s')) || self.found == "business" => {
                Advice::help(format!("write numbers in digits: `{digits} {}`", self.found))
            }
            _ => None,
        }
    }

    /// A field whose name was written as several words.
    fn joined(&self) -> Option<Advice> {
        let (found, mut words) = (self.found, self.lexemes.get(..self.index)?);
        if !found.starts_with(char::is_alphabetic) {
            return None;
        }
        // A part of a longer name, as `requester . field`.
        let mut before = String::new();
        while let [rest @ .., word] = words {
            before.insert_str(0, word);
            words = rest;
            match words {
                [rest @ .., "."] => {
                    before.insert(0, '.');
                    words = rest;
                }
                _ => break,
            }
        }
        let name = [".", "_"].into_iter().map(|mark| format!("{before}{mark}{found}"));
        let name = name.into_iter().find(|name| known_field(name).is_some())?;
        Advice::help(format!("write the name of the field as `{name}`"))
    }

    /// Whether a comment directly behind this lexeme is what was meant as a value.
    fn comment_after(&self, before: &str) -> bool {
        let gap = self.text.get(self.span.start..self.place.start).unwrap_or_default();
        let line = gap.rfind(before).and_then(|at| gap.get(at + before.len()..)).unwrap_or_default();
        line.trim_start_matches([' ', '\t']).starts_with('#') && !before.is_empty()
    }

    /// A value that is taken for a comment, because it starts with `#`, or a comment of SQL.
    fn comment(&self) -> Option<Advice> {
        let value = self.wants(Rule::string) && self.wants(Rule::path);
        match () {
            () if value && self.comment_after(self.before()) => {
                Advice::help("`#` starts a comment: write tags without it")
            }
            () if self.found.starts_with("--") => Advice::help(foreign::COMMENT),
            () => None,
        }
    }

    /// A misspelled or foreign word where one of a few words is expected.
    fn misspelt(&self) -> Option<Advice> {
        if !self.found.starts_with(char::is_alphabetic) {
            return None;
        }
        let names: Vec<String> = self.wanted.iter().map(|rule| format!("{rule:?}")).collect();
        let keywords = names.iter().filter_map(|name| name.strip_prefix("kw_"));
        // The operators depend on the field.
        let mut known: Vec<&str> = keywords.filter(|word| !OPERATORS.contains(word)).collect();
        let meant_field = || known_field(nearest(self.before(), FIELDS.iter().map(|field| field.name))?);
        let field = self.field_before(self.index).map(|(_, field)| field).or_else(meant_field);
        let operators = field.map_or(OPERATORS, |field| operators(&field.kind));
        known.extend(operators.iter().filter(|_| self.wants_operator()));
        let units = ["seconds", "minutes", "hours", "days", "weeks"];
        known.extend(units.iter().filter(|_| self.wants(Rule::unit)));
        known.extend(["ascending", "descending"].iter().filter(|_| self.wants(Rule::direction)));
        let events = ["on created", "on updated"];
        let event = translated(self.found, events).filter(|_| self.wants(Rule::event));
        let event = event.and_then(|event| event.strip_prefix("on "));
        known.extend(["created", "updated"].iter().filter(|_| self.wants(Rule::event)));
        let near = || nearest(self.found, known.iter().copied()).filter(|_| self.found.chars().count() > 3);
        let meant = event.or_else(|| translated(self.found, known.iter().copied())).or_else(near)?;
        Advice::replace(self.place.clone(), meant, format!("did you mean `{meant}`?"))
    }

    /// One keyword or mark that is missing or too many: with the change, the whole part parses.
    fn repair(&self) -> Option<Advice> {
        const MAX_BYTES: usize = 2_000;
        let slice = self.text.get(self.span.clone()).filter(|slice| slice.len() <= MAX_BYTES)?;
        let place = self.place.start..self.place.start + self.run().len();
        let at = place.start - self.span.start..place.end - self.span.start;
        let parses = |span: &Range<usize>, write: &str| {
            let mut changed = slice.to_owned();
            changed.replace_range(span.clone(), write);
            Grammar::parse(self.rule, &changed).is_ok()
        };
        let (found, before) = (self.run(), self.before());
        let is_mark = !found.starts_with(|c: char| c.is_alphanumeric() || is_quote(c));
        if (is_mark || found == before) && parses(&at, " ") {
            return Advice::replace(place, "", format!("delete the `{}`", shown(found)));
        }
        let wanted: Vec<String> = self.wanted.iter().filter_map(|rule| written(*rule)).collect();
        let one = wanted.first().filter(|_| !self.in_condition() && !self.wants_condition())?;
        // An item also parses with other words after its `{`, so that it does not tell.
        let is_first = is_mark || one == "{" && TRIGGER.part(found).is_none() && found.starts_with(char::is_alphabetic);
        if !is_first && parses(&(at.start..at.start), &format!("{one} ")) {
            return Advice::insert(
                place.start,
                one,
                match one.starts_with(char::is_alphabetic) {
                    true => {
                        let start = self.text.get(self.span.start..self.place.start).unwrap_or_default().trim();
                        let start = Some(start).filter(|start| start.len() <= 40 && !start.contains('\n'));
                        let unit = self
                            .lexemes
                            .get(self.index + 1)
                            .filter(|_| self.found.starts_with(|c: char| c.is_ascii_digit()));
                        let unit = unit.map_or(String::new(), |unit| format!(" {unit}"));
                        format!("write `{} {one} {}{unit}`", start.unwrap_or(before), shown(found))
                    }
                    false => format!("write `{one}` before `{}`", shown(found)),
                },
            );
        }
        let is_line = self.text.get(self.span.start..place.start).is_some_and(last_line_is_blank);
        let is_word = found.starts_with(char::is_alphabetic) && !is_line;
        // A word is no comma, but one that misses a comma before it.
        if (is_mark || is_word && one != ",") && parses(&at, &format!(" {one} ")) {
            return Advice::replace(place, one, format!("write `{one}` instead of `{}`", shown(found)));
        }
        None
    }

    /// Conditions that miss an operator, a field, `and`, or the quotes of a name of several words.
    fn condition(&self) -> Option<Advice> {
        let (found, before) = (self.found, self.before());
        if self.wants_operator()
            && let Some(name) = self.declared_before()
            && is_word(found)
        {
            return Advice::insert(
                self.place.start,
                "is",
                format!("missing operator: write `{name} is {}`", shown(found)),
            );
        }
        if self.wants_operator() && self.field_before(self.index).is_none() && !matches!(found, ":" | "") {
            return Advice::help("write a field, an operator and a value, as in `description contains \"refund\"`");
        }
        let at = self.place.start;
        if self.wants_operator() {
            if found == ":" {
                return Advice::replace(self.place.clone(), " is", "write `is` instead of `:`");
            }
            let (name, field) = self.field_before(self.index)?;
            return match field.kind {
                Kind::Words(words) if words.rank(found).is_some() => {
                    Advice::insert(at, "is", format!("missing operator: write `{name} is {found}`"))
                }
                Kind::Declared(_) if is_word(found) || found.starts_with(is_quote) => {
                    Advice::insert(at, "is", format!("missing operator: write `{name} is {}`", shown(found)))
                }
                Kind::Number => Advice::help(format!("write an operator, as in `{name} >= 100`")),
                Kind::Text if field.scope == Scope::Shown => Advice::help(format!(
                    "`{name}` is for display only: write `requester.handle`, `requester.name` or `requester.tags`"
                )),
                Kind::Text => Advice::help(format!("write an operator, as in `{name} contains \"…\"`")),
                Kind::Set(_) => Advice::help(format!("write an operator, as in `{name} has vip`")),
                Kind::Time => Advice::help(format!("write `time since {name} >= 4 days`, for example")),
                Kind::YesNo => Advice::help(format!("join conditions with `and`: write `{name} and …`")),
                _ => Advice::help(format!("write an operator, as in `{name} is …`")),
            };
        }
        if self.wants_condition() {
            return match found {
                _ if OPERATORS.contains(&found) => {
                    Advice::help(format!("write a field before `{found}`, as in `status is open`"))
                }
                _ if found.starts_with(is_quote) || found.starts_with(|c: char| c.is_ascii_digit()) => {
                    Advice::help("each condition names its field: repeat the field and the operator before this value")
                }
                _ => None,
            };
        }
        if !self.in_condition() {
            return None;
        }
        let starts = self.field_at(self.index).is_some() || matches!(found, "time" | "within" | "not" | "(");
        if starts {
            return Advice::insert(at, "and", format!("join conditions with `and` or `or`: write `and {found}`"));
        }
        if found == ":" {
            return Advice::help("write actions after `then`, without `:`");
        }
        // A name or a text of several words, after the operator of a field that holds such.
        let field = (0..self.index).rev().find_map(|index| self.field_at(index));
        if let Some((name, field)) = &field
            && let Kind::Words(words) = field.kind
            && words.rank(before).and(words.rank(found)).is_some()
        {
            return Advice::help(format!("for several values, write `{name} in ({before}, {found})`"));
        }
        let holds_names = field.is_some_and(|(_, field)| matches!(field.kind, Kind::Declared(_) | Kind::Text));
        match holds_names && is_word(before) && is_word(found) {
            true => self.in_quotes(),
            false => None,
        }
    }

    /// A name of several words without quotes, where a name or a text is expected.
    fn several_words(&self) -> Option<Advice> {
        let named = |at: usize| self.lexemes.get(at).is_some_and(|word| matches!(*word, "group" | "agent" | "of"));
        let holds_names = self.index.checked_sub(2).is_some_and(named) || self.index.checked_sub(3).is_some_and(named);
        (holds_names && is_word(self.before()) && is_word(self.found)).then(|| self.in_quotes()).flatten()
    }

    fn in_quotes(&self) -> Option<Advice> {
        Advice::help(format!("write a name of several words in double quotes: `\"{} {}\"`", self.before(), self.found))
    }

    /// Help if a condition goes on with how long ago something was, as in `status is open for 4 days`.
    fn how_long_ago(&self) -> Option<String> {
        const LONGER: &[&str] = &["after", "ago", "before", "for", "longer", "more", "older", "over", "since", "than"];
        const SHORTER: &[&str] = &["last", "less", "newer", "this", "today", "under", "within", "younger"];
        if self.wants(Rule::comma) || !(self.wants(Rule::kw_and) || self.wants(Rule::comparison)) {
            return None;
        }
        let is_time = |word: &str| FIELDS.iter().any(|field| field.kind == Kind::Time && field.name == word);
        let words = self.lexemes.get(..self.index)?;
        let (found, last) = (self.found, self.before());
        let is_shorter = SHORTER.contains(&found) || found == "than" && SHORTER.contains(&last);
        let is_count = found.starts_with(|c: char| c.is_ascii_digit()) && is_time(last);
        let is_shorter = is_shorter && (is_time(last) || !matches!(found, "last" | "this" | "today"));
        if !is_shorter && !is_count && !LONGER.contains(&found) {
            return None;
        }
        let is_digits = |word: &str| word.starts_with(|c: char| c.is_ascii_digit()) && !word.contains('-');
        let is_status = |word: &&str| Status::WORDS.rank(word).is_some();
        let follows = self.lexemes.get(self.index + 1).copied();
        // `status less than solved` compares two words.
        if follows == Some("than") && self.lexemes.get(self.index + 2).is_some_and(is_status) {
            return None;
        }
        // A number is no time, however it is compared.
        let asked = (0..self.index).rev().find_map(|at| self.field_at(at));
        if asked.is_some_and(|(_, field)| field.kind == Kind::Number) {
            return None;
        }
        // `hours since created > 48` names the time behind, and compares it.
        let behind = if found == "since" { self.lexemes.get(self.index..)? } else { &[] };
        let written = behind.windows(2).find_map(|pair| match pair {
            [">", "="] => Some(">="),
            ["<", "="] => Some("<="),
            [">", _] => Some(">"),
            ["<", _] => Some("<"),
            [">=", _] => Some(">="),
            ["<=", _] => Some("<="),
            _ => None,
        });
        // What was after a point in time is less long ago, and what is compared with one is compared the other way round.
        let is_since_point = matches!(found, "after" | "since")
            && is_time(last)
            && follows.is_some_and(|next| !is_digits(next) && !is_status(&next) && !is_time(next));
        let compared = words.iter().rfind(|word| matches!(**word, ">" | "<"));
        let is_length = words.windows(2).any(|pair| matches!(pair, ["time", "since" | "until"]));
        let is_later = found == "ago" && compared == Some(&">") && !is_length;
        let is_shorter = is_shorter || is_since_point || is_later;
        let operator = written.unwrap_or(if is_shorter { "<=" } else { ">=" });
        let (length, example) = match self.length() {
            Some(length) => (length, ""),
            None => ("4 days".to_owned(), ", for example"),
        };
        let time = words.iter().rfind(|word| is_time(word)).or_else(|| behind.iter().find(|word| is_time(word)));
        Some(match (time, words.iter().rfind(|word| is_status(word))) {
            (Some(time), _) => {
                let until = words.contains(&"until");
                format!("write `time {} {time} {operator} {length}`{example}", if until { "until" } else { "since" })
            }
            (None, Some(status)) => for_how_long(status, &format!("{operator} {length}")),
            (None, None) => {
                let times = FIELDS.iter().filter(|field| field.kind == Kind::Time).map(|field| field.name);
                format!(
                    "a time is a condition of its own: write `time since updated {operator} 4 days`, for example; times are {}",
                    listed(times)
                )
            }
        })
    }

    /// The length of time that is written in the part: `2 hours`, or `48` in `hours since created > 48`.
    fn length(&self) -> Option<String> {
        const UNITS: [&str; 5] = ["seconds", "minutes", "hours", "days", "weeks"];
        let unit = |word: &str| nearest(word, UNITS).filter(|unit| unit.starts_with(word.get(..1).unwrap_or(word)));
        let is_count = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
        let with_unit = self.lexemes.windows(2).find_map(|pair| match pair {
            [count, "business"] if is_count(count) => {
                let unit = self.lexemes.windows(3).find_map(|words| match words {
                    [first, "business", word] if first == count => unit(word),
                    _ => None,
                })?;
                Some(format!("{count} business {}", if *count == "1" { unit.trim_end_matches('s') } else { unit }))
            }
            [count, unit_word] if is_count(count) => {
                let unit = unit(unit_word)?;
                Some(format!("{count} {}", if *count == "1" { unit.trim_end_matches('s') } else { unit }))
            }
            _ => None,
        });
        let before_since = || {
            let since = self.lexemes.iter().position(|word| *word == "since")?;
            let unit = unit(self.lexemes.get(since.checked_sub(1)?)?)?;
            let count = self.lexemes.iter().skip(since).find(|word| is_count(word))?;
            Some(format!("{count} {unit}"))
        };
        with_unit.or_else(before_since)
    }

    /// The field whose name starts at a lexeme.
    fn field_at(&self, index: usize) -> Option<(String, &'static Field)> {
        let rest = self.lexemes.get(index..)?;
        let length = foreign::field(rest)?;
        let name = rest.get(..length)?.concat();
        let field = known_field(&name)?;
        Some((name, field))
    }

    /// The field whose name ends before a lexeme.
    fn field_before(&self, index: usize) -> Option<(String, &'static Field)> {
        (0..index).find_map(|start| {
            let length = foreign::field(self.lexemes.get(start..)?)?;
            (start + length == index).then(|| self.field_at(start)).flatten()
        })
    }

    /// The declared field whose name ends before the lexeme.
    fn declared_before(&self) -> Option<String> {
        // `requester`, `.`, `field`, `.` and a name of three parts.
        const MAX_LEXEMES: usize = 9;
        let first = self.index.saturating_sub(MAX_LEXEMES);
        let names = (first..self.index).map(|start| self.lexemes.get(start..self.index).unwrap_or_default().concat());
        let mut names = names.filter(|name| is_name(name.rsplit('.').next().unwrap_or_default()));
        names.find(|name| name.starts_with("field.") || name.starts_with("requester.field."))
    }

    /// A decimal number before a unit of time, as a whole number of a smaller unit: `1.5 hours` is `90 minutes`.
    fn decimal_duration(&self) -> Option<String> {
        let smaller =
            [("minute", "seconds", 60.0), ("hour", "minutes", 60.0), ("day", "hours", 24.0), ("week", "days", 7.0)];
        let business = if self.found == "business" { "business " } else { "" };
        let unit = self.lexemes.get(self.index + usize::from(!business.is_empty()))?;
        let (_, unit, count) = smaller.iter().find(|(name, ..)| *name == unit.trim_end_matches('s'))?;
        let number = self.lexemes.get(self.index.checked_sub(3)?..self.index)?.concat().parse::<f64>().ok()?;
        // A business day has no fixed number of hours.
        (business.is_empty() || *unit == "minutes").then(|| format!("{:.0} {business}{unit}", number * count))
    }
}

/// A wanted keyword or mark, as it is written.
fn written(rule: Rule) -> Option<String> {
    let name = format!("{rule:?}");
    let mark = match rule {
        Rule::equals => "=",
        Rule::comma => ",",
        Rule::lbrace | Rule::message | Rule::facts => "{",
        _ => name.strip_prefix("kw_")?,
    };
    Some(mark.to_owned())
}

fn last_line_is_blank(text: &str) -> bool {
    text.rsplit_once('\n').is_some_and(|(_, line)| line.trim().is_empty())
}

/// Help if a reserved word is used as a value or name. That is the token found, or the one before it, which was parsed
/// as a keyword.
fn reserved(before: &str, found: &str, wanted: &[Rule]) -> Option<Advice> {
    let is_reserved = |word: &str| word.starts_with(char::is_alphabetic) && !is_name(word);
    let wants = |rule| wanted.contains(&rule);
    let quoted =
        |word: &str| Advice::help(format!("`{word}` is a reserved word; to use it as a value, write `\"{word}\"`"));
    match is_reserved(found) {
        true if wants(Rule::string) && wants(Rule::path) => quoted(found),
        true if wants(Rule::path) => Advice::help(format!("`{found}` is a reserved word and cannot be a name")),
        // `not` or `in` was parsed as an operator, after which `any of` or a list is expected.
        _ if matches!(before, "not" | "in")
            && (wants(Rule::kw_any) || wants(Rule::list) || wants(Rule::lparen))
            && !wants(Rule::string) =>
        {
            quoted(before)
        }
        // In the facts of a test, an optional `is` precedes the value.
        _ if before == "is" && wants(Rule::string) && !wants(Rule::kw_not) => quoted(before),
        _ => None,
    }
}

/// The lexemes in a range, without white space and comments.
fn words(text: &str, within: Range<usize>) -> impl Iterator<Item = &str> {
    let mut at = within.start;
    let lexemes = std::iter::from_fn(move || {
        let lexeme = (at < within.end).then(|| lexeme(text, at))?;
        at = lexeme.end.max(at + 1);
        Some(text.get(lexeme).unwrap_or_default())
    });
    lexemes.filter(|word| !word.trim().is_empty() && !word.starts_with('#'))
}

/// The text that was found, shortened for a message.
pub(super) fn shown(found: &str) -> String {
    let line = found.lines().next().unwrap_or_default();
    let mut shown: String = line.chars().take(30).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
    if shown.len() < found.len() && line.chars().count() > 30 {
        shown.push('…');
    }
    match found.chars().next() {
        Some(c) if c.is_control() => format!("U+{:04X}", u32::from(c)),
        _ => shown,
    }
}
