//! Receiving by a webhook that X calls.

use std::net::TcpListener;

use crate::support::{Served, TestDesk};
use serde_json::{Value, json};
use twite::{
    sim::{CONSUMER_SECRET, Disturbance, Fault, NewPerson, NewPost},
    x::{client, signature::sign},
};

const RULES: &str = "trigger \"Tag\" { on created then add tags seen }\n";
const WORKS: &str = "@acme: the webhook works";

/// A desk whose account receives by a webhook.
struct Desk {
    desk: TestDesk,
    base: String,
}

impl Desk {
    async fn new() -> Self {
        Self::of(&["acme"]).await
    }

    async fn of(handles: &[&str]) -> Self {
        // A port that is free now.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let base = format!("http://127.0.0.1:{port}");
        let account = |handle: &&str| {
            format!("[[account]]\nhandle = \"{handle}\"\ntransport = \"webhook\"\ntrack_likes = true\n")
        };
        let accounts: String = handles.iter().map(account).collect();
        let extra = format!("url = \"{base}\"\n[web]\nlisten = \"127.0.0.1:{port}\"\n{accounts}");
        let desk = TestDesk::new(handles, RULES, &extra).await;
        for person in ["ana", "bob"] {
            desk.sim.make_user(&NewPerson::named(person)).unwrap();
        }
        Self { desk, base }
    }

    /// Starts the daemon, and waits until the webhook works for this many-th time.
    async fn serve(&self, times: usize) -> Served {
        let served = self.desk.serve();
        self.desk.logged_times(WORKS, times).await;
        served
    }

    fn say(&self, text: &str) -> String {
        self.desk.sim.post(&NewPost { by: "ana".into(), text: text.into(), ..NewPost::default() }).unwrap()
    }

    /// The webhook's URL, which X knows.
    fn url(&self) -> String {
        self.desk.sim.webhooks().into_keys().next().unwrap()
    }

    async fn post(&self, body: &str, headers: &[(&str, String)]) -> u16 {
        let mut request = client::http().unwrap().post(self.url()).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        request.send().await.unwrap().status().as_u16()
    }

    /// Delivers what X signed.
    async fn deliver(&self, body: &Value) -> u16 {
        let body = body.to_string();
        let signature = sign(CONSUMER_SECRET.as_bytes(), body.as_bytes());
        self.post(&body, &[("x-twitter-webhooks-signature", signature)]).await
    }

    fn account(&self) -> String {
        self.desk.accounts[0].to_string()
    }
}

fn tweet(id: u64, text: &str, by: u64) -> Value {
    json!({
        "id_str": id.to_string(), "created_at": "Tue Jul 07 13:17:01 +0000 2099", "text": text,
        "user": { "id_str": by.to_string(), "screen_name": format!("person{by}"), "name": "Somebody" },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_x_delivers_becomes_tickets_without_polls() {
    let desk = Desk::new().await;
    let _served = desk.serve(1).await;
    desk.desk.quiet().await;
    let polled = || -> u64 {
        let answered = desk.desk.sim.stats().answered;
        let lists = ["GET /2/users/:id/mentions", "GET /2/users/:id/tweets", "GET /2/dm_events"];
        lists.iter().filter_map(|list| answered.get(*list)?.get(&200)).sum()
    };
    let before = polled();
    // Twice each, and in another order.
    desk.desk.sim.disturb(Disturbance { duplicate: 4, ..Disturbance::default() });
    let asked = desk.say("@acme where is my parcel?");
    desk.desk.until("a ticket", |counts, _| counts.tickets == 1).await;
    let thanks =
        NewPost { by: "ana".into(), text: "@acme found it".into(), in_reply_to: Some(asked), ..NewPost::default() };
    desk.desk.sim.post(&thanks).unwrap();
    desk.desk.until("another comment", |counts, _| counts.comments == 2).await;
    desk.desk.sim.dm("bob", "acme", "in private").unwrap();
    desk.desk.until("a direct message", |counts, _| counts.tickets == 2).await;
    assert_eq!(polled(), before);
    let counts = desk.desk.quiet().await;
    assert_eq!((counts.tickets, counts.comments), (2, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_x_can_deliver() {
    let desk = Desk::new().await;
    let _served = desk.serve(1).await;
    desk.desk.quiet().await;
    let body =
        json!({ "for_user_id": desk.account(), "tweet_create_events": [tweet(1, "@acme forged", 7)] }).to_string();
    let by = |secret: &str, body: &str| sign(secret.as_bytes(), body.as_bytes());
    assert_eq!(desk.post(&body, &[]).await, 403);
    assert_eq!(desk.post(&body, &[("x-twitter-webhooks-signature", by("guessed", &body))]).await, 403);
    assert_eq!(
        desk.post(&format!("{body} "), &[("x-twitter-webhooks-signature", by(CONSUMER_SECRET, &body))]).await,
        403
    );
    assert_eq!(desk.post(&"x".repeat(2_000_000), &[]).await, 413);
    let http = client::http().unwrap();
    let get = async |url: String| http.get(url).send().await.unwrap().status().as_u16();
    // What is signed as the answer to a check can be no delivery.
    let token: String = url::form_urlencoded::byte_serialize(body.as_bytes()).collect();
    assert_eq!(get(format!("{}?crc_token={token}", desk.url())).await, 400);
    assert_eq!(get(desk.url()).await, 400);
    assert_eq!(get(format!("{}?crc_token=0123456789abcdef", desk.url())).await, 200);
    assert_eq!(get(format!("{}/x/webhook/guessed", desk.base)).await, 404);
    assert_eq!(desk.desk.quiet().await.tickets, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_of_a_delivery_counts_and_those_of_blocked_people_do_not() {
    let desk = Desk::new().await;
    let mut served = desk.serve(1).await;
    let account = desk.account();
    let three = [11, 12, 13].map(|n| tweet(1_900_000_000_000_000_000 + n, "@acme hello", n));
    let delivery = json!({ "for_user_id": account, "user_has_blocked": false, "tweet_create_events": three });
    for _ in 0..3 {
        assert_eq!(desk.deliver(&delivery).await, 200);
    }
    // What was acknowledged is there, even if the daemon is killed at once.
    served.kill();
    let _served = desk.serve(2).await;
    desk.desk.until("three tickets", |counts, _| counts.tickets == 3).await;
    let blocked = [tweet(1_900_000_000_000_000_014, "@acme hello again", 14)];
    let delivery = json!({ "for_user_id": account, "user_has_blocked": true, "tweet_create_events": blocked });
    assert_eq!(desk.deliver(&delivery).await, 200);
    // What is for nobody here, or cannot be read, is no failure of the webhook.
    assert_eq!(desk.deliver(&json!({ "for_user_id": "1", "tweet_create_events": blocked })).await, 200);
    assert_eq!(desk.deliver(&json!({ "something": "new" })).await, 200);
    let counts = desk.desk.quiet().await;
    assert_eq!((counts.tickets, counts.comments), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_x_stopped_calling_is_checked_again() {
    let desk = Desk::new().await;
    let served = desk.serve(1).await;
    drop(served);
    desk.desk.sim.order_webhooks(false, true);
    desk.say("@acme while you were away");
    let _served = desk.serve(2).await;
    desk.desk.until("a ticket", |counts, _| counts.tickets == 1).await;
    assert_eq!(desk.desk.sim.webhooks().into_values().collect::<Vec<_>>(), [true]);
    desk.say("@acme and now?");
    desk.desk.until("another ticket", |counts, _| counts.tickets == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_cannot_be_registered_the_lists_are_polled() {
    let desk = Desk::new().await;
    desk.desk.sim.fault(Fault { status: Some(503), times: 1000, ..Fault::on("POST /2/webhooks") }).unwrap();
    let _served = desk.desk.serve();
    desk.desk.logged("@acme: the webhook does not work").await;
    desk.say("@acme are you there?");
    desk.desk.until("a ticket", |counts, _| counts.tickets == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_be_subscribed_is_polled_and_the_others_are_not() {
    let desk = Desk::of(&["acme", "bikes"]).await;
    // The first account is subscribed to first.
    let refused = Fault { status: Some(403), times: 1, ..Fault::on("GET /2/activity/subscriptions") };
    desk.desk.sim.fault(refused).unwrap();
    let _served = desk.desk.serve();
    desk.desk.logged("@acme: the webhook does not work: cannot subscribe to its events").await;
    desk.desk.logged("@bikes: the webhook works").await;
    desk.say("@acme hello");
    desk.say("@bikes hello");
    desk.desk.until("both tickets", |counts, _| counts.tickets == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_x_was_not_asked_to_deliver_again_is_asked_for_later() {
    let desk = Desk::new().await;
    let served = desk.serve(1).await;
    let asked = desk.say("@acme where is my parcel?");
    let answer =
        NewPost { by: "acme".into(), text: "@ana lost".into(), in_reply_to: Some(asked), ..NewPost::default() };
    let answer = desk.desk.sim.post(&answer).unwrap();
    desk.desk.until("the answer", |counts, _| counts.comments == 2).await;
    drop(served);
    // No list has deletions.
    desk.desk.sim.delete(&answer).unwrap();
    let down = Fault { status: Some(503), times: 1, ..Fault::on("POST /2/webhooks/replay") };
    desk.desk.sim.fault(down).unwrap();
    let served = desk.serve(2).await;
    desk.desk.logged("X does not deliver again what it could not deliver").await;
    drop(served);
    let _served = desk.serve(3).await;
    desk.desk.logged("ticket 1: a post was deleted at X").await;
}
