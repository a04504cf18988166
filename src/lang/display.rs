//! `Display` for checked rules, in the formatter's style: conditions and values here, whole items in `items`.

mod items;

use std::fmt::{self, Write};

use super::{
    rules::{
        Calendar, Condition, ConditionKind, Duration, Folded, Literal, Measure, Op, Predicate, Quantity, Split,
        Statuses, Values,
    },
    syntax::is_name,
};
use crate::desk::{
    FieldRef, Kind, Status,
    field::{self, Declared},
    visible::is_control,
};

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ConditionKind::All(parts) if parts.is_empty() => f.write_str("always"),
            ConditionKind::Any(parts) if parts.is_empty() => f.write_str("never"),
            ConditionKind::All(parts) => join(f, parts, " and "),
            ConditionKind::Any(parts) => join(f, parts, " or "),
            // The checker cancels two adjacent `not`s, so parentheses keep them apart.
            ConditionKind::Not(inner) if matches!(inner.kind, ConditionKind::Not(_)) => write!(f, "not ({inner})"),
            ConditionKind::Not(inner) => write!(f, "not {}", Part(inner)),
            ConditionKind::Let(named) => f.write_str(&named.name),
            ConditionKind::Predicate(predicate) => predicate.fmt(f),
        }
    }
}

impl Condition {
    /// The source form, with each named condition replaced by its definition.
    pub fn in_full(&self) -> String {
        let all = |parts: &[Self], word: &str| {
            let parts: Vec<_> = parts.iter().map(Self::in_full).collect();
            format!("({})", parts.join(word))
        };
        match &self.kind {
            ConditionKind::All(parts) => all(parts, " and "),
            ConditionKind::Any(parts) => all(parts, " or "),
            ConditionKind::Not(inner) => format!("not {}", inner.in_full()),
            ConditionKind::Let(named) => named.condition.in_full(),
            ConditionKind::Predicate(predicate) => predicate.to_string(),
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, parts: &[Condition], word: &str) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        write!(f, "{}{}", if i == 0 { "" } else { word }, Part(part))?;
    }
    Ok(())
}

/// A nested condition, in parentheses if it is an `and` or `or`.
struct Part<'a>(&'a Condition);

impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            ConditionKind::All(parts) | ConditionKind::Any(parts) if parts.len() > 1 => write!(f, "({})", self.0),
            _ => self.0.fmt(f),
        }
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = &self.field;
        let one = |literal| Written { literal, field };
        let list = |literals| List { literals, field };
        let members = |names| Members { names, field };
        match &self.op {
            Op::Holds => write!(f, "{field}"),
            Op::Is(literal) => write!(f, "{field} is {}", one(literal)),
            Op::IsNot(literal) => write!(f, "{field} is not {}", one(literal)),
            Op::Compare(comparison, literal) => write!(f, "{field} {} {}", comparison.as_str(), one(literal)),
            Op::Field(relation, other) => write!(f, "{field} {} {other}", relation.as_str()),
            Op::In(values) if values[..] == [Literal::MyGroups] => write!(f, "{field} in my groups"),
            Op::NotIn(values) if values[..] == [Literal::MyGroups] => write!(f, "{field} not in my groups"),
            Op::In(values) => write!(f, "{field} in {}", named(values, list)),
            Op::NotIn(values) => write!(f, "{field} not in {}", named(values, list)),
            Op::HasAny(tags) => match (&tags.name, &tags[..]) {
                (None, [tag]) => write!(f, "{field} has {}", Member { name: tag, field }),
                _ => write!(f, "{field} has any of {}", named(tags, members)),
            },
            Op::HasAll(tags) => write!(f, "{field} has all of {}", named(tags, members)),
            Op::HasNone(tags) => write!(f, "{field} has none of {}", named(tags, members)),
            Op::HasMe => write!(f, "{field} has me"),
            Op::HasStarting(start) => write!(f, "{field} has any starting with {}", Tag(start)),
            Op::Contains(texts) => search(f, field, "contains", texts),
            Op::ContainsWord(texts) => search(f, field, "contains word", texts),
            Op::StartsWith(texts) => search(f, field, "starts with", texts),
            Op::EndsWith(texts) => search(f, field, "ends with", texts),
            Op::Matches(pattern) => write!(f, "{field} matches {}", Quoted(&pattern.written)),
            Op::IsEmpty => write!(f, "{field} is empty"),
            Op::IsSet => write!(f, "{field} is set"),
            Op::Changed { from, to } => {
                write!(f, "{field} changed")?;
                if let Some(from) = from {
                    write!(f, " from {}", one(from))?;
                }
                if let Some(to) = to {
                    write!(f, " to {}", one(to))?;
                }
                Ok(())
            }
            Op::Since(comparison, span) => write!(f, "time since {field} {} {span}", comparison.as_str()),
            Op::Until(comparison, span) => write!(f, "time until {field} {} {span}", comparison.as_str()),
            Op::TimeIn(statuses, comparison, span) => {
                write!(f, "{} {} {span}", time_in(statuses), comparison.as_str())
            }
        }
    }
}

/// `time in status open`, `time in status (new, open)`
fn time_in(statuses: &Statuses) -> impl fmt::Display {
    fmt::from_fn(move |f| match &statuses[..] {
        [status] => write!(f, "time in status {status}"),
        statuses => {
            let words: Vec<_> = statuses.iter().copied().map(Status::as_str).collect();
            write!(f, "time in status ({})", words.join(", "))
        }
    })
}

/// Writes a search for one text, or for any of several.
fn search(f: &mut fmt::Formatter<'_>, field: &FieldRef, words: &str, texts: &Values<Folded>) -> fmt::Result {
    match (&texts.name, &texts[..]) {
        (None, [text]) => write!(f, "{field} {words} {}", Quoted(&text.written)),
        _ => write!(f, "{field} {words} any of {}", named(texts, Texts)),
    }
}

/// The values of a list: its name, or the values in parentheses.
fn named<'v, T, D: fmt::Display>(values: &'v Values<T>, show: impl Fn(&'v [T]) -> D) -> impl fmt::Display {
    fmt::from_fn(move |f| match &values.name {
        Some(name) => f.write_str(name),
        None => write!(f, "({})", show(values)),
    })
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => f.write_str("count"),
            Self::Requesters => f.write_str("distinct requesters"),
            Self::Reach => f.write_str("reach"),
            Self::Of { aggregate, quantity: Quantity::Field(field) } => write!(f, "{} {field}", aggregate.as_str()),
            Self::Of { aggregate, quantity: Quantity::Time { metric, business } } => {
                write!(f, "{} {}{}", aggregate.as_str(), if *business { "business " } else { "" }, metric.name)
            }
            Self::Of { quantity: Quantity::InTime(target), .. } => write!(f, "{} in time", target.as_str()),
            Self::Of { quantity: Quantity::SatisfactionScore, .. } => f.write_str("satisfaction score"),
            Self::Of { quantity: Quantity::SatisfactionResponse, .. } => f.write_str("satisfaction response"),
            Self::Of { aggregate, quantity: Quantity::TimeIn { statuses, business } } => {
                write!(f, "{} {}{}", aggregate.as_str(), if *business { "business " } else { "" }, time_in(statuses))
            }
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => write!(f, "{field}"),
            Self::Time { unit, of } => {
                let unit = match unit {
                    Calendar::HourOfWeek => "hour of week",
                    Calendar::Day => "day",
                    Calendar::Week => "week",
                    Calendar::Month => "month",
                };
                write!(f, "{unit} of {of}")
            }
            // The rows of the report show the bands.
            Self::Bands { field, .. } => write!(f, "{field}"),
        }
    }
}

/// A literal as an operand of this field: declared names are quoted, words of a vocabulary are not.
struct Written<'a> {
    literal: &'a Literal,
    field: &'a FieldRef,
}

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.literal {
            Literal::Number(number) => Grouped(*number).fmt(f),
            Literal::Word { word, .. } => match self.field.kind() {
                // Quoted, because unquoted `is empty` and `is set` are operators.
                Kind::Declared(Declared::Choice(_)) if !matches!(word.as_str(), "empty" | "set") => Tag(word).fmt(f),
                Kind::Declared(_) => Quoted(word).fmt(f),
                _ => f.write_str(word),
            },
            Literal::Text(text) => Quoted(&text.written).fmt(f),
            Literal::YesNo(yes) => f.write_str(if *yes { "yes" } else { "no" }),
            Literal::Set(names) => Members { names, field: self.field }.fmt(f),
            Literal::Time(time) => time.fmt(f),
            Literal::TimeOfDay(time) => time.fmt(f),
            Literal::Decimal(decimal) => decimal.fmt(f),
            Literal::Date(date) => date.fmt(f),
            Literal::Me => f.write_str("me"),
            Literal::MyGroups => f.write_str("my groups"),
        }
    }
}

struct List<'a> {
    literals: &'a [Literal],
    field: &'a FieldRef,
}

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, literal) in self.literals.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { ", " })?;
            Written { literal, field: self.field }.fmt(f)?;
        }
        Ok(())
    }
}

struct Texts<'a>(&'a [Folded]);

impl fmt::Display for Texts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, text) in self.0.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { ", " })?;
            Quoted(&text.written).fmt(f)?;
        }
        Ok(())
    }
}

/// Members of a set field.
struct Members<'a> {
    names: &'a [String],
    field: &'a FieldRef,
}

impl fmt::Display for Members<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.names.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { ", " })?;
            Member { name, field: self.field }.fmt(f)?;
        }
        Ok(())
    }
}

/// A member of a set field: an agent in quotes, a tag or choice without them if possible.
struct Member<'a> {
    name: &'a str,
    field: &'a FieldRef,
}

impl fmt::Display for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.kind() {
            Kind::Set(field::Members::Declared(Declared::Agent)) => Quoted(self.name).fmt(f),
            _ => Tag(self.name).fmt(f),
        }
    }
}

/// Words that say that there is nothing, and so are no tags unless they are quoted.
pub(crate) const NO_VALUE: [&str; 4] = ["empty", "none", "nothing", "null"];

/// A tag or choice: unquoted if it is a valid name in the grammar and reads as one, otherwise quoted.
pub(crate) struct Tag<'a>(pub(crate) &'a str);

impl fmt::Display for Tag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.0.starts_with(char::is_alphabetic) && self.0.chars().all(|c| c.is_alphanumeric() || c == '_');
        if plain && is_name(self.0) && !NO_VALUE.contains(&self.0) {
            f.write_str(self.0)
        } else {
            Quoted(self.0).fmt(f)
        }
    }
}

/// A string literal in double quotes, with quotes, backslashes and control characters escaped.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                c if is_control(c) => write!(f, "{}", c.escape_unicode())?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// An integer with `_` as the thousands separator.
pub(crate) struct Grouped(pub(crate) i64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.unsigned_abs().to_string();
        f.write_str(if self.0 < 0 { "-" } else { "" })?;
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                f.write_char('_')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}

impl fmt::Display for Duration {
    /// In the largest unit that fits: `4 days`, `90 minutes`, `2 business hours`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match self {
            Self::OpenDays(count) => (*count, "day"),
            Self::OpenWeeks(count) => (*count, "week"),
            Self::Clock(length) | Self::Open(length) => {
                let seconds = length.as_secs();
                // The length of a business day depends on the schedule, so business hours are not converted to days.
                let days = if self.is_business() { None } else { Some((24 * 3600, "day")) };
                let (size, unit) = days
                    .into_iter()
                    .chain([(3600, "hour"), (60, "minute")])
                    .find(|(size, _)| seconds != 0 && seconds % size == 0)
                    .unwrap_or(if seconds == 0 { (60, "minute") } else { (1, "second") });
                (seconds / size, unit)
            }
        };
        let business = if self.is_business() { "business " } else { "" };
        write!(f, "{} {business}{unit}{}", Grouped(count), if count == 1 { "" } else { "s" })
    }
}
