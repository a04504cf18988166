//! Validates declarations, each by itself and against the others.

use std::{
    collections::{
        HashMap, HashSet,
        hash_map::Entry::{Occupied, Vacant},
    },
    ops::Range,
};

use super::table::{Entry, Reader};
use crate::{
    desk::{
        Account, Breach, CustomField, Hours, Rating, RatingWords, Switch, breaches,
        declarations::{Edition, Schedule},
        field::Declared,
        normalize::named,
        plain_rating,
        switch::NO_MESSAGES,
        text::{fold, is_blank},
    },
    lang::{
        codes,
        diagnostic::TextDiagnostic as Diagnostic,
        display::Quoted,
        suggest::{did_you_mean, nearest},
    },
};

/// Maximum number of words for a rating, and of the characters of each.
const MAX_RATING_WORDS: usize = 100;
const MAX_RATING_LENGTH: usize = 40;

/// The diagnostic of a limit that the declared accounts exceed.
fn breach_in_file(breach: Breach, edition: Edition, accounts: &[Entry<'_, Account>]) -> Option<Diagnostic> {
    Some(match breach {
        Breach::TooMany(index) => {
            let error = Diagnostic::new(&codes::TW0506, accounts.get(index)?.at("handle"), edition.account_limit());
            let other = if edition == Edition::Support { "; `suite` allows five" } else { "" };
            error.with_help(format!("{} are declared{other}", accounts.len()))
        }
        Breach::DirectMessages(index) => {
            let key = Switch::CaptureDirectMessages.as_str();
            let account = accounts.get(index).filter(|account| !account.has_lost(key))?;
            let (span, help) = match account.is_written(key) {
                true => (account.at(key), "set this to `false`, or the edition to `suite`"),
                false => {
                    let help = "write `capture_direct_messages = false`, or set the edition to `suite`";
                    (account.at("handle"), help)
                }
            };
            Diagnostic::new(&codes::TW0506, span, NO_MESSAGES).with_help(help)
        }
        Breach::SilentDefault(index) => {
            let account = accounts.get(index)?;
            let error = Diagnostic::new(&codes::TW0507, account.at("default"), "the default account cannot reply");
            error.and_label(account.at("allow_replies"), "replies are turned off here")
        }
        Breach::SecondDefault(index, first) => {
            let error =
                Diagnostic::new(&codes::TW0507, accounts.get(index)?.at("default"), "duplicate default account");
            error.and_label(accounts.get(first)?.at("default"), "first default account")
        }
    })
}

/// Declared names that other declarations may refer to.
pub(super) struct Names {
    declared: Declared,
    names: Vec<String>,
    /// Whether `names` is complete, so that any other name is an error.
    all: bool,
}

impl Names {
    pub(super) fn of<T>(declared: Declared, entries: &[Entry<'_, T>], name: impl Fn(&T) -> &String, all: bool) -> Self {
        Self { declared, names: entries.iter().map(|entry| name(&entry.value).clone()).collect(), all }
    }
}

impl Reader {
    /// Reports invalid and duplicate names.
    pub(super) fn names<'e, 't: 'e, T: 'e>(
        &mut self,
        kind: &str,
        entries: impl IntoIterator<Item = &'e Entry<'t, T>>,
        key: &str,
        name: impl Fn(&T) -> &str,
    ) {
        let mut seen: HashMap<String, Range<usize>> = HashMap::new();
        for entry in entries.into_iter().filter(|entry| !entry.has_lost(key)) {
            let (name, span) = (name(&entry.value), entry.at(key));
            if is_blank(name) || name.chars().any(char::is_control) {
                self.error(
                    &codes::TW0509,
                    span,
                    format!("invalid {kind} name: it is blank or contains control characters"),
                );
                continue;
            }
            // Names in rules are case-insensitive.
            let same = fold(name).into_owned();
            match seen.get(&same) {
                Some(first) => {
                    let message = format!("duplicate {kind} `{name}`");
                    let error = Diagnostic::new(&codes::TW0504, span, message);
                    self.out.push(error.and_label(first.clone(), "first declared here"));
                }
                None => {
                    seen.insert(same, span);
                }
            }
        }
    }

    pub(super) fn accounts(&mut self, accounts: &[Entry<'_, Account>], edition: Edition) {
        for account in accounts {
            let a = &account.value;
            let plain = a.handle.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && a.handle.len() <= 15;
            if !plain && !a.handle.is_empty() {
                let bare = a.handle.trim_start_matches('@').to_owned();
                let error = Diagnostic::new(
                    &codes::TW0509,
                    account.at("handle"),
                    format!("`{}` is not a valid handle", a.handle),
                )
                .with_help("a handle has up to 15 letters, digits and `_`; write it without `@`");
                self.out.push(error.with_guess(account.at("handle"), format!("\"{bare}\"")));
            }
        }
        for breach in breaches(edition, accounts.iter().map(|account| &account.value)) {
            self.out.extend(breach_in_file(breach, edition, accounts));
        }
    }

    /// Checks the names of other declarations under a key of each entry. An undeclared name is reported; a declared one
    /// is replaced by its spelling in the declaration.
    pub(super) fn members<T>(
        &mut self,
        entries: &mut [Entry<'_, T>],
        key: &str,
        members: impl Fn(&mut T) -> &mut [String],
        names: &Names,
    ) {
        for entry in entries {
            for index in 0..members(&mut entry.value).len() {
                let place = if key == "brand" { entry.at(key) } else { entry.item_at(key, index) };
                if let Some(member) = members(&mut entry.value).get_mut(index) {
                    self.declared(member, names, place);
                }
            }
        }
    }

    fn declared(&mut self, name: &mut String, Names { declared, names, all }: &Names, span: Range<usize>) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if let Some(found) = named(declared, &names, name) {
            return found.clone_into(name);
        }
        if !all {
            return;
        }
        let kind = match declared {
            Declared::Group => "group",
            Declared::Agent => "agent",
            Declared::Account => "account",
            Declared::Brand => "brand",
            Declared::Organisation => "organisation",
            Declared::Schedule => "schedule",
            Declared::Sla => "sla",
            Declared::Choice(_) => "choice",
        };
        let suggestion = nearest(name, names.iter().copied());
        let message = format!("undeclared {kind} `{name}`{}", did_you_mean(suggestion));
        let error = Diagnostic::new(&codes::TW0505, span.clone(), message);
        self.out.push(match suggestion {
            Some(meant) => error.with_guess(span, format!("{meant:?}")),
            None => error.with_help(format!("declare it with `[[{kind}]]`")),
        });
    }

    /// Reports opening hours without a time zone, and those of which every given day is closed: without any hours a desk is
    /// always open.
    pub(super) fn opening<T>(&mut self, entry: &Entry<'_, T>, hours: &Hours) {
        match entry.first_weekday().filter(|_| entry.lost_nothing()) {
            Some(day) if hours.is_always_open() => {
                let error = Diagnostic::new(&codes::TW0503, day, "no day is open: each of the given days is `[]`");
                let help =
                    "give the hours of a day, or leave out all days: a desk without opening hours is always open";
                self.out.push(error.with_help(help));
            }
            Some(day) if !entry.has_zone() => {
                let warning = Diagnostic::new(&codes::TW0456, day, "opening hours without `zone` are in UTC");
                let help = "write the time zone of the desk: `zone = \"Europe/Paris\"`, for example";
                self.out.push(warning.with_help(help));
            }
            _ => {}
        }
    }

    /// Reports schedules without groups and accounts, and groups and accounts with several schedules. Returns the names
    /// and spans of the former.
    pub(super) fn schedules(&mut self, schedules: &[Entry<'_, Schedule>]) -> Vec<(String, Range<usize>)> {
        let mut unused = vec![];
        let mut seen: HashMap<(&str, &str), Range<usize>> = HashMap::new();
        for schedule in schedules {
            let Schedule { groups, accounts, .. } = &schedule.value;
            let is_lost = schedule.has_lost("groups") || schedule.has_lost("accounts");
            if groups.is_empty() && accounts.is_empty() && !is_lost {
                let message = "unused schedule: it needs `groups` or `accounts`";
                let help = format!("or a rule that asks `within {} hours`", Quoted(&schedule.value.name));
                self.out.push(Diagnostic::new(&codes::TW0503, schedule.at("name"), message).with_help(help));
                unused.push((schedule.value.name.clone(), schedule.at("name")));
            }
            for (key, kind, names) in [("groups", "group", groups), ("accounts", "account", accounts)] {
                for name in names {
                    match seen.entry((kind, name)) {
                        Occupied(first) => {
                            let message = format!("duplicate schedule for the {kind} `{name}`");
                            let error = Diagnostic::new(&codes::TW0504, schedule.at(key), message);
                            self.out.push(error.and_label(first.get().clone(), "first schedule"));
                        }
                        Vacant(place) => {
                            place.insert(schedule.at(key));
                        }
                    }
                }
            }
        }
        unused
    }

    pub(super) fn fields(&mut self, fields: &[Entry<'_, CustomField>]) {
        for field in fields {
            let f = &field.value;
            let plain = f.name.starts_with(|c: char| c.is_ascii_lowercase())
                && f.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if !plain && !f.name.is_empty() {
                let error = Diagnostic::new(
                    &codes::TW0509,
                    field.at("name"),
                    format!("`{}` is not a valid field name", f.name),
                );
                self.out.push(error.with_help("use lowercase letters, digits and `_`, starting with a letter"));
            }
            match (f.kind, f.choices.is_empty()) {
                _ if field.has_lost("type") || field.has_lost("choices") => {}
                (kind, true) if kind.has_choices() => {
                    let message = format!("a field of type `{}` needs `choices`", kind.as_str());
                    let error = Diagnostic::new(&codes::TW0509, field.at("type"), message);
                    self.out.push(error.with_help("write `choices = [\"one\", \"other\"]`"));
                }
                (kind, false) if kind.has_choices() => self.choices(field),
                (_, false) => {
                    let message = "only fields of type `choice` or `choices` can have `choices`";
                    self.error(&codes::TW0509, field.at("choices"), message);
                }
                (_, true) => {}
            }
        }
    }

    /// Reports words that cannot be a rating: those of which nothing is left to compare, and those given twice.
    pub(super) fn rating_words(&mut self, words: &Entry<'_, RatingWords>) {
        let always = RatingWords::ALWAYS.map(|(rating, words)| words.map(|word| (plain_rating(word), rating)));
        let mut seen: HashMap<String, Rating> = always.into_iter().flatten().collect();
        let RatingWords { good, bad } = &words.value;
        for (key, rating, declared) in [("good", Rating::Good, good), ("bad", Rating::Bad, bad)] {
            if declared.len() > MAX_RATING_WORDS {
                let message = format!("too many words: `{key}` takes at most {MAX_RATING_WORDS}");
                self.error(&codes::TW0509, words.at(key), message);
            }
            for (index, word) in declared.iter().enumerate().take(MAX_RATING_WORDS) {
                let (place, plain) = (words.item_at(key, index), plain_rating(word));
                if plain.is_empty() || word.chars().any(char::is_control) || word.chars().count() > MAX_RATING_LENGTH {
                    let message = format!(
                        "invalid word: without mentions, `.` and `!` it must have 1 to {MAX_RATING_LENGTH} characters"
                    );
                    let error = Diagnostic::new(&codes::TW0509, place, message);
                    self.out.push(error.with_help(format!("write a word or two, as in `{key} = [\"…\"]`")));
                } else if let Some(before) = seen.insert(plain, rating) {
                    let error = Diagnostic::new(&codes::TW0504, place, format!("`{word}` is {before} already"));
                    let always = RatingWords::ALWAYS.map(|(_, words)| words.map(|word| format!("`{word}`")).join(", "));
                    self.out.push(error.with_help(format!("these always count: {}", always.join(", "))));
                }
            }
        }
    }

    fn choices(&mut self, field: &Entry<'_, CustomField>) {
        let mut seen = HashSet::new();
        for (index, choice) in field.value.choices.iter().enumerate() {
            let place = field.item_at("choices", index);
            if is_blank(choice) || choice.chars().any(char::is_control) {
                self.error(&codes::TW0509, place, "invalid choice: it is blank or contains control characters");
            } else if !seen.insert(fold(choice)) {
                self.error(&codes::TW0504, place, format!("duplicate choice `{choice}`"));
            }
        }
    }
}
