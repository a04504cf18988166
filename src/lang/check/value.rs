//! Checks values: words of a field's vocabulary, declared names, numbers, texts, times and durations.

use std::ops::Range;

use jiff::{SignedDuration, civil::Date};

use super::{Checker, NameList};
use crate::{
    desk::{
        Decimal, FieldRef, Kind, NotADecimal, TimeOfDay, Words,
        field::{Declared, Members},
        moment::{NoMoment, day, moment},
        normalize,
        text::trim,
    },
    lang::{
        ast::{self, AstNode, NodeExt, is_text, span_of},
        codes,
        diagnostic::{Diagnostic, TextDiagnostic},
        display::{Grouped, NO_VALUE, Quoted, Tag},
        foreign::{is_anything, is_nothing, translated},
        rules::{Duration, Literal, Member},
        suggest::{did_you_mean, listed, nearest},
        syntax::{SyntaxElement, SyntaxKind, SyntaxToken, range, text::Text},
    },
};

/// The help text if no `twite.toml` was found.
pub(super) const NO_DECLARATIONS: &str =
    "found no `twite.toml` in the directory of the rules or its parent; create one, or pass `--config`";

/// The help text where nobody is `me`.
pub(super) const NAME_THE_AGENT: &str = "name the agent, as in `\"Ana\"`";

impl Checker<'_, '_> {
    /// Checks a single value of a field.
    pub(super) fn literal(&mut self, field: &FieldRef, value: &SyntaxElement) -> Option<Literal> {
        let span = span_of(value);
        if value.kind() == SyntaxKind::List {
            self.error(&codes::TW0310, span, format!("`{field}` takes one value, not a list"));
            return None;
        }
        let is_value = matches!(field.kind(), Kind::Words(words) if words.rank(&written(value)).is_some());
        if !is_value
            && !matches!(field.kind(), Kind::Set(_) | Kind::YesNo)
            && !self.is_no_list(
                value,
                match value.parent().map(|parent| parent.kind()) {
                    Some(SyntaxKind::List) => "write it without parentheses",
                    _ => "one value is expected",
                },
            )
        {
            return None;
        }
        if self.is_no_value(field, value) {
            return None;
        }
        if value.kind() == SyntaxKind::MyGroups {
            let message = format!("`my groups` are several groups, but `{field}` takes one value here");
            let error = Diagnostic::new(&codes::TW0310, span, message);
            self.report(error.with_help("they stand alone after `in`: write `group in my groups`"));
            return None;
        }
        if is_me(value) && field.name() == "agent.name" {
            let message = "`agent.name` is always the name of `me`";
            let help = "write `agent.name is set` to ask whether an agent acts, or `assignee is me`";
            self.report(Diagnostic::new(&codes::TW0302, span, message).with_help(help));
            return None;
        }
        match field.kind() {
            Kind::Number => self.number(field, value).map(Literal::Number),
            Kind::Decimal => self.decimal(field, value).map(Literal::Decimal),
            Kind::Words(words) => self.word(field, words, value),
            Kind::Declared(declared) => self.declared(&declared, value),
            Kind::Text => self.text(field, value),
            Kind::YesNo => self.yes_no(field, value),
            Kind::Time => self.instant(field, value),
            Kind::TimeOfDay => self.time_of_day(field, value),
            Kind::Date => self.calendar_date(field, value),
            Kind::Set(members) => {
                self.named_member(&members, value, NAME_THE_AGENT).map(|member| Literal::Set(vec![member]))
            }
        }
    }

    /// Reports a word that stands for no value, or for any, in another language.
    fn is_no_value(&mut self, field: &FieldRef, value: &SyntaxElement) -> bool {
        let text = written(value);
        let is_known = match field.kind() {
            Kind::Declared(declared) | Kind::Set(Members::Declared(declared)) => {
                self.context.desk.declared_name(&declared, &text).is_some()
            }
            Kind::Text => is_text(value.kind()),
            // Every ticket has these.
            Kind::Words(_) if matches!(field.name().as_ref(), "status" | "channel") => true,
            Kind::Words(words) => words.rank(&text).is_some(),
            Kind::Number | Kind::Decimal => false,
            Kind::YesNo | Kind::Set(_) | Kind::Time | Kind::TimeOfDay | Kind::Date => true,
        };
        let help = match () {
            () if is_known => return false,
            () if is_nothing(&text) => {
                format!(
                    "to ask for no value, write `{field} is empty`, for any value, `{field} is set`; to remove a value, `clear {field}`"
                )
            }
            () if is_anything(&text) => format!("to ask for any value, write `{field} is set`"),
            () => return false,
        };
        let shown = if text.is_empty() { "the empty string".to_owned() } else { format!("`{}`", shortened(&text)) };
        let message = format!("{shown} is no value of `{field}`");
        self.report(Diagnostic::new(&codes::TW0302, span_of(value), message).with_help(help));
        true
    }

    fn wrong_kind(&mut self, field: &FieldRef, value: &SyntaxElement) -> TextDiagnostic {
        let what = match value.kind() {
            SyntaxKind::Number => "a number",
            SyntaxKind::Duration => "a duration",
            SyntaxKind::Instant => "a timestamp",
            SyntaxKind::ClockTime => "a time of day",
            SyntaxKind::List => "a list",
            kind if is_text(kind) => "a string",
            _ if written(value).parse::<f64>().is_ok() => "a decimal number",
            _ => "a word",
        };
        let message = format!("`{field}` is {}, not {what}", field.kind());
        Diagnostic::new(&codes::TW0302, span_of(value), message)
    }

    fn number(&mut self, field: &FieldRef, value: &SyntaxElement) -> Option<i64> {
        match value {
            SyntaxElement::Token(token) if token.kind() == SyntaxKind::Number => self.whole(token),
            SyntaxElement::Token(token) if is_whole(token) => self.whole(token),
            _ => {
                let diagnostic = self.wrong_kind(field, value);
                let text = written(value);
                let digits: String = text.chars().filter(|c| !matches!(c, ',' | ' ' | '_')).collect();
                self.report(match (digits.parse::<i64>(), spelled(&text)) {
                    (Ok(_), _) => diagnostic.with_fix(span_of(value), digits),
                    (_, Some(number)) => {
                        let write = Grouped(number).to_string();
                        diagnostic.with_help(format!("write `{write}`")).with_guess(span_of(value), write)
                    }
                    _ => diagnostic.with_help("write a whole number, as in `10_000`"),
                });
                None
            }
        }
    }

    fn decimal(&mut self, field: &FieldRef, value: &SyntaxElement) -> Option<Decimal> {
        let text = written(value);
        let error = match (value.kind(), text.replace('_', "").parse::<Decimal>()) {
            (SyntaxKind::Number | SyntaxKind::Path | SyntaxKind::Entry, Ok(decimal)) => return Some(decimal),
            (_, Err(why @ (NotADecimal::Places | NotADecimal::Large))) => {
                Diagnostic::new(&codes::TW0116, span_of(value), format!("number `{}`: {why}", shortened(&text)))
            }
            _ => self.wrong_kind(field, value),
        };
        let meant = text.replace(',', ".").parse::<Decimal>().ok().map(|decimal| decimal.to_string());
        self.meant(error, value, meant, "write a decimal number, as `12.50`");
        None
    }

    /// Parses an integer token. Reports an error if it is too large.
    pub(super) fn whole(&mut self, token: &SyntaxToken) -> Option<i64> {
        let number = token.text().replace('_', "").parse().ok();
        if number.is_none() {
            let message = format!("number `{}` is too large", shortened(token.text()));
            self.error(&codes::TW0116, range(token), message);
        }
        number
    }

    fn word(&mut self, field: &FieldRef, words: Words, value: &SyntaxElement) -> Option<Literal> {
        let text = trim(&written(value)).into_owned();
        let found = words.rank(&text).map(|rank| (rank, words.ordered.then_some(rank)));
        let quoted = is_text(value.kind()) && value.to_string().starts_with('"');
        match found {
            Some((_, rank)) if !quoted => Some(Literal::Word { word: text, rank }),
            Some(_) => {
                let message = format!("write values of `{field}` without quotes");
                self.report(Diagnostic::new(&codes::TW0302, span_of(value), message).with_fix(span_of(value), text));
                None
            }
            None if value.kind() == SyntaxKind::Path || is_text(value.kind()) => {
                let suggestion = nearest(&text, words.words.iter().copied());
                let help = format!("`{field}` is {}", listed(words.words.iter().copied()));
                let message = format!("unknown value `{}` for `{field}`{}", shortened(&text), did_you_mean(suggestion));
                let diagnostic = Diagnostic::new(&codes::TW0204, span_of(value), message).with_help(help);
                self.report(match suggestion {
                    Some(meant) => diagnostic.with_guess(span_of(value), meant),
                    None => diagnostic,
                });
                None
            }
            None => {
                let help = format!("`{field}` is {}", listed(words.words.iter().copied()));
                let diagnostic = self.wrong_kind(field, value).with_help(help);
                self.report(diagnostic);
                None
            }
        }
    }

    /// Checks a quoted or unquoted name that must be declared.
    pub(super) fn declared(&mut self, declared: &Declared, value: &SyntaxElement) -> Option<Literal> {
        if is_me(value) && *declared == Declared::Agent {
            return Some(Literal::Me);
        }
        if value.kind() == SyntaxKind::MyGroups {
            if *declared == Declared::Agent {
                let error = Diagnostic::new(&codes::TW0302, span_of(value), "`my groups` are groups, not agents");
                self.report(error.with_help("write `me`, or the name of an agent, as in `\"Ana\"`"));
                return None;
            }
            let error =
                Diagnostic::new(&codes::TW0310, span_of(value), "`my groups` are several groups: a ticket has one");
            self.report(error.with_help("write the name of a group, as in `\"Social\"`"));
            return None;
        }
        if is_me(value) && self.context.desk.declared_name(declared, "me").is_none() && *declared == Declared::Group {
            let error = Diagnostic::new(&codes::TW0302, span_of(value), "`me` is an agent, not a group");
            self.report(error.with_help("write `group in my groups`, or `assignee is me`"));
            return None;
        }
        let text = written(value);
        let meant_me = *declared == Declared::Agent && (text == "me" || translated(&text, ["me"]).is_some());
        if meant_me && self.context.desk.declared_name(declared, &text).is_none() {
            let message = format!("undeclared agent `{}`", shortened(&text));
            let error = Diagnostic::new(&codes::TW0205, span_of(value), message);
            let help = "write `me`, without quotes, for the agent who acts, or who opens a view";
            self.report(error.with_help(help).with_guess(span_of(value), "me"));
            return None;
        }
        let reported = self.sink.diagnostics.len();
        let found = self.declared_name(declared, &text, span_of(value));
        if value.kind() == SyntaxKind::Entry {
            // In a list file, names need no quotes.
            self.sink.diagnostics.iter_mut().skip(reported).for_each(|error| error.fix = None);
        }
        found.map(|word| Literal::Word { word, rank: None })
    }

    /// Resolves a declared name. Reports an error if it is not declared.
    pub(super) fn declared_name(&mut self, declared: &Declared, text: &str, span: Range<usize>) -> Option<String> {
        if let Some(name) = self.context.desk.declared_name(declared, text) {
            return Some(name.to_owned());
        }
        let table = match declared {
            Declared::Sla => return self.sla_title(text, span),
            Declared::Group => "group",
            Declared::Agent => "agent",
            Declared::Account => "account",
            Declared::Brand => "brand",
            Declared::Organisation => "organisation",
            Declared::Schedule => "schedule",
            Declared::Choice(_) => "field",
        };
        if self.context.has_gap(table) {
            return None;
        }
        let names = self.context.desk.declared(declared);
        let what = match declared {
            Declared::Group => "group".to_owned(),
            Declared::Agent => "agent".to_owned(),
            Declared::Account => "account".to_owned(),
            Declared::Brand => "brand".to_owned(),
            Declared::Organisation => "organisation".to_owned(),
            Declared::Schedule => "schedule".to_owned(),
            Declared::Sla => "sla".to_owned(),
            Declared::Choice(field) => format!("`{field}` choice"),
        };
        let list = NameList::Declared(declared.clone());
        let suggestion = self.context.suggestions.nearest(
            self.sink.source,
            list,
            text.trim_start_matches('@'),
            names.iter().copied(),
        );
        let message = format!("undeclared {what} `{}`{}", shortened(text), did_you_mean(suggestion.as_deref()));
        let help = match names.as_slice() {
            [] if !self.context.has_declarations() => NO_DECLARATIONS.to_owned(),
            [] => format!("`twite.toml` declares no {what}"),
            names if names.len() <= 12 => format!("`twite.toml` declares {}", listed(names.iter().copied())),
            names => format!("`twite.toml` declares {} of them", names.len()),
        };
        let diagnostic = Diagnostic::new(&codes::TW0205, span.clone(), message).with_help(help);
        self.report(match suggestion {
            Some(meant) => diagnostic.with_guess(span, Quoted(&meant).to_string()),
            None => diagnostic,
        });
        None
    }

    fn text(&mut self, field: &FieldRef, value: &SyntaxElement) -> Option<Literal> {
        if is_text(value.kind()) {
            return Some(Literal::Text((&*field.normalize(&written(value))).into()));
        }
        let word = written(value);
        let message = format!("`{field}` is text: write a string in double quotes");
        let diagnostic = Diagnostic::new(&codes::TW0302, span_of(value), message);
        self.report(diagnostic.with_fix(span_of(value), Quoted(&word).to_string()));
        None
    }

    fn yes_no(&mut self, field: &FieldRef, value: &SyntaxElement) -> Option<Literal> {
        let answer = match value.kind() {
            SyntaxKind::Path => yes_or_no(&written(value)),
            _ => None,
        };
        if answer.is_none() {
            let diagnostic = self.wrong_kind(field, value).with_help("write `yes` or `no`");
            self.report(diagnostic);
        }
        answer.map(Literal::YesNo)
    }

    /// Checks a timestamp.
    pub(super) fn instant(&mut self, field: &FieldRef, value: &SyntaxElement) -> Option<Literal> {
        const HELP: &str = "write a timestamp as `2026-01-05T12:00:00Z`, or `5 days ago` in a test";
        match moment(&written(value)) {
            Ok(time) => Some(Literal::Time(time)),
            Err(why) if value.kind() == SyntaxKind::Instant => {
                self.report(no_moment(value, "timestamp", &why).with_help(HELP));
                None
            }
            Err(_) => {
                let diagnostic = self.wrong_kind(field, value).with_help(HELP);
                self.report(diagnostic);
                None
            }
        }
    }

    fn time_of_day(&mut self, field: &FieldRef, value: &SyntaxElement) -> Option<Literal> {
        let text = written(value);
        let error = match (value.kind(), text.parse()) {
            (SyntaxKind::ClockTime | SyntaxKind::Entry, Ok(time)) => return Some(Literal::TimeOfDay(time)),
            (SyntaxKind::ClockTime, Err(why)) => no_moment(value, "time of day", &why),
            _ => self.not_of_the_clock(field, value),
        };
        let meant = meant_time(&text).map(|time| time.to_string());
        self.meant(error, value, meant, "write hours and minutes, as `18:00`");
        None
    }

    fn calendar_date(&mut self, field: &FieldRef, value: &SyntaxElement) -> Option<Literal> {
        let text = written(value);
        let meant = meant_date(&text).map(|date| date.to_string());
        let error = match (value.kind(), day(&text)) {
            (SyntaxKind::Instant | SyntaxKind::Entry, Ok(date)) => return Some(Literal::Date(date)),
            (SyntaxKind::Instant, Err(why)) if meant.is_none() => no_moment(value, "date", &why),
            _ => self.not_of_the_clock(field, value),
        };
        let help = match text.as_str() {
            "today" | "now" if field.name() != "date" => "write `date` for the date of today",
            _ => "write year, month and day, as `2026-12-24`",
        };
        self.meant(error, value, meant, help);
        None
    }

    fn not_of_the_clock(&mut self, field: &FieldRef, value: &SyntaxElement) -> TextDiagnostic {
        match value.kind() {
            SyntaxKind::Path | SyntaxKind::Number => {
                let message = format!("`{}` is not {}", shortened(&written(value)), field.kind());
                Diagnostic::new(&codes::TW0302, span_of(value), message)
            }
            _ => self.wrong_kind(field, value),
        }
    }

    /// Reports an error about a value, with what was most likely meant, or else this help.
    fn meant(&mut self, error: TextDiagnostic, value: &SyntaxElement, meant: Option<String>, help: &str) {
        self.report(match meant {
            Some(meant) => error.with_help(format!("write `{meant}`")).with_guess(span_of(value), meant),
            None => error.with_help(help),
        });
    }

    /// Checks a quoted or unquoted tag. Returns it normalized, as it is stored.
    pub(super) fn tag(&mut self, value: &SyntaxElement) -> Option<String> {
        use SyntaxKind as K;
        let tag = match value.kind() {
            K::Path | K::Instant | K::Number => written(value),
            kind if is_text(kind) => written(value),
            _ => {
                self.error(&codes::TW0302, span_of(value), "expected a tag");
                return None;
            }
        };
        if value.kind() == K::Path && !self.is_tag_name(value, &tag) {
            return None;
        }
        let normal = normalize::tag(&tag);
        let odd = !normalize::is_tag(&tag);
        if odd {
            // With quotes around it, so that a space at its end is seen.
            let shown: String = tag.chars().take(60).collect();
            let message = format!("{} is not a valid tag", Quoted(&shown));
            let help = "tags contain no spaces or commas, and have at most 200 characters";
            let error = Diagnostic::new(&codes::TW0302, span_of(value), message);
            let joined = tag.split([' ', ',']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
            self.report(match normalize::is_tag(&joined) {
                true => error
                    .with_help(format!("{help}: write `{}`", Tag(&joined)))
                    .with_guess(span_of(value), Tag(&joined).to_string()),
                false => error.with_help(help),
            });
        }
        (!odd).then_some(normal)
    }

    /// Whether a name without quotes can be meant as a tag. Reports an error if it names a field, or nothing.
    fn is_tag_name(&mut self, value: &SyntaxElement, name: &str) -> bool {
        let (message, help) = match () {
            () if NO_VALUE.contains(&name) => {
                (format!("`{name}` is no tag"), "to ask for no tags, write `tags is empty`")
            }
            () if name.contains('.') && FieldRef::find(name, self.context.desk).is_some() => {
                (format!("`{name}` is a field, and tags are written out"), "tags do not take the values of fields")
            }
            () => return true,
        };
        let help = format!("{help}; for the tag of this name, write {}", Quoted(name));
        self.report(Diagnostic::new(&codes::TW0302, span_of(value), message).with_help(help));
        false
    }

    /// Checks a member of a set; `me` is one of a set of agents.
    pub(super) fn member(&mut self, members: &Members, value: &SyntaxElement) -> Option<Member> {
        let found = match members {
            Members::Tags => return self.tag(value).map(Member::Named),
            Members::Words(words) => return self.member_word(*words, value).map(Member::Named),
            Members::Declared(declared) => self.declared(declared, value)?,
        };
        match found {
            Literal::Word { word, .. } => Some(Member::Named(word)),
            Literal::Me => Some(Member::Me),
            _ => None,
        }
    }

    /// Checks a member of a set of words.
    fn member_word(&mut self, words: Words, value: &SyntaxElement) -> Option<String> {
        let text = trim(&written(value)).into_owned();
        let quoted = is_text(value.kind()) && value.to_string().starts_with('"');
        if words.rank(&text).is_none() {
            let known = || words.words.iter().copied();
            let suggestion = nearest(&text, known());
            let message = format!("unknown value `{}`{}", shortened(&text), did_you_mean(suggestion));
            let error = Diagnostic::new(&codes::TW0204, span_of(value), message);
            let error = error.with_help(format!("expected {}", listed(known())));
            self.report(match suggestion {
                Some(meant) => error.with_guess(span_of(value), meant),
                None => error,
            });
            return None;
        }
        if quoted {
            let error = Diagnostic::new(&codes::TW0302, span_of(value), format!("write `{text}` without quotes"));
            self.report(error.with_fix(span_of(value), text));
            return None;
        }
        Some(text)
    }

    /// Checks a member of a set where nobody is `me`. Reports an error with this help if it is.
    pub(super) fn named_member(&mut self, members: &Members, value: &SyntaxElement, help: &str) -> Option<String> {
        match self.member(members, value)? {
            Member::Named(name) => Some(name),
            Member::Me => {
                let error = Diagnostic::new(&codes::TW0302, span_of(value), "`me` cannot stand here");
                self.report(error.with_help(help));
                None
            }
        }
    }

    /// The values of a list. Reports an error if the value is not a list or the list is empty.
    pub(super) fn list_of(&mut self, value: &SyntaxElement) -> Option<Vec<SyntaxElement>> {
        match value {
            SyntaxElement::Node(list) if list.kind() == SyntaxKind::List => {
                if let Some(day) = list.part(SyntaxKind::LastDay) {
                    let message = "`until` is for the entries of a named list";
                    let help = "last days are for conditions: declare `list NAME = (…)`, and ask for values `in NAME`";
                    self.report(Diagnostic::new(&codes::TW0310, day.span(), message).with_help(help));
                    return None;
                }
                let values: Vec<_> = list.values().collect();
                if values.is_empty() {
                    self.error(&codes::TW0310, span_of(value), "empty list");
                    return None;
                }
                Some(values)
            }
            _ => {
                let fixed = format!("({})", value);
                let message = "expected a list in parentheses";
                self.report(Diagnostic::new(&codes::TW0310, span_of(value), message).with_guess(span_of(value), fixed));
                None
            }
        }
    }

    /// Checks a duration.
    pub(super) fn duration(&mut self, value: &SyntaxElement) -> Option<Duration> {
        let node = match value {
            SyntaxElement::Node(node) if node.kind() == SyntaxKind::Duration => ast::Duration::cast(node.clone()),
            _ => {
                let error = Diagnostic::new(&codes::TW0302, span_of(value), "expected a duration");
                self.report(match abbreviated(&written(value)) {
                    Some(write) => error.with_help(format!("write `{write}`")).with_guess(span_of(value), write),
                    None => error.with_help("write a duration as `30 minutes`, `4 days` or `2 business hours`"),
                });
                return None;
            }
        };
        self.duration_of(&node?)
    }

    fn duration_of(&mut self, node: &ast::Duration) -> Option<Duration> {
        let count = node.count()?;
        let unit = node.unit()?;
        let business = node.business();
        let number = self.whole(&count)?;
        let seconds = match unit.text().trim_end_matches('s') {
            "second" => 1,
            "minute" => 60,
            "hour" => 3600,
            "day" if business => return self.open_days(node, number).map(Duration::OpenDays),
            "week" if business => {
                return self.in_range(node, number, 7 * 24 * 3600).map(|_| Duration::OpenWeeks(number));
            }
            "day" => 24 * 3600,
            "week" => 7 * 24 * 3600,
            other => {
                let message = format!("a {other} has no fixed length");
                let help = "use days or weeks";
                self.report(Diagnostic::new(&codes::TW0302, range(&unit), message).with_help(help));
                return None;
            }
        };
        let length = self.in_range(node, number, seconds)?;
        Some(if business { Duration::Open(length) } else { Duration::Clock(length) })
    }

    /// Checks a number of business days. Reports an error if business days differ in length in any schedule.
    fn open_days(&mut self, node: &ast::Duration, number: i64) -> Option<i64> {
        self.in_range(node, number, 24 * 3600)?;
        let named = self
            .context
            .desk
            .schedules
            .iter()
            .map(|schedule| (format!("the schedule `{}`", schedule.name), &schedule.hours));
        let mut all = std::iter::once(("`[hours]`".to_owned(), &self.context.desk.hours)).chain(named);
        let uneven = all.find_map(|(whose, hours)| hours.uneven_days().map(|days| (whose, hours, days)));
        let Some((whose, hours, [(a, one), (b, other)])) = uneven else { return Some(number) };
        let message = format!(
            "business days differ in length: in {whose}, {a:?} has {} and {b:?} has {}",
            Duration::Open(one),
            Duration::Open(other),
        );
        let help = format!(
            "use hours, as in `{}`, or weeks: a business week has {} there",
            Duration::Open(one * i32::try_from(number).unwrap_or(1)),
            Duration::Open(hours.business_week()),
        );
        self.report(Diagnostic::new(&codes::TW0302, node.span(), message).with_help(help));
        None
    }

    fn in_range(&mut self, node: &ast::Duration, number: i64, seconds: i64) -> Option<SignedDuration> {
        // At most 100 years, so that date arithmetic stays in range. A longer duration is most likely a typo.
        let length = number.checked_mul(seconds).filter(|s| (0..=100 * 366 * 24 * 3600).contains(s));
        if length.is_none() {
            let help = "durations range from zero to a hundred years";
            let error = Diagnostic::new(&codes::TW0116, node.span(), "duration out of range");
            self.report(error.with_help(help));
        }
        length.map(SignedDuration::from_secs)
    }
}

/// Whether an entry of a list file is a whole number.
fn is_whole(token: &SyntaxToken) -> bool {
    let text = token.text();
    let digits = text.strip_prefix('-').unwrap_or(text);
    token.kind() == SyntaxKind::Entry
        && digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}

/// The time of day that another notation means: `6pm`, `18h30`, `18.30`, `noon`.
fn meant_time(text: &str) -> Option<TimeOfDay> {
    let text = text.trim().to_lowercase();
    match text.as_str() {
        "noon" | "midday" => return TimeOfDay::new(12, 0),
        "midnight" => return TimeOfDay::new(0, 0),
        _ => {}
    }
    let half = [("am", 0), ("pm", 12)].into_iter().find_map(|(half, from)| Some((text.strip_suffix(half)?, from)));
    let (clock, half) = half.map_or((text.as_str(), None), |(clock, from)| (clock.trim(), Some(from)));
    let (hour, minute) = clock.split_once([':', '.', 'h']).unwrap_or((clock, ""));
    let hour: u8 = hour.parse().ok()?;
    let minute = if minute.is_empty() { 0 } else { minute.parse().ok()? };
    match half {
        Some(from) => TimeOfDay::new((1..=12).contains(&hour).then_some(hour % 12 + from)?, minute),
        None => TimeOfDay::new(hour, minute),
    }
}

/// The date that another notation means: `24.12.2026`, or that of a timestamp.
pub(super) fn meant_date(text: &str) -> Option<Date> {
    let text = text.trim();
    if let Some(date) = text.get(..10).and_then(|date| day(date).ok()) {
        return Some(date);
    }
    let mut parts = text.split('.');
    let (date, month, year) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Date::new(year, month, date).ok().filter(|_| year >= 1_000 && parts.next().is_none())
}

/// Error for an invalid timestamp or date.
pub(super) fn no_moment(value: &SyntaxElement, what: &str, why: &NoMoment) -> TextDiagnostic {
    let message = format!("`{}` is not a valid {what}: {why}", shortened(&written(value)));
    Diagnostic::new(&codes::TW0302, span_of(value), message)
}

/// A number in another spelling: `10.000`, `10k`, `2.5M`, `1e6`.
fn spelled(text: &str) -> Option<i64> {
    let (number, zeros) = match text.char_indices().last()? {
        (at, 'k' | 'K') => (text.get(..at)?, 3),
        (at, 'm' | 'M') => (text.get(..at)?, 6),
        _ => match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse().ok()?),
            None => (text, 0),
        },
    };
    let number = number.replace('_', "");
    let (whole, rest) = number.split_once('.').unwrap_or((&number, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let thousands = zeros == 0 && !rest.is_empty() && rest.split('.').all(|group| group.len() == 3 && is_digits(group));
    let rest = if thousands { rest.replace('.', "") } else { rest.to_owned() };
    let zeros = if thousands { rest.len() } else { zeros };
    if whole.is_empty() || zeros < rest.len() || zeros > 15 || !is_digits(whole) || !is_digits(&rest) {
        return None;
    }
    format!("{whole}{rest:0<zeros$}").parse().ok()
}

/// What a length of time that was written otherwise is here: `4h`, `hour`, `"4 hours"`.
fn abbreviated(text: &str) -> Option<String> {
    const UNITS: [&str; 5] = ["seconds", "minutes", "hours", "days", "weeks"];
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = unit.trim();
    let named = UNITS.into_iter().find(|known| *known == unit || known.strip_suffix('s') == Some(unit));
    let unit = named.or_else(|| translated(unit, UNITS).filter(|_| !number.is_empty()))?;
    Some(match number {
        "" | "1" => format!("1 {}", unit.trim_end_matches('s')),
        number => format!("{number} {unit}"),
    })
}

/// Whether a value is the word `me`.
pub(super) fn is_me(value: &SyntaxElement) -> bool {
    value.kind() == SyntaxKind::Path && written(value) == "me"
}

/// Parses `yes` and `no`, and their synonyms `true` and `false`.
pub(super) fn yes_or_no(word: &str) -> Option<bool> {
    match word {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

/// The text of a value, without quotes and with escapes resolved.
pub(super) fn written(value: &SyntaxElement) -> String {
    match value {
        text if is_text(text.kind()) => Text::of_element(text).value,
        other => other.to_string(),
    }
}

/// Shortens a text for a message and puts it on one line.
pub(super) fn shortened(text: &str) -> String {
    crate::desk::text::headline(&text.chars().take(200).collect::<String>(), 40)
}
