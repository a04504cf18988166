//! Generators of tickets, events, conditions and rules: every field, operator and action, texts that are hard to
//! compare, values around thresholds, and missing values.
//!
//! They are used for everything that is compared with the plain evaluator: SQL, the index, and the fuzz target, which
//! includes this file. Values are built directly and not written in the language, so that combinations the checker
//! would refuse are covered too.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use proptest::{collection, option, prelude::*, sample};
use twite::{
    desk::{
        Account, Accounts, Actor, Author, Cause, Channel, Choosing, CustomField, CustomKind, CustomValue, Decimal,
        Declarations, Event, EventComment, EventKind, FieldRef, FiredBefore, Hours, Kind, MediaKind, MessageFacts,
        OpenDay, Owner, PastStatus, Per, Person, PostFacts, Priority, RatedBy, Rating, Recipient, Sample, Satisfaction,
        Scope, SlaTarget, Status, Ticket, TicketId, TicketType, VerifiedType, Via, VolumeAsked, VolumeAt, VolumeState,
        XAction,
        declarations::{Agent, Schedule, Sees},
        field::{Declared, FIELDS, Members},
        normalize::tag,
    },
    lang::rules::{
        Action, ActionKind, Automation, Cap, Capture, Comparison, Condition, ConditionKind, Duration, Folded, LastDays,
        Let, Literal, Member, Mode, On, Op, Part, Pattern, Predicate, PreferLast, Relation, Rules, SetTo, Sla, SlaTime,
        Span, Template, Texts, Trigger, Values, Version,
    },
};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap()
}

/// Texts that are hard to compare, to split into words, or to quote in SQL.
const TEXTS: &[&str] = &[
    "",
    " ",
    "order",
    "My ORDER, please",
    "reorder",
    "STRASSE",
    "straße",
    "École",
    "e\u{301}cole",
    "ﬁne print",
    "fine",
    "İstanbul",
    "مرحبا بكم",
    "\u{202e}flip",
    "👩‍👩‍👧 hi",
    "100% o'clock",
    "a_b\\",
    "c++.",
    "--",
    "日本語の注文",
    "line\nbreak",
    "line  break",
    "don\u{2019}t",
    "DON'T",
    "don\u{b4}t \u{2014} \u{201c}no\u{201d}\u{2026}",
    "don't - \"no\"...",
    "or\u{200b}der\u{ad}",
    "\u{a0}order\u{3000}",
    "👩👩👧\u{fe0f}",
    "άκης",
    "ΆΚΗΣ",
    "\u{200b} \u{feff}",
    "@order",
    "#order",
    "de-AT",
];
const NAMES: &[&str] = &["Social", "social", "Ärger", "", "Zoë", "VIP", "don\u{2019}t", " "];
const TAGS: &[&str] = &["a", "ab", "b", "vip", "zoë", "a b", "VIP", "#vip", "Fußball"];
const PATTERNS: &[&str] = &[
    "order",
    "^ORDER$",
    r"\bmy\b",
    "straße",
    "(a|e).*e",
    ".*",
    "^$",
    r"\d+%",
    "[^a-z]",
    "don[\u{2018}\u{2019}]t",
    r"e\u{301}cole",
    "no…$",
    "\u{a0}— ",
    "ß?e",
];

pub fn now() -> Timestamp {
    "2026-01-05T12:00:00Z".parse().unwrap()
}

/// A desk open from Monday to Friday, with one declared field of each type for tickets and for requesters.
pub fn desk() -> Declarations {
    let field = |of, (name, kind): (&str, _)| CustomField { name: name.into(), of, kind, choices: vec![], doc: None };
    let kinds = [
        ("topic", CustomKind::Choice),
        ("order", CustomKind::Text),
        ("score", CustomKind::Number),
        ("done", CustomKind::YesNo),
        ("amount", CustomKind::Decimal),
        ("until", CustomKind::Date),
        ("topics", CustomKind::Choices),
    ];
    // The requester has fields of the same names, which are others.
    let fields = Owner::ALL.into_iter().flat_map(|of| kinds.map(|kind| field(of, kind))).collect();
    let mut desk = Declarations { fields, url: Some("https://desk.example".into()), ..Declarations::default() };
    let day = OpenDay::try_from(vec!["09:00-12:00".parse().unwrap(), "13:00-17:00".parse().unwrap()]).unwrap();
    let hours = &mut desk.hours;
    for open in [&mut hours.monday, &mut hours.tuesday, &mut hours.wednesday, &mut hours.thursday, &mut hours.friday] {
        open.clone_from(&day);
    }
    desk.hours.holidays = [jiff::civil::date(2026, 1, 1)].into();
    let agent = |name: &str, groups: &[&str], email: Option<&str>| Agent {
        name: name.into(),
        groups: groups.iter().map(|group| (*group).into()).collect(),
        email: email.map(Into::into),
        ..Agent::default()
    };
    desk.agents = vec![agent("Zoë", &["Social", "VIP"], Some("order@desk.example")), agent("Social", &[], None)];
    let elsewhere = |zone, open: &str| {
        let day = OpenDay::try_from(vec![open.parse().unwrap()]).unwrap();
        Hours { zone: TimeZone::get(zone).unwrap(), monday: day.clone(), thursday: day, ..Hours::default() }
    };
    desk.accounts = Accounts(vec![Account { allow_actions: true, ..Account::new("social") }]);
    desk.schedules = vec![
        Schedule {
            name: "groups".into(),
            groups: vec!["Social".into(), "İstanbul".into()],
            accounts: vec![],
            hours: elsewhere("America/New_York", "20:00-24:00"),
        },
        Schedule {
            name: "accounts".into(),
            groups: vec!["billing".into()],
            accounts: vec!["SOCIAL".into(), "order".into()],
            hours: elsewhere("Asia/Kolkata", "00:00-06:30"),
        },
    ];
    desk
}

pub fn span() -> Span {
    Span { file: "views.twite".into(), start: 0, end: 0, line: 1 }
}

pub fn condition_of(kind: ConditionKind) -> Condition {
    Condition { kind, span: span() }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => sample::select(TEXTS).prop_map(str::to_owned),
        1 => collection::vec(sample::select(TEXTS), 2..4).prop_map(|parts| parts.join(" ")),
    ]
}

fn one_name() -> impl Strategy<Value = String> {
    sample::select(NAMES).prop_map(str::to_owned)
}

/// Tags as tickets and checked rules have them.
fn tags() -> impl Strategy<Value = Vec<String>> {
    collection::vec(sample::select(TAGS).prop_map(tag), 0..4)
}

/// Members of a set: names of agents, words, or else tags. Sometimes those of another set.
fn members(kind: &Kind) -> BoxedStrategy<Vec<String>> {
    match kind {
        Kind::Set(Members::Declared(Declared::Agent)) => collection::vec(one_name(), 0..4).boxed(),
        Kind::Set(Members::Words(words)) => {
            let words = sample::select(words.words).prop_map(str::to_owned);
            prop_oneof![9 => collection::vec(words, 0..3), 1 => tags()].boxed()
        }
        _ => tags().boxed(),
    }
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![-1..3i64, sample::select(vec![i64::MIN, i64::MAX, 10_000])]
}

fn decimal() -> impl Strategy<Value = Decimal> {
    let units =
        prop_oneof![-2..3i64, (-1..3i64).prop_map(|whole| whole * 10_000), sample::select(vec![i64::MIN, i64::MAX])];
    units.prop_map(Decimal::from_units)
}

/// Dates around now, so that it matters where a date begins, and the first and the last one.
fn date() -> impl Strategy<Value = Date> {
    let limits = sample::select(vec![Date::constant(0, 1, 1), Date::constant(9999, 12, 31)]);
    prop_oneof![9 => (1..=9i8).prop_map(|day| Date::constant(2026, 1, day)), 1 => limits]
}

/// Times at the generated durations from now, to the millisecond.
fn time() -> impl Strategy<Value = Timestamp> {
    let now = now().as_millisecond();
    prop_oneof![
        (-10..10i64, -1..=1i64).prop_map(move |(hours, off)| at(now + hours * 3_600_000 + off)),
        (-9..9i64, -1..=1i64).prop_map(move |(days, off)| at(now + days * 86_400_000 + off)),
        (-700_000_000..700_000_000i64).prop_map(move |off| at(now + off)),
        Just(Timestamp::UNIX_EPOCH),
    ]
}

fn word<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = Option<T>> {
    option::of(sample::select(all))
}

prop_compose! {
    fn person()(
        texts in collection::vec(option::of(text()), 6),
        numbers in collection::vec(option::of(number()), 4),
        joined in option::of(time()),
        verified in option::of(any::<bool>()),
        verified_type in word(VerifiedType::ALL),
        tags in tags(),
        organisation in option::of(one_name()),
        custom in custom(),
        (tickets, unsolved_tickets) in (number(), number()),
        last_tickets in collection::vec(option::of(time()), 3),
        (satisfaction, satisfaction_rated) in (word(Rating::ALL), option::of(time())),
    ) -> Person {
        Person {
            id: None,
            handle: texts[0].clone(),
            name: texts[1].clone(),
            email: texts[2].clone(),
            language: texts[3].clone(),
            location: texts[4].clone(),
            joined,
            followers: numbers[0],
            following: numbers[1],
            tweets: numbers[2],
            listed: numbers[3],
            verified,
            verified_type,
            tags: tags.into_iter().collect(),
            organisation,
            note: texts[5].clone(),
            custom,
            tickets,
            unsolved_tickets,
            third_last_ticket: last_tickets[0],
            fifth_last_ticket: last_tickets[1],
            tenth_last_ticket: last_tickets[2],
            satisfaction,
            satisfaction_rated,
        }
    }
}

prop_compose! {
    fn post_facts()(
        numbers in collection::vec(option::of(number()), 6),
        (has_media, media) in (any::<bool>(), media()),
        (is_reply, is_quote) in (any::<bool>(), any::<bool>()),
        hashtags in tags(),
    ) -> PostFacts {
        PostFacts {
            likes: numbers[0],
            reposts: numbers[1],
            replies: numbers[2],
            has_media,
            media,
            is_reply,
            is_quote,
            links: numbers[3],
            mentions: numbers[4],
            length: numbers[5],
            hashtags: hashtags.into_iter().collect(),
        }
    }
}

fn media() -> impl Strategy<Value = BTreeSet<MediaKind>> {
    collection::btree_set(sample::select(MediaKind::ALL), 0..3)
}

/// Values of declared fields, also of another type, as if the declaration had changed.
fn custom() -> impl Strategy<Value = BTreeMap<String, CustomValue>> {
    let names = sample::select(vec!["topic", "order", "score", "done", "amount", "until", "topics", "gone"])
        .prop_map(str::to_owned);
    let value = prop_oneof![
        2 => text().prop_map(CustomValue::Text),
        2 => decimal().prop_map(|decimal| CustomValue::Text(decimal.to_string())),
        2 => date().prop_map(|date| CustomValue::Text(date.to_string())),
        2 => tags().prop_filter("a value", |tags| !tags.is_empty())
            .prop_map(|tags| CustomValue::Set(tags.into_iter().collect())),
        2 => number().prop_map(CustomValue::Number),
        1 => any::<bool>().prop_map(CustomValue::YesNo),
    ];
    collection::btree_map(names, value, 0..8)
}

prop_compose! {
    pub fn ticket()(
        (status, channel) in (sample::select(Status::ALL), sample::select(Channel::ALL)),
        (priority, kind) in (word(Priority::ALL), word(TicketType::ALL)),
        names in collection::vec(option::of(one_name()), 5),
        texts in collection::vec(option::of(text()), 5),
        tags in tags(),
        requester in person().boxed(),
        post in post_facts(),
        counts in collection::vec(number(), 4),
        times in collection::vec(option::of(time()), 10),
        past in collection::vec((sample::select(Status::ALL), time()), 0..4),
        (dates, sla) in (collection::vec(option::of(time()), 9), option::of(one_name())),
        // Before it is stored, a ticket has no number.
        id in prop_oneof![1 => Just(0_i64), 9 => 1..1_000_000_i64],
        (satisfaction, satisfaction_by, said) in (word(Satisfaction::ALL), word(RatedBy::ALL), option::of(text())),
        (custom, watchers) in (custom(), collection::btree_set(one_name(), 0..3)),
    ) -> Ticket {
        // In order, as they come to be.
        let status_changed = times[8].unwrap_or(now());
        let mut since: Vec<_> = past.iter().map(|(_, since)| (*since).min(status_changed)).collect();
        since.sort();
        let past = past.iter().zip(since).map(|((status, _), since)| PastStatus { status: *status, since });
        Ticket {
            id: TicketId(id),
            channel,
            account: names[0].clone(),
            brand: names[1].clone(),
            status,
            priority,
            kind,
            subject: texts[0].clone().unwrap_or_default(),
            description: texts[1].clone().unwrap_or_default(),
            tags: tags.into_iter().collect(),
            group: names[2].clone(),
            assignee: names[3].clone(),
            problem: (counts[1] > 0).then_some(TicketId(counts[1])),
            problem_solved: (counts[1] > 0).then_some(times[5]).flatten(),
            watchers,
            requester,
            language: texts[2].clone(),
            post,
            replies: counts[0],
            reopens: counts[1],
            agent_touches: counts[2],
            comments: counts[3],
            created: times[0].unwrap_or(now()),
            previous_ticket: times[9],
            updated: times[1].unwrap_or(now()),
            status_changed,
            past_statuses: past.collect(),
            solved: times[2],
            assigned: times[3],
            due: times[4],
            requester_updated: times[5],
            first_reply: times[6],
            last_reply: dates[0],
            last_replier: names[4].clone(),
            waiting_since: dates[1],
            sla,
            breach: dates[2],
            first_reply_due: dates[3],
            next_reply_due: dates[4],
            update_due: dates[5],
            solve_due: dates[6],
            snoozed: times[7],
            satisfaction,
            satisfaction_comment: said,
            satisfaction_offered: dates[7],
            satisfaction_rated: dates[8],
            satisfaction_by,
            latest_comment: texts[3].clone(),
            latest_public_comment: texts[4].clone(),
            custom,
        }
    }
}

prop_compose! {
    /// An agent whose name and groups tickets may have.
    pub fn agent()(
        name in one_name(),
        groups in collection::vec(one_name(), 0..4),
        sees in sample::select(vec![Sees::All, Sees::Groups, Sees::Assigned]),
    ) -> Agent {
        Agent { name, groups, sees, ..Agent::default() }
    }
}

/// Titles of volumes.
const VOLUMES: &[&str] = &["outage", "a \"storm\""];

fn all_fields() -> Vec<FieldRef> {
    let custom = desk().fields.into_iter().map(|field| FieldRef::Custom(Arc::new(field)));
    let schedules = desk().schedules.into_iter().map(|schedule| FieldRef::Schedule(Arc::new(schedule)));
    let samples =
        [("survey", 10), ("survey", 50), ("trial \"b\"", 75)].map(|(name, percent)| Sample::new(name, percent));
    let samples = samples.into_iter().map(|sample| FieldRef::Sample(Arc::new(sample)));
    let volumes = VOLUMES.iter().flat_map(|volume| VolumeState::ALL.map(|state| (*volume, state)));
    let volumes = volumes.map(|(volume, state)| VolumeAsked { volume: volume.into(), state });
    let volumes = volumes.map(|asked| FieldRef::Volume(Arc::new(asked)));
    FIELDS.iter().map(FieldRef::Known).chain(custom).chain(schedules).chain(samples).chain(volumes).collect()
}

pub fn field() -> impl Strategy<Value = FieldRef> {
    sample::select(all_fields())
}

fn literal(kind: &Kind) -> BoxedStrategy<Literal> {
    match kind {
        Kind::YesNo => any::<bool>().prop_map(Literal::YesNo).boxed(),
        Kind::Number => number().prop_map(Literal::Number).boxed(),
        Kind::Words(words) => (0..words.words.len())
            .prop_map({
                let words = words.words;
                move |rank| Literal::Word { word: words[rank].into(), rank: Some(rank) }
            })
            .boxed(),
        Kind::Declared(_) => prop_oneof![
            6 => one_name().prop_map(|word| Literal::Word { word, rank: None }),
            2 => Just(Literal::Me),
            1 => Just(Literal::MyGroups),
        ]
        .boxed(),
        Kind::Text => text().prop_map(|text| Literal::Text(text.as_str().into())).boxed(),
        Kind::Decimal => decimal().prop_map(Literal::Decimal).boxed(),
        Kind::Set(_) => members(kind).prop_map(Literal::Set).boxed(),
        Kind::Time => time().prop_map(Literal::Time).boxed(),
        // Around now in the time zones of the schedules.
        Kind::TimeOfDay => sample::select(vec!["00:00", "07:00", "07:01", "11:59", "12:00", "17:30", "23:59"])
            .prop_map(|time| Literal::TimeOfDay(time.parse().unwrap()))
            .boxed(),
        Kind::Date => date().prop_map(Literal::Date).boxed(),
    }
}

fn duration() -> impl Strategy<Value = Duration> {
    let hours = prop_oneof![Just(0), 1..10i64, sample::select(vec![24, 48, 96, -5, 1_000_000])];
    (hours, 0..8_u8).prop_map(|(hours, unit)| match unit {
        0..4 => Duration::Clock(SignedDuration::from_hours(hours)),
        4..6 => Duration::Open(SignedDuration::from_hours(hours)),
        6 => Duration::OpenDays(hours % 100),
        _ => Duration::OpenWeeks(hours % 10),
    })
}

/// A list of these values, rarely a named one with many more. The numbers are those from which the index and SQL treat
/// lists in another way.
fn listed<T: Clone + std::fmt::Debug + 'static>(
    values: impl Strategy<Value = Vec<T>>,
    filler: fn(u32) -> T,
) -> impl Strategy<Value = Values<T>> {
    (values, prop_oneof![10 => Just(0), 1 => Just(35), 1 => Just(120)]).prop_map(move |(mut values, more)| {
        values.extend((0..more).map(filler));
        Values { name: (more > 0).then(|| format!("names_{more}").into()), items: values.into() }
    })
}

/// Any operator on a field of this kind, also unusual ones.
fn test(kind: &Kind) -> BoxedStrategy<Op> {
    let value = || prop_oneof![9 => literal(kind), 1 => literal(&Kind::Number)];
    let values = || {
        listed(collection::vec(value(), 0..4), |n| match n % 3 {
            0 => Literal::Number(100 + i64::from(n)),
            1 => Literal::Text(format!("filler {n}").as_str().into()),
            _ => Literal::Word { word: format!("filler {n}"), rank: None },
        })
    };
    let tags = || listed(members(kind), |n| format!("filler{n}"));
    let needles = |how: fn(&str) -> Folded| {
        let some = collection::vec(text().prop_map(move |text| how(&text)), 1..4);
        listed(some, |n| format!("filler {n}").as_str().into())
    };
    let comparison =
        || sample::select(vec![Comparison::Less, Comparison::AtMost, Comparison::More, Comparison::AtLeast]);
    let relation = prop_oneof![Just(Relation::Is), Just(Relation::IsNot), comparison().prop_map(Relation::Compare),];
    let alike: Vec<_> = all_fields().into_iter().filter(|field| field.kind().compares_with(kind)).collect();
    let other =
        if alike.is_empty() { field().boxed() } else { prop_oneof![9 => sample::select(alike), 1 => field()].boxed() };
    let apart: Vec<BoxedStrategy<Op>> = vec![
        (relation, other).prop_map(|(relation, other)| Op::Field(relation, other)).boxed(),
        value().prop_map(Op::Is).boxed(),
        value().prop_map(Op::IsNot).boxed(),
        (comparison(), value()).prop_map(|(c, v)| Op::Compare(c, v)).boxed(),
        values().prop_map(Op::In).boxed(),
        values().prop_map(Op::NotIn).boxed(),
        (option::of(value()), option::of(value())).prop_map(|(from, to)| Op::Changed { from, to }).boxed(),
        Just(Op::IsEmpty).boxed(),
        Just(Op::IsSet).boxed(),
    ];
    let own: Vec<BoxedStrategy<Op>> = match kind {
        Kind::Words(words) if *words == Status::WORDS => {
            let statuses = || collection::vec(sample::select(Status::ALL), 1..4);
            vec![(statuses(), comparison(), duration()).prop_map(|(s, c, d)| Op::TimeIn(s, c, d)).boxed()]
        }
        Kind::YesNo => vec![Just(Op::Holds).boxed()],
        Kind::Set(_) => vec![
            tags().prop_map(Op::HasAny).boxed(),
            tags().prop_map(Op::HasAll).boxed(),
            tags().prop_map(Op::HasNone).boxed(),
            Just(Op::HasMe).boxed(),
            sample::select(vec!["a", "v", "vi", "zo", "f", "x"])
                .prop_map(|start| Op::HasStarting(start.into()))
                .boxed(),
        ],
        Kind::Time => vec![
            (comparison(), duration()).prop_map(|(c, s)| Op::Since(c, s)).boxed(),
            (comparison(), duration()).prop_map(|(c, s)| Op::Until(c, s)).boxed(),
        ],
        Kind::Text | Kind::Words(_) | Kind::Declared(_) => vec![
            needles(Folded::needle).prop_map(Op::Contains).boxed(),
            needles(|text| text.into()).prop_map(Op::Contains).boxed(),
            needles(|text| text.into()).prop_map(Op::ContainsWord).boxed(),
            needles(|text| text.into()).prop_map(Op::StartsWith).boxed(),
            needles(|text| text.into()).prop_map(Op::EndsWith).boxed(),
            sample::select(PATTERNS).prop_map(|p| Op::Matches(Pattern::new(p).unwrap())).boxed(),
        ],
        Kind::Date => vec![
            (comparison(), value()).prop_map(|(c, v)| Op::Compare(c, v)).boxed(),
            (comparison(), duration()).prop_map(|(c, s)| Op::Since(c, s)).boxed(),
            (comparison(), duration()).prop_map(|(c, s)| Op::Until(c, s)).boxed(),
        ],
        Kind::Number | Kind::Decimal | Kind::TimeOfDay => {
            vec![(comparison(), value()).prop_map(|(c, v)| Op::Compare(c, v)).boxed()]
        }
    };
    // Operators of other kinds of fields.
    let strange = vec![
        Just(Op::Holds).boxed(),
        tags().prop_map(Op::HasNone).boxed(),
        tags().prop_map(Op::HasAll).boxed(),
        needles(|text| text.into()).prop_map(Op::Contains).boxed(),
        (comparison(), duration()).prop_map(|(c, s)| Op::Since(c, s)).boxed(),
    ];
    let one = |tests| sample::select::<BoxedStrategy<Op>>(tests).prop_flat_map(|test| test);
    prop_oneof![6 => one(apart), 12 => one(own), 1 => one(strange)].boxed()
}

fn predicate() -> impl Strategy<Value = Condition> {
    field().prop_flat_map(predicate_of)
}

fn predicate_of(field: FieldRef) -> impl Strategy<Value = Condition> {
    (test(&field.kind()), last_days()).prop_map(move |(test, last_days)| {
        let predicate = Predicate::new(field.clone(), test);
        // `me` has no last day.
        let last_days = last_days.filter(|_| !predicate.asks_me());
        condition_of(ConditionKind::Predicate(predicate.with_last_days(last_days)))
    })
}

/// Last days for the entries of any list, rarely: operators that take none ignore them.
fn last_days() -> impl Strategy<Value = Option<LastDays>> {
    option::weighted(0.2, collection::vec(option::of(date()), 1..4))
        .prop_map(|days| LastDays::new(days?.into_iter().cycle().take(200)))
}

pub fn condition() -> impl Strategy<Value = Condition> {
    predicate().prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..4).prop_map(|parts| condition_of(ConditionKind::All(parts))),
            collection::vec(inner.clone(), 0..4).prop_map(|parts| condition_of(ConditionKind::Any(parts))),
            inner.clone().prop_map(|part| condition_of(ConditionKind::Not(Box::new(part)))),
            inner.prop_map(|condition| condition_of(ConditionKind::Let(Arc::new(Let {
                name: "named".into(),
                doc: None,
                condition,
                span: span()
            })))),
        ]
    })
}

fn author() -> impl Strategy<Value = Author> {
    sample::select(vec![Author::Requester, Author::Agent, Author::Rule])
}

prop_compose! {
    fn comment()(
        (text, public, author) in (text(), any::<bool>(), author()),
        (media, is_quote, language) in (media(), any::<bool>(), option::of(text())),
    ) -> EventComment {
        EventComment { facts: MessageFacts { media, is_quote, language }, ..EventComment::new(author, public, text) }
    }
}

/// Anyone who acts; most are agents of [`desk`].
fn actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        3 => Just(Actor::Agent("Zoë".into())),
        2 => Just(Actor::Agent("Social".into())),
        1 => sample::select(vec![Actor::Person, Actor::Owner, Actor::System, Actor::Rule("Zoë".into())]),
        1 => Just(Actor::Agent("gone".into())),
    ]
}

/// Any event. The ticket before an update is another ticket, or this one with few changes.
pub fn event(ticket: &Ticket) -> impl Strategy<Value = Event> + use<> {
    let nearly = ticket.clone();
    let nearly = (sample::select(Status::ALL), word(Priority::ALL), tags(), any::<u8>()).prop_map(
        move |(status, priority, tags, which)| {
            let mut before = nearly.clone();
            if which & 1 == 0 {
                before.status = status;
            }
            if which & 2 == 0 {
                before.priority = priority;
            }
            if which & 4 == 0 {
                before.tags = tags.iter().cloned().collect();
            }
            if which & 8 == 0 {
                before.requester.tags = tags.into_iter().collect();
            }
            if which & 16 == 0 {
                before.watchers.clear();
            }
            before
        },
    );
    let kind = prop_oneof![
        3 => Just(EventKind::Created),
        2 => nearly.prop_map(|before| EventKind::Updated { before: Box::new(before) }),
        1 => self::ticket().boxed().prop_map(|before| EventKind::Updated { before: Box::new(before) }),
    ];
    let known = (fired_before(), volumes(), option::weighted(0.2, sample::select(VOLUMES)));
    let event = (kind, sample::select(Via::ALL), actor(), option::of(comment()), known);
    event.prop_map(|(kind, via, actor, comment, (fired_before, volumes, ends))| Event {
        kind,
        via,
        actor,
        comment,
        cause: ends.map(|volume| Cause::VolumeEnds(volume.to_owned())),
        fired_before,
        volumes,
    })
}

fn template() -> impl Strategy<Value = Template> {
    let part = prop_oneof![
        text().prop_map(Part::Text),
        field().prop_map(|field| Part::Placeholder { field, filters: vec![] }),
    ];
    collection::vec(part, 0..3).prop_map(|parts| Template { parts })
}

/// A text, or one for each of several languages; [`TEXTS`] has some.
fn texts() -> impl Strategy<Value = Texts> {
    let languages = collection::vec((sample::select(vec!["de", "order", "fr"]), template()), 0..3);
    let languages = prop_oneof![2 => Just(vec![]), 1 => languages];
    (languages, template()).prop_map(|(languages, otherwise)| {
        let by_language = languages.into_iter().map(|(language, text)| (language.to_owned(), text)).collect();
        Texts { by_language, otherwise }
    })
}

/// A field whose value is a set, and members that are added to it or removed from it.
fn set_members() -> impl Strategy<Value = (FieldRef, Vec<Member>)> {
    let sets: Vec<_> = all_fields().into_iter().filter(|field| field.writable() && field.kind().is_set()).collect();
    sample::select(sets).prop_flat_map(|set| {
        let me = matches!(set.kind(), Kind::Set(Members::Declared(Declared::Agent))).then_some(Member::Me);
        let named = members(&set.kind()).prop_map(|names| names.into_iter().map(Member::Named).collect::<Vec<_>>());
        (Just(set), named, any::<bool>()).prop_map(move |(set, mut members, with_me)| {
            members.extend(me.clone().filter(|_| with_me));
            (set, members)
        })
    })
}

/// Any action; those that change fields which other rules test are more frequent.
pub fn action() -> impl Strategy<Value = ActionKind> {
    let settable = || sample::select(all_fields().into_iter().filter(FieldRef::writable).collect::<Vec<_>>());
    let set = settable().prop_flat_map(|field| {
        let value = match field.kind() {
            Kind::Text => template().prop_map(SetTo::Template).boxed(),
            kind => literal(&kind).prop_map(SetTo::Literal).boxed(),
        };
        let capture = (sample::select(vec![r"(\d+)", "(order|e).*", r"\b(.)"]), self::field());
        let capture =
            capture.prop_map(|(pattern, from)| SetTo::Match { capture: Capture::new(pattern).unwrap(), from });
        let value =
            if matches!(field, FieldRef::Custom(_)) { prop_oneof![4 => value, 1 => capture].boxed() } else { value };
        let kind = field.kind();
        let alike =
            all_fields().into_iter().filter(|from| from.scope() != Scope::Event && from.kind().compares_with(&kind));
        let alike: Vec<_> = alike.collect();
        let value = match kind {
            _ if alike.is_empty() => value,
            Kind::Number | Kind::Decimal | Kind::Date => {
                let sum = (sample::select(alike), number()).prop_map(|(from, plus)| SetTo::Field { from, plus });
                prop_oneof![value, sum].boxed()
            }
            _ => prop_oneof![3 => value, 1 => sample::select(alike).prop_map(|from| SetTo::Field { from, plus: 0 })]
                .boxed(),
        };
        value.prop_map(move |value| ActionKind::Set(field.clone(), value))
    });
    let message = || option::of(texts());
    let action = prop_oneof![
        6 => set,
        2 => settable().prop_map(ActionKind::Clear),
        5 => set_members().prop_map(|(set, members)| ActionKind::Add(set, members)),
        3 => set_members().prop_map(|(set, members)| ActionKind::Remove(set, members)),
        1 => (option::of(Just("social".to_owned())), texts())
            .prop_map(|(from, texts)| ActionKind::Reply { from, texts }),
        1 => texts().prop_map(ActionKind::Message),
        2 => texts().prop_map(ActionKind::Ask),
        1 => template().prop_map(ActionKind::Note),
        1 => (recipients(), texts(), texts())
            .prop_map(|(to, subject, body)| ActionKind::Notify { to, subject, body }),
        1 => (recipients(), duration(), message(), message())
            .prop_map(|(to, after, subject, body)| ActionKind::Remind { to, after, subject, body }),
        // A declared group has a name.
        1 => one_name().prop_filter("no group", |group| !twite::desk::text::is_blank(group))
            .prop_flat_map(|group| {
                let last = option::of(option::of(duration()).prop_map(|within| PreferLast { within }));
                let choosing = sample::select(vec![Choosing::Next, Choosing::LeastBusy]);
                (choosing, last, option::of(1..9_u32)).prop_map(move |(choosing, last, under)| {
                    ActionKind::Assign { group: group.clone(), choosing, last, under }
                })
            }),
        1 => duration().prop_map(ActionKind::Snooze),
        1 => Just(ActionKind::Merge),
        1 => sample::select(XAction::ALL.to_vec()).prop_map(ActionKind::AtX),
        1 => (one_name(), option::of(template())).prop_map(|(name, body)| ActionKind::Webhook { name, body }),
        1 => Just(ActionKind::Stop),
    ];
    action.prop_map(|action| match action {
        // A new action needs its line above.
        ActionKind::Set(..)
        | ActionKind::Clear(_)
        | ActionKind::Add(..)
        | ActionKind::Remove(..)
        | ActionKind::Reply { .. }
        | ActionKind::Message(_)
        | ActionKind::Ask(_)
        | ActionKind::Note(_)
        | ActionKind::Notify { .. }
        | ActionKind::Remind { .. }
        | ActionKind::Assign { .. }
        | ActionKind::Snooze(_)
        | ActionKind::Merge
        | ActionKind::AtX(_)
        | ActionKind::Webhook { .. }
        | ActionKind::Stop => action,
    })
}

/// Recipients of a rule, none of them twice.
fn recipients() -> impl Strategy<Value = Vec<Recipient>> {
    let recipient = prop_oneof![
        Just(Recipient::Assignee),
        Just(Recipient::PreviousAssignee(None)),
        Just(Recipient::Requester),
        Just(Recipient::Watchers),
        Just(Recipient::TicketGroup),
        Just(Recipient::TicketAgents),
        one_name().prop_map(Recipient::Group),
        one_name().prop_map(Recipient::Agents),
        one_name().prop_map(Recipient::Agent),
        Just(Recipient::Address("ops@partner.example".into())),
    ];
    collection::vec(recipient, 1..4).prop_map(|mut all| {
        all.sort_by_key(ToString::to_string);
        all.dedup();
        all
    })
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    collection::vec(action().prop_map(|kind| Action { kind, span: span() }), 1..4)
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![8 => Just(Mode::Live), 1 => Just(Mode::Disabled), 1 => Just(Mode::Shadow)]
}

prop_compose! {
    fn trigger()(
        mode in mode(),
        (created, updated) in sample::select(vec![(true, true), (true, true), (true, false), (false, true)]),
        when in condition(),
        caps in collection::vec(cap(), 0..2),
        then in actions(),
    ) -> Trigger {
        Trigger {
            title: String::new(),
            doc: None,
            mode,
            on: On { created, updated },
            when,
            caps,
            then,
            span: span(),
        }
    }
}

fn cap() -> impl Strategy<Value = Cap> {
    let per = sample::select(vec![Per::Ticket, Per::Requester, Per::Account, Per::All]);
    let period = option::of((1..48_i64).prop_map(SignedDuration::from_hours));
    (1..4_u32, per, period).prop_map(|(times, per, period)| Cap { times, per, period })
}

/// How often the first rules of a generated set fired before.
fn fired_before() -> impl Strategy<Value = Vec<FiredBefore>> {
    let per = sample::select(vec![Per::Ticket, Per::Requester, Per::Account, Per::All]);
    let one = (0..4_u8, per, 1..4_u32, time());
    let one = one.prop_map(|(rule, per, times, since)| FiredBefore { rule: rule.to_string(), per, times, since });
    collection::vec(one, 0..6)
}

/// What an event tells of volumes.
fn volumes() -> impl Strategy<Value = Vec<VolumeAt>> {
    let one = (option::of(time()), any::<bool>());
    let all = collection::vec(option::of(one), VOLUMES.len());
    all.prop_map(|all| {
        let told = VOLUMES.iter().zip(all).filter_map(|(volume, told)| Some((volume, told?)));
        told.map(|(volume, (since, starts))| VolumeAt {
            volume: (*volume).to_owned(),
            since,
            starts: starts && since.is_some(),
            counted: since.filter(|_| starts),
            tickets: None,
            of: None,
        })
        .collect()
    })
}

prop_compose! {
    /// A service level agreement. Its conditions depend on nothing but the ticket.
    fn sla()(
        title in one_name(),
        mode in mode(),
        when in condition(),
        times in collection::vec((sample::select(&SlaTarget::ALL[..]), duration(), option::of(condition())), 1..5),
        paused in collection::vec(sample::select(Status::ALL), 0..3),
    ) -> Sla {
        let word = |status: &Status| Literal::Word { word: status.to_string(), rank: Some(*status as usize) };
        let status = FieldRef::find("status", &desk()).unwrap();
        let pause = Predicate::new(status, Op::In(paused.iter().map(word).collect::<Vec<_>>().into()));
        Sla {
            title,
            doc: None,
            mode,
            when,
            times: times.into_iter().map(|(target, within, when)| SlaTime { target, within, when }).collect(),
            pause: (!paused.is_empty()).then(|| condition_of(ConditionKind::Predicate(pause))),
            span: span(),
        }
    }
}

/// A rule set of these triggers, with their numbers as titles.
pub fn rules_of(triggers: Vec<Trigger>) -> Rules {
    let called = |(n, trigger): (usize, Trigger)| Arc::new(Trigger { title: n.to_string(), ..trigger });
    Rules {
        desk: Arc::new(desk()),
        version: Version { hash: "generated".into(), commit: None },
        files: Arc::default(),
        triggers: triggers.into_iter().enumerate().map(called).collect(),
        automations: Vec::<Arc<Automation>>::new(),
        macros: vec![],
        reports: vec![],
        views: vec![],
        slas: vec![],
        volumes: vec![],
        tests: vec![],
        lets: vec![],
        lists: vec![],
    }
}

/// Rule sets with a trigger for each field, which asks for nothing else.
pub fn rules_for_each_field() -> impl Strategy<Value = Rules> {
    let asks = |when| Trigger {
        title: String::new(),
        doc: None,
        mode: Mode::Live,
        on: On { created: true, updated: true },
        when,
        caps: vec![],
        then: vec![],
        span: span(),
    };
    let triggers: Vec<_> = all_fields().into_iter().map(|field| predicate_of(field).prop_map(asks)).collect();
    triggers.prop_map(rules_of)
}

/// Rule sets of up to this many triggers. Some share a named condition.
pub fn rules(most: usize) -> impl Strategy<Value = Rules> {
    let shared = condition().prop_map(|condition| {
        let named = Let { name: "shared".into(), doc: None, condition, span: span() };
        condition_of(ConditionKind::Let(Arc::new(named)))
    });
    let slas = collection::vec(sla(), 0..3);
    (shared, collection::vec((trigger(), 0..6_u8), 0..=most), slas).prop_map(|(shared, triggers, slas)| {
        let triggers = triggers.into_iter().map(|(trigger, how)| match how {
            0 => Trigger { when: condition_of(ConditionKind::All(vec![trigger.when, shared.clone()])), ..trigger },
            1 => Trigger { when: condition_of(ConditionKind::Not(Box::new(shared.clone()))), ..trigger },
            _ => trigger,
        });
        Rules { slas: slas.into_iter().map(Arc::new).collect(), ..rules_of(triggers.collect()) }
    })
}
