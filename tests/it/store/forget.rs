//! The text of a deleted post is in no table of the database, whatever rules copied.

use crate::support::owner::OwnerReads as _;
use crate::support::{
    database::{self, DirectConnection},
    inside, simulator,
};
use jiff::SignedDuration;
use twite::{
    app::{
        agent::{self, AgentUpdate, Description},
        people::{self, PersonUpdate},
    },
    daemon::LookupOutcome,
    desk::{Act, Actor, Effect, Incoming, Owner, Reason, ReasonKind, TicketId, Transport, Via, Viewer, XId},
    sim::{NewPerson, NewPost},
    store::{Next, Receiver, Store},
    x::wire::decode_line,
};

/// Rules that copy the text, also through filters that change it.
const RULES: &str = r#"
trigger "Copies" {
  on created, updated
  when comment.by_requester
  then
    set field.whole to "{{ticket.description}}"
    set field.loud to "{{comment.text | upcase}}"
    note "whole: {{comment.text}}"
    note "loud: {{comment.text | upcase}}"
    note "on one line: {{comment.text | strip_newlines}}"
    note "quiet, cut: {{comment.text | downcase | truncate: 45}}"
    notify group "Social" { subject "{{ticket.subject}}" body "{{comment.text | capitalize}}" }
    remind group "Social" in 1 hour { subject "{{comment.text | truncate: 50}}" body "{{ticket.description}}" }
}
trigger "Renames" {
  on updated
  then set subject to "again: {{ticket.latest_comment}}"
}
trigger "Says something else" {
  on created
  then note "nothing of theirs" set field.own to "ours"
}
"#;
const DESK: &str = r#"
[[group]]
name = "Social"
email = "social@acme.example"
[mail]
directory = "MAIL"
from = "desk@acme.example"
[[field]]
name = "whole"
type = "text"
[[field]]
name = "loud"
type = "text"
[[field]]
name = "own"
type = "text"
[[field]]
name = "about"
of = "requester"
type = "text"
"#;

/// All columns, the change log's too, that contain one of these words in any case.
async fn places(database: &mut DirectConnection, words: &[&str]) -> Vec<String> {
    let mut found = vec![];
    for (table, column) in database.columns().await {
        // Each database prints bytes in its own way; the words are plain ASCII.
        let shown = format!("SELECT CAST(\"{column}\" AS TEXT) FROM \"{table}\" WHERE \"{column}\" IS NOT NULL");
        let texts = database.texts(shown).await.into_iter().map(|text| text.to_lowercase());
        let texts: Vec<_> = texts.filter(|text| words.iter().any(|word| text.contains(word))).collect();
        found.extend(texts.iter().map(|text| format!("{table}.{column}: {text}")));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_deleted_post_said_is_in_no_table() {
    let directory = tempfile::tempdir().unwrap();
    let mail = directory.path().join("mail");
    let sim = simulator().await;
    sim.make_user(&NewPerson::named("ana")).unwrap();
    let desk = DESK.replace("MAIL", &mail.display().to_string());
    let (daemon, _) = inside::daemon(directory.path(), &sim, &["acme"], RULES, &desk).await;
    let post = |text: &str, in_reply_to: Option<&String>| {
        let post =
            NewPost { by: "ana".into(), text: text.into(), in_reply_to: in_reply_to.cloned(), ..NewPost::default() };
        sim.post(&post).unwrap()
    };
    let first = post(
        "@acme  Quokkas\n\nate  my \"order\" \u{1f998} and half of the garden fence, all in one night #quokkaday",
        None,
    );
    daemon.run_until_idle().await.unwrap();
    sim.edit(
        &first,
        "@acme  Quokkas\n\nate  my \"order\" \u{1f998} and now the other half of the fence as well, help #quokkaday",
    )
    .unwrap();
    let second = post("@acme and wombats the receipt", Some(&first));
    daemon.run_until_idle().await.unwrap();
    // An agent copies it to the person, and so to the recorded runs of another ticket.
    let desk = daemon.rules().desk.clone();
    for text in ["\"@acme Quokkas ate my \\\"order\\\" \u{1f998} and half of the garden fence\"", "\"a farmer\""] {
        let set = ["field.about", "note"].map(|field| (field.to_owned(), text.to_owned()));
        let described = Description { of: Owner::Requester, set: &set, ..Description::default() };
        let actions = described.actions("test", &desk).unwrap();
        people::update(
            daemon.app(),
            Viewer::Owner,
            &PersonUpdate { who: "@ana", actions: &actions, expected_version: None },
        )
        .await
        .unwrap();
        post(&format!("@acme something else, {}", text.len()), None);
        daemon.run_until_idle().await.unwrap();
    }
    let clock = daemon.clock();
    let later = |hours| clock.reached(clock.now().checked_add(SignedDuration::from_hours(hours)).unwrap());
    later(2);
    daemon.run_until_idle().await.unwrap();

    let mut database = DirectConnection::at(&directory.path().join("twite.db")).await;
    let words = ["quokka", "my \\\"order", "garden", "fence"];
    let before = places(&mut database, &words).await;
    for place in [
        "post.text",
        "post.facts",
        "comment.text",
        "comment_version.text",
        "decision.before",
        "outbox.effect",
        "ticket_field.text",
        "ticket_hashtag.tag",
        "person_change.changes",
    ] {
        assert!(before.iter().any(|found| found.starts_with(place)), "the test shows nothing of {place}: {before:#?}");
    }

    sim.delete(&first).unwrap();
    later(13);
    while daemon.lookup().recheck().await.unwrap() == LookupOutcome::Answered {}
    while daemon.take_next().await.unwrap() {}
    assert_eq!(places(&mut database, &words).await, Vec::<String>::new());

    // Other people's texts and the desk's own stay.
    let store = daemon.store();
    let comments = store.comments(TicketId(1)).await.unwrap();
    let texts: Vec<_> = comments.iter().filter(|c| !c.text.is_empty()).map(|c| &*c.text).collect();
    assert!(texts.contains(&"@acme and wombats the receipt") && texts.contains(&"nothing of theirs"), "{texts:?}");
    assert!(comments.iter().any(|c| c.source.x_id().is_some_and(|id| id.as_str() == second)));
    let ticket = store.ticket(TicketId(1)).await.unwrap().unwrap();
    assert_eq!(ticket.custom.keys().collect::<Vec<_>>(), ["loud", "own"], "{:?}", ticket.custom);
    daemon.store().close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_to_be_sent_repeats_no_deleted_post_and_answers_none() {
    const RULES: &str = r#"
trigger "Says it back" {
  on created
  when comment.by_requester
  then
    reply "You said: {{comment.text}}"
    notify group "Social" { subject "{{ticket.subject}}" body "{{comment.text}}" }
    remind group "Social" in 48 hours { subject "Still open" body "{{comment.text | upcase}}" }
    webhook "crm" { body "{ \"said\": \"{{comment.text}}\" }" }
    webhook "crm"
}
macro "Ask" { then reply "Which order is it?" }
macro "Quote" { then reply "As to {{ticket.description}}" }
macro "Thank" { then reply "Thank you" }
"#;
    let (directory, sim) = (tempfile::tempdir().unwrap(), simulator().await);
    let mail = directory.path().join("mail");
    let desk = DESK.replace("MAIL", &mail.display().to_string())
        + "[[webhook]]\nname = \"crm\"\nurl = \"http://127.0.0.1:1/\"\n";
    let (daemon, accounts) = inside::daemon(directory.path(), &sim, &["acme", "bikes"], RULES, &desk).await;
    let (store, now) = (daemon.store(), sim.now());
    let say = async |id: &str, conversation: &str, text: &str| {
        let made = now.to_string();
        let line = serde_json::json!({
            "data": {"id": id, "author_id": "1", "conversation_id": conversation, "text": text, "created_at": made},
            "includes": {"users": [{"id": "1", "username": "ana", "name": "Ana"}]},
        });
        daemon.feed(&accounts[0], vec![decode_line(&line.to_string()).unwrap()]).await.unwrap();
        while daemon.take_next().await.unwrap() {}
    };
    let apply = async |title: &str| {
        let rules = daemon.rules();
        let found = rules.macros.iter().find(|found| found.title == title).unwrap();
        let update = AgentUpdate::of_macro(Actor::Owner, Via::Cli, found);
        agent::update(daemon.app(), TicketId(1), &update).await.unwrap();
    };
    say("10", "10", "@acme quokkas ate my order and half of the garden fence").await;
    apply("Ask").await;
    say("20", "10", "@acme and the receipt").await;
    apply("Quote").await;
    apply("Thank").await;

    // One reply may have arrived, another is being sent.
    say("40", "40", "@acme more quokkas").await;
    let claim = async || store.claim(&"posts/acme".parse().unwrap(), now).await.unwrap().unwrap();
    let later = Next::LookUp(now.checked_add(SignedDuration::from_hours(1)).unwrap());
    store
        .not_sent(&claim().await, later, &Reason::new(ReasonKind::AnswerLost, "lost"), &Receiver::Untried, now)
        .await
        .unwrap();
    let sending = claim().await;
    assert_eq!(sending.ticket, Some(TicketId(2)));

    // X may say so in several ways, and to several accounts.
    let delete = async |account: &XId, id: &str| {
        store.accept(account, Transport::Poll, &[Incoming::deleted(id.parse().unwrap())], None, now).await.unwrap();
    };
    delete(&accounts[0], "10").await;
    delete(&accounts[1], "10").await;
    delete(&accounts[0], "40").await;
    while daemon.take_next().await.unwrap() {}
    let mut database = DirectConnection::at(&directory.path().join("twite.db")).await;
    assert_eq!(places(&mut database, &["quokka", "garden", "fence"]).await, Vec::<String>::new());
    let left = store.outgoing(TicketId(1)).await.unwrap();
    let left: Vec<_> = left.iter().map(|item| (&item.effect, item.state.as_str(), item.reason_kind)).collect();
    let gone = Some(ReasonKind::Gone);
    let removed = |text: &str| text.contains("was removed");
    assert!(
        matches!(
            left.as_slice(),
            [
                (Effect::Reply { text: said, .. }, "unknown", _),
                (Effect::Notify { subject, body, .. }, "waiting", None),
                (Effect::Remind { body: later, .. }, "waiting", None),
                (Effect::Webhook { body: Some(body_removed), .. }, "refused", _),
                (Effect::Webhook { body: None, .. }, "waiting", None),
                (Effect::Reply { text: asked, .. }, "refused", _),
                (Effect::Reply { text: quoted, .. }, "refused", _),
                (Effect::Reply { text: thanks, .. }, "waiting", None),
            ] if said.is_empty() && body_removed.is_empty() && subject == "Ticket 1" && removed(body) && removed(later)
                && asked == "Which order is it?" && quoted.is_empty() && thanks == "Thank you"
        ),
        "{left:#?}"
    );
    assert!(left.iter().all(|(_, state, reason)| (*state != "waiting") == (*reason == gone)), "{left:#?}");
    let ticket = store.ticket(TicketId(1)).await.unwrap().unwrap();
    assert_eq!((ticket.replies, ticket.latest_public_comment.as_deref()), (1, Some("Thank you")));

    // What the desk did say stays.
    store.sent(&sending, Some(&"50".parse().unwrap()), "You said: quokkas", None, now).await.unwrap();
    let comments = store.comments(TicketId(2)).await.unwrap();
    assert_eq!(comments.last().map(|comment| comment.text.as_str()), Some("You said: quokkas"));

    // One that is deleted before it comes opens no ticket, and says nothing.
    delete(&accounts[0], "30").await;
    while daemon.take_next().await.unwrap() {}
    say("30", "30", "@acme wombats as well").await;
    assert_eq!(places(&mut database, &["wombat"]).await, Vec::<String>::new());
    assert_eq!(store.comments(TicketId(1)).await.unwrap().iter().filter(|c| c.source.x_id().is_some()).count(), 2);
    assert_eq!(store.counts().await.unwrap().tickets, 2);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_whose_body_was_erased_while_it_was_sent_is_not_called_with_another() {
    const RULES: &str = r#"
trigger "Says it back" {
  on created
  then webhook "crm" { body "{ \"said\": \"{{comment.text}}\" }" }
}
"#;
    let (directory, sim) = (tempfile::tempdir().unwrap(), simulator().await);
    let desk = "[[webhook]]\nname = \"crm\"\nurl = \"http://127.0.0.1:1/\"\n";
    let (daemon, accounts) = inside::daemon(directory.path(), &sim, &["acme"], RULES, desk).await;
    let (store, now) = (daemon.store(), daemon.clock().now());
    for (id, how) in [("10", "it fails"), ("20", "the daemon is killed")] {
        let line = serde_json::json!({
            "data": {"id": id, "author_id": "1", "conversation_id": id, "text": "@acme quokkas ate my order"},
            "includes": {"users": [{"id": "1", "username": "ana", "name": "Ana"}]},
        });
        daemon.feed(&accounts[0], vec![decode_line(&line.to_string()).unwrap()]).await.unwrap();
        while daemon.take_next().await.unwrap() {}
        let now = daemon.clock().now();
        let sending = store.claim(&"webhook/crm".parse().unwrap(), now).await.unwrap().unwrap();
        store
            .accept(&accounts[0], Transport::Poll, &[Incoming::deleted(id.parse().unwrap())], None, now)
            .await
            .unwrap();
        while daemon.take_next().await.unwrap() {}
        if how == "it fails" {
            let reason = Reason::new(ReasonKind::Unavailable, "it did not respond");
            store.not_sent(&sending, Next::Send(now), &reason, &Receiver::Untried, now).await.unwrap();
        } else {
            store.doubt_what_was_sending(now).await.unwrap();
        }
        for again in ["retried", "sent again by an agent"] {
            assert!(daemon.send_next().await.unwrap(), "{how}, {again}");
            let left = store.outgoing(sending.ticket.unwrap()).await.unwrap();
            let reason = left[0].reason.as_deref().unwrap();
            assert_eq!(
                (left[0].state.as_str(), left[0].reason_kind),
                ("refused", Some(ReasonKind::Gone)),
                "{how}, {again}"
            );
            assert_eq!(reason, "its body repeated the text of a post that was deleted at X", "{how}, {again}");
            if again == "retried" {
                store.intervene(Viewer::Owner, sending.id, Act::Resend, "Ana", None, now).await.unwrap();
            }
        }
    }
    assert!(now <= daemon.clock().now());
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_of_an_unknown_post_is_remembered_for_as_long_as_x_may_list_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("twite.db");
    let store = Store::open(database::at(&path).await).await.unwrap();
    let mut database = DirectConnection::at(&path).await;
    let start = jiff::Timestamp::from_second(1_800_000_000).unwrap();
    for (id, day, left) in [(1, 0, 1), (2, 29, 2), (1, 30, 2), (3, 60, 2), (4, 91, 1)] {
        let now = start.checked_add(SignedDuration::from_hours(day * 24)).unwrap();
        let mut tx = store.begin().await.unwrap();
        tx.delete_post(&id.to_string().parse().unwrap(), now).await.unwrap();
        tx.commit().await.unwrap();
        let kept = database.texts("SELECT x_id FROM deletion ORDER BY x_id").await;
        assert_eq!(kept.len(), left, "day {day}: {kept:?}");
    }
    store.close().await;
}
