//! Reports in SQL give the same results as reports in memory.

use jiff::{SignedDuration, Timestamp, civil::date};
use proptest::{collection, option, prelude::*, sample};
use tokio::runtime::Runtime;

use twite::{
    desk::{CustomValue, Declarations, FieldRef, Person, SlaTarget, Status, Ticket, Viewer, metric::METRICS},
    engine::report::{Interval, ReportTable, Row, Tally},
    lang::rules::{
        Aggregate, Calendar, Chart, Condition, Measure, Mode, Over, Period, PeriodUnit, Quantity, Report, Split,
    },
    store::Store,
};

use super::{store, views::kept, x};
use crate::support::generate::{agent, condition, desk, now, span, ticket};

fn field(name: &str) -> FieldRef {
    FieldRef::find(name, &desk()).unwrap()
}

fn measure() -> impl Strategy<Value = Measure> {
    let quantity = prop_oneof![
        sample::select(vec!["requester.followers", "replies", "comments", "post.likes", "field.score"])
            .prop_map(|name| Quantity::Field(field(name))),
        (0..METRICS.len(), any::<bool>()).prop_map(|(at, business)| Quantity::Time { metric: &METRICS[at], business }),
        sample::select(vec![SlaTarget::FirstReply, SlaTarget::Solve]).prop_map(Quantity::InTime),
        Just(Quantity::SatisfactionScore),
        Just(Quantity::SatisfactionResponse),
        (collection::vec(sample::select(Status::ALL), 1..4), any::<bool>())
            .prop_map(|(statuses, business)| Quantity::TimeIn { statuses, business }),
    ];
    prop_oneof![
        Just(Measure::Count),
        Just(Measure::Requesters),
        Just(Measure::Reach),
        (sample::select(&Aggregate::ALL), quantity)
            .prop_map(|(aggregate, quantity)| Measure::Of { aggregate, quantity }),
    ]
}

const TIMES: &[&str] = &["created", "updated", "status_changed", "solved", "first_reply", "requester.joined"];

fn split() -> impl Strategy<Value = Split> {
    let fields = vec![
        "channel",
        "status",
        "priority",
        "account",
        "group",
        "assignee",
        "tags",
        "post.hashtags",
        "post.media",
        "post.is_quote",
        "language",
        "subject",
        "requester.verified",
        "satisfaction",
        "requester.satisfaction",
        "requester.verified_type",
        "field.topic",
        "field.order",
        "field.done",
    ];
    let units = vec![Calendar::HourOfWeek, Calendar::Day, Calendar::Week, Calendar::Month];
    prop_oneof![
        2 => sample::select(fields).prop_map(|name| Split::Field(field(name))),
        2 => (sample::select(units), sample::select(TIMES)).prop_map(|(unit, of)| Split::Time { unit, of: field(of) }),
        1 => sample::select(vec![vec![0], vec![-1, 1, 10_000]])
            .prop_map(|from| Split::Bands { field: field("requester.followers"), from }),
    ]
}

fn over() -> impl Strategy<Value = Over> {
    let units = vec![PeriodUnit::Hour, PeriodUnit::Day, PeriodUnit::Week, PeriodUnit::Month, PeriodUnit::Year];
    let period = prop_oneof![
        (1..20, sample::select(units)).prop_map(|(count, unit)| Period::Last(count, unit)),
        (0..400, 1..300).prop_map(|(from, days)| {
            let from = date(2025, 3, 1).checked_add(jiff::Span::new().days(from)).unwrap();
            Period::Between(from, from.checked_add(jiff::Span::new().days(days)).unwrap())
        }),
    ];
    (period, sample::select(TIMES)).prop_map(|(period, of)| Over { of: field(of), period })
}

prop_compose! {
    fn report()(
        filter in prop_oneof![2 => Just(Condition::always(span())), 1 => condition()],
        measures in collection::vec(measure(), 1..4),
        by in collection::vec(split(), 0..3),
        over in option::of(over()),
        compare in any::<bool>(),
    ) -> Report {
        Report {
            title: "generated".into(),
            doc: None,
            mode: Mode::Live,
            filter,
            measures,
            by,
            compare: compare && over.is_some(),
            over,
            chart: Chart::Table,
            visible_to: vec![],
            span: span(),
        }
    }
}

/// A desk in a time zone with daylight saving time and a half-hour offset.
fn elsewhere() -> Declarations {
    let mut desk = desk();
    desk.hours.zone = jiff::tz::TimeZone::get("Australia/Adelaide").unwrap();
    desk
}

fn near(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0),
        (a, b) => a == b,
    }
}

fn same(a: &ReportTable, b: &ReportTable) -> bool {
    let values =
        |a: &[Option<f64>], b: &[Option<f64>]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| near(*a, *b));
    let row = |a: &Row, b: &Row| {
        a.keys == b.keys
            && values(&a.values, &b.values)
            && match (&a.previous, &b.previous) {
                (Some(a), Some(b)) => values(a, b),
                (a, b) => a == b,
            }
    };
    a.rows.len() == b.rows.len() && row(&a.total, &b.total) && a.rows.iter().zip(&b.rows).all(|(a, b)| row(a, b))
}

async fn computed(store: &Store, viewer: Viewer<'_>, report: &Report, desk: &Declarations) -> ReportTable {
    let mut snapshot = store.snapshot(viewer).await.unwrap();
    let table = snapshot.report(report, desk, now()).await.unwrap();
    snapshot.close().await.unwrap();
    table
}

fn in_memory(report: &Report, tickets: &[Ticket], desk: &Declarations) -> ReportTable {
    let mut tally = Tally::new(report, desk, now());
    tickets.iter().for_each(|ticket| tally.add(ticket));
    tally.finish()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sql_and_memory_agree(drafts in collection::vec(ticket(), 0..24), reports in collection::vec((report(), option::of(agent())), 16)) {
        let small = |n: &mut i64| *n = (*n).clamp(-1_000_000, 1_000_000);
        let mut drafts = drafts;
        let mut people: Vec<Person> = vec![];
        for (n, draft) in drafts.iter_mut().enumerate() {
            draft.requester.followers.iter_mut().for_each(small);
            draft.post.likes.iter_mut().for_each(small);
            small(&mut draft.replies);
            small(&mut draft.comments);
            for value in draft.custom.values_mut() {
                if let CustomValue::Number(n) = value {
                    small(n);
                }
            }
            // Two tickets per person.
            draft.requester.id = Some(x(1_000 + n as u64).into());
            match people.get(n / 2) {
                Some(person) => draft.requester = person.clone(),
                None => people.push(draft.requester.clone()),
            }
        }
        Runtime::new().unwrap().block_on(async {
            let (store, _directory) = store().await;
            let tickets = kept(&store, &drafts).await;
            let desk = elsewhere();
            for (report, agent) in &reports {
                let viewer = agent.as_ref().map_or(Viewer::Owner, Viewer::Agent);
                let seen: Vec<Ticket> = tickets.iter().filter(|ticket| viewer.sees(ticket)).cloned().collect();
                let read = Report { filter: report.filter.read_by(viewer).into_owned(), ..report.clone() };
                let expected = in_memory(&read, &seen, &desk);
                let found = computed(&store, viewer, report, &desk).await;
                assert!(same(&found, &expected), "{report:#?}\nSQL {found:#?}\nmemory {expected:#?}");
            }
            store.close().await;
        });
    }
}

fn plain(measures: Vec<Measure>, by: Vec<Split>, period: Period) -> Report {
    let over = Some(Over { of: field("created"), period });
    let filter = Condition::always(span());
    Report {
        title: "by hand".into(),
        doc: None,
        mode: Mode::Live,
        filter,
        measures,
        by,
        over,
        compare: true,
        chart: Chart::Table,
        visible_to: vec![],
        span: span(),
    }
}

#[tokio::test]
async fn nothing_and_one_are_counted_too() {
    let (store, _directory) = store().await;
    let desk = elsewhere();
    let median =
        Measure::Of { aggregate: Aggregate::Median, quantity: Quantity::Time { metric: &METRICS[0], business: false } };
    let by = vec![Split::Time { unit: Calendar::Day, of: field("created") }];
    let report = plain(vec![Measure::Count, median], by, Period::Last(3, PeriodUnit::Day));

    let table = computed(&store, Viewer::Owner, &report, &desk).await;
    assert_eq!(table.rows.len(), 3, "a row for each day, also where nothing happened");
    assert!(table.rows.iter().all(|row| row.values == [Some(0.0), None]), "{table:#?}");
    assert_eq!(table.total.values, [Some(0.0), None]);

    let draft =
        Ticket { created: now(), first_reply: Some(now() + SignedDuration::from_mins(90)), ..Ticket::default() };
    kept(&store, &[draft]).await;
    let table = computed(&store, Viewer::Owner, &report, &desk).await;
    assert_eq!(table.total.values, [Some(1.0), Some(5_400.0)]);
    assert_eq!(table.total.previous, Some(vec![Some(0.0), None]));
}

/// As floating-point seconds, durations that almost cancel out would lose half a millisecond.
#[tokio::test]
async fn lengths_that_almost_cancel_out_are_exact() {
    let (store, _directory) = store().await;
    let desk = elsewhere();
    let (epoch, late) = (Timestamp::UNIX_EPOCH, Timestamp::from_millisecond(1_767_614_400_000).unwrap());
    let between = |created, assigned| Ticket { created, assigned: Some(assigned), ..Ticket::default() };
    let drafts = [between(late, epoch), between(epoch, late - SignedDuration::from_millis(1))];
    let tickets = kept(&store, &drafts).await;
    let metric = METRICS.iter().find(|metric| metric.name == "assignment_time").unwrap();
    let median = Measure::Of { aggregate: Aggregate::Median, quantity: Quantity::Time { metric, business: false } };
    let mut report = plain(vec![median], vec![], Period::Last(1, PeriodUnit::Day));
    (report.over, report.compare) = (None, false);

    let table = computed(&store, Viewer::Owner, &report, &desk).await;
    assert_eq!(table.total.values, [Some(-0.0005)]);
    assert_eq!(in_memory(&report, &tickets, &desk).total.values, [Some(-0.0005)]);
}

#[tokio::test]
async fn days_begin_where_the_desk_is() {
    let (store, _directory) = store().await;
    let desk = elsewhere();
    let zone = &desk.hours.zone;
    let midnight = date(2026, 4, 6).at(0, 0, 0, 0).to_zoned_datetime(zone.clone()).unwrap().timestamp();
    let before = midnight - SignedDuration::from_millis(1);
    let drafts = [midnight, before].map(|created| Ticket { created, ..Ticket::default() });
    kept(&store, &drafts).await;
    // Daylight saving time ends in Adelaide on 5 April 2026, a day of 25 hours.
    let by = vec![Split::Time { unit: Calendar::Day, of: field("created") }];
    let report = plain(vec![Measure::Count], by, Period::Between(date(2026, 4, 5), date(2026, 4, 7)));
    let table = computed(&store, Viewer::Owner, &report, &desk).await;
    let counts: Vec<_> = table.rows.iter().map(|row| (row.keys[0].to_string(), row.values[0])).collect();
    assert_eq!(counts, [("2026-04-05".to_owned(), Some(1.0)), ("2026-04-06".to_owned(), Some(1.0))]);
    let Some(Interval { from, to }) = table.period else { panic!("a period") };
    assert_eq!(from.duration_until(to), SignedDuration::from_hours(49));
}
