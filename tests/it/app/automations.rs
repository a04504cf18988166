//! Automations fire as if every ticket were evaluated on every minute.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::Path,
    sync::Arc,
};

use crate::support::owner::OwnerReads as _;
use crate::support::{inside, simulator};
use jiff::{SignedDuration, Timestamp};
use proptest::{collection, prelude::*, sample, test_runner::Config};
use twite::{
    app::agent::{self, AgentUpdate},
    daemon::Daemon,
    desk::{Actor, Event, EventKind, Facts, FieldRef, Repeat, Status, Ticket, TicketId, Via},
    engine::{self, loops},
    lang::{
        Diagnostic, check_files,
        rules::{Action, ActionKind, Automation, Files, Literal, Rules, SetTo, SourceFile, Span, Version},
    },
    sim::SimHandle,
};

fn by_owner(actions: &[Action]) -> AgentUpdate {
    AgentUpdate::new(Actor::Owner, Via::Cli, actions.to_vec())
}

/// Opening hours with two time zones, lunch breaks, changes to daylight saving time, and holidays. The limit lets weeks
/// of downtime be caught up without the clock moving.
const HOURS: &str = r#"
[limits]
automations_per_minute = 1_000_000

[hours]
zone = "Europe/Paris"
monday = ["09:00-12:00", "13:00-17:30"]
wednesday = ["09:00-17:30"]
sunday = ["01:00-04:00"]
holidays = ["2026-03-25"]

[[field]]
name = "count"
type = "number"

[[field]]
name = "until"
type = "date"

[[group]]
name = "Night"

[[agent]]
name = "Ana"
groups = ["Night"]

[[schedule]]
name = "night"
groups = ["Night"]
[schedule.hours]
zone = "America/New_York"
monday = ["22:00-24:00"]
tuesday = ["00:00-06:00"]
saturday = ["20:00-24:00"]
"#;

/// Daylight saving time starts on 8 March 2026 in New York and on 29 March in Europe.
const START: &str = "2026-03-06T00:00:00Z";
const DAYS: i64 = 62;

/// A change of a ticket.
#[derive(Debug, Clone)]
enum Change {
    Priority(&'static str),
    Status(&'static str),
    Group,
    Tag,
    Untag,
}

fn actions(happens: &Change, rules: &Rules) -> Vec<Action> {
    let span = Span { file: "by hand".into(), start: 0, end: 0, line: 1 };
    let field = |name| FieldRef::find(name, &rules.desk).unwrap();
    let word = |word: &str| SetTo::Literal(Literal::Word { word: word.into(), rank: None });
    let kind = match happens {
        Change::Priority(p) => ActionKind::Set(field("priority"), word(p)),
        Change::Status(s) => ActionKind::Set(field("status"), word(s)),
        Change::Group => ActionKind::Set(field("group"), word("Night")),
        Change::Tag => ActionKind::Add(field("tags"), vec!["seen".into()]),
        Change::Untag => ActionKind::Remove(field("tags"), vec!["seen".into()]),
    };
    vec![Action { kind, span }]
}

fn span() -> impl Strategy<Value = String> {
    (sample::select(vec![0, 1, 7, 45, 60, 90, 480, 1_440, 4_000]), sample::select(vec!["minutes", "business minutes"]))
        .prop_map(|(n, unit)| format!("{n} {unit}"))
}

fn question() -> impl Strategy<Value = String> {
    let time = (
        sample::select(vec!["since", "until"]),
        sample::select(vec![
            "created",
            "updated",
            "status_changed",
            "solved",
            "assigned",
            "requester_updated",
            "snoozed",
            "breach",
            "first_reply_due",
            "solve_due",
            "update_due",
        ]),
        sample::select(vec!["<", "<=", ">", ">="]),
        span(),
    );
    prop_oneof![
        4 => time.prop_map(|(way, field, op, span)| format!("time {way} {field} {op} {span}")),
        2 => (
            sample::select(vec!["new", "(new, open)", "pending", "(hold, pending, open)", "solved"]),
            sample::select(vec!["<", "<=", ">", ">="]),
            span(),
        )
            .prop_map(|(status, op, span)| format!("time in status {status} {op} {span}")),
        1 => Just("within business hours".to_owned()),
        1 => Just("within \"night\" hours".to_owned()),
        1 => Just("weekday in (monday, saturday)".to_owned()),
        // 02:30 is left out in the night in which clocks go forward.
        1 => (sample::select(vec!["is", "is not", "<", "<=", ">", ">="]), sample::select(vec!["02:30", "09:00", "23:58"]))
            .prop_map(|(op, time)| format!("time of day {op} {time}")),
        1 => (sample::select(vec!["is", "<", ">="]), sample::select(vec!["2026-03-09", "2026-03-29", "2026-04-12"]))
            .prop_map(|(op, date)| format!("date {op} {date}")),
        1 => Just("on_holiday".to_owned()),
        1 => sample::select(vec!["new", "open", "pending", "hold", "solved"]).prop_map(|s| format!("status is {s}")),
        1 => Just("priority < high".to_owned()),
        1 => Just("tags has seen".to_owned()),
        1 => Just("group is \"Night\"".to_owned()),
        1 => sample::select(vec!["field.until <= date", "field.until is not date", "field.count < 3"]).prop_map(str::to_owned),
        1 => (sample::select(vec!["since", "until"]), sample::select(vec!["<", "<=", ">", ">="]), span())
            .prop_map(|(way, op, span)| format!("time {way} field.until {op} {span}")),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    question().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            (collection::vec(inner.clone(), 1..3), sample::select(vec![" and ", " or "]))
                .prop_map(|(parts, word)| format!("({})", parts.join(word))),
            inner.prop_map(|c| format!("not ({c})")),
        ]
    })
}

fn automation() -> impl Strategy<Value = String> {
    let then = sample::select(vec![
        "set priority to urgent",
        "clear priority",
        "add tags seen",
        "remove tags seen",
        "set status to pending",
        "set status to solved",
        "set group to \"Night\"",
        "clear group",
        "snooze for 90 minutes",
        "note \"due\"",
        "set field.count to field.count + 1",
        "set field.until to date + 1 days",
        "set field.until to field.until - 2 days",
        "assign to next agent of group \"Night\"",
    ]);
    let cap = prop_oneof![
        3 => Just(""),
        1 => Just("  at most once per ticket per day\n"),
        1 => Just("  at most 2 times per requester per 90 minutes\n  at most 5 times per ticket\n"),
    ];
    let every = prop_oneof![
        3 => Just(""),
        1 => sample::select(vec![
            "  every 90 minutes while it holds, at most 3 times\n",
            "  every 4 hours while it holds\n",
            "  every 45 business minutes while it holds, at most 20 times\n",
            "  every 2 days while it holds\n",
        ]),
    ];
    let text = |(when, then, runs, every, cap): (String, Vec<&str>, bool, &str, &str)| {
        let runs = if runs { "  runs triggers\n" } else { "" };
        format!("{{\n  when {when}\n{every}{cap}{runs}  then {}\n}}\n", then.join(" "))
    };
    let texts = (condition(), collection::vec(then, 1..3), any::<bool>(), every, cap).prop_map(text);
    texts.prop_filter("never holds, which is an error", |text| check(&format!("automation \"A\" {text}")).is_ok())
}

/// The rules of a text, or what is wrong with it.
fn check(text: &str) -> Result<Rules, Vec<Diagnostic>> {
    let file = |name: &str, text: &str| SourceFile::new(name, text);
    let files = Files {
        config: Some(file("twite.toml", &declarations())),
        calendars: vec![],
        rules: vec![file("rules.twite", text)],
    };
    let (rules, found) = check_files(files, Version::default());
    rules.ok_or(found)
}

/// A trigger for changes by automations that run triggers, and for tickets whose snooze ends.
const TRIGGER: &str =
    "trigger \"Woken\" { on updated when status changed from hold and updated_via is rule then add tags seen }\n";

/// Service level agreements of rule sets that follow each other.
const SLAS: [&str; 2] = [
    "sla \"Seen\" {
  when tags has seen
  first reply within 45 minutes if priority is urgent
  first reply within 7 business hours otherwise
  solve within 2 days
  pause while status is hold
}
sla \"Others\" {
  when not (group is \"Night\")
  update every 90 business minutes
  solve within 60 business hours
  pause while status in (pending, hold)
}
",
    "sla \"Night\" {
  when priority is not low
  first reply within 8 hours
  solve within 3 days if status < pending
  solve within 20 business hours otherwise
}
",
];

/// Rule sets that share some automations with the set before; these stay active across a reload.
fn rule_sets() -> impl Strategy<Value = Vec<String>> {
    (collection::vec(automation(), 4), collection::vec(collection::vec(any::<bool>(), 4), 1..3)).prop_map(
        |(automations, sets)| {
            let mut files = vec![];
            for (place, chosen) in sets.into_iter().enumerate() {
                let mut file = format!("{TRIGGER}{}", SLAS[place % SLAS.len()]);
                for (n, (text, chosen)) in automations.iter().zip(&chosen).enumerate() {
                    if *chosen || n == 0 {
                        file.push_str(&format!("automation \"A{n}\" {text}"));
                    }
                }
                files.push(file);
            }
            files
        },
    )
}

fn happens() -> impl Strategy<Value = (i64, usize, Change)> {
    let what = prop_oneof![
        sample::select(vec!["low", "urgent"]).prop_map(Change::Priority),
        sample::select(vec!["open", "pending", "solved", "hold"]).prop_map(Change::Status),
        Just(Change::Group),
        Just(Change::Tag),
        Just(Change::Untag),
    ];
    // In seconds: most changes happen within a minute, some exactly on it.
    (prop_oneof![3 => 0..DAYS * 86_400, 1 => (0..DAYS * 1_440).prop_map(|m| m * 60)], 0..2_usize, what)
}

#[derive(Debug, Clone)]
enum Step {
    Change(usize, Change),
    /// The daemon stops and starts again later with the next rules.
    Restart,
    Down,
}

/// Ticket, title of the automation, minute.
type Firings = BTreeSet<(i64, String, Timestamp)>;

fn at(seconds: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap().checked_add(SignedDuration::from_secs(seconds)).unwrap()
}

/// The times, from the start of a downtime to an update in it, when a ticket is not evaluated: whoever updates it does not
/// know what was written meanwhile.
fn unread(steps: &[(i64, Step)]) -> [Vec<Range<i64>>; 2] {
    let (mut down, mut unread) = (None, [vec![], vec![]]);
    for (when, step) in steps {
        match step {
            Step::Down => down = down.or(Some(*when)),
            Step::Restart => down = None,
            Step::Change(ticket, _) => unread[*ticket].extend(down.map(|down| down..*when)),
        }
    }
    unread
}

/// Reference: evaluates every ticket on every minute.
fn every_minute(texts: &[String], steps: &[(i64, Step)], tickets: &[Ticket]) -> Firings {
    let sets: Vec<_> = texts.iter().map(|text| check(text).unwrap()).collect();
    let mut set = 0;
    let mut firings = Firings::new();
    // Each ticket with its active automations.
    let mut world: Vec<(Ticket, BTreeMap<String, Repeat>)> =
        tickets.iter().map(|t| (t.clone(), BTreeMap::new())).collect();
    let unread = unread(steps);
    let mut steps = steps.iter().peekable();
    let mut rules = &sets[0];
    world.iter_mut().for_each(|(ticket, _)| engine::follow_sla(rules, ticket));
    let mut seen = [loops::Seen::default(), loops::Seen::default()];
    let mut stopped = [false; 2];
    // Each ticket has a requester of its own, so that a cap per requester is one per ticket.
    let capped = |automation: &Automation, ticket: &Ticket, now: Timestamp, firings: &Firings| {
        let of_it = firings.iter().filter(|(id, title, _)| *id == ticket.id.0 && *title == automation.title);
        automation.caps.iter().any(|cap| {
            let counts = |at: &Timestamp| cap.period.is_none_or(|period| at.duration_until(now) < period);
            of_it.clone().filter(|(.., at)| counts(at)).count() >= usize::try_from(cap.times).unwrap()
        })
    };
    for tick in 0..=DAYS * 1_440 {
        let now = at(tick * 60);
        while let Some((when, step)) = steps.next_if(|(when, _)| *when <= tick * 60) {
            match step {
                Step::Restart => {
                    let before = set;
                    set = (set + 1) % sets.len();
                    rules = &sets[set];
                    world.iter_mut().for_each(|(ticket, _)| engine::follow_sla(rules, ticket));
                    if texts[before] != texts[set] {
                        (seen, stopped) = Default::default();
                    }
                }
                Step::Down => {}
                Step::Change(ticket, what) => {
                    (seen[*ticket], stopped[*ticket]) = Default::default();
                    let (ticket, _) = &mut world[*ticket];
                    let by = (Actor::Owner, Via::Cli);
                    let done = engine::agent_update(&actions(what, rules), ticket, &rules.desk, at(*when), by, None);
                    *ticket = engine::decide_plainly(rules, &done.ticket, &done.event, at(*when)).ticket;
                }
            }
        }
        for (n, (ticket, active)) in world.iter_mut().enumerate() {
            if unread[n].iter().any(|times| times.contains(&(tick * 60))) {
                continue;
            }
            if let Some((awake, event)) = engine::unsnooze(ticket, now) {
                *ticket = engine::decide_plainly(rules, &awake, &event, now).ticket;
            }
            if stopped[n] {
                continue;
            }
            let mut now_active = BTreeMap::new();
            let mut fired: Vec<&Automation> = vec![];
            let before = ticket.clone();
            // The definition: automations in order, each on the ticket as those before it left it.
            for automation in &rules.automations {
                let facts = Facts { ticket, event: None, now, desk: &rules.desk };
                if !engine::holds(&automation.when, facts) {
                    continue;
                }
                let was_active = active.get(&automation.title);
                let due = match (was_active, &automation.every) {
                    (None, _) => true,
                    (Some(_), None) => false,
                    (Some(Repeat { times, last }), Some(every)) => {
                        let again = every.interval.after(*last, rules.desk.hours_of(ticket));
                        every.times.is_none_or(|most| *times < most) && again.is_some_and(|again| again <= now)
                    }
                };
                let fires = due && !capped(automation, ticket, now, &firings);
                let before = was_active.copied().unwrap_or(Repeat { times: 0, last: now });
                let last = if due { now } else { before.last };
                now_active.insert(automation.title.clone(), Repeat { times: before.times + u32::from(fires), last });
                if fires {
                    fired.push(automation);
                    let alone = Rules { automations: vec![automation.clone()], triggers: vec![], ..rules.clone() };
                    let event = Event::due(BTreeSet::new(), BTreeMap::new());
                    *ticket = engine::decide_plainly(&alone, ticket, &event, now).ticket;
                }
            }
            let held: BTreeSet<_> = now_active.keys().cloned().collect();
            let repeats = fired.iter().all(|a| {
                let fired_before = active.get(&a.title).is_some_and(|before| before.times > 0);
                a.every.is_some() && fired_before
            });
            if fired.iter().any(|a| a.runs_triggers) {
                let kind = EventKind::Updated { before: Box::new(before.clone()) };
                let event = Event {
                    kind,
                    via: Via::Rule,
                    actor: Actor::System,
                    comment: None,
                    cause: None,
                    fired_before: vec![],
                    volumes: vec![],
                };
                *ticket = engine::decide_plainly(rules, ticket, &event, now).ticket;
            }
            let titles: BTreeSet<_> = fired.iter().map(|a| a.title.clone()).collect();
            if let Some(state) = loops::state(rules, &before, ticket, &held).filter(|_| !repeats)
                && seen[n].record(state, now, titles.clone()).is_some()
            {
                (*ticket, stopped[n]) = (before, true);
                continue;
            }
            firings.extend(titles.into_iter().map(|title| (ticket.id.0, title, now)));
            if !fired.is_empty() {
                carry_out(rules, ticket, &fired.iter().flat_map(|a| &a.then).collect::<Vec<_>>(), now);
            }
            *active = now_active;
        }
    }
    firings
}

/// Applies notes and assignments, which a decision only requests.
fn carry_out(rules: &Rules, ticket: &mut Ticket, actions: &[&Action], now: Timestamp) {
    for action in actions {
        match &action.kind {
            ActionKind::Note(_) => ticket.comments += 1,
            ActionKind::Assign { .. } => ticket.set_assignee(Some("Ana".into()), now),
            _ => {}
        }
    }
    engine::follow_sla(rules, ticket);
}

fn declarations() -> String {
    format!("{HOURS}\n[[account]]\nhandle = \"acme\"\ntrack_likes = true\n")
}

async fn start(directory: &Path, sim: &SimHandle, rules: &str) -> Arc<Daemon> {
    inside::daemon(directory, sim, &["acme"], rules, HOURS).await.0
}

fn just_before(when: i64) -> Timestamp {
    at(when).checked_sub(SignedDuration::from_millis(1)).unwrap().max(at(0))
}

/// The daemon, which evaluates a ticket only when it is due.
async fn when_due(sets: &[String], steps: &[(i64, Step)]) -> (Vec<Ticket>, Firings) {
    let directory = tempfile::tempdir().unwrap();
    let sim = simulator().await;
    let mut daemon = start(directory.path(), &sim, &sets[0]).await;
    daemon.clock().reached(at(0));
    let mut tickets = vec![];
    for n in 1..=2_i64 {
        let line = format!(
            r#"{{"data":{{"id":"{n}00","author_id":"{n}7","conversation_id":"{n}00","text":"@acme hello","created_at":"{START}","entities":{{"mentions":[{{"start":0,"end":5,"username":"acme"}}]}}}},"includes":{{"users":[{{"id":"{n}7","username":"kim{n}","name":"Kim"}}]}}}}"#
        );
        let account = daemon.store().accounts().await.unwrap()[0].id.clone();
        let post = twite::x::wire::decode_line(&line).unwrap();
        daemon.feed(&account, vec![post]).await.unwrap();
        while daemon.take_next().await.unwrap() {}
        tickets.push(daemon.store().ticket(TicketId(n)).await.unwrap().unwrap());
    }
    let mut set = 0;
    let mut down = false;
    for (when, step) in steps {
        // Advances to just before this step; while the daemon is down, nothing runs.
        if !down {
            daemon.clock().reached(just_before(*when));
            while daemon.evaluate_next().await.unwrap() {}
        }
        daemon.clock().reached(at(*when));
        match step {
            Step::Down => down = true,
            Step::Restart => {
                // Due evaluations until now use the rules that were live until now.
                daemon.clock().reached(just_before(*when));
                while daemon.evaluate_next().await.unwrap() {}
                down = false;
                set = (set + 1) % sets.len();
                daemon.store().close().await;
                daemon = start(directory.path(), &sim, &sets[set]).await;
                daemon.clock().reached(at(*when));
                while daemon.evaluate_next().await.unwrap() {}
            }
            Step::Change(ticket, what) => {
                let rules = daemon.rules();
                let id = TicketId(i64::try_from(*ticket).unwrap() + 1);
                let actions = actions(what, &rules);
                agent::update(daemon.app(), id, &by_owner(&actions)).await.unwrap();
            }
        }
    }
    daemon.clock().reached(at(DAYS * 86_400));
    while daemon.evaluate_next().await.unwrap() {}
    let mut firings = Firings::new();
    for n in 1..=2 {
        for run in daemon.store().decisions(TicketId(n)).await.unwrap() {
            let recorded = run.run.unwrap();
            if matches!(recorded.event.kind, EventKind::Due { .. }) {
                for fired in run.fired.iter().filter(|title| title.starts_with('A')) {
                    assert!(firings.insert((n, fired.clone(), run.now)), "{fired} fired twice on {n} at {}", run.now);
                }
            }
        }
    }
    daemon.store().close().await;
    (tickets, firings)
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(8)
}

proptest! {
    #![proptest_config(Config { cases: cases(), max_shrink_iters: 60, failure_persistence: None, ..Config::default() })]

    #[test]
    fn they_fire_as_if_every_ticket_were_looked_at_every_minute(
        sets in rule_sets(),
        happens in collection::vec(happens(), 0..12),
        restarts in collection::vec((0..DAYS * 1_440).prop_map(|m| m * 60 + 30), 0..3),
        downs in collection::vec((0..DAYS * 1_440).prop_map(|m| m * 60 + 30), 0..3),
    ) {
        let mut steps: Vec<(i64, Step)> =
            happens.into_iter().map(|(when, ticket, what)| (when, Step::Change(ticket, what))).collect();
        steps.extend(restarts.into_iter().map(|when| (when, Step::Restart)));
        steps.extend(downs.into_iter().map(|when| (when, Step::Down)));
        steps.sort_by_key(|(when, _)| *when);
        prop_assert_eq!(differences(&sets, &steps).1, Differences::default());
    }
}

/// Firings that only the daemon or only the reference has.
#[derive(Debug, Default, PartialEq)]
struct Differences {
    only_daemon: Vec<(i64, String, Timestamp)>,
    only_reference: Vec<(i64, String, Timestamp)>,
}

/// How often automations fire, and where daemon and reference differ.
fn differences(sets: &[String], steps: &[(i64, Step)]) -> (usize, Differences) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (tickets, daemon) = runtime.block_on(when_due(sets, steps));
    let reference = every_minute(sets, steps, &tickets);
    let only = |of: &Firings, other: &Firings| of.difference(other).cloned().collect();
    let found = Differences { only_daemon: only(&daemon, &reference), only_reference: only(&reference, &daemon) };
    (daemon.len(), found)
}

/// Fires every 90 minutes, until the ticket has a tag.
const OFTEN: &str = "automation \"A0\" {
  when status is not hold and not (tags has seen)
  then snooze for 90 minutes
}
";
const DAY: i64 = 86_400;

#[test]
fn two_months_of_downtime_are_caught_up_before_what_comes_after() {
    let sets = [OFTEN.to_owned()];
    let end = (DAYS - 1) * DAY;
    let steps = [(DAY, Step::Down), (end, Step::Restart), (end + 7, Step::Change(0, Change::Tag))];
    let (fired, found) = differences(&sets, &steps);
    assert!(fired > 1_000, "{fired}");
    assert_eq!(found, Differences::default());
}

/// What the daemon has come to, and is behind with, happens before an update, as of the minute on which it was due.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_rate_limit_is_caught_up_before_an_update() {
    let directory = tempfile::tempdir().unwrap();
    let sim = simulator().await;
    let rules = "automation \"A0\" { when status is new and time since created >= 60 minutes and not (tags has seen) then set priority to high }";
    let limits = HOURS.replace("1_000_000", "1");
    let (daemon, _) = inside::daemon(directory.path(), &sim, &["acme"], rules, &limits).await;
    daemon.clock().reached(at(0));
    for id in [100, 300] {
        post(&daemon, id, id, at(0)).await;
    }
    while daemon.evaluate_next().await.unwrap() {}
    daemon.clock().reached(at(3_600));
    while daemon.evaluate_next().await.unwrap() {}
    daemon.clock().reached(at(3_630));
    let fired_at = async || {
        let runs = daemon.store().decisions(TicketId(2)).await.unwrap();
        runs.iter().filter(|run| run.fired.contains(&"A0".to_owned())).map(|run| run.now).collect::<Vec<_>>()
    };
    assert_eq!(fired_at().await, []);
    let seen = by_owner(&actions(&Change::Tag, &daemon.rules()));
    agent::update(daemon.app(), TicketId(2), &seen).await.unwrap();
    assert_eq!(fired_at().await, [at(3_600)]);
}

/// Whoever updates a ticket while the daemon is down does not know what was written at X meanwhile, and whether it
/// prevents what came due.
#[tokio::test(flavor = "multi_thread")]
async fn what_came_due_in_a_downtime_waits_for_the_messages_of_the_downtime() {
    let directory = tempfile::tempdir().unwrap();
    let sim = simulator().await;
    let silent =
        "automation \"A0\" { when status is pending and time since updated >= 1 days then set status to solved }";
    let daemon = start(directory.path(), &sim, silent).await;
    one_ticket(&daemon).await;
    let rules = daemon.rules();
    let update = |change: Change| by_owner(&actions(&change, &rules));
    let id = TicketId(1);
    agent::update(daemon.app(), id, &update(Change::Status("pending"))).await.unwrap();
    while daemon.evaluate_next().await.unwrap() {}

    // The daemon is down for two days; X has a message of the first.
    daemon.clock().reached(at(2 * DAY + 30));
    agent::update(daemon.app(), id, &update(Change::Priority("urgent"))).await.unwrap();
    assert_eq!(daemon.store().ticket(id).await.unwrap().unwrap().status, Status::Pending);

    reply(&daemon, DAY / 2).await;
    while daemon.evaluate_next().await.unwrap() {}
    assert_eq!(daemon.store().ticket(id).await.unwrap().unwrap().status, Status::Open);
}

/// Three automations that form a loop, for a ticket created at the start.
const CIRCLE: &str = "
automation \"c\" {\n  when status in (new, open) and not (tags has done)\n  then set status to hold\n}
automation \"b\" {\n  when status is pending\n  then set status to open\n}
automation \"a\" {\n  when status is hold\n  then set status to pending\n}
";

/// How often automations have fired on the first ticket after this many minutes.
async fn fired_after(daemon: &Daemon, minutes: i64) -> usize {
    daemon.clock().reached(at(minutes * 60));
    while daemon.evaluate_next().await.unwrap() {}
    let runs = daemon.store().decisions(TicketId(1)).await.unwrap();
    runs.iter().filter(|run| matches!(run.run.as_ref().unwrap().event.kind, EventKind::Due { .. })).count()
}

async fn one_ticket(daemon: &Daemon) {
    daemon.clock().reached(at(0));
    post(daemon, 100, 100, at(0)).await;
}

/// The requester of the one ticket answers, this many seconds after the start.
async fn reply(daemon: &Daemon, when: i64) {
    post(daemon, 200, 100, at(when)).await;
}

/// Takes in a post of a conversation, which opens it if it has the same number.
async fn post(daemon: &Daemon, id: i64, conversation: i64, made: Timestamp) {
    let replies = match id == conversation {
        true => String::new(),
        false => format!(r#""referenced_tweets":[{{"type":"replied_to","id":"{conversation}"}}],"#),
    };
    let line = format!(
        r#"{{"data":{{"id":"{id}","author_id":"17","conversation_id":"{conversation}",{replies}"text":"@acme hello","created_at":"{made}","entities":{{"mentions":[{{"start":0,"end":5,"username":"acme"}}]}}}},"includes":{{"users":[{{"id":"17","username":"kim","name":"Kim"}}]}}}}"#
    );
    let account = daemon.store().accounts().await.unwrap()[0].id.clone();
    daemon.feed(&account, vec![twite::x::wire::decode_line(&line).unwrap()]).await.unwrap();
    while daemon.take_next().await.unwrap() {}
}

#[tokio::test]
async fn a_loop_over_time_is_stopped_said_and_taken_up_again_when_something_changes() {
    let directory = tempfile::tempdir().unwrap();
    let sim = simulator().await;
    let daemon = start(directory.path(), &sim, CIRCLE).await;
    one_ticket(&daemon).await;
    let stopped_after = fired_after(&daemon, 240).await;
    assert!((2..=6).contains(&stopped_after), "{stopped_after}");
    let stopped = daemon.store().stopped_loops().await.unwrap();
    assert_eq!(stopped.len(), 1);
    assert_eq!(stopped[0].automations, ["a", "b", "c"].map(str::to_owned).into());
    assert_eq!(daemon.store().stopped_loop(TicketId(1)).await.unwrap(), Some(stopped[0].clone()));
    assert_eq!(fired_after(&daemon, 2_000).await, stopped_after);

    // An update by an agent resumes the automations, and the loop is detected again.
    let rules = daemon.rules();
    let by_hand = actions(&Change::Priority("low"), &rules);
    agent::update(daemon.app(), TicketId(1), &by_owner(&by_hand)).await.unwrap();
    assert!(daemon.store().stopped_loops().await.unwrap().is_empty());
    let again = fired_after(&daemon, 3_000).await;
    assert!(again > stopped_after && again <= 2 * stopped_after + 1, "{again}");
    assert_eq!(daemon.store().stopped_loops().await.unwrap().len(), 1);

    // With the same rules, the ticket stays stopped after a restart; with other rules, it resumes.
    daemon.store().close().await;
    let daemon = start(directory.path(), &sim, CIRCLE).await;
    assert_eq!(fired_after(&daemon, 4_000).await, again);
    daemon.store().close().await;
    let daemon =
        start(directory.path(), &sim, &CIRCLE.replace("hold\n  then", "hold and priority is low\n  then")).await;
    assert!(fired_after(&daemon, 5_000).await > again);
    daemon.store().close().await;
}

#[tokio::test]
async fn whatever_goes_in_circles_is_stopped() {
    let loops = [
        (
            "two that undo each other",
            "automation \"a\" {\n  when tags has x and time since updated > 5 minutes\n  then remove tags x\n}\nautomation \"b\" {\n  when not (tags has x) and time since updated > 5 minutes\n  then add tags x\n}\n",
        ),
        (
            "one that puts itself off",
            "automation \"a\" {\n  when status is not hold\n  then snooze for 10 minutes\n}\n",
        ),
        (
            "one that speaks",
            "automation \"a\" {\n  when time since updated > 5 minutes\n  then note \"still here\"\n}\n",
        ),
        (
            "one whose triggers undo it",
            "automation \"a\" {\n  when status is new\n  runs triggers\n  then set status to open\n}\nautomation \"b\" {\n  when status is open and time since updated > 3 minutes\n  runs triggers\n  then add tags late\n}\ntrigger \"t\" {\n  on updated\n  when tags has late\n  then set status to new remove tags late\n}\n",
        ),
    ];
    for (what, rules) in loops {
        let directory = tempfile::tempdir().unwrap();
        let sim = simulator().await;
        let daemon = start(directory.path(), &sim, rules).await;
        one_ticket(&daemon).await;
        let fired = fired_after(&daemon, 240).await;
        assert_eq!(daemon.store().stopped_loops().await.unwrap().len(), 1, "{what}: {fired}");
        assert_eq!(fired_after(&daemon, 2_000).await, fired, "{what}");
        daemon.store().close().await;
    }
}
