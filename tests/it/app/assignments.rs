//! Who of a group gets a ticket, compared with a model of the desk that chooses on its own.

use jiff::{SignedDuration, Timestamp};
use twite::{
    app::agents,
    desk::{TicketId, Viewer},
};

use super::actions::Desk;
use crate::support::owner::OwnerReads as _;

const DESK: &str = r#"
[[group]]
name = "Social"

[[agent]]
name = "Ana"
groups = ["Social"]

[[agent]]
name = "Ben"
groups = ["Social"]

[[agent]]
name = "Dee"
groups = ["Social"]
"#;

const AGENTS: [&str; 3] = ["Ana", "Ben", "Dee"];

/// A way to choose: as written in a rule, and as the model understands it.
struct Way {
    written: &'static str,
    /// Whether the last agent of the requester comes first; within so many days.
    last: Option<Option<i64>>,
    least_busy: bool,
    under: usize,
}

const WAYS: &[Way] = &[
    Way { written: "next agent of group \"Social\"", last: None, least_busy: false, under: usize::MAX },
    Way {
        written: "last agent of requester within 30 days or next agent of group \"Social\"",
        last: Some(Some(30)),
        least_busy: false,
        under: usize::MAX,
    },
    Way {
        written: "last agent of requester or least busy agent of group \"Social\" with under 3 unsolved tickets",
        last: Some(None),
        least_busy: true,
        under: 3,
    },
    Way {
        written: "next agent of group \"Social\" with under 1 unsolved tickets",
        last: None,
        least_busy: false,
        under: 1,
    },
];

struct ModelTicket {
    person: u64,
    assigned: Option<(usize, Timestamp)>,
    is_solved: bool,
}

#[derive(Default)]
struct Model {
    tickets: Vec<ModelTicket>,
    /// Who had a turn, in order: whoever was chosen where the round robin decides.
    turns: Vec<usize>,
    /// Until when each agent is away; `MAX` is without an end.
    away: [Option<Timestamp>; 3],
}

impl Model {
    fn choose(&mut self, way: &Way, person: u64, now: Timestamp) -> Option<usize> {
        let is_of = |ticket: &&ModelTicket, agent| ticket.assigned.is_some_and(|(of, _)| of == agent);
        let unsolved = |agent| self.tickets.iter().filter(|t| !t.is_solved && is_of(t, agent)).count();
        let is_away = |agent: usize| self.away[agent].is_some_and(|until| until > now);
        let free: Vec<usize> = (0..3).filter(|agent| !is_away(*agent) && unsolved(*agent) < way.under).collect();
        if let Some(within) = way.last {
            let since =
                within.map_or(Timestamp::MIN, |days| now.checked_sub(SignedDuration::from_hours(24 * days)).unwrap());
            let of_person = self.tickets.iter().filter(|ticket| ticket.person == person);
            let last = of_person.filter_map(|ticket| ticket.assigned).max_by_key(|(_, at)| *at);
            if let Some((agent, _)) = last.filter(|(agent, at)| *at >= since && free.contains(agent)) {
                self.turns.extend((!way.least_busy).then_some(agent));
                return Some(agent);
            }
        }
        if way.least_busy {
            return free.iter().copied().min_by_key(|agent| unsolved(*agent));
        }
        let turn = |agent: &usize| self.turns.iter().rposition(|turn| turn == agent);
        let next = free.iter().copied().min_by_key(turn);
        self.turns.extend(next);
        next
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_chosen_is_whom_a_model_of_the_desk_chooses() {
    let (mut chosen, mut nobody, mut same) = (0, 0, 0);
    for (n, way) in WAYS.iter().enumerate() {
        let rules = format!(
            "trigger \"Route\" {{ on created then assign to {} }}\nmacro \"Solve\" {{ then set status to solved }}",
            way.written
        );
        let desk = Desk::declared(DESK, &rules).await;
        let (mut model, mut state) = (Model::default(), 11 + n as u64);
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut now: Timestamp = "2026-01-05T09:00:00Z".parse().unwrap();
        for step in 1..=60_u64 {
            // Never at the same time, and often exactly thirty days later.
            now += SignedDuration::from_hours(24 * [1, 5, 10, 30][random(4) as usize]);
            desk.until(&now.to_string()).await;
            let (declared, agent) = (&desk.daemon.rules().desk, random(3) as usize);
            match random(6) {
                0 => {
                    let until = (random(2) == 0).then(|| now + SignedDuration::from_hours(24 * 15));
                    let (store, by) = (desk.daemon.store(), (&**declared, Viewer::Owner));
                    agents::away(store, by, AGENTS[agent], until, now).await.unwrap();
                    model.away[agent] = Some(until.unwrap_or(Timestamp::MAX));
                }
                1 => {
                    let by = (&**declared, Viewer::Owner);
                    agents::back(desk.daemon.store(), by, AGENTS[agent], now).await.unwrap();
                    model.away[agent] = None;
                }
                2 => {
                    let unsolved = model.tickets.iter().position(|ticket| !ticket.is_solved);
                    if let Some(at) = unsolved {
                        desk.apply("Solve", at as i64 + 1).await.unwrap();
                        model.tickets[at].is_solved = true;
                    }
                }
                _ => {
                    let person = 1 + random(3);
                    let expected = model.choose(way, person, now);
                    desk.post(step * 10, person, step * 10, &now.to_string()).await;
                    let id = model.tickets.len() as i64 + 1;
                    let ticket = desk.ticket(id).await;
                    let name = expected.map(|agent| AGENTS[agent]);
                    assert_eq!(ticket.assignee.as_deref(), name, "ticket {id}: {}", way.written);
                    assert_eq!(ticket.group.as_deref(), Some("Social"));
                    let outgoing = desk.daemon.store().outgoing(TicketId(id)).await.unwrap();
                    let reason = outgoing[0].reason.clone().unwrap();
                    match name {
                        Some(name) => assert!(reason.starts_with(name) && outgoing[0].state == "sent", "{reason}"),
                        None => {
                            assert!(reason.starts_with("no agent of the group is free; "), "{reason}");
                            assert_eq!(outgoing[0].state, "refused");
                        }
                    }
                    same += usize::from(reason.contains("who had the requester last"));
                    *(if name.is_some() { &mut chosen } else { &mut nobody }) += 1;
                    let assigned = expected.map(|agent| (agent, now));
                    model.tickets.push(ModelTicket { person, assigned, is_solved: false });
                }
            }
        }
    }
    assert!(chosen > 60 && nobody > 10 && same > 10, "{chosen} chosen, {nobody} not, {same} last");
}
