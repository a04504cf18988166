//! The schema of a line for `twite eval`. All violations are reported, each with its JSON pointer.

use std::{borrow::Cow, fmt, sync::LazyLock};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::MAX_SHOWN;
use crate::{
    desk::{
        CustomField, CustomKind, Decimal, Declarations, FieldRef, Kind, MediaKind, Owner, Per, Scope, SourceId, Status,
        Ticket, Via, Words,
        field::{FIELDS, Members, known},
        moment::{day, moment},
        text::{headline, is_blank},
    },
    lang::{did_you_mean, listed, nearest},
};

/// The whole numbers below this are exact in a JSON parser that reads numbers as floating-point.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// The type of a value.
pub(super) enum Shape {
    Text,
    /// A 64-bit integer.
    Number,
    YesNo,
    Moment,
    /// The id of a person at the source.
    Id,
    Word(Words),
    /// A list of strings.
    Texts,
    /// A list of words of this shape.
    WordSet(Box<Shape>),
    /// A list of objects of this shape.
    Tables(Box<Shape>),
    /// An object with titles of rules as keys.
    ByTitle(Box<Shape>),
    /// An object with these keys.
    Table(Vec<Key>),
    /// One of these words, or an object with one of these keys.
    OneOf(&'static [&'static str], Vec<Key>),
    /// An object of the custom fields that the desk declares for the ticket or the requester.
    Custom(Owner),
}

/// A key of an object.
pub(super) struct Key {
    name: Cow<'static, str>,
    holds: Shape,
    /// Whether it may be `null`.
    may_be_null: bool,
    /// Whether it is required.
    must_be: bool,
}

fn word_set(words: Words) -> Shape {
    Shape::WordSet(Box::new(Shape::Word(words)))
}

fn key(name: impl Into<Cow<'static, str>>, holds: Shape) -> Key {
    Key { name: name.into(), holds, may_be_null: false, must_be: false }
}

fn optional(name: impl Into<Cow<'static, str>>, holds: Shape) -> Key {
    Key { may_be_null: true, ..key(name, holds) }
}

fn required(name: impl Into<Cow<'static, str>>, holds: Shape) -> Key {
    Key { must_be: true, ..key(name, holds) }
}

/// The shape of a ticket.
pub(super) static TICKET: LazyLock<Shape> = LazyLock::new(ticket);

/// The shape of a line: a ticket with an event and its time.
pub(super) static LINE: LazyLock<Shape> = LazyLock::new(|| {
    let updated = Shape::Table(vec![required("before", ticket())]);
    let repeat = Shape::Table(vec![required("times", Shape::Number), required("last", Shape::Moment)]);
    let due = Shape::Table(vec![required("active", Shape::Texts), key("repeats", Shape::ByTitle(Box::new(repeat)))]);
    let kind = Shape::OneOf(&["created"], vec![key("updated", updated), key("due", due)]);
    let actor = vec![key("agent", Shape::Text), key("rule", Shape::Text)];
    let comment = Shape::Table(vec![
        required("text", Shape::Text),
        required("public", Shape::YesNo),
        required("author", Shape::Word(Words { words: &["requester", "agent", "rule"], ordered: false })),
        key("media", word_set(MediaKind::WORDS)),
        key("is_quote", Shape::YesNo),
        optional("language", Shape::Text),
    ]);
    let cause = vec![key("macro", Shape::Text), key("volume_ends", Shape::Text)];
    let fired_before = Shape::Table(vec![
        required("rule", Shape::Text),
        required("per", Shape::Word(Per::WORDS)),
        required("times", Shape::Number),
        required("since", Shape::Moment),
    ]);
    let volume = Shape::Table(vec![
        required("volume", Shape::Text),
        optional("since", Shape::Moment),
        key("starts", Shape::YesNo),
        optional("counted", Shape::Moment),
        optional("tickets", Shape::Number),
        optional("of", Shape::Number),
    ]);
    let event = Shape::Table(vec![
        required("kind", kind),
        required("via", Shape::Word(Via::WORDS)),
        key("actor", Shape::OneOf(&["person", "system", "owner"], actor)),
        optional("comment", comment),
        optional("cause", Shape::OneOf(&["unsnoozed"], cause)),
        key("fired_before", Shape::Tables(Box::new(fired_before))),
        key("volumes", Shape::Tables(Box::new(volume))),
    ]);
    Shape::Table(vec![required("ticket", ticket()), optional("event", event), optional("now", Shape::Moment)])
});

/// The shape of a serialized ticket. A key may be `null` if it is in the default ticket. Types are those of the fields.
fn ticket() -> Shape {
    table("", &serde_json::to_value(Ticket::default()).unwrap_or_default())
}

fn table(prefix: &str, value: &Value) -> Shape {
    let keys = value.as_object().into_iter().flatten().map(|(name, value)| {
        let path = format!("{prefix}{name}");
        let holds = match (path.as_str(), value) {
            ("custom", _) => Shape::Custom(Owner::Ticket),
            ("requester.custom", _) => Shape::Custom(Owner::Requester),
            ("requester.id", _) => Shape::Id,
            ("past_statuses", _) => {
                let keys = vec![required("status", Shape::Word(Status::WORDS)), required("since", Shape::Moment)];
                Shape::Tables(Box::new(Shape::Table(keys)))
            }
            (_, Value::Object(_)) => table(&format!("{path}."), value),
            _ => match known(&path).map(|field| &field.kind) {
                Some(Kind::YesNo) => Shape::YesNo,
                Some(Kind::Number) => Shape::Number,
                Some(Kind::Words(words)) => Shape::Word(*words),
                Some(Kind::Set(Members::Words(words))) => word_set(*words),
                Some(Kind::Set(_)) => Shape::Texts,
                Some(Kind::Time) => Shape::Moment,
                Some(Kind::Text | Kind::Declared(_) | Kind::Decimal | Kind::TimeOfDay | Kind::Date) | None => {
                    Shape::Text
                }
            },
        };
        Key { may_be_null: value.is_null(), ..key(name.clone(), holds) }
    });
    Shape::Table(keys.collect())
}

/// The violations in a JSON text.
///
/// # Errors
/// If the text is not valid JSON.
pub(super) fn misfits(json: &[u8], shape: &Shape, desk: &Declarations) -> Result<Vec<String>, serde_json::Error> {
    let mut report = Report { desk, path: String::new(), found: vec![] };
    let mut read = serde_json::Deserializer::from_slice(json);
    At { holds: Holds::Shape(shape), may_be_null: false, report: &mut report }.deserialize(&mut read)?;
    read.end()?;
    Ok(report.found)
}

struct Report<'d> {
    desk: &'d Declarations,
    /// The JSON pointer to the current value.
    path: String,
    found: Vec<String>,
}

impl Report<'_> {
    /// Runs `what` with the pointer extended by a key.
    fn inside<T>(&mut self, key: &str, what: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(&key.replace('~', "~0").replace('/', "~1"));
        let done = what(self);
        self.path.truncate(length);
        done
    }

    fn misfit(&mut self, says: impl fmt::Display) {
        self.found.push(format!("`{}` {says}", if self.path.is_empty() { "/" } else { &self.path }));
    }
}

/// The expected type of a value.
#[derive(Clone, Copy)]
enum Holds<'s> {
    Shape(&'s Shape),
    Field(&'s CustomField),
    /// One of the choices of a declared field.
    Choice(&'s CustomField),
    /// A string in a list.
    Item,
}

/// A value to check, with its expected type.
struct At<'s, 'r, 'd> {
    holds: Holds<'s>,
    may_be_null: bool,
    report: &'r mut Report<'d>,
}

impl fmt::Display for Holds<'_> {
    /// Writes the expected type, such as "a string" or a list of the allowed words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = match self {
            Self::Shape(shape) => shape,
            Self::Item => return f.write_str("a string"),
            Self::Choice(field) => return f.write_str(&listed(field.choices.iter().map(String::as_str))),
            Self::Field(field) => {
                return match field.kind {
                    CustomKind::Text => f.write_str("a string"),
                    CustomKind::Number => f.write_str("a whole number"),
                    CustomKind::Decimal => f.write_str("a decimal number as a string, as in `\"12.50\"`"),
                    CustomKind::Date => f.write_str("a date, as in `\"2026-12-24\"`"),
                    CustomKind::YesNo => f.write_str("`true` or `false`"),
                    CustomKind::Choice => f.write_str(&listed(field.choices.iter().map(String::as_str))),
                    CustomKind::Choices => {
                        write!(f, "a list of {}", listed(field.choices.iter().map(String::as_str)))
                    }
                };
            }
        };
        match shape {
            Shape::Text => f.write_str("a string"),
            Shape::Number => f.write_str("a whole number"),
            Shape::YesNo => f.write_str("`true` or `false`"),
            Shape::Moment => f.write_str("a timestamp, as in `\"2026-01-05T12:00:00Z\"`"),
            Shape::Id => f.write_str("a string: an X id of 1 to 19 digits, or an email address"),
            Shape::Word(words) => f.write_str(&listed(words.words.iter().copied())),
            Shape::Texts => f.write_str("a list of strings"),
            Shape::WordSet(word) => write!(f, "a list of {}", Holds::Shape(word)),
            Shape::Tables(_) => f.write_str("a list of objects"),
            Shape::Table(_) | Shape::ByTitle(_) | Shape::Custom(_) => f.write_str("an object"),
            Shape::OneOf(words, keys) => {
                let keys: Vec<_> = keys.iter().map(|key| format!("{{\"{}\": …}}", key.name)).collect();
                f.write_str(&listed(words.iter().copied().chain(keys.iter().map(String::as_str))))
            }
        }
    }
}

impl At<'_, '_, '_> {
    fn misfit(self, found: impl fmt::Display) {
        self.report.misfit(format_args!("must be {}, not {found}", self.holds));
    }

    fn expects_number(&self) -> bool {
        match self.holds {
            Holds::Shape(shape) => matches!(shape, Shape::Number),
            Holds::Field(field) => field.kind == CustomKind::Number,
            Holds::Item | Holds::Choice(_) => false,
        }
    }

    fn number<E>(self, fits: bool, found: impl fmt::Display) -> Result<(), E> {
        match (self.expects_number(), fits) {
            (true, true) => {}
            (true, false) => self.misfit(format_args!("{found}, which is out of range")),
            (false, _) => self.misfit(found),
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for At<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.holds, f)
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        if !self.may_be_null {
            self.misfit("`null`; omit unknown values");
        }
        Ok(())
    }

    fn visit_bool<E>(self, yes: bool) -> Result<(), E> {
        let fits = match self.holds {
            Holds::Shape(shape) => matches!(shape, Shape::YesNo),
            Holds::Field(field) => field.kind == CustomKind::YesNo,
            Holds::Item | Holds::Choice(_) => false,
        };
        if !fits {
            self.misfit(format_args!("`{yes}`"));
        }
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.number(true, number)
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.number(i64::try_from(number).is_ok(), number)
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        // `2e2` and `200.0` are whole, but not written as whole numbers.
        let is_whole = number.fract() == 0.0 && number.abs() < MAX_EXACT;
        match (is_whole, self.expects_number()) {
            (true, true) => self
                .report
                .misfit(format_args!("must be a whole number without a decimal point or an exponent: write {number}")),
            (true, false) => self.misfit(number),
            (false, _) => self.misfit(format_args!("{number:?}")),
        }
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        let word = |words: &[&str]| match words.contains(&text) {
            true => Ok(()),
            false => Err(did_you_mean(nearest(text, words.iter().copied()))),
        };
        let choice = |field: &CustomField| match is_blank(text)
            || self.report.desk.declared_name(&field.declared(), text).is_some()
        {
            true => Ok(()),
            false => Err(did_you_mean(nearest(text, field.choices.iter().map(String::as_str)))),
        };
        let fits = match self.holds {
            Holds::Item => Ok(()),
            Holds::Choice(field) => choice(field),
            Holds::Field(field) => match field.kind {
                CustomKind::Text => Ok(()),
                CustomKind::Choice => choice(field),
                CustomKind::Date => day(text).map(drop).map_err(|why| format!(": {why}")),
                CustomKind::Decimal => text.parse::<Decimal>().map(drop).map_err(|why| format!(": {why}")),
                CustomKind::Number | CustomKind::YesNo | CustomKind::Choices => Err(String::new()),
            },
            Holds::Shape(shape) => match shape {
                Shape::Text => Ok(()),
                Shape::Moment => moment(text).map(drop).map_err(|why| format!(": {why}")),
                Shape::Id => text.parse::<SourceId>().map(drop).map_err(|_| String::new()),
                Shape::Word(words) => word(words.words),
                Shape::OneOf(words, _) => word(words),
                _ => Err(String::new()),
            },
        };
        if let Err(meant) = fits {
            self.misfit(format_args!("\"{}\"{meant}", headline(text, MAX_SHOWN)));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let holds = match self.holds {
            Holds::Shape(Shape::Texts) => Holds::Item,
            Holds::Field(field) if field.kind == CustomKind::Choices => Holds::Choice(field),
            Holds::Shape(Shape::Tables(item) | Shape::WordSet(item)) => Holds::Shape(item),
            _ => {
                self.misfit("a list");
                while items.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(());
            }
        };
        for n in 0_usize.. {
            let item = self
                .report
                .inside(&n.to_string(), |report| items.next_element_seed(At { holds, may_be_null: false, report }));
            if item?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let (known, one): (&[Key], bool) = match self.holds {
            Holds::Shape(Shape::Table(keys)) => (keys, false),
            Holds::Shape(Shape::OneOf(_, keys)) => (keys, true),
            Holds::Shape(Shape::Custom(_) | Shape::ByTitle(_)) => (&[], false),
            _ => {
                self.misfit("an object");
                while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                return Ok(());
            }
        };
        let custom = match self.holds {
            Holds::Shape(Shape::Custom(of)) => Some(*of),
            _ => None,
        };
        let (holds, report) = (self.holds, self.report);
        let mut seen: Vec<String> = vec![];
        while let Some(name) = entries.next_key::<String>()? {
            let desk = report.desk;
            let field = custom.and_then(|of| desk.fields.iter().find(|field| field.of == of && field.name == name));
            let key = known.iter().find(|key| key.name == name);
            report.inside(&name, |report| {
                if seen.contains(&name) {
                    report.misfit("is duplicated");
                }
                let (holds, may_be_null) = match (key, field) {
                    _ if let Holds::Shape(Shape::ByTitle(holds)) = holds => (Holds::Shape(holds), false),
                    (Some(Key { holds, may_be_null, .. }), _) => (Holds::Shape(holds), *may_be_null),
                    (None, Some(field)) => (Holds::Field(field), false),
                    (None, None) => {
                        unknown(report, &name, known, custom);
                        return entries.next_value::<IgnoredAny>().map(drop);
                    }
                };
                entries.next_value_seed(At { holds, may_be_null, report })
            })?;
            seen.push(name);
        }
        for missing in known.iter().filter(|key| key.must_be && !seen.iter().any(|name| *name == key.name)) {
            report.inside(&missing.name, |report| {
                report.misfit(format_args!("is missing: it must be {}", Holds::Shape(&missing.holds)));
            });
        }
        if one && seen.len() != 1 {
            report.misfit(format_args!("must be {holds}, not an object with {} keys", seen.len()));
        }
        Ok(())
    }
}

/// Reports an unknown key, with a suggestion.
fn unknown(report: &mut Report<'_>, name: &str, known: &[Key], custom: Option<Owner>) {
    if let Some(of) = custom {
        let fields = report.desk.fields.iter().filter(|field| field.of == of).map(|field| field.name.as_str());
        let meant = did_you_mean(nearest(name, fields));
        return report.misfit(format_args!("is not a declared field{meant}"));
    }
    let names = || known.iter().map(|key| key.name.as_ref());
    let is_known = |name: &str| names().any(|known| known == name);
    // A field of a ticket, nested as in a line.
    let nested = |name: &str| {
        let (table, key) = name.split_once('.')?;
        let table = if table == "field" { "custom" } else { table };
        (is_known(table) || is_known("ticket")).then(|| format!("{{\"{table}\": {{\"{key}\": …}}}}"))
    };
    if let Some(field) = FieldRef::find(name, report.desk).filter(|field| field.scope() == Scope::Ticket) {
        let place = if is_known("ticket") { " inside `ticket`" } else { "" };
        match nested(&field.name()) {
            Some(nested) => return report.misfit(format_args!("is an unknown key: write `{nested}`{place}")),
            None if !place.is_empty() => return report.misfit(format_args!("is an unknown key: write it{place}")),
            None => {}
        }
    }
    let fields = FIELDS.iter().filter(|field| field.scope == Scope::Ticket).map(|field| field.name);
    let meant = nearest(name, names()).map(str::to_owned).or_else(|| {
        let field = nearest(name, fields)?;
        nested(field).or_else(|| is_known(field).then(|| field.to_owned()))
    });
    report.misfit(format_args!("is an unknown key{}; expected {}", did_you_mean(meant.as_deref()), listed(names())));
}

#[cfg(test)]
mod tests {
    use super::{super::read, *};
    use crate::{
        cli::eval::Happened,
        desk::{Actor, Author, Event, EventComment, EventKind, FiredBefore, MessageFacts, VolumeAt},
        lang::check_sources,
    };
    use serde_json::json;

    /// The paths of all values of a shape that fields declare.
    fn paths(prefix: &str, shape: &Shape) -> Vec<String> {
        match shape {
            Shape::Table(keys) => keys
                .iter()
                .flat_map(|key| match &key.holds {
                    Shape::Custom(_) | Shape::Id | Shape::Tables(_) => vec![],
                    table @ Shape::Table(_) => paths(&format!("{prefix}{}.", key.name), table),
                    _ => vec![format!("{prefix}{}", key.name)],
                })
                .collect(),
            _ => vec![],
        }
    }

    #[test]
    fn every_key_of_a_ticket_is_a_field() {
        let paths = paths("", &TICKET);
        assert!(paths.len() > 40, "{paths:?}");
        assert!(paths.iter().all(|path| known(path).is_some()), "{paths:?}");
        let ticket = serde_json::to_value(Ticket::default()).unwrap();
        let facts = MessageFacts { media: [MediaKind::Gif].into(), is_quote: true, language: Some("de".into()) };
        let event = Event {
            kind: EventKind::Updated { before: Box::default() },
            via: Via::Web,
            actor: Actor::Agent("Maya".into()),
            comment: Some(EventComment { facts, ..EventComment::new(Author::Agent, true, "hello") }),
            cause: None,
            fired_before: vec![FiredBefore {
                rule: "T".into(),
                per: Per::Requester,
                times: 1,
                since: jiff::Timestamp::UNIX_EPOCH,
            }],
            volumes: vec![VolumeAt::lasting("Outage".into(), jiff::Timestamp::UNIX_EPOCH)],
        };
        let line = serde_json::json!({ "ticket": ticket, "event": event });
        assert_eq!(misfits(line.to_string().as_bytes(), &LINE, &Declarations::default()).unwrap(), [""; 0]);
    }

    /// Values that conform to a shape; each of its alternatives occurs at least once.
    fn samples(shape: &Shape) -> Vec<Value> {
        let table = |keys: &[Key]| {
            let first = |key: &Key| (key.name.to_string(), samples(&key.holds).swap_remove(0));
            let needed: serde_json::Map<_, _> = keys.iter().filter(|key| key.must_be).map(first).collect();
            let with = |key: &Key| {
                let null = key.may_be_null.then_some(Value::Null);
                let values = samples(&key.holds).into_iter().chain(null);
                let one = |value| [(key.name.to_string(), value)];
                values
                    .map(|value| Value::Object(needed.clone().into_iter().chain(one(value)).collect()))
                    .collect::<Vec<_>>()
            };
            keys.iter().flat_map(with).chain([Value::Object(needed.clone())]).collect::<Vec<_>>()
        };
        match shape {
            Shape::Text => vec![json!("x")],
            Shape::Number => vec![json!(1)],
            Shape::YesNo => vec![json!(true), json!(false)],
            Shape::Moment => vec![json!("2026-01-05T12:00:00Z")],
            Shape::Id => vec![json!("1")],
            Shape::Word(words) => words.words.iter().map(|word| json!(word)).collect(),
            Shape::Texts => vec![json!([]), json!(["x"])],
            Shape::WordSet(word) => vec![json!([]), json!(samples(word))],
            Shape::Tables(item) => vec![json!([]), json!(samples(item))],
            Shape::ByTitle(holds) => samples(holds).into_iter().map(|held| json!({"T": held})).collect(),
            Shape::Table(keys) => table(keys),
            Shape::OneOf(words, keys) => {
                let words = words.iter().map(|word| json!(word));
                let keyed = |key: &Key| {
                    samples(&key.holds).into_iter().map(|value| json!({key.name.as_ref(): value})).collect::<Vec<_>>()
                };
                words.chain(keys.iter().flat_map(keyed)).collect()
            }
            Shape::Custom(_) => vec![json!({})],
        }
    }

    #[test]
    fn whatever_has_the_shape_is_read() {
        let rules = check_sources([("a.twite", "")], Declarations::default()).0.unwrap();
        let now = "2026-01-05T12:00:00Z".parse().unwrap();
        let lines: Vec<_> = [&LINE, &TICKET].into_iter().flat_map(|shape| samples(shape)).collect();
        for line in &lines {
            let why = read(line.to_string().as_bytes(), &rules, Happened::Created, now).err().unwrap_or_default();
            // The only possible error is an undeclared name, which the shape does not check.
            assert!(!why.contains("no JSON") && !why.contains("is no key"), "{line}: {why}");
        }
        assert!(lines.len() > 200, "{}", lines.len());
    }
}
