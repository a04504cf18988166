//! Posts and direct messages that made no ticket: what is kept of them, for how long, and converting them.

use std::sync::Arc;

use crate::support::{database::DirectConnection, inside, owner::OwnerReads as _, simulator};
use jiff::{SignedDuration, Timestamp};
use twite::{
    app::incoming::{self, Asked, Conversion, IncomingError, NotConverted},
    daemon::Daemon,
    desk::{AccountState, Actor, ConnectedAccount, NotCaptured, Switch, TicketId, Viewer, XId, declarations::Agent},
    sim::{NewPerson, NewPost, SimHandle},
    x::wire::decode_line,
};

const ACCOUNTS: &str = r#"
[[account]]
handle = "acme"
capture_mentions = false

[[account]]
handle = "help"
capture_mentions = false

[[account]]
handle = "auto"

[[agent]]
name = "Ana"
admin = true

[[agent]]
name = "Bo"
"#;

const RULES: &str = r#"
trigger "New" {
  on created
  when post.likes >= 5 and tags is empty
  then add tags popular
}
trigger "Who" {
  on created
  then note "opened by {{agent.name}}"
}
trigger "More" { on updated then add tags more }
"#;

const MORNING: &str = "2026-01-05T09:00:00Z";

struct Desk {
    sim: SimHandle,
    daemon: Arc<Daemon>,
    ids: Vec<XId>,
    directory: tempfile::TempDir,
}

/// A post by this person in this conversation that mentions these accounts.
#[derive(Clone, Copy)]
struct Said<'a> {
    id: u64,
    person: u64,
    conversation: u64,
    text: &'a str,
    more: &'a str,
}

impl<'a> Said<'a> {
    fn new(id: u64, person: u64, conversation: u64, text: &'a str) -> Self {
        Self { id, person, conversation, text, more: "" }
    }
}

impl Desk {
    async fn new() -> Self {
        Self::declared(ACCOUNTS).await
    }

    async fn declared(declared: &str) -> Self {
        let (sim, directory) = (simulator().await, tempfile::tempdir().unwrap());
        let (daemon, ids) = inside::daemon(directory.path(), &sim, &["acme", "help", "auto"], RULES, declared).await;
        Self { sim, daemon, ids, directory }
    }

    async fn read(&self, said: Said<'_>) {
        let Said { id, person, conversation, text, more } = said;
        let mentions: Vec<_> = ["acme", "help", "auto"]
            .iter()
            .filter_map(|handle| {
                let start = text.find(&format!("@{handle}"))?;
                let start = text[..start].chars().count();
                let end = start + 1 + handle.len();
                Some(format!(r#"{{"start":{start},"end":{end},"username":"{handle}"}}"#))
            })
            .collect();
        let (text, mentions) = (serde_json::to_string(text).unwrap(), mentions.join(","));
        let line = format!(
            r#"{{"data":{{"id":"{id}","author_id":"{person}","conversation_id":"{conversation}","text":{text},"created_at":"{MORNING}","public_metrics":{{"like_count":7}},"entities":{{"mentions":[{mentions}]}}{more}}},"includes":{{"users":[{{"id":"{person}","username":"p{person}","name":"P"}}]}}}}"#
        );
        self.daemon.feed(&self.ids[0], vec![decode_line(&line).unwrap()]).await.unwrap();
        while self.daemon.take_next().await.unwrap() {}
    }

    /// The ids that are listed, with account and reason.
    async fn listed(&self, asked: &Asked<'_>) -> Vec<(String, String, NotCaptured)> {
        let accounts = &self.daemon.app().settings().accounts;
        let listed = incoming::list(self.daemon.store(), accounts, Viewer::Owner, asked, 100).await.unwrap();
        let mut listed: Vec<_> = listed
            .posts
            .into_iter()
            .map(|post| (post.message.post.id.to_string(), post.account, post.message.reason))
            .collect();
        listed.sort();
        listed
    }

    async fn ids_listed(&self) -> Vec<String> {
        self.listed(&Asked::default()).await.into_iter().map(|(id, ..)| id).collect()
    }

    async fn convert_as(&self, viewer: Viewer<'_>, ids: &[&str]) -> Vec<Result<(i64, Conversion), NotConverted>> {
        let ids: Vec<XId> = ids.iter().map(|id| id.parse().unwrap()).collect();
        let converted = incoming::convert(self.daemon.app(), viewer, &ids, None).await.unwrap();
        converted.into_iter().map(|one| one.outcome.map(|(TicketId(id), how)| (id, how))).collect()
    }

    async fn convert(&self, ids: &[&str]) -> Vec<Result<(i64, Conversion), NotConverted>> {
        self.convert_as(Viewer::Owner, ids).await
    }

    /// The ids of the posts on a ticket.
    async fn on_ticket(&self, id: i64) -> Vec<String> {
        let comments = self.daemon.store().comments(TicketId(id)).await.unwrap();
        comments.iter().filter_map(|comment| comment.source.x_id()).map(ToString::to_string).collect()
    }

    async fn tickets(&self) -> i64 {
        self.daemon.store().counts().await.unwrap().tickets
    }

    /// The first column of a statement, as texts.
    async fn stored(&self, statement: &str) -> Vec<String> {
        DirectConnection::at(&self.directory.path().join("twite.db")).await.texts(statement).await
    }

    /// Sets the time, and does what is due then.
    async fn at(&self, at: Timestamp) {
        self.daemon.clock().reached(at);
        while self.daemon.evaluate_next().await.unwrap() {}
    }
}

fn agent(name: &str, admin: bool) -> Agent {
    Agent { name: name.to_owned(), admin, ..Agent::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_captured_is_kept_with_the_reason_and_converted_once() {
    let desk = Desk::new().await;
    desk.read(Said::new(10, 1, 10, "@acme where is my parcel")).await;
    desk.read(Said::new(20, 2, 20, "nobody is meant")).await;
    desk.read(Said::new(30, 3, 30, "@auto hello")).await;
    assert_eq!(desk.tickets().await, 1, "of the account that captures");
    let kept = [("10".to_owned(), "acme".to_owned(), NotCaptured::MentionsOff)];
    assert_eq!(desk.listed(&Asked::default()).await, kept);

    let ana = agent("Ana", true);
    assert_eq!(desk.convert_as(Viewer::Agent(&ana), &["10"]).await, [Ok((2, Conversion::Opened))]);
    let ticket = desk.daemon.store().ticket(TicketId(2)).await.unwrap().unwrap();
    assert_eq!(ticket.account.as_deref(), Some("acme"));
    assert_eq!((ticket.description.as_str(), ticket.created), ("@acme where is my parcel", MORNING.parse().unwrap()));
    assert_eq!((ticket.post.likes, ticket.post.mentions), (Some(7), Some(1)));
    assert_eq!(ticket.requester.handle.as_deref(), Some("p1"));
    assert!(ticket.tags.contains("popular"), "the triggers ran: {:?}", ticket.tags);
    let mut said: Vec<_> =
        desk.daemon.store().comments(TicketId(2)).await.unwrap().into_iter().map(|comment| comment.text).collect();
    said.sort();
    assert_eq!(said, ["@acme where is my parcel", "opened by Ana"]);
    let runs = inside::decisions(&desk.daemon).await;
    assert_eq!(runs.last().unwrap().actor, Actor::Agent("Ana".to_owned()));

    assert!(desk.ids_listed().await.is_empty());
    assert_eq!(desk.convert(&["10", "10"]).await, [Ok((2, Conversion::Already))]);
    assert_eq!(desk.convert(&["30"]).await, [Ok((1, Conversion::Already))], "also one that was captured");
    assert_eq!(desk.convert(&["20", "99"]).await, [Err(NotConverted::Unknown), Err(NotConverted::Unknown)]);
    assert_eq!(desk.tickets().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_and_number_of_arrivals_do_not_matter() {
    let posts = [
        Said::new(10, 1, 10, "@acme one"),
        Said { more: r#","referenced_tweets":[{"type":"replied_to","id":"10"}]"#, ..Said::new(20, 1, 10, "@acme two") },
        Said { more: r#","referenced_tweets":[{"type":"replied_to","id":"20"}]"#, ..Said::new(30, 1, 10, "three") },
        Said::new(40, 2, 10, "@acme @help me too"),
    ];
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let desk = Desk::new().await;
        for _ in 0..2 {
            for n in order {
                desk.read(posts[n]).await;
            }
        }
        assert_eq!(desk.ids_listed().await, ["10", "20", "40", "40"], "{order:?}");
        // What one opens takes the rest of the conversation along, and the given order does not matter.
        let done = desk.convert(&["20", "10"]).await;
        assert_eq!(done, [Ok((1, Conversion::Opened)), Ok((1, Conversion::Already))], "{order:?}");
        assert_eq!(desk.on_ticket(1).await, ["10", "20", "30"], "{order:?}");
        assert!(desk.daemon.store().ticket(TicketId(1)).await.unwrap().unwrap().tags.contains("more"));
        // One post to two accounts makes two tickets, which are linked.
        let done = desk.convert(&["40"]).await;
        assert_eq!(done, [Ok((2, Conversion::Opened)), Ok((3, Conversion::Opened))], "{order:?}");
        let links = desk.daemon.store().links(TicketId(3)).await.unwrap();
        assert!(links.contains(&(TicketId(2), "one post mentions both accounts".to_owned())), "{links:?}");
        assert!(desk.ids_listed().await.is_empty());
        inside::decisions(&desk.daemon).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_part_of_a_ticket_is_listed_no_more() {
    let desk = Desk::new().await;
    desk.read(Said::new(10, 1, 10, "@acme one")).await;
    desk.read(Said::new(20, 2, 20, "@acme other")).await;
    assert_eq!(desk.convert(&["10"]).await, [Ok((1, Conversion::Opened))]);
    // A later post of the person joins the ticket, although mentions are not captured.
    desk.read(Said::new(30, 1, 10, "@acme two")).await;
    assert_eq!(desk.on_ticket(1).await, ["10", "30"]);
    assert_eq!(desk.ids_listed().await, ["20"]);
    assert_eq!(desk.convert(&["30"]).await, [Ok((1, Conversion::Already))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_found_by_account_text_author_and_time() {
    let desk = Desk::new().await;
    desk.read(Said::new(10, 1, 10, "@acme my REFUND, please")).await;
    desk.read(Said::new(20, 2, 20, "@help a refund")).await;
    desk.read(Said::new(30, 3, 30, "@acme thanks")).await;
    let ids = async |asked: Asked<'_>| desk.listed(&asked).await.into_iter().map(|(id, ..)| id).collect::<Vec<_>>();
    assert_eq!(ids(Asked { text: Some("Refund"), ..Asked::default() }).await, ["10", "20"]);
    assert_eq!(ids(Asked { text: Some("@P3"), ..Asked::default() }).await, ["30"]);
    assert_eq!(ids(Asked { account: Some("@ACME"), ..Asked::default() }).await, ["10", "30"]);
    let morning: Timestamp = MORNING.parse().unwrap();
    assert_eq!(ids(Asked { since: Some(morning), ..Asked::default() }).await, ["10", "20", "30"]);
    assert!(ids(Asked { until: Some(morning), ..Asked::default() }).await.is_empty());

    let accounts = &desk.daemon.app().settings().accounts;
    let listed = incoming::list(desk.daemon.store(), accounts, Viewer::Owner, &Asked::default(), 1).await.unwrap();
    assert_eq!((listed.posts.len(), listed.more), (1, 2));
    let unknown = incoming::list(
        desk.daemon.store(),
        accounts,
        Viewer::Owner,
        &Asked { account: Some("nobody"), ..Asked::default() },
        1,
    )
    .await;
    assert!(matches!(unknown, Err(IncomingError::NoSuchAccount(_))), "{unknown:?}");

    let asked = Asked { text: Some("refund"), ..Asked::default() };
    let converted = incoming::convert_all(desk.daemon.app(), Viewer::Owner, &asked).await.unwrap();
    let converted: Vec<_> = converted.into_iter().map(|one| (one.post.to_string(), one.outcome.unwrap().0.0)).collect();
    assert_eq!(converted, [("10".to_owned(), 1), ("20".to_owned(), 2)]);
    assert!(incoming::convert_all(desk.daemon.app(), Viewer::Owner, &asked).await.unwrap().is_empty());
    assert_eq!(desk.ids_listed().await, ["30"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_not_offered_where_the_account_captures_by_itself_or_is_not_used() {
    let desk = Desk::new().await;
    let store = desk.daemon.store();
    let (auto, acme) = (desk.ids[2].clone(), desk.ids[0].clone());
    let connect = async |id: &XId, handle: &str, change: fn(&mut ConnectedAccount)| {
        let mut account = ConnectedAccount::new(id.clone(), handle, Timestamp::UNIX_EPOCH);
        change(&mut account);
        store.connect(&account).await.unwrap();
    };
    // Written before the account captures.
    connect(&auto, "auto", |account| account.capture_from = Some("2026-01-06T00:00:00Z".parse().unwrap())).await;
    desk.read(Said::new(10, 1, 10, "@auto early")).await;
    assert_eq!(desk.tickets().await, 0);
    assert_eq!(desk.listed(&Asked::default()).await, [("10".to_owned(), "auto".to_owned(), NotCaptured::Earlier)]);
    let refused = NotConverted::Automatic { handle: "auto".to_owned(), switch: Switch::CaptureMentions };
    assert_eq!(desk.convert(&["10"]).await, [Err(refused.clone())]);
    let accounts = &desk.daemon.app().settings().accounts;
    let shown = incoming::show(store, accounts, Viewer::Owner, &"10".parse().unwrap()).await.unwrap();
    assert_eq!(shown[0].refused, Some(refused));

    desk.read(Said::new(20, 2, 20, "@acme hello")).await;
    for state in [AccountState::Deactivated, AccountState::Unlinked] {
        connect(&acme, "acme", |_| ()).await;
        let mut tx = store.begin().await.unwrap();
        tx.set_account_state(&acme, state, &Actor::Owner, MORNING.parse().unwrap()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(desk.convert(&["20"]).await, [Err(NotConverted::NotUsed { handle: "acme".to_owned(), state })]);
    }
    assert_eq!(desk.tickets().await, 0, "nothing is done by halves");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_admins_see_and_convert_them() {
    let desk = Desk::new().await;
    desk.read(Said::new(10, 1, 10, "@acme one")).await;
    let bo = agent("Bo", false);
    let viewer = Viewer::Agent(&bo);
    let accounts = &desk.daemon.app().settings().accounts;
    let (store, app, id) = (desk.daemon.store(), desk.daemon.app(), "10".parse::<XId>().unwrap());
    let refused = [
        incoming::list(store, accounts, viewer, &Asked::default(), 1).await.err(),
        incoming::show(store, accounts, viewer, &id).await.err(),
        incoming::convert(app, viewer, std::slice::from_ref(&id), None).await.err(),
        incoming::convert_all(app, viewer, &Asked::default()).await.err(),
    ];
    assert!(refused.iter().all(|error| matches!(error, Some(IncomingError::NotAdmin(_)))), "{refused:?}");
    assert_eq!(desk.tickets().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_post_is_neither_listed_nor_converted() {
    let desk = Desk::new().await;
    desk.sim.make_user(&NewPerson::named("mira")).unwrap();
    let post = |text: &str| {
        let post = NewPost { by: "mira".into(), text: text.into(), ..NewPost::default() };
        desk.sim.post(&post).unwrap()
    };
    let gone = post("@acme quokkas");
    desk.daemon.run_until_idle().await.unwrap();
    assert_eq!(desk.ids_listed().await, std::slice::from_ref(&gone));
    let id: XId = gone.parse().unwrap();
    let deleted = [twite::desk::Incoming::deleted(id.clone())];
    let now = desk.daemon.clock().now();
    desk.daemon.store().accept(&desk.ids[0], twite::desk::Transport::Stream, &deleted, None, now).await.unwrap();
    while desk.daemon.take_next().await.unwrap() {}
    assert!(desk.ids_listed().await.is_empty());
    assert_eq!(desk.convert(&[&gone]).await, [Err(NotConverted::Deleted)]);
    let accounts = &desk.daemon.app().settings().accounts;
    let shown = incoming::show(desk.daemon.store(), accounts, Viewer::Owner, &id).await;
    assert!(matches!(shown, Err(IncomingError::Unknown(_))), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_post_is_one_by_the_id_of_any_version() {
    let desk = Desk::new().await;
    let history = |ids: &str| format!(r#","edit_history_tweet_ids":[{ids}]"#);
    // The second version arrives first, and without its history.
    desk.read(Said::new(12, 1, 12, "@acme second")).await;
    desk.read(Said { more: &history(r#""10","12""#), ..Said::new(12, 1, 12, "@acme second") }).await;
    desk.read(Said { more: &history(r#""10""#), ..Said::new(10, 1, 10, "@acme first") }).await;
    desk.read(Said { more: &history(r#""10","12","14""#), ..Said::new(14, 1, 10, "@acme third") }).await;
    assert_eq!(desk.ids_listed().await, ["10"]);
    assert_eq!(desk.convert(&["12"]).await, [Ok((1, Conversion::Opened))]);
    assert_eq!(desk.convert(&["14"]).await, [Ok((1, Conversion::Already))]);
    let ticket = desk.daemon.store().ticket(TicketId(1)).await.unwrap().unwrap();
    assert_eq!(ticket.description, "@acme third");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_its_days_it_is_forgotten_with_the_post_unless_that_is_needed() {
    let desk = Desk::new().await;
    desk.read(Said::new(10, 1, 10, "@acme one")).await;
    desk.read(Said::new(20, 2, 20, "@acme two")).await;
    desk.read(Said::new(40, 3, 20, "@acme beside it")).await;
    desk.read(Said::new(50, 4, 50, "nobody is meant")).await;
    assert_eq!(desk.convert(&["20"]).await, [Ok((1, Conversion::Opened))]);
    let read = desk.daemon.clock().now();
    desk.at(read + SignedDuration::from_hours(24 * 30 - 1)).await;
    assert_eq!(desk.ids_listed().await, ["10", "40"]);
    desk.at(read + SignedDuration::from_hours(24 * 30 + 1)).await;
    assert!(desk.ids_listed().await.is_empty());
    assert_eq!(desk.stored("SELECT post FROM uncaptured").await, [""; 0]);
    let left = desk.stored("SELECT x_id FROM post ORDER BY x_id").await;
    assert_eq!(left, ["20", "40", "50"], "what is on a ticket, or in its conversation");
    assert_eq!(desk.convert(&["10", "20"]).await, [Err(NotConverted::Unknown), Ok((1, Conversion::Already))]);
    // Read again, it is not kept again.
    desk.read(Said::new(10, 1, 10, "@acme one")).await;
    assert!(desk.ids_listed().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_for_no_days() {
    let desk = Desk::declared(&format!("{ACCOUNTS}\n[store]\nincoming_days = 0\n")).await;
    desk.read(Said::new(10, 1, 10, "@acme one")).await;
    desk.at(desk.daemon.clock().now() + SignedDuration::from_mins(1)).await;
    assert!(desk.ids_listed().await.is_empty());
    assert_eq!(desk.stored("SELECT post FROM uncaptured").await, [""; 0]);
    assert_eq!(desk.stored("SELECT x_id FROM post").await, [""; 0]);
}
