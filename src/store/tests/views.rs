//! Views in SQL show what views in memory show: every field, every question, over tickets where anything may
//! be missing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use proptest::{collection, option, prelude::*, sample};
use tokio::runtime::Runtime;

use super::*;
use crate::{
    desk::{
        Channel, CustomValue, Desk, FieldRef, Hours, Kind, OpenDay, Person, PostFacts, Priority, Status, TicketType,
        VerifiedType,
        config::{CustomField, CustomKind, Schedule},
        field::FIELDS,
        text::fold,
    },
    engine,
    lang::rules::{
        Comparison, Condition, ConditionKind, Leaf, Let, Literal, Mark, Pattern, Place, Sort, Span, Test, View,
    },
};

/// Texts that are hard on whoever compares them by bytes, cuts words, or builds statements.
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
];
const NAMES: &[&str] = &["Social", "social", "Ärger", "", "Zoë", "VIP"];
const TAGS: &[&str] = &["a", "ab", "b", "vip", "zoë", "a b"];
const PATTERNS: &[&str] = &["order", "^ORDER$", r"\bmy\b", "straße", "(a|e).*e", ".*", "^$", r"\d+%", "[^a-z]"];

pub(super) fn now() -> Timestamp {
    "2026-01-05T12:00:00Z".parse().unwrap()
}

/// A desk that is open from Monday to Friday, with one declared field of each kind.
pub(super) fn desk() -> Desk {
    let field = |name: &str, kind| CustomField { name: name.into(), kind, choices: vec![], doc: None };
    let fields = vec![
        field("topic", CustomKind::Choice),
        field("order", CustomKind::Text),
        field("score", CustomKind::Number),
        field("done", CustomKind::YesNo),
    ];
    let mut desk = Desk { fields, url: Some("https://desk.example".into()), ..Desk::default() };
    let day = OpenDay::try_from(vec!["09:00-12:00".parse().unwrap(), "13:00-17:00".parse().unwrap()]).unwrap();
    let hours = &mut desk.hours;
    for open in [&mut hours.monday, &mut hours.tuesday, &mut hours.wednesday, &mut hours.thursday, &mut hours.friday] {
        open.clone_from(&day);
    }
    desk.hours.holidays = [jiff::civil::date(2026, 1, 1)].into();
    let elsewhere = |zone, open: &str| {
        let day = OpenDay::try_from(vec![open.parse().unwrap()]).unwrap();
        Hours { zone: TimeZone::get(zone).unwrap(), monday: day.clone(), thursday: day, ..Hours::default() }
    };
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

pub(super) fn place() -> Place {
    Place { file: "views.twite".into(), start: 0, end: 0, line: 1 }
}

fn condition_of(kind: ConditionKind) -> Condition {
    Condition { kind, place: place() }
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

fn tags() -> impl Strategy<Value = Vec<String>> {
    collection::vec(sample::select(TAGS).prop_map(str::to_owned), 0..4)
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![-1..3i64, sample::select(vec![i64::MIN, i64::MAX, 10_000])]
}

/// Around the spans that are asked about, to the millisecond.
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
        texts in collection::vec(option::of(text()), 5),
        numbers in collection::vec(option::of(number()), 4),
        joined in option::of(time()),
        verified in option::of(any::<bool>()),
        verified_type in word(VerifiedType::ALL),
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
        }
    }
}

prop_compose! {
    fn post_facts()(
        numbers in collection::vec(option::of(number()), 3),
        has_media in any::<bool>(),
        is_reply in any::<bool>(),
        hashtags in tags(),
    ) -> PostFacts {
        let hashtags = hashtags.iter().map(|tag| fold(tag).into_owned()).collect();
        PostFacts { likes: numbers[0], reposts: numbers[1], replies: numbers[2], has_media, is_reply, hashtags }
    }
}

/// Values of declared fields, also ones that were written when the field was declared otherwise.
fn custom() -> impl Strategy<Value = BTreeMap<String, CustomValue>> {
    let names = sample::select(vec!["topic", "order", "score", "done", "gone"]).prop_map(str::to_owned);
    let value = prop_oneof![
        text().prop_map(CustomValue::Text),
        number().prop_map(CustomValue::Number),
        any::<bool>().prop_map(CustomValue::YesNo),
    ];
    collection::btree_map(names, value, 0..5)
}

prop_compose! {
    pub(super) fn ticket()(
        (status, channel) in (sample::select(Status::ALL), sample::select(Channel::ALL)),
        (priority, kind) in (word(Priority::ALL), word(TicketType::ALL)),
        names in collection::vec(option::of(one_name()), 4),
        texts in collection::vec(option::of(text()), 5),
        tags in tags(),
        requester in person(),
        post in post_facts(),
        counts in collection::vec(number(), 4),
        times in collection::vec(option::of(time()), 8),
        custom in custom(),
    ) -> Ticket {
        Ticket {
            id: TicketId(0),
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
            requester,
            language: texts[2].clone(),
            post,
            replies: counts[0],
            reopens: counts[1],
            agent_touches: counts[2],
            comments: counts[3],
            created: times[0].unwrap_or(now()),
            updated: times[1].unwrap_or(now()),
            solved: times[2],
            assigned: times[3],
            due: times[4],
            requester_updated: times[5],
            first_reply: times[6],
            snoozed: times[7],
            latest_comment: texts[3].clone(),
            latest_public_comment: texts[4].clone(),
            custom,
        }
    }
}

fn field() -> impl Strategy<Value = FieldRef> {
    let names: Vec<String> = FIELDS
        .iter()
        .map(|field| field.name.to_owned())
        .chain(desk().fields.iter().map(|field| format!("field.{}", field.name)))
        .collect();
    sample::select(names).prop_map(|name| FieldRef::find(&name, &desk()).unwrap())
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
        Kind::Declared(_) => one_name().prop_map(|word| Literal::Word { word, rank: None }).boxed(),
        Kind::Text => text().prop_map(|text| Literal::Text(text.as_str().into())).boxed(),
        Kind::Set => tags().prop_map(Literal::Set).boxed(),
        Kind::Time => time().prop_map(Literal::Time).boxed(),
    }
}

fn span() -> impl Strategy<Value = Span> {
    let hours = prop_oneof![Just(0), 1..10i64, sample::select(vec![24, 48, 96, -5, 1_000_000])];
    (hours, any::<bool>()).prop_map(|(hours, business)| Span { length: SignedDuration::from_hours(hours), business })
}

/// Any question about a field, also those that make little sense of it.
fn test(kind: &Kind) -> BoxedStrategy<Test> {
    let value = || prop_oneof![9 => literal(kind), 1 => literal(&Kind::Number)];
    let values = || collection::vec(value(), 0..4);
    let needle = || text().prop_map(|text| text.as_str().into());
    let comparison =
        || sample::select(vec![Comparison::Less, Comparison::AtMost, Comparison::More, Comparison::AtLeast]);
    let apart: Vec<BoxedStrategy<Test>> = vec![
        value().prop_map(Test::Is).boxed(),
        value().prop_map(Test::IsNot).boxed(),
        (comparison(), value()).prop_map(|(c, v)| Test::Compare(c, v)).boxed(),
        values().prop_map(Test::In).boxed(),
        values().prop_map(Test::NotIn).boxed(),
        (option::of(value()), option::of(value())).prop_map(|(from, to)| Test::Changed { from, to }).boxed(),
        Just(Test::IsEmpty).boxed(),
        Just(Test::IsSet).boxed(),
    ];
    let own: Vec<BoxedStrategy<Test>> = match kind {
        Kind::YesNo => vec![Just(Test::Holds).boxed()],
        Kind::Set => vec![
            tags().prop_map(Test::HasAny).boxed(),
            tags().prop_map(Test::HasAll).boxed(),
            tags().prop_map(Test::HasNone).boxed(),
        ],
        Kind::Time => vec![
            (comparison(), span()).prop_map(|(c, s)| Test::Since(c, s)).boxed(),
            (comparison(), span()).prop_map(|(c, s)| Test::Until(c, s)).boxed(),
        ],
        Kind::Text | Kind::Words(_) | Kind::Declared(_) => vec![
            needle().prop_map(Test::Contains).boxed(),
            needle().prop_map(Test::ContainsWord).boxed(),
            needle().prop_map(Test::StartsWith).boxed(),
            sample::select(PATTERNS).prop_map(|p| Test::Matches(Pattern::new(p).unwrap())).boxed(),
        ],
        Kind::Number => vec![(comparison(), value()).prop_map(|(c, v)| Test::Compare(c, v)).boxed()],
    };
    // Questions of another kind of field.
    let strange = vec![
        Just(Test::Holds).boxed(),
        tags().prop_map(Test::HasNone).boxed(),
        tags().prop_map(Test::HasAll).boxed(),
        needle().prop_map(Test::Contains).boxed(),
        (comparison(), span()).prop_map(|(c, s)| Test::Since(c, s)).boxed(),
    ];
    let one = |tests| sample::select::<BoxedStrategy<Test>>(tests).prop_flat_map(|test| test);
    prop_oneof![6 => one(apart), 12 => one(own), 1 => one(strange)].boxed()
}

fn leaf() -> impl Strategy<Value = Condition> {
    field().prop_flat_map(|field| {
        test(&field.kind()).prop_map(move |test| condition_of(ConditionKind::Leaf(Leaf { field: field.clone(), test })))
    })
}

pub(super) fn condition() -> impl Strategy<Value = Condition> {
    leaf().prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..4).prop_map(|parts| condition_of(ConditionKind::All(parts))),
            collection::vec(inner.clone(), 0..4).prop_map(|parts| condition_of(ConditionKind::Any(parts))),
            inner.clone().prop_map(|part| condition_of(ConditionKind::Not(Box::new(part)))),
            inner.prop_map(|condition| condition_of(ConditionKind::Let(Arc::new(Let {
                name: "named".into(),
                doc: None,
                condition,
                place: place()
            })))),
        ]
    })
}

fn sort() -> impl Strategy<Value = Option<Sort>> {
    option::of((field(), any::<bool>()).prop_map(|(by, descending)| Sort { by, descending }))
}

fn a_view(filter: Condition, group_by: Option<Sort>, sort_by: Option<Sort>) -> View {
    View {
        title: "generated".into(),
        doc: None,
        mark: Mark::Live,
        filter,
        columns: vec![],
        group_by,
        sort_by,
        visible_to: vec![],
        place: place(),
    }
}

prop_compose! {
    fn view()(filter in condition(), group_by in sort(), sort_by in sort()) -> View {
        a_view(filter, group_by, sort_by)
    }
}

/// Asserts that a view shows the same in SQL as in memory, whole and by pages.
async fn assert_same(store: &Store, view: &View, tickets: &[Ticket], page: u32) {
    let desk = desk();
    let expected: Vec<Ticket> = engine::view(view, tickets, &desk, now()).into_iter().cloned().collect();
    let numbers = |tickets: &[Ticket]| tickets.iter().map(|t| t.id.0).collect::<Vec<_>>();

    let shown = store.view(view, &desk, now(), 1_000, 0).await.unwrap();
    assert_eq!(numbers(&shown), numbers(&expected), "{} by {:?}, {:?}", view.filter, view.group_by, view.sort_by);
    assert_eq!(shown, expected);
    assert_eq!(store.count(&view.filter, &desk, now()).await.unwrap(), expected.len() as u64, "{}", view.filter);
    let mut paged = vec![];
    for offset in (0..=expected.len() as u32).step_by(page as usize) {
        paged.extend(store.view(view, &desk, now(), page, offset).await.unwrap());
    }
    assert_eq!(numbers(&paged), numbers(&expected), "{}", view.filter);
}

pub(super) async fn kept(store: &Store, drafts: &[Ticket]) -> Vec<Ticket> {
    let mut tickets = vec![];
    let mut tx = store.begin().await.unwrap();
    for (i, draft) in drafts.iter().enumerate() {
        let id = tx.next_ticket().await.unwrap();
        let ticket = Ticket { id, ..draft.clone() };
        tx.open(&ticket, &key(i as u64, 7), &x(100), ticket.updated).await.unwrap();
        tickets.push(Ticket { id, ..draft.clone() });
    }
    tx.commit().await.unwrap();
    for ticket in &tickets {
        assert_eq!(store.ticket(ticket.id).await.unwrap().as_ref(), Some(ticket), "a ticket is read as it was kept");
    }
    tickets
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn sql_and_memory_agree(
        drafts in collection::vec(ticket(), 1..16),
        views in collection::vec(view(), 24),
        page in 3..8u32,
    ) {
        Runtime::new().unwrap().block_on(async {
            let (store, _directory) = store().await;
            let tickets = kept(&store, &drafts).await;
            for view in &views {
                assert_same(&store, view, &tickets, page).await;
            }
            store.close().await;
        });
    }
}

fn ask(name: &str, test: Test) -> Condition {
    condition_of(ConditionKind::Leaf(Leaf { field: FieldRef::find(name, &desk()).unwrap(), test }))
}

#[tokio::test]
async fn conditions_of_any_size_are_answered() {
    let (store, _directory) = store().await;
    let draft = |followers| Ticket { requester: Person { followers, ..Person::default() }, ..Ticket::default() };
    let tickets = kept(&store, &[draft(None), draft(Some(3)), draft(Some(4_999)), draft(Some(70_000))]).await;
    let number = |n| Test::Is(Literal::Number(n));
    let many = |n| (0..n).map(|i| ask("requester.followers", number(i))).collect();
    let mut deep = ask("requester.followers", number(3));
    for _ in 0..301 {
        deep = condition_of(ConditionKind::Not(Box::new(deep)));
    }
    let listed = Test::NotIn((0..50_000).map(Literal::Number).collect());
    for filter in [
        condition_of(ConditionKind::Any(many(1_500))),
        condition_of(ConditionKind::Any(many(6_000))),
        condition_of(ConditionKind::Not(Box::new(condition_of(ConditionKind::Any(many(6_000)))))),
        deep,
        ask("requester.followers", listed),
    ] {
        assert_same(&store, &a_view(filter, None, None), &tickets, 2).await;
    }
}

#[tokio::test]
async fn common_views_find_their_tickets_by_index() {
    let (store, _directory) = store().await;
    let tagged = ask("tags", Test::HasAny(vec!["vip".into()]));
    let solved = Literal::Word { word: "solved".into(), rank: Some(4) };
    let unsolved = ask("status", Test::Compare(Comparison::Less, solved));
    for (filter, index) in [(tagged, "ticket_tag_by_tag"), (unsolved, "ticket_by_status")] {
        let desk = desk();
        let mut query = super::super::view::Query::of("EXPLAIN QUERY PLAN SELECT t.id", &filter, &desk, now());
        let rows = query.sql.build().fetch_all(&store.reader).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| sqlx::Row::get(row, "detail")).collect();
        assert!(plan.iter().any(|step| step.contains(index)), "{plan:#?}");
        assert!(!plan.iter().any(|step| step.starts_with("SCAN t")), "{plan:#?}");
    }
}

#[test]
fn every_ticket_field_that_is_no_set_is_a_column() {
    let sets: BTreeSet<_> = FIELDS.iter().filter(|f| f.kind == Kind::Set).map(|f| f.sql.unwrap()).collect();
    assert_eq!(sets, ["ticket_hashtag", "ticket_tag"].into());
    for field in FIELDS.iter().filter(|f| f.scope == crate::desk::Scope::Ticket) {
        assert!(field.sql.is_some(), "{} is stored nowhere", field.name);
    }
}
