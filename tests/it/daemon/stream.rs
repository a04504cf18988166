//! Receiving by X's activity stream.

use std::{process::Command, time::Duration};

use crate::support::{TestDesk, owner::OwnerReads as _};
use twite::{
    desk::{AccountState, TicketId},
    sim::{Disconnect, Fault, NewPerson, NewPost, SimHandle},
};

const RULES: &str = "trigger \"Tag\" { on created then add tags seen }\n";

/// A desk whose account receives by the stream.
async fn desk(extra: &str) -> TestDesk {
    let account = "[[account]]\nhandle = \"acme\"\ntransport = \"stream\"\ntrack_likes = true\n";
    let desk = TestDesk::new(&["acme"], RULES, &format!("{account}{extra}")).await;
    for person in ["ana", "bob"] {
        desk.sim.make_user(&NewPerson::named(person)).unwrap();
    }
    desk
}

fn say(desk: &TestDesk, text: &str) -> String {
    desk.sim.post(&NewPost { by: "ana".into(), text: text.into(), ..NewPost::default() }).unwrap()
}

const WORKS: &str = "@acme: the stream works";

#[tokio::test(flavor = "multi_thread")]
async fn what_it_delivers_becomes_tickets_without_polls() {
    let desk = desk("").await;
    let _served = desk.serve();
    desk.logged(WORKS).await;
    desk.quiet().await;
    let lists = ["mentions", "tweets"].map(|list| format!("GET /2/users/:id/{list}"));
    let polled = |desk: &TestDesk| -> u64 {
        let answered = desk.sim.stats().answered;
        lists
            .iter()
            .chain(["GET /2/dm_events".to_owned()].iter())
            .filter_map(|list| answered.get(list)?.get(&200))
            .sum()
    };
    let before = polled(&desk);
    let asked = say(&desk, "@acme where is my parcel?");
    desk.until("a ticket", |counts, _| counts.tickets == 1).await;
    // The account's own answer, from another client.
    let answer =
        NewPost { by: "acme".into(), text: "@ana on its way".into(), in_reply_to: Some(asked), ..NewPost::default() };
    let answer = desk.sim.post(&answer).unwrap();
    desk.until("the answer", |counts, _| counts.comments == 2).await;
    let thanks = NewPost {
        by: "ana".into(),
        text: "@acme thanks".into(),
        in_reply_to: Some(answer.clone()),
        ..NewPost::default()
    };
    desk.sim.post(&thanks).unwrap();
    desk.until("the thanks", |counts, _| counts.comments == 3).await;
    desk.sim.dm("bob", "acme", "in private").unwrap();
    desk.until("a direct message", |counts, _| counts.tickets == 2).await;
    // X tells of deletions by the account only.
    desk.sim.delete(&answer).unwrap();
    desk.logged("ticket 1: a post was deleted at X").await;
    assert_eq!(polled(&desk), before);
    // The event of a like names the post only, so that the list is read at once.
    let liked = say(&desk, "I love my parcel");
    desk.sim.like("acme", &liked).unwrap();
    desk.until("a ticket for the like", |counts, _| counts.tickets == 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_down_the_lists_are_polled() {
    let desk = desk("").await;
    let _served = desk.serve();
    desk.logged(WORKS).await;
    // X cuts the connection, and refuses others for a while.
    desk.sim.fault(Fault { status: Some(503), times: 8, ..Fault::on("GET /2/activity/stream") }).unwrap();
    desk.sim.disconnect_streams(Disconnect::Cut);
    desk.logged("the stream does not work").await;
    say(&desk, "@acme are you there?");
    desk.until("a ticket", |counts, _| counts.tickets == 1).await;
    desk.logged_times(WORKS, 2).await;
    say(&desk, "@acme and now?");
    desk.until("another ticket", |counts, _| counts.tickets == 2).await;
    // The announced end of a connection.
    desk.sim.disconnect_streams(Disconnect::Operational);
    let log = desk.logged_times(WORKS, 3).await;
    assert!(log.contains("X ends the stream: operational-disconnect"), "{log}");
    assert_eq!(desk.quiet().await.tickets, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_while_nobody_was_connected_is_there() {
    let desk = desk("").await;
    let served = desk.serve();
    desk.logged(WORKS).await;
    drop(served);
    say(&desk, "@acme one");
    desk.sim.dm("bob", "acme", "two").unwrap();
    let mut served = desk.serve();
    desk.until("both tickets", |counts, _| counts.tickets == 2).await;
    desk.logged_times(WORKS, 2).await;
    // A daemon that is told to stop does not wait for the stream.
    assert!(Command::new("kill").arg(served.pid().to_string()).status().unwrap().success());
    for _ in 0..200 {
        if !served.runs() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(served.status(), Some(0));
    assert_eq!(desk.sim.stream_connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_be_subscribed_is_polled_and_the_others_are_not() {
    let other = "[[account]]\nhandle = \"bikes\"\ntransport = \"stream\"\n";
    let account = "[[account]]\nhandle = \"acme\"\ntransport = \"stream\"\n";
    let desk = TestDesk::new(&["acme", "bikes"], RULES, &format!("{account}{other}")).await;
    desk.sim.make_user(&NewPerson::named("ana")).unwrap();
    // The first account is subscribed to first.
    desk.sim.fault(Fault { status: Some(403), times: 1, ..Fault::on("GET /2/activity/subscriptions") }).unwrap();
    let _served = desk.serve();
    desk.logged("@acme: the stream does not work: cannot subscribe to its events").await;
    desk.logged("@bikes: the stream works").await;
    say(&desk, "@acme hello");
    say(&desk, "@bikes hello");
    let counts = desk.until("both tickets", |counts, _| counts.tickets == 2).await;
    assert_eq!(counts.tickets, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_deactivated_is_delivered_nothing_until_it_is_active_again() {
    let desk = desk("").await;
    let _served = desk.serve();
    desk.logged(WORKS).await;
    let answered = |sim: &SimHandle, call: &str| -> u64 {
        sim.stats().answered.get(call).map_or(0, |answers| answers.values().sum())
    };
    let subscribed = answered(&desk.sim, "POST /2/activity/subscriptions");
    assert!(subscribed > 0);
    let run = |command: &str| {
        assert!(desk.command().args(["accounts", command, "acme"]).status().unwrap().success());
    };
    run("deactivate");
    let deleted = |sim: &SimHandle| answered(sim, "DELETE /2/activity/subscriptions/:subscription_id") == subscribed;
    desk.until("no subscriptions", |_, sim| deleted(sim)).await;
    say(&desk, "@acme anybody there?");
    run("activate");
    desk.logged_times(WORKS, 2).await;
    assert_eq!(answered(&desk.sim, "POST /2/activity/subscriptions"), 2 * subscribed);
    desk.until("what came meanwhile", |counts, _| counts.tickets == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_revokes_the_app_is_told_at_once() {
    let desk = desk("").await;
    let _served = desk.serve();
    desk.logged(WORKS).await;
    desk.sim.revoke("acme").unwrap();
    desk.logged("authorization no longer valid").await;
    let store = desk.store().await;
    assert_eq!(store.accounts().await.unwrap()[0].state, AccountState::Unauthorised);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_message_is_a_visible_note() {
    let desk = desk("").await;
    let _served = desk.serve();
    desk.logged(WORKS).await;
    desk.sim.chat("ana", "acme").unwrap();
    desk.until("a ticket or a message set aside", |counts, _| counts.tickets + counts.set_aside == 1).await;
    let store = desk.store().await;
    if let Some(seen) = store.ticket(TicketId(1)).await.unwrap() {
        assert!(seen.subject.contains("encrypted"), "{}", seen.subject);
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_apps_token_the_lists_are_polled() {
    let desk = desk("").await;
    let _served = desk.serve_with(&[("TWITE_BEARER", "")]);
    desk.logged("the stream does not work").await;
    say(&desk, "@acme are you there?");
    desk.until("a ticket", |counts, _| counts.tickets == 1).await;
}
