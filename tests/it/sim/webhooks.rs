//! Webhooks: registration, CRC checks, signed deliveries, replay, and the Account Activity API.

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

use axum::http::{HeaderMap, Method as HttpMethod, StatusCode as Status, Uri};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::{net::TcpListener, sync::mpsc};
use twite::sim::{CONSUMER_SECRET, Disturbance};

use super::*;

/// A receiver of deliveries. Its status applies to checks and deliveries.
struct Hook {
    url: String,
    status: Arc<AtomicU16>,
    deliveries: mpsc::UnboundedReceiver<(HeaderMap, String)>,
}

impl Hook {
    /// A receiver that answers CRC checks with a secret.
    async fn new(secret: &'static str) -> Self {
        let (sender, deliveries) = mpsc::unbounded_channel();
        let status = Arc::new(AtomicU16::new(200));
        let answer = Arc::clone(&status);
        let app = axum::Router::new().fallback(
            async move |method: HttpMethod, uri: Uri, headers: HeaderMap, body: String| {
                let status = Status::from_u16(answer.load(Ordering::SeqCst)).unwrap();
                if method == HttpMethod::POST {
                    sender.send((headers, body)).unwrap();
                    return (status, String::new());
                }
                let token = uri.query().unwrap_or_default().strip_prefix("crc_token=").unwrap_or_default();
                (status, json!({"response_token": signed(secret, token)}).to_string())
            },
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, status, deliveries }
    }

    fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    async fn next(&mut self) -> (HeaderMap, String) {
        let next = tokio::time::timeout(Duration::from_secs(20), self.deliveries.recv());
        next.await.expect("nothing was delivered").unwrap()
    }

    async fn next_body(&mut self) -> Value {
        serde_json::from_str(&self.next().await.1).unwrap()
    }
}

fn signed(secret: &str, message: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    format!("sha256={}", STANDARD.encode(mac.finalize().into_bytes()))
}

impl World {
    /// A call with the app's own token.
    async fn app(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = self.client.request(method, format!("{}{path}", self.sim.url)).bearer_auth(self.sim.app_token());
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Registers a webhook and returns its id.
    async fn hook(&self, hook: &Hook) -> String {
        let (status, made) = self.app(Method::POST, "/2/webhooks", json!({"url": hook.url})).await;
        assert_eq!((status, &made["data"]["valid"]), (200, &json!(true)), "{made}");
        made["data"]["id"].as_str().unwrap().to_owned()
    }

    /// Subscribes the account's mentions to a webhook.
    async fn mentions_to(&self, webhook: &str) {
        let filter = json!({"user_id": self.tokens.user_id});
        let body = json!({"event_type": "post.mention.create", "filter": filter, "webhook_id": webhook});
        assert_eq!(self.app(Method::POST, "/2/activity/subscriptions", body).await.0, 200);
    }

    async fn until_delivered(&self) {
        while self.sim.undelivered() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the webhook is valid or not.
    async fn until_valid(&self, hook: &Hook, valid: bool) {
        while self.sim.webhooks()[&hook.url] != valid {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn a_webhook_is_registered_and_receives_signed_events() {
    let world = World::new().await;
    let mut hook = Hook::new(CONSUMER_SECRET).await;
    let id = world.hook(&hook).await;
    let (_, list) = world.app(Method::GET, "/2/webhooks", Value::Null).await;
    assert_eq!((&list["data"][0]["id"], &list["meta"]["result_count"]), (&json!(id), &json!(1)));
    world.mentions_to(&id).await;
    let post = world.says("mira", "@acme hello ü");
    let (headers, body) = hook.next().await;
    assert_eq!(headers["x-twitter-webhooks-signature"], signed(CONSUMER_SECRET, &body));
    assert!(!headers.contains_key("x-twitter-webhooks-signature-oauth2"), "a public app has no client secret");
    let event: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(event["data"]["payload"]["id"], post.as_str());
    let (_, deleted) = world.app(Method::DELETE, &format!("/2/webhooks/{id}"), Value::Null).await;
    assert_eq!(deleted["data"]["deleted"], true);
    let (_, left) = world.app(Method::GET, "/2/activity/subscriptions", Value::Null).await;
    assert_eq!(left["data"], json!([]));
}

#[tokio::test]
async fn an_app_with_a_client_secret_signs_with_both() {
    let app = App {
        client_id: "desk".into(),
        client_secret: Some("s3cret".into()),
        redirect_uris: vec!["https://desk.example/back".into()],
        scopes: None,
    };
    let world = World::with(SimOptions { apps: vec![app], ..SimOptions::default() }).await;
    let mut hook = Hook::new("s3cret").await;
    let id = world.hook(&hook).await;
    world.mentions_to(&id).await;
    world.says("mira", "@acme hello");
    let (headers, body) = hook.next().await;
    assert_eq!(headers["x-twitter-webhooks-signature"], signed(CONSUMER_SECRET, &body));
    assert_eq!(headers["x-twitter-webhooks-signature-oauth2"], signed("s3cret", &body));
}

#[tokio::test]
async fn urls_and_wrong_tokens_are_refused() {
    let world = World::new().await;
    let (wrong, right) = (Hook::new("another secret").await, Hook::new(CONSUMER_SECRET).await);
    let long = format!("https://desk.example/{}", "a".repeat(200));
    for (url, says) in [
        ("http://desk.example/hook", "UrlValidationFailed"),
        ("https://desk.example:8443/hook", "UrlValidationFailed"),
        (long.as_str(), "may only be 200"),
        (wrong.url.as_str(), "CrcValidationFailed"),
        ("http://127.0.0.1:1/hook", "CrcValidationFailed"),
    ] {
        let (status, answer) = world.app(Method::POST, "/2/webhooks", json!({"url": url})).await;
        assert_eq!(status, 400, "{url}: {answer}");
        assert!(answer.to_string().contains(says), "{url}: {answer}");
    }
    assert!(world.sim.webhooks().is_empty());
    world.hook(&right).await;
    let (status, answer) = world.app(Method::POST, "/2/webhooks", json!({"url": right.url})).await;
    assert!(status == 400 && answer.to_string().contains("DuplicateUrlFailed"), "{answer}");
}

#[tokio::test]
async fn a_webhook_that_fails_its_check_gets_nothing_until_it_is_checked_again() {
    let world = World::new().await;
    world.sim.set_clock("2026-11-16T07:00:00Z".parse().unwrap());
    let mut hook = Hook::new(CONSUMER_SECRET).await;
    let id = world.hook(&hook).await;
    world.mentions_to(&id).await;
    hook.answers(302);
    world.sim.advance(Duration::from_secs(60 * 60));
    world.until_valid(&hook, false).await;
    let missed = world.says("mira", "@acme one");
    world.until_delivered().await;
    let path = format!("/2/webhooks/{id}");
    assert_eq!(world.app(Method::PUT, &path, Value::Null).await.1["data"]["valid"], false);
    hook.answers(200);
    assert_eq!(world.app(Method::PUT, &path, Value::Null).await.1["data"]["valid"], true);
    let seen = world.says("mira", "@acme two");
    assert_eq!(hook.next_body().await["data"]["payload"]["id"], seen.as_str());

    let times = |from: &str, to: &str| json!({"webhook_id": id, "from_date": from, "to_date": to});
    for wrong in [times("202611150000", "202611160800"), times("202611160900", "202611160800"), times("today", "now")] {
        assert_eq!(world.app(Method::POST, "/2/webhooks/replay", wrong).await.0, 400);
    }
    let (_, job) = world.app(Method::POST, "/2/webhooks/replay", times("202611160700", "202611160800")).await;
    let mut replayed = Vec::new();
    for _ in 0..3 {
        replayed.push(hook.next_body().await);
    }
    let ids: BTreeSet<&str> = replayed.iter().filter_map(|event| event["data"]["payload"]["id"].as_str()).collect();
    assert_eq!(ids, BTreeSet::from([missed.as_str(), seen.as_str()]));
    assert!(replayed.iter().any(|event| event["replay_job_status"]["job_id"] == job["data"]["job_id"]));
    world.sim.order_webhooks(false, true);
    world.until_valid(&hook, false).await;
}

#[tokio::test]
async fn a_webhook_that_does_not_answer_is_given_up_after_28_hours() {
    let world = World::new().await;
    world.sim.set_clock("2026-11-16T07:00:00Z".parse().unwrap());
    let mut hook = Hook::new(CONSUMER_SECRET).await;
    let id = world.hook(&hook).await;
    world.mentions_to(&id).await;
    hook.answers(503);
    world.sim.set_deliveries(1, Duration::from_secs(10));
    let first = world.says("mira", "@acme one");
    for _ in 0..2 {
        assert_eq!(hook.next_body().await["data"]["payload"]["id"], first.as_str(), "a failed delivery is repeated");
    }
    world.until_delivered().await;
    assert!(world.sim.webhooks()[&hook.url]);
    world.sim.advance(Duration::from_secs(28 * 60 * 60));
    world.until_valid(&hook, false).await;
}

#[tokio::test]
async fn account_activity_comes_in_its_own_shape() {
    let world = World::new().await;
    let mut hook = Hook::new(CONSUMER_SECRET).await;
    let id = world.hook(&hook).await;
    let all = format!("/2/account_activity/webhooks/{id}/subscriptions/all");
    assert_eq!(world.get(&all).await, json!({"data": {"subscribed": false}}));
    let answer = world.post(&all, json!({})).await;
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"data": {"subscribed": true}}));
    let (_, list) = world.app(Method::GET, &format!("{all}/list"), Value::Null).await;
    assert_eq!(list["data"]["subscriptions"], json!([{"user_id": world.tokens.user_id}]));

    let long = format!("@acme {}", "every word counts ".repeat(10));
    let post = world.says("mira", &long);
    let event = hook.next_body().await;
    assert_eq!((&event["for_user_id"], &event["user_has_blocked"]), (&json!(world.tokens.user_id), &json!(false)));
    let status = &event["tweet_create_events"][0];
    assert_eq!((&status["id_str"], &status["truncated"]), (&json!(post), &json!(true)));
    assert_eq!(status["text"].as_str().unwrap().chars().count(), 140);
    assert_eq!(status["extended_tweet"]["full_text"], long.as_str());
    assert_eq!(status["user"]["screen_name"], "mira");
    assert_eq!(status["entities"]["user_mentions"][0]["id_str"], world.tokens.user_id.as_str());
    assert!(status["created_at"].as_str().unwrap().contains(" +0000 "));

    world.sim.like("acme", &post).unwrap();
    let like = hook.next_body().await;
    let like = &like["favorite_events"][0];
    assert_eq!((&like["user"]["screen_name"], &like["favorited_status"]["id_str"]), (&json!("acme"), &json!(post)));
    assert!(like["timestamp_ms"].is_u64());

    world.sim.dm("mira", "acme", "psst").unwrap();
    let dm = hook.next_body().await;
    let sender = dm["direct_message_events"][0]["message_create"]["sender_id"].as_str().unwrap();
    assert_eq!(dm["users"][sender]["screen_name"], "mira");
    assert!(dm["users"][sender]["created_timestamp"].is_string());

    let own = world.says("acme", "soon gone");
    assert_eq!(hook.next_body().await["tweet_create_events"][0]["id_str"], own.as_str());
    world.sim.delete(&own).unwrap();
    assert_eq!(hook.next_body().await["tweet_delete_events"][0]["status"]["id"], own.as_str());

    world.sim.revoke("acme").unwrap();
    let revoked = hook.next_body().await;
    assert_eq!(revoked["user_event"]["revoke"]["source"]["user_id"], world.tokens.user_id.as_str());
    let (_, count) = world.app(Method::GET, "/2/account_activity/subscriptions/count", Value::Null).await;
    assert_eq!(count["data"]["subscriptions_count_all"], "0", "a revocation ends the subscription");
}

#[tokio::test]
async fn events_that_wait_come_together_and_faults_apply_to_webhooks() {
    let world = World::new().await;
    let mut hook = Hook::new(CONSUMER_SECRET).await;
    let id = world.hook(&hook).await;
    world.post(&format!("/2/account_activity/webhooks/{id}/subscriptions/all"), json!({})).await;
    let line = |n: u32| {
        json!({"dm": {"id": format!("199000000000000000{n}"), "text": format!("number {n}"),
        "from": {"id": "500", "username": "lena", "name": "Lena"}, "to": {"id": world.tokens.user_id, "username": "acme",
        "name": "Acme"}, "created_at": "2026-11-16T07:01:00.000Z"}})
    };
    let lines: Vec<String> = (1..=3).map(|n| line(n).to_string()).collect();
    world.sim.load_lines(lines.join("\n").as_bytes()).unwrap();
    world.sim.release(usize::MAX, false).unwrap();
    assert_eq!(hook.next_body().await["direct_message_events"].as_array().unwrap().len(), 3);

    world.sim.disturb(Disturbance { duplicate: 1, ..Disturbance::default() });
    let post = world.says("mira", "@acme twice");
    let twice = hook.next_body().await;
    let ids: Vec<&str> =
        twice["tweet_create_events"].as_array().unwrap().iter().map(|e| e["id_str"].as_str().unwrap()).collect();
    assert_eq!(ids, [post.as_str(), post.as_str()]);
}
