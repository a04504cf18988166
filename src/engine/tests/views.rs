//! Views in memory: their tickets and order.

use super::*;
use crate::{
    desk::{Priority, TicketId},
    engine::view,
    lang::rules::{Sort, View},
};

fn a_view(filter: Condition, group_by: Option<(&str, bool)>, sort_by: Option<(&str, bool)>) -> View {
    let sort = |by: Option<(&str, bool)>| by.map(|(name, descending)| Sort { by: field(name), descending });
    View {
        title: "v".into(),
        doc: None,
        mode: Mode::Live,
        filter,
        columns: vec![],
        group_by: sort(group_by),
        sort_by: sort(sort_by),
        visible_to: vec![],
        span: span(),
    }
}

fn shown(view_: View) -> Vec<i64> {
    let ticket = |id, priority, name: Option<&str>, followers| {
        let mut ticket = Ticket { id: TicketId(id), priority, ..Ticket::default() };
        ticket.requester.name = name.map(str::to_owned);
        ticket.requester.followers = followers;
        ticket
    };
    let tickets = [
        ticket(5, Some(Priority::Low), Some("ada"), None),
        ticket(4, Some(Priority::Urgent), Some("Bob"), Some(7)),
        ticket(3, None, None, Some(12)),
        ticket(2, Some(Priority::Low), Some("Ärger"), Some(7)),
        ticket(1, Some(Priority::Urgent), Some("Zoë"), None),
    ];
    view(&view_, &tickets, &desk(), now()).iter().map(|t| t.id.0).collect()
}

#[test]
fn the_order_is_group_then_sort_then_number_with_nothing_last() {
    for (group, sort, order) in [
        (None, None, [1, 2, 3, 4, 5]),
        (None, Some(("requester.followers", false)), [2, 4, 3, 1, 5]),
        (None, Some(("requester.followers", true)), [3, 2, 4, 1, 5]),
        (None, Some(("priority", false)), [2, 5, 1, 4, 3]),
        (None, Some(("priority", true)), [1, 4, 2, 5, 3]),
        (None, Some(("requester.name", false)), [5, 4, 1, 2, 3]),
        (Some(("priority", true)), Some(("requester.name", false)), [4, 1, 5, 2, 3]),
        (Some(("status", false)), Some(("id", true)), [5, 4, 3, 2, 1]),
    ] {
        assert_eq!(shown(a_view(always(), group, sort)), order, "{group:?} {sort:?}");
    }
}

#[test]
fn only_what_fits_is_shown() {
    assert_eq!(shown(a_view(is("priority", "low"), None, None)), [2, 5]);
}
