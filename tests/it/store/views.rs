//! Views in SQL give the same results as views in memory, for every field and predicate, over tickets with missing
//! values.

use std::collections::BTreeSet;

use proptest::{collection, option, prelude::*};
use tokio::runtime::Runtime;

use twite::{
    desk::{FieldRef, Person, Scope, Ticket, Viewer, field::FIELDS},
    engine,
    lang::rules::{Condition, ConditionKind, Literal, Mode, Op, Predicate, Sort, View},
    store::Store,
};

use super::{key, store, x};
use crate::support::generate::{agent, condition, condition_of, desk, field, now, span, ticket};
use crate::support::owner::OwnerReads as _;

fn sort() -> impl Strategy<Value = Option<Sort>> {
    option::of((field(), any::<bool>()).prop_map(|(by, descending)| Sort { by, descending }))
}

fn a_view(filter: Condition, group_by: Option<Sort>, sort_by: Option<Sort>) -> View {
    View {
        title: "generated".into(),
        doc: None,
        mode: Mode::Live,
        filter,
        columns: vec![],
        group_by,
        sort_by,
        visible_to: vec![],
        span: span(),
    }
}

prop_compose! {
    fn view()(filter in condition(), group_by in sort(), sort_by in sort()) -> View {
        a_view(filter, group_by, sort_by)
    }
}

/// Asserts that a view gives a viewer the same tickets in SQL as in memory, at once and in pages.
async fn assert_same(store: &Store, viewer: Viewer<'_>, view: &View, tickets: &[Ticket], page: u32) {
    let desk = desk();
    let seen: Vec<Ticket> = tickets.iter().filter(|ticket| viewer.sees(ticket)).cloned().collect();
    let read = View { filter: view.filter.read_by(viewer).into_owned(), ..view.clone() };
    let mut expected: Vec<Ticket> = engine::view(&read, &seen, &desk, now()).into_iter().cloned().collect();
    for ticket in expected.iter_mut().filter(|_| !viewer.sees_all()) {
        // What the viewer does not see does not exist.
        ticket.problem.take_if(|problem| !seen.iter().any(|seen| seen.id == *problem));
        ticket.problem_solved.take_if(|_| ticket.problem.is_none());
    }
    let numbers = |tickets: &[Ticket]| tickets.iter().map(|t| t.id.0).collect::<Vec<_>>();

    let mut snapshot = store.snapshot(viewer).await.unwrap();
    let shown = snapshot.view(view, &desk, now(), 1_000, 0).await.unwrap();
    assert_eq!(numbers(&shown), numbers(&expected), "{} by {:?}, {:?}", view.filter, view.group_by, view.sort_by);
    assert_eq!(shown, expected, "{viewer:?}");
    assert_eq!(snapshot.count(&view.filter, &desk, now()).await.unwrap(), expected.len() as u64, "{}", view.filter);
    let mut paged = vec![];
    for offset in (0..=expected.len() as u32).step_by(page as usize) {
        paged.extend(snapshot.view(view, &desk, now(), page, offset).await.unwrap());
    }
    assert_eq!(numbers(&paged), numbers(&expected), "{}", view.filter);
    snapshot.close().await.unwrap();
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
        views in collection::vec((view(), option::of(agent())), 24),
        page in 3..8u32,
    ) {
        Runtime::new().unwrap().block_on(async {
            let (store, _directory) = store().await;
            let tickets = kept(&store, &drafts).await;
            for (view, agent) in &views {
                let viewer = agent.as_ref().map_or(Viewer::Owner, Viewer::Agent);
                assert_same(&store, viewer, view, &tickets, page).await;
                let mut snapshot = store.snapshot(viewer).await.unwrap();
                for ticket in &tickets {
                    let seen = snapshot.ticket(ticket.id).await.unwrap();
                    assert_eq!(seen.is_some(), viewer.sees(ticket), "{viewer:?} {ticket:?}");
                }
                snapshot.close().await.unwrap();
            }
            store.close().await;
        });
    }
}

fn ask(name: &str, test: Op) -> Condition {
    condition_of(ConditionKind::Predicate(Predicate::new(FieldRef::find(name, &desk()).unwrap(), test)))
}

#[tokio::test]
async fn conditions_of_any_size_are_answered() {
    let (store, _directory) = store().await;
    let draft = |followers| Ticket { requester: Person { followers, ..Person::default() }, ..Ticket::default() };
    let tickets = kept(&store, &[draft(None), draft(Some(3)), draft(Some(4_999)), draft(Some(70_000))]).await;
    let number = |n| Op::Is(Literal::Number(n));
    let many = |n| (0..n).map(|i| ask("requester.followers", number(i))).collect();
    let mut deep = ask("requester.followers", number(3));
    for _ in 0..301 {
        deep = condition_of(ConditionKind::Not(Box::new(deep)));
    }
    let listed = Op::NotIn((0..50_000).map(Literal::Number).collect::<Vec<_>>().into());
    for filter in [
        condition_of(ConditionKind::Any(many(1_500))),
        condition_of(ConditionKind::Any(many(6_000))),
        condition_of(ConditionKind::Not(Box::new(condition_of(ConditionKind::Any(many(6_000)))))),
        deep,
        ask("requester.followers", listed),
    ] {
        assert_same(&store, Viewer::Owner, &a_view(filter, None, None), &tickets, 2).await;
    }
}

#[test]
fn every_ticket_field_that_is_no_set_is_a_column() {
    let sets: BTreeSet<_> =
        FIELDS.iter().filter(|f| f.scope == Scope::Ticket && f.kind.is_set()).map(|f| f.sql.unwrap()).collect();
    assert_eq!(sets, ["person_tag", "ticket_hashtag", "ticket_media", "ticket_tag", "ticket_watcher"].into());
    for field in FIELDS.iter().filter(|f| f.scope == Scope::Ticket) {
        assert!(field.sql.is_some(), "{} is stored nowhere", field.name);
    }
}
