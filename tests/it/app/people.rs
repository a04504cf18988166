//! What is kept about a person is on all tickets of this person: in decisions, views, automations and replays.

use std::sync::Arc;

use crate::support::owner::OwnerReads as _;
use crate::support::{inside, simulator};
use twite::{
    app::{
        agent::{self, AgentUpdate, Description, NotDone},
        people::{self, PersonError, PersonUpdate},
        replay::{self, By},
        views,
    },
    daemon::Daemon,
    desk::{Actor, Owner, Status, Ticket, TicketId, Via, Viewer},
    x::wire::decode_line,
};

const DESK: &str = r#"
[[group]]
name = "Social"

[[agent]]
name = "Ana"
groups = ["Social"]

[[agent]]
name = "Cleo"
sees = "assigned"

[[organisation]]
name = "Globex"

[[field]]
name = "tier"
of = "requester"
type = "choice"
choices = ["gold", "silver"]

[[field]]
name = "plan"
of = "requester"
type = "text"
"#;

const RULES: &str = r#"
trigger "Gold is known by what they say" {
  on created
  when description contains "gold"
  then
    set requester.field.tier to gold
    add requester tags vip
}
trigger "VIPs are urgent" {
  on created, updated
  when requester.tags has vip
  then set priority to urgent
}
automation "VIPs wait for nobody" {
  when requester.tags has vip and status < solved and replies is 0
  then add tags waits
}
macro "Works at Globex" { then set requester.organisation to "Globex" add requester tags partner }
macro "Nobody" { then clear requester.organisation remove requester tags partner, vip clear requester.field.tier }
view "Globex" { where requester.organisation is "Globex" columns id, requester.tags }
"#;

struct Desk {
    daemon: Arc<Daemon>,
    _directory: tempfile::TempDir,
}

impl Desk {
    async fn new(rules: &str) -> Self {
        let (directory, sim) = (tempfile::tempdir().unwrap(), simulator().await);
        let (daemon, _) = inside::daemon(directory.path(), &sim, &["acme"], rules, DESK).await;
        Self { daemon, _directory: directory }
    }

    /// Takes in a post by this person in a conversation of its own.
    async fn post(&self, id: u64, person: u64, text: &str) {
        self.post_in(id, id, person, text, "2026-01-05T09:00:00Z").await;
    }

    async fn post_in(&self, conversation: u64, id: u64, person: u64, text: &str, at: &str) {
        let line = serde_json::json!({
            "data": {"id": id.to_string(), "author_id": person.to_string(), "conversation_id": conversation.to_string(),
                "text": format!("@acme {text}"), "created_at": at,
                "entities": {"mentions": [{"start": 0, "end": 5, "username": "acme"}]}},
            "includes": {"users": [{"id": person.to_string(), "username": format!("p{person}"), "name": "P"}]},
        });
        let account = self.daemon.store().accounts().await.unwrap()[0].id.clone();
        self.daemon.feed(&account, vec![decode_line(&line.to_string()).unwrap()]).await.unwrap();
        while Box::pin(self.daemon.take_next()).await.unwrap() {}
    }

    async fn ticket(&self, id: i64) -> Ticket {
        self.daemon.store().ticket(TicketId(id)).await.unwrap().unwrap()
    }

    async fn until(&self, at: &str) {
        self.daemon.clock().reached(at.parse().unwrap());
        while Box::pin(self.daemon.evaluate_next()).await.unwrap() {}
    }

    async fn apply(&self, title: &str, id: i64) {
        let rules = self.daemon.rules();
        let found = rules.macros.iter().find(|m| m.title == title).unwrap();
        let update = AgentUpdate::of_macro(Actor::Agent("Ana".into()), Via::Cli, found);
        Box::pin(agent::update(self.daemon.app(), TicketId(id), &update)).await.unwrap();
    }

    async fn viewed(&self) -> Vec<i64> {
        let rules = self.daemon.rules();
        let view = &rules.views[0];
        let now = self.daemon.clock().now();
        let page = views::Page { limit: 100, offset: 0 };
        let list = views::list(self.daemon.store(), Viewer::Owner, view, &rules.desk, now, page).await.unwrap();
        list.tickets.iter().map(|ticket| ticket.id.0).collect()
    }

    /// Asserts that every decision on these tickets is the same when it is made again.
    async fn assert_replays(&self, tickets: &[i64]) {
        for id in tickets {
            let rules = Arc::clone(&self.daemon.rules());
            let rules = Arc::new((**rules).clone());
            let store = self.daemon.store();
            let replay = replay::replay(store, Viewer::Owner, &rules, TicketId(*id), None, By::Then).await.unwrap();
            assert!(!replay.runs.is_empty());
            assert!(replay.runs.iter().all(|run| run.agrees), "ticket {id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_sets_on_a_person_is_on_all_their_tickets() {
    let desk = Desk::new(RULES).await;
    desk.post(10, 1, "hello").await;
    desk.post(20, 2, "hello").await;
    desk.until("2026-01-05T09:05:00Z").await;
    assert!(desk.ticket(1).await.tags.is_empty());
    desk.post(30, 1, "I have gold").await;
    for id in [1, 3] {
        let requester = desk.ticket(id).await.requester;
        assert!(requester.tags.contains("vip"), "{requester:?}");
        assert_eq!(serde_json::to_value(&requester.custom).unwrap(), serde_json::json!({"tier": "gold"}));
    }
    assert!(desk.ticket(2).await.requester.tags.is_empty(), "somebody else");
    assert!(desk.ticket(1).await.priority.is_none(), "what a rule does is no event of the other tickets");
    desk.until("2026-01-05T09:10:00Z").await;
    assert!(desk.ticket(1).await.tags.contains("waits"), "its automations are evaluated again");
    assert!(!desk.ticket(2).await.tags.contains("waits"));

    // The next decision on the other ticket sees it, and so does the first on a new one.
    desk.apply("Works at Globex", 1).await;
    assert!(desk.ticket(1).await.priority.is_some());
    desk.post(40, 1, "hello again").await;
    assert_eq!(desk.ticket(4).await.requester.organisation.as_deref(), Some("Globex"));
    assert_eq!(desk.viewed().await, [1, 3, 4]);
    desk.apply("Nobody", 4).await;
    assert_eq!(desk.viewed().await, [0_i64; 0]);
    let nobody = desk.ticket(1).await.requester;
    assert!(nobody.tags.is_empty() && nobody.custom.is_empty(), "{nobody:?}");

    // The decision says what a rule changed.
    let decisions = desk.daemon.store().decisions(TicketId(3)).await.unwrap();
    let made = serde_json::to_string(&decisions[0].run.as_ref().unwrap().decision["changes"]).unwrap();
    assert!(made.contains("requester.tags") && made.contains("requester.field.tier"), "{made}");
    desk.assert_replays(&[1, 2, 3, 4]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_changes_a_person_by_hand() {
    let desk = Desk::new(RULES).await;
    desk.post(10, 1, "hello").await;
    desk.post(20, 1, "again").await;
    desk.post(30, 2, "hello").await;
    desk.until("2026-01-05T09:05:00Z").await;
    let rules = desk.daemon.rules();
    let ana = agent::find_agent(&rules.desk, "Ana").unwrap();
    let (set, tags) = ([("field.tier".to_owned(), "silver".to_owned())], ["vip".to_owned()]);
    let described = Description { of: Owner::Requester, set: &set, add_tags: &tags, ..Description::default() };
    let actions = described.actions("test", &rules.desk).unwrap();
    let app = desk.daemon.app();
    let update = |who| PersonUpdate { who, actions: &actions, expected_version: None };
    let seen = people::preview(app, ana, &update("@P1")).await.unwrap();
    assert!(desk.ticket(1).await.requester.tags.is_empty(), "only a preview");
    let done = people::update(app, ana, &update("@P1")).await.unwrap();
    assert_eq!(done.changes, seen.changes);
    assert_eq!(done.changes.iter().map(|c| &*c.field).collect::<Vec<_>>(), ["requester.tags", "requester.field.tier"]);
    for id in [1, 2] {
        assert!(desk.ticket(id).await.requester.tags.contains("vip"));
    }
    assert!(desk.ticket(3).await.requester.tags.is_empty());
    desk.until("2026-01-05T09:10:00Z").await;
    assert!(desk.ticket(1).await.tags.contains("waits") && desk.ticket(2).await.tags.contains("waits"));

    // Nothing changes twice, and what changed has an actor.
    assert!(people::update(app, ana, &update("1")).await.unwrap().changes.is_empty());
    let sheet = people::sheet(desk.daemon.store(), ana, "1").await.unwrap();
    assert_eq!(sheet.tickets.iter().map(|ticket| ticket.id.0).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(sheet.changes.iter().map(|change| &*change.actor).collect::<Vec<_>>(), ["agent:Ana"]);

    // Who sees none of the tickets sees nobody.
    let cleo = agent::find_agent(&rules.desk, "Cleo").unwrap();
    for who in ["@p1", "1", "@nobody"] {
        let refused = people::update(app, cleo, &update(who)).await.unwrap_err();
        assert!(matches!(refused, PersonError::Nobody(_)), "{refused}");
        assert!(matches!(people::sheet(desk.daemon.store(), cleo, who).await, Err(PersonError::Nobody(_))));
    }
    desk.assert_replays(&[1, 2, 3]).await;
}

/// What is set about a person is on all of the person's tickets: an update of any of them, or of the person, that is
/// based on what was there before does not overwrite it.
#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_has_set_about_a_person_is_not_overwritten() {
    let desk = Desk::new(RULES).await;
    desk.post(10, 1, "hello").await;
    desk.post(20, 1, "again").await;
    let (rules, app) = (desk.daemon.rules(), desk.daemon.app());
    let ana = agent::find_agent(&rules.desk, "Ana").unwrap();
    let set = |field: &str, value: &str| {
        let set = [(field.to_owned(), value.to_owned())];
        let described = Description { of: Owner::Requester, set: &set, ..Description::default() };
        described.actions("test", &rules.desk).unwrap()
    };
    let person = async |actions: &[_], expected_version| {
        let update = PersonUpdate { who: "1", actions, expected_version };
        people::update(app, ana, &update).await
    };
    let ticket = async |id: i64, actions: Vec<_>, expected_version| {
        let update = AgentUpdate { expected_version, ..AgentUpdate::new(ana.actor(), Via::Cli, actions) };
        agent::update(app, TicketId(id), &update).await
    };
    let seen = agent::preview(app, TicketId(2), &AgentUpdate::new(ana.actor(), Via::Cli, vec![])).await.unwrap();
    let seen = Some(seen.version - 1);
    assert_eq!(people::sheet(desk.daemon.store(), ana, "1").await.unwrap().version, 1);
    ticket(1, set("note", "rings back"), None).await.unwrap();
    assert_eq!(people::sheet(desk.daemon.store(), ana, "1").await.unwrap().version, 2);

    let refused = ticket(2, set("note", "is angry"), seen).await.unwrap_err();
    assert!(
        matches!(&refused, NotDone::Conflict { theirs, .. } if *theirs == ["`requester.note` is now \"rings back\""]),
        "{refused}"
    );
    let refused = person(&set("note", "is angry"), Some(1)).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "1 has changed since version 1, and is at version 2 now; `twite person show` says how"
    );
    assert!(matches!(person(&set("note", "asks twice"), Some(9)).await, Err(PersonError::NoSuchVersion { .. })));

    // Another field, the same value, tags, and the version of now.
    ticket(2, set("field.tier", "silver"), seen).await.unwrap();
    ticket(2, set("note", "rings back"), seen).await.unwrap();
    let tags = ["vip".to_owned()];
    let tags = Description { of: Owner::Requester, add_tags: &tags, ..Description::default() };
    let tagged = person(&tags.actions("test", &rules.desk).unwrap(), Some(1)).await.unwrap();
    assert_eq!((tagged.changes.len(), tagged.version), (1, 3));
    assert_eq!(person(&set("note", "is angry"), Some(3)).await.unwrap().version, 4);
    let refused = ticket(1, set("field.tier", "gold"), seen).await.unwrap_err();
    assert!(
        matches!(&refused, NotDone::Conflict { theirs, .. } if theirs[0].contains("requester.field.tier")),
        "{refused}"
    );
    desk.assert_replays(&[1, 2]).await;
}

/// Two automations that undo each other, each on another ticket of the same person, come to rest.
#[tokio::test(flavor = "multi_thread")]
async fn tickets_of_one_person_do_not_set_each_other_off_for_ever() {
    let desk = Desk::new(
        r#"
automation "On" { when description contains "one" and requester.tags has none of (ball) then add requester tags ball }
automation "Off" { when description contains "two" and requester.tags has ball then remove requester tags ball }
"#,
    )
    .await;
    desk.post(10, 1, "one").await;
    desk.post(20, 1, "two").await;
    desk.until("2026-01-05T12:00:00Z").await;
    for id in [1, 2] {
        // One when it was opened, and one when its automation fired.
        assert_eq!(desk.daemon.store().decisions(TicketId(id)).await.unwrap().len(), 2);
    }
    desk.assert_replays(&[1, 2]).await;
}

const COUNTED: &str = r#"
trigger "Thanks" { on created when description contains "thanks" then set status to solved }
trigger "A regular" { on created when requester.tickets >= 3 then add tags regular }
trigger "Nothing is left" {
  on updated
  when status is solved and requester.unsolved_tickets is 0
  then add tags last
}
automation "Several at once" { when requester.unsolved_tickets >= 2 and status < solved then add tags several }
macro "Solve" { then set status to solved }
macro "Merge" { then merge into earlier ticket }
view "Several" { where requester.unsolved_tickets >= 2 columns id, requester.tickets }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_tickets_of_a_person_are_counted() {
    let desk = Desk::new(COUNTED).await;
    let counts = async |id: i64| {
        let requester = desk.ticket(id).await.requester;
        (requester.tickets, requester.unsolved_tickets)
    };
    desk.post(10, 1, "hello").await;
    desk.post(20, 2, "hello").await;
    assert_eq!(counts(1).await, (1, 1));
    desk.until("2026-01-05T09:05:00Z").await;
    assert!(desk.ticket(1).await.tags.is_empty());

    // What changes on one ticket is on all of the person, whose automations are evaluated again.
    desk.post(30, 1, "again").await;
    assert_eq!([counts(1).await, counts(3).await, counts(2).await], [(2, 2), (2, 2), (1, 1)]);
    desk.until("2026-01-05T09:10:00Z").await;
    for (id, several) in [(1, true), (2, false), (3, true)] {
        assert_eq!(desk.ticket(id).await.tags.contains("several"), several, "ticket {id}");
    }
    assert_eq!(desk.viewed().await, [1, 3]);

    // A rule sees the count without the ticket that the same event solved.
    desk.apply("Solve", 1).await;
    assert_eq!(counts(3).await, (2, 1));
    assert_eq!(desk.viewed().await, [0_i64; 0]);
    desk.post(40, 1, "thanks").await;
    assert_eq!([counts(3).await, counts(4).await], [(3, 1), (3, 1)], "solved by the rule that opened it");
    assert!(desk.ticket(4).await.tags.contains("regular") && !desk.ticket(3).await.tags.contains("regular"));
    desk.apply("Solve", 3).await;
    assert_eq!(counts(1).await, (3, 0));
    for (id, last) in [(1, false), (3, true)] {
        assert_eq!(desk.ticket(id).await.tags.contains("last"), last, "ticket {id}");
    }

    // The requester writes again, on a ticket that is solved and on a new one, which is merged.
    desk.until("2026-01-05T09:20:00Z").await;
    desk.post_in(30, 31, 1, "still broken", "2026-01-05T09:19:00Z").await;
    assert_eq!(counts(1).await, (3, 1));
    desk.post_in(50, 50, 1, "and this", "2026-01-05T09:19:00Z").await;
    assert_eq!(counts(1).await, (4, 2));
    desk.apply("Merge", 5).await;
    assert_eq!(desk.ticket(4).await.status, Status::Open, "it goes on there");
    assert_eq!([counts(1).await, counts(3).await, counts(5).await], [(3, 2); 3]);

    // An agent who solves a ticket sets nothing on the person.
    assert_eq!(people::sheet(desk.daemon.store(), Viewer::Owner, "1").await.unwrap().changes, []);
    let decisions = desk.daemon.store().decisions(TicketId(3)).await.unwrap();
    let made = decisions.iter().filter_map(|made| Some(made.run.as_ref()?.decision["changes"].to_string()));
    assert!(made.clone().all(|made| !made.contains("requester.tickets")), "{:?}", made.collect::<Vec<_>>());
    desk.assert_replays(&[1, 2, 3, 4, 5]).await;
}

/// When the ticket before each one was opened, by the second of its hour, whatever comes late.
#[tokio::test(flavor = "multi_thread")]
async fn each_ticket_knows_when_the_one_before_was_opened() {
    let desk = Desk::new(
        r#"
trigger "Back" { on created when time since previous_ticket < 1 hour then add tags back }
macro "Merge" { then merge into earlier ticket }
"#,
    )
    .await;
    let previous = async || {
        let mut previous = vec![];
        for id in 1..=desk.daemon.store().counts().await.unwrap().tickets {
            let at = desk.ticket(id).await.previous_ticket;
            previous.push(
                at.map(|at| at.as_second() - "2026-01-05T09:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second()),
            );
        }
        previous
    };
    desk.post_in(100, 100, 1, "one", "2026-01-05T09:00:10Z").await;
    desk.post_in(200, 200, 2, "somebody else", "2026-01-05T09:00:11Z").await;
    desk.post_in(300, 300, 1, "two", "2026-01-05T09:00:30Z").await;
    assert_eq!(previous().await, [None, None, Some(10)]);
    // Between the two.
    desk.post_in(150, 150, 1, "late", "2026-01-05T09:00:20Z").await;
    assert_eq!(previous().await, [None, None, Some(20), Some(10)]);
    // One of its conversation is older: it was opened before the first.
    desk.post_in(150, 50, 1, "later", "2026-01-05T09:00:05Z").await;
    assert_eq!(previous().await, [Some(5), None, Some(10), None]);
    for (id, back) in [(1, false), (2, false), (3, true), (4, true)] {
        assert_eq!(desk.ticket(id).await.tags.contains("back"), back, "ticket {id}");
    }
    // A ticket that is merged is none of the person any more.
    desk.apply("Merge", 1).await;
    assert_eq!(previous().await, [Some(5), None, Some(5), None]);
    desk.post_in(400, 400, 1, "three", "2026-01-05T09:00:40Z").await;
    desk.apply("Merge", 5).await;
    desk.post_in(500, 500, 1, "four", "2026-01-05T09:00:50Z").await;
    assert_eq!(previous().await, [Some(5), None, Some(5), None, Some(30), Some(30)]);
    desk.assert_replays(&[1, 2, 3, 4, 5, 6]).await;
}

/// When the last tickets of a person were opened, whatever comes late and is merged, as a plain list of them says.
#[tokio::test(flavor = "multi_thread")]
async fn each_person_has_when_the_last_tickets_were_opened() {
    let desk = Desk::new(
        r#"
trigger "Often" { on created when time since requester.third_last_ticket < 1 minute then add tags often }
automation "No longer" { when tags has often and time since requester.third_last_ticket >= 1 minute then remove tags often }
view "Often" { where time since requester.third_last_ticket < 1 minute  columns id }
macro "Merge" { then merge into earlier ticket }
"#,
    )
    .await;
    let start: jiff::Timestamp = "2026-01-05T09:00:00Z".parse().unwrap();
    let told = async |id: i64| {
        let person = desk.ticket(id).await.requester;
        [person.third_last_ticket, person.fifth_last_ticket, person.tenth_last_ticket]
            .map(|at| at.map(|at| at.as_second() - start.as_second()))
    };
    let post = async |conversation: u64, id: u64, second: i64| {
        let at = start.checked_add(jiff::SignedDuration::from_secs(second)).unwrap();
        desk.post_in(conversation, id, 1, "hello", &at.to_string()).await;
    };
    let last = |opened: &mut Vec<i64>| {
        opened.sort_unstable_by(|one, other| other.cmp(one));
        [2, 4, 9].map(|index: usize| opened.get(index).copied())
    };
    let mut opened = vec![];
    // Some come late.
    for (n, second) in (1..).zip([10, 11, 12, 5, 14, 13, 16, 17, 18, 2, 20, 21]) {
        post(100 * n, 100 * n, second).await;
        opened.push(second);
        for id in [1, i64::try_from(n).unwrap()] {
            assert_eq!(told(id).await, last(&mut opened), "ticket {id} of {n}");
        }
    }
    assert!(!desk.ticket(2).await.tags.contains("often") && desk.ticket(3).await.tags.contains("often"));
    // The conversation of the last one began earlier.
    post(1_200, 1_150, 1).await;
    opened.retain(|second| *second != 21);
    opened.push(1);
    assert_eq!(told(1).await, last(&mut opened));
    // A merged ticket is none of the person's.
    desk.apply("Merge", 11).await;
    opened.retain(|second| *second != 20);
    assert_eq!(told(1).await, last(&mut opened));
    desk.assert_replays(&(1..=12).collect::<Vec<_>>()).await;
    // Time passes.
    desk.until("2026-01-05T09:02:00Z").await;
    assert!(!desk.ticket(3).await.tags.contains("often"));
}

/// Each ticket lowers the count for the other, on whose next check it is found: they come to rest.
#[tokio::test(flavor = "multi_thread")]
async fn counts_do_not_set_tickets_off_for_ever() {
    let desk = Desk::new(
        r#"
automation "Too many" { when requester.unsolved_tickets >= 2 and status < solved then set status to solved }
automation "Too few" { when requester.unsolved_tickets < 2 and status is solved then set status to open }
"#,
    )
    .await;
    desk.post(10, 1, "one").await;
    desk.post(20, 1, "two").await;
    desk.until("2026-01-05T15:00:00Z").await;
    for id in [1, 2] {
        let made = desk.daemon.store().decisions(TicketId(id)).await.unwrap().len();
        assert!(made < 10, "{made} decisions on ticket {id}");
    }
    desk.assert_replays(&[1, 2]).await;
}

/// Which service level agreement applies to the others follows what is set on the person, without any automation.
#[tokio::test(flavor = "multi_thread")]
async fn the_slas_of_all_tickets_of_a_person_follow_what_is_kept_about_them() {
    let rules = r#"
sla "VIP" { when requester.tags has vip  first reply within 10 minutes }
sla "Often" { when requester.tickets >= 2  first reply within 20 minutes }
sla "All" { first reply within 1 hour }
macro "Important" { then add requester tags vip }
macro "Close" { then set status to closed }
"#;
    let desk = Desk::new(rules).await;
    let slas = async || {
        let mut slas = vec![];
        for id in 1..=3 {
            let ticket = desk.ticket(id).await;
            assert_eq!(ticket.breach.is_some(), ticket.status != Status::Closed, "{id}");
            slas.push(ticket.sla.unwrap());
        }
        slas
    };
    desk.post(11, 1, "hello").await;
    desk.post(12, 2, "hello").await;
    desk.until("2026-01-05T09:05:00Z").await;
    desk.post_in(13, 13, 1, "again", "2026-01-05T09:05:30Z").await;
    desk.until("2026-01-05T09:10:00Z").await;
    assert_eq!(slas().await, ["Often", "All", "Often"]);
    desk.apply("Close", 1).await;
    desk.apply("Important", 3).await;
    desk.apply("Important", 2).await;
    desk.until("2026-01-05T09:15:00Z").await;
    assert_eq!(slas().await, ["Often", "VIP", "VIP"], "a closed ticket keeps its own");
    desk.assert_replays(&[1, 2, 3]).await;
}
