//! The X Activity API: subscriptions, the stream, its events and its faults.

use twite::sim::{Disconnect, Disturbance};

use super::*;

/// An open stream.
struct Stream(Response, String);

impl Stream {
    /// The next event; empty lines are skipped.
    async fn next(&mut self) -> Value {
        loop {
            let line = self.line().await.expect("the stream ended");
            if !line.is_empty() {
                return serde_json::from_str(&line).unwrap();
            }
        }
    }

    /// The next line, which is empty for a keep-alive signal; `None` at the end.
    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some((line, rest)) = self.1.split_once("\r\n") {
                let line = line.to_owned();
                self.1 = rest.to_owned();
                return Some(line);
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.0.chunk()).await.expect("no line came");
            self.1.push_str(std::str::from_utf8(&chunk.ok()??).unwrap());
        }
    }

    async fn types(&mut self, count: usize) -> Vec<String> {
        let mut types = Vec::new();
        for _ in 0..count {
            types.push(self.next().await["data"]["event_type"].as_str().unwrap().to_owned());
        }
        types
    }
}

impl World {
    async fn subscribe(&self, token: &str, event_type: &str, more: Value) -> Response {
        let mut body = json!({"event_type": event_type, "filter": {"user_id": self.tokens.user_id}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let url = format!("{}/2/activity/subscriptions", self.sim.url);
        self.client.post(url).bearer_auth(token).json(&body).send().await.unwrap()
    }

    async fn subscribe_all(&self, event_types: &[&str]) {
        for event_type in event_types {
            let made = self.subscribe(&self.tokens.access_token, event_type, json!({})).await;
            assert_eq!(made.status(), StatusCode::OK, "{}", made.text().await.unwrap());
        }
    }

    async fn connect(&self, query: &str) -> Response {
        let url = format!("{}/2/activity/stream{query}", self.sim.url);
        self.client.get(url).bearer_auth(self.sim.app_token()).send().await.unwrap()
    }

    async fn stream(&self, query: &str) -> Stream {
        let answer = self.connect(query).await;
        assert_eq!(answer.status(), StatusCode::OK);
        Stream(answer, String::new())
    }
}

#[tokio::test]
async fn subscriptions_are_made_listed_changed_and_deleted() {
    let world = World::new().await;
    let app = world.sim.app_token();
    let made: Value = world.subscribe(&app, "post.mention.create", json!({"tag": "desk"})).await.json().await.unwrap();
    let subscription = &made["data"]["subscription"];
    assert_eq!(subscription["filter"], json!({"user_id": world.tokens.user_id}));
    let again: Value = world
        .subscribe(&app, "post.mention.create", json!({"expires_at": "2099-01-01T00:00:00Z"}))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(again["data"]["subscription"]["subscription_id"], subscription["subscription_id"]);
    assert_eq!(again["data"]["subscription"]["expires_at"], "2099-01-01T00:00:00.000Z");
    let call = async |method: Method, path: &str, body: Option<Value>| {
        let request = world.client.request(method, format!("{}/2/activity/subscriptions{path}", world.sim.url));
        let request = request.bearer_auth(&app);
        let request = if let Some(body) = body { request.json(&body) } else { request };
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    let id = subscription["subscription_id"].as_str().unwrap();
    let changed = call(Method::PUT, &format!("/{id}"), Some(json!({"tag": "other"}))).await;
    assert_eq!(changed["data"]["subscription"]["tag"], "other");
    assert_eq!(call(Method::GET, "", None).await["data"].as_array().unwrap().len(), 1);
    assert_eq!(call(Method::GET, "?user_id=1", None).await["data"], json!([]));
    assert_eq!(call(Method::DELETE, &format!("/{id}"), None).await, json!({"data": {"deleted": true}}));
    assert_eq!(call(Method::DELETE, &format!("/{id}"), None).await["errors"][0]["title"], "Not Found Error");
    let several = call(Method::DELETE, "?ids=12", None).await;
    assert_eq!(several["errors"][0]["subscription_id"], "12");
}

#[tokio::test]
async fn subscriptions_that_x_refuses_are_refused() {
    let world = World::new().await;
    let (app, user) = (world.sim.app_token(), world.tokens.access_token.clone());
    let narrow = world.sim.connect_with("acme", &["tweet.read", "users.read"]).unwrap().access_token;
    let blind = world.sim.connect_with("acme", &["users.read"]).unwrap().access_token;
    let mira = world.sim.connect("mira").unwrap().access_token;
    for (token, event_type, more, status) in [
        (&app, "dm.received", json!({}), 403),
        (&narrow, "dm.received", json!({}), 403),
        (&mira, "dm.received", json!({}), 403),
        (&user, "dm.received", json!({}), 200),
        (&user, "like.create", json!({"filter": {"user_id": world.tokens.user_id, "direction": "sideways"}}), 400),
        (&app, "like.delete", json!({}), 400),
        (&blind, "post.create", json!({}), 403),
        (&app, "post.create", json!({"filter": {}}), 400),
        (&app, "post.create", json!({"filter": {"keyword": "parcel"}}), 200),
        (&app, "post.create", json!({"tag": ""}), 400),
        (&app, "post.create", json!({"expires_at": "2001-01-01T00:00:00Z"}), 400),
        (&app, "post.create", json!({"wish": 1}), 400),
    ] {
        let answer = world.subscribe(token, event_type, more.clone()).await;
        assert_eq!(answer.status().as_u16(), status, "{event_type} {more}: {}", answer.text().await.unwrap());
    }
    refused(world.request(Method::GET, "/2/activity/stream").send().await.unwrap(), 403).await;
}

#[tokio::test]
async fn a_mention_is_an_event_in_the_shape_of_x() {
    let world = World::new().await;
    world.subscribe(&world.sim.app_token(), "post.mention.create", json!({"tag": "desk"})).await;
    let mut stream = world.stream("").await;
    let id = world.says("mira", "@acme where is <it>? https://example.com");
    let event = stream.next().await;
    let data = &event["data"];
    let uuid: i64 = data["event_uuid"].as_str().unwrap().parse().unwrap();
    assert_ne!(uuid, 0);
    assert_eq!(data["filter"], json!({"user_id": world.tokens.user_id}));
    assert_eq!((&data["event_type"], &data["tag"]), (&json!("post.mention.create"), &json!("desk")));
    let post = &data["payload"];
    assert_eq!((&post["id"], &post["edit_history_tweet_ids"]), (&json!(id), &json!([id])));
    assert!(post["text"].as_str().unwrap().starts_with("@acme where is &lt;it&gt;? https://t.co/"));
    assert_eq!(post["in_reply_to_user_id"], world.tokens.user_id.as_str());
    assert_eq!(post["entities"]["mentions"][0]["end_str"], "5");
    assert_eq!(post["edit_controls"]["edits_remaining_str"], "5");
    assert_eq!(data["includes"]["tweets"][0], *post);
    let users = data["includes"]["users"].as_array().unwrap();
    assert_eq!(users.iter().map(|u| u["username"].as_str().unwrap()).collect::<Vec<_>>(), ["mira", "acme"]);
    assert_eq!(users[0]["public_metrics"]["followers_count_str"], "12000");
}

#[tokio::test]
async fn replies_quotes_reposts_likes_and_deletions_are_events() {
    let world = World::new().await;
    let types =
        ["post.create", "post.delete", "post.mention.create", "post.reply.create", "post.quote.create", "like.create"];
    world.subscribe_all(&types).await;
    world.subscribe_all(&["post.repost.create", "follow.follow", "dm.received", "dm.sent", "chat.received"]).await;
    let mut stream = world.stream("").await;
    let root = world.says("acme", "The sale has begun");
    assert_eq!(stream.types(1).await, ["post.create"]);
    let post = |text: &str, in_reply_to: Option<&str>, quotes: Option<&str>| {
        let (in_reply_to, quotes) = (in_reply_to.map(str::to_owned), quotes.map(str::to_owned));
        world.sim.post(&NewPost { by: "mira".into(), text: text.into(), in_reply_to, quotes, media: false }).unwrap()
    };
    let reply = post("until when?", Some(&root), None);
    let event = stream.next().await;
    assert_eq!(event["data"]["event_type"], "post.reply.create", "the handle X adds is no mention");
    assert_eq!(event["data"]["payload"]["in_reply_to_tweet_id"], root.as_str());
    assert_eq!(event["data"]["payload"]["display_text_range"][0], 6);
    post("and the @acme shop?", Some(&reply), None);
    assert_eq!(stream.types(1).await, ["post.mention.create"], "an answer to an answer is no reply");
    let quote = post("look", None, Some(&root));
    assert_eq!(stream.types(1).await, ["post.quote.create"]);
    world.sim.repost("mira", &root).unwrap();
    assert_eq!(stream.types(1).await, ["post.repost.create"]);
    world.sim.like("mira", &root).unwrap();
    let like = stream.next().await;
    assert_eq!(like["data"]["payload"]["liked_tweet_author_id"], world.tokens.user_id.as_str());
    assert!(like["data"]["payload"]["timestamp_ms"].is_string());
    world.sim.like("acme", &quote).unwrap();
    assert_eq!(stream.types(1).await, ["like.create"]);
    world.sim.edit(&root, "The sale has begun!").unwrap();
    let edited = stream.next().await;
    assert_eq!(edited["data"]["payload"]["edit_history_tweet_ids"].as_array().unwrap().len(), 2);
    world.sim.delete(edited["data"]["payload"]["id"].as_str().unwrap()).unwrap();
    let gone = stream.next().await;
    assert_eq!(gone["data"]["payload"]["author_id"], world.tokens.user_id.as_str());
    assert_eq!(gone["data"]["includes"]["users"][0]["data"]["username"], "acme");
    let follow = json!({"by": "mira", "user": "acme"});
    world.client.post(format!("{}/sim/follow", world.sim.url)).json(&follow).send().await.unwrap();
    assert_eq!(stream.next().await["data"]["payload"]["source"]["data"]["username"], "mira");
    let dm = world.sim.dm("mira", "acme", "my number is 1 & 2").unwrap();
    let message = stream.next().await;
    let payload = &message["data"]["payload"];
    let event = &payload["direct_message_events"][0];
    assert_eq!((&event["id"], &event["type"]), (&json!(dm), &json!("message_create")));
    assert_eq!(event["message_create"]["message_data"]["text"], "my number is 1 &amp; 2");
    assert_eq!(event["message_create"]["target"]["recipient_id"], world.tokens.user_id.as_str());
    assert_eq!(payload["users"][&world.tokens.user_id]["data"]["username"], "acme");
    world.sim.dm("acme", "mira", "thanks").unwrap();
    assert_eq!(stream.types(1).await, ["dm.sent"]);
    world.sim.chat("mira", "acme").unwrap();
    assert!(stream.next().await["data"]["payload"]["encoded_event"].is_string());
    world.sim.revoke("acme").unwrap();
    let revoked = stream.next().await;
    assert_eq!(revoked["data"]["filter"], json!({}));
    assert_eq!(revoked["data"]["payload"]["user_id"], world.tokens.user_id.as_str());
    world.sim.dm("mira", "acme", "still there?").unwrap();
    world.says("mira", "@acme hello?");
    assert_eq!(stream.types(1).await, ["post.mention.create"], "private events need the authorisation");
}

#[tokio::test]
async fn a_quiet_stream_stays_alive_and_can_be_ended() {
    let world = World::new().await;
    world.sim.set_keep_alive(Duration::from_millis(10));
    world.subscribe_all(&["post.mention.create"]).await;
    for how in [Disconnect::Close, Disconnect::Cut, Disconnect::Operational] {
        let mut stream = world.stream("").await;
        assert_eq!(stream.line().await.as_deref(), Some(""));
        world.says("mira", "@acme hello");
        stream.next().await;
        world.sim.disconnect_streams(how);
        if how == Disconnect::Operational {
            assert_eq!(stream.next().await["errors"][0]["title"], "operational-disconnect");
        }
        while let Some(line) = stream.line().await {
            assert_eq!(line, "");
        }
    }
}

#[tokio::test]
async fn a_third_connection_is_refused() {
    let world = World::new().await;
    world.sim.set_keep_alive(Duration::from_millis(10));
    let (first, _second) = (world.stream("").await, world.stream("").await);
    let answer = refused(world.connect("").await, 429).await;
    assert_eq!(answer["connection_issue"], "TooManyConnections");
    drop(first);
    while world.sim.stream_connections() > 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.stream("").await;
    assert_eq!(world.connect("?backfill_minutes=6").await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn events_are_lost_repeated_and_reordered_on_demand() {
    let world = World::new().await;
    world.subscribe_all(&["post.mention.create"]).await;
    let mut stream = world.stream("").await;
    let mut say = async |words: &[&str], count: usize| {
        let ids: Vec<String> = words.iter().map(|words| world.says("mira", &format!("@acme {words}"))).collect();
        let mut found = Vec::new();
        for _ in 0..count {
            let event = stream.next().await;
            found.push(ids.iter().position(|id| event["data"]["payload"]["id"] == id.as_str()).unwrap());
        }
        found
    };
    world.sim.disturb(Disturbance { withhold: 1, ..Disturbance::default() });
    assert_eq!(say(&["one", "two"], 1).await, [1]);
    world.sim.disturb(Disturbance { duplicate: 1, ..Disturbance::default() });
    assert_eq!(say(&["three", "four"], 3).await, [0, 0, 1]);
    world.sim.disturb(Disturbance { reorder: 1, ..Disturbance::default() });
    assert_eq!(say(&["five", "six"], 2).await, [1, 0]);
    let mut missed = world.stream("?backfill_minutes=5").await;
    assert_eq!(missed.types(6).await.len(), 6, "backfill has what was withheld");
    world.sim.disconnect_streams(Disconnect::Close);
    world.sim.advance(Duration::from_secs(301));
    let mut missed = world.stream("?backfill_minutes=5").await;
    world.says("mira", "@acme seven");
    assert!(missed.next().await["data"]["payload"]["text"].as_str().unwrap().ends_with("seven"));
}

#[tokio::test]
async fn protected_accounts_make_no_events() {
    let world = World::new().await;
    world.subscribe_all(&["post.mention.create"]).await;
    let line = json!({"data": {"id": "1990000000000000001", "text": "@acme in private", "author_id": "500"},
        "includes": {"users": [{"id": "500", "username": "shy", "name": "Shy", "protected": true}]}});
    let mut stream = world.stream("").await;
    world.sim.load_lines(line.to_string().as_bytes()).unwrap();
    world.sim.release(usize::MAX, false).unwrap();
    let id = world.says("mira", "@acme in public");
    assert_eq!(stream.next().await["data"]["payload"]["id"], id.as_str());
}
