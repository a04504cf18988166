//! Requests that common clients make, in every form they use, and the answers.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use twite::sim::{NewPerson, NewPost, SentKind, SimOptions};

use super::{World, ids, refused};

impl World {
    async fn me(&self, username: &str) -> Self {
        Self { sim: self.sim.clone(), client: self.client.clone(), tokens: self.sim.connect(username).unwrap() }
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Value {
        let answer = self.request(method, path).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    fn id_of(&self, username: &str) -> String {
        self.sim.connect(username).unwrap().user_id
    }

    fn replies(&self, by: &str, text: &str, to: &str) -> String {
        let reply = NewPost { by: by.into(), text: text.into(), in_reply_to: Some(to.into()), ..NewPost::default() };
        self.sim.post(&reply).unwrap()
    }
}

#[tokio::test]
async fn tokens_are_asked_for_by_form_json_or_query() {
    let world = World::new().await;
    let url = format!("{}/2/oauth2/token", world.sim.url);
    for way in ["form", "json", "query", "form and query"] {
        let refresh = world.sim.connect("acme").unwrap().refresh_token;
        let fields = [("grant_type", "refresh_token"), ("refresh_token", &refresh), ("client_id", "twite-sim")];
        let request = world.client.post(&url);
        let request = match way {
            "form" => request.form(&fields),
            "json" => request.json(&fields.into_iter().collect::<std::collections::BTreeMap<_, _>>()),
            "query" => request.query(&fields).header("content-type", "application/x-www-form-urlencoded"),
            _ => request.query(&fields[..1]).form(&fields[1..]),
        };
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{way}");
        assert_eq!(answer.json::<Value>().await.unwrap()["expires_in"], 7_200, "{way}");
    }
    let basic = world.client.post(format!("{}/oauth2/token", world.sim.url)).basic_auth("twite-sim", Some("any"));
    let app: Value = basic.form(&[("grant_type", "client_credentials")]).send().await.unwrap().json().await.unwrap();
    let token = app["access_token"].as_str().unwrap();
    let read = |path: &str| world.client.get(format!("{}{path}", world.sim.url)).bearer_auth(token).send();
    assert_eq!(read("/2/users/by/username/mira").await.unwrap().status(), StatusCode::OK);
    refused(read("/2/users/me").await.unwrap(), 403).await;
    refused(read("/2/dm_events").await.unwrap(), 403).await;
}

#[tokio::test]
async fn x_grants_the_scopes_the_app_may_have() {
    let mut options = SimOptions::default();
    options.apps[0].scopes = Some(vec!["tweet.read".into(), "users.read".into()]);
    let world = World::with(options).await;
    let asked = "bookmark.read block.write list.read space.read users.read tweet.read";
    let wish = [
        ("response_type", "code"),
        ("client_id", "twite-sim"),
        ("redirect_uri", "http://127.0.0.1:8918/callback"),
        ("scope", asked),
        ("state", "s"),
        ("code_challenge", "plain-verifier"),
        ("code_challenge_method", "plain"),
        ("account", "acme"),
        ("decision", "approve"),
    ];
    let back = world.client.post(format!("{}/i/oauth2/authorize", world.sim.url)).form(&wish).send().await.unwrap();
    let back: url::Url = back.headers()["location"].to_str().unwrap().parse().unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let form = json!({"grant_type": "authorization_code", "code": code, "client_id": "twite-sim",
        "redirect_uri": "http://127.0.0.1:8918/callback", "code_verifier": "plain-verifier"});
    let tokens: Value = world.post("/2/oauth2/token", form).await.json().await.unwrap();
    assert_eq!(tokens["scope"], "users.read tweet.read");
    assert!(world.sim.connect_with("acme", &["no.scope"]).is_err());
}

#[tokio::test]
async fn people_are_found_by_ids_and_names() {
    let world = World::new().await;
    let mira = world.id_of("mira");
    let found = world.get("/2/users/by?usernames=MIRA,nobody,acme").await;
    assert_eq!(ids(&found), [mira.as_str(), &world.tokens.user_id]);
    assert_eq!(
        (&found["errors"][0]["parameter"], &found["errors"][0]["value"]),
        (&json!("usernames"), &json!("nobody"))
    );
    let found = world.get(&format!("/2/users?ids={mira},1")).await;
    assert_eq!((ids(&found), &found["errors"][0]["value"]), (vec![mira.clone()], &json!("1")));
    // Fields of users do not depend on whether the request says `post.fields` or `tweet.fields`.
    for field in ["active_follower_count", "subscriber_count", "pinned_tweet_id", "receives_your_dm"] {
        for beside in ["", "&post.fields=id", "&tweet.fields=id"] {
            world.get(&format!("/2/users/me?user.fields={field}{beside}")).await;
        }
    }
    for wrong in
        ["/2/users", "/2/users/by", "/2/users/by?usernames=two%20words", "/2/users?ids=x", "/2/users/by/username/a-b"]
    {
        refused(world.request(Method::GET, wrong).send().await.unwrap(), 400).await;
    }
}

#[tokio::test]
async fn the_body_of_a_post_is_judged_in_the_words_of_x() {
    let world = World::new().await;
    let says = |body: Value| {
        let answer = world.post("/2/tweets", body);
        async { refused(answer.await, 400).await["errors"].to_string() }
    };
    for (body, message) in [
        (json!({"text": "a", "txt": 1}), "$.txt: is not defined in the schema and the schema does not allow"),
        (json!({"text": 1}), "$.text: integer found, string expected"),
        (json!({"text": "a", "reply": {}}), "$.reply.in_reply_to_tweet_id: is missing but it is required"),
        (
            json!({"text": "a", "quote_tweet_id": "x"}),
            "$.quote_tweet_id: does not match the regex pattern ^[0-9]{1,19}$",
        ),
        (json!({"media": {"media_ids": "12"}}), "$.media.media_ids: string found, array expected"),
        (json!({"media": {"media_ids": []}}), "$.media.media_ids: there must be a minimum of 1 items in the array"),
        (json!({"media": {"media_ids": ["12"]}}), "Your media IDs are invalid."),
        (
            json!({"poll": {"options": ["a", "b"], "duration_minutes": 1}}),
            "$.poll.duration_minutes: must have a minimum",
        ),
        (json!({"text": "a", "reply_settings": "me"}), "$.reply_settings: does not have a value in the enumeration"),
        (
            json!({"text": "a", "quote_tweet_id": "1", "poll": {"options": ["a", "b"], "duration_minutes": 5}}),
            "exclusive",
        ),
        (json!({"text": " "}), "is required"),
        (json!([]), "$: array found, object expected"),
    ] {
        let error = says(body).await;
        assert!(error.contains(message), "{error}");
    }
    let all = json!({"text": "a", "geo": {"place_id": "1"}, "nullcast": false, "for_super_followers_only": false,
        "direct_message_deep_link": "https://x.com/messages/compose", "reply_settings": "following",
        "made_with_ai": false, "paid_partnership": false, "share_with_followers": true, "community_id": "1"});
    assert_eq!(world.post("/2/tweets", all).await.status(), StatusCode::CREATED);
    let poll = json!({"text": "which?", "poll": {"options": ["this", "that"], "duration_minutes": 60}});
    let id = world.send(Method::POST, "/2/tweets", poll).await["data"]["id"].as_str().unwrap().to_owned();
    let shown =
        world.get(&format!("/2/tweets/{id}?expansions=attachments.poll_ids&poll.fields=duration_minutes")).await;
    assert_eq!(shown["includes"]["polls"][0]["options"][1]["label"], "that");
}

#[tokio::test]
async fn links_without_a_scheme_are_links() {
    let world = World::new().await;
    let text = "see acme.com/help or me@acme.com, bit.ly/a";
    let made = world.send(Method::POST, "/2/tweets", json!({"text": text})).await;
    let id = made["data"]["id"].as_str().unwrap();
    let urls = world.get(&format!("/2/tweets/{id}?tweet.fields=entities")).await["data"]["entities"]["urls"].clone();
    let urls: Vec<_> = urls
        .as_array()
        .unwrap()
        .iter()
        .map(|url| (&url["expanded_url"], &url["display_url"]))
        .map(|(a, b)| (a.clone(), b.clone()))
        .collect();
    assert_eq!(
        urls,
        [(json!("http://acme.com/help"), json!("acme.com/help")), (json!("http://bit.ly/a"), json!("bit.ly/a"))]
    );
    assert!(made["data"]["text"].as_str().unwrap().contains(" or me@acme.com, https://t.co/"));
    // A link weighs 23 characters, a mail address as many as it has.
    for (text, fits) in [
        (format!("{} bit.ly/abc", "x".repeat(256)), true),
        (format!("{} bit.ly/abc", "x".repeat(257)), false),
        (format!("{} me@acme.com", "x".repeat(268)), true),
        (format!("{} me@acme.com", "x".repeat(269)), false),
    ] {
        assert_eq!(world.post("/2/tweets", json!({"text": text})).await.status().is_success(), fits, "{text}");
    }
}

#[tokio::test]
async fn recent_posts_are_searched() {
    let world = World::new().await;
    let root = world.says("acme", "Our #Sale has begun https://example.com/sale");
    let first = world.replies("mira", "@acme where is my \"late parcel\"?", &root);
    let second = world.replies("acme", "@mira on its way", &first);
    world.sim.repost("mira", &root).unwrap();
    let find = |query: &str| {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let path = format!("/2/tweets/search/recent?query={query}");
        let world = &world;
        async move { ids(&world.get(&path).await) }
    };
    for (query, expected) in [
        (format!("conversation_id:{root} is:reply"), vec![&second, &first]),
        ("from:acme -is:retweet".into(), vec![&second, &root]),
        ("to:acme".into(), vec![&first]),
        ("@mira".into(), vec![&second]),
        ("#sale -is:retweet".into(), vec![&root]),
        ("has:links from:acme".into(), vec![&root]),
        ("\"late parcel\"".into(), vec![&first]),
        ("parcel late".into(), vec![&first]),
        ("\"parcel late\"".into(), vec![]),
        ("(way OR parcel) -from:acme".into(), vec![&first]),
        (format!("in_reply_to_tweet_id:{root}"), vec![&first]),
        ("url:example.com -is:retweet".into(), vec![&root]),
    ] {
        assert_eq!(find(&query).await, expected.into_iter().cloned().collect::<Vec<_>>(), "{query}");
    }
    for n in 0..12 {
        world.says("mira", &format!("number {n}"));
    }
    let page = world.get("/2/tweets/search/recent?query=number&max_results=10").await;
    let next = page["meta"]["next_token"].as_str().unwrap();
    for name in ["next_token", "pagination_token"] {
        let rest = world.get(&format!("/2/tweets/search/recent?query=number&max_results=10&{name}={next}")).await;
        assert_eq!(ids(&rest).len(), 2);
    }
    let newest = page["meta"]["newest_id"].as_str().unwrap();
    assert!(ids(&world.get(&format!("/2/tweets/search/recent?query=number&since_id={newest}")).await).is_empty());
    let counted = world.get("/2/tweets/counts/recent?query=number&granularity=day").await;
    assert_eq!(counted["meta"]["total_tweet_count"], 12);
    assert_eq!(counted["data"].as_array().unwrap().last().unwrap()["tweet_count"], 12);
    let wrong = world.request(Method::GET, "/2/tweets/search/recent?query=is:reply").send().await.unwrap();
    assert!(refused(wrong, 400).await["errors"][0]["message"].as_str().unwrap().contains("at least one positive"));
}

#[tokio::test]
async fn who_follows_likes_reposts_and_blocks() {
    let world = World::new().await;
    let (acme, mira) = (world.tokens.user_id.clone(), world.id_of("mira"));
    let followed =
        world.send(Method::POST, &format!("/2/users/{acme}/following"), json!({"target_user_id": mira})).await;
    assert_eq!(followed, json!({"data": {"following": true, "pending_follow": false}}));
    assert_eq!(ids(&world.get(&format!("/2/users/{mira}/followers")).await), [acme.as_str()]);
    assert_eq!(ids(&world.get(&format!("/2/users/{acme}/following")).await), [mira.as_str()]);
    let shown = world.get("/2/users/by/username/mira?user.fields=connection_status").await;
    assert_eq!(shown["data"]["connection_status"], json!(["following"]));
    let post = world.says("mira", "what a day");
    let home = world.get(&format!("/2/users/{acme}/timelines/reverse_chronological")).await;
    assert_eq!(ids(&home), [post.as_str()]);

    world.send(Method::POST, &format!("/2/users/{acme}/likes"), json!({"tweet_id": post})).await;
    assert_eq!(ids(&world.get(&format!("/2/tweets/{post}/liking_users")).await), [acme.as_str()]);
    let reposted = world.send(Method::POST, &format!("/2/users/{acme}/retweets"), json!({"tweet_id": post})).await;
    assert_eq!(reposted["data"]["retweeted"], true);
    assert_eq!(ids(&world.get(&format!("/2/tweets/{post}/retweeted_by")).await), [acme.as_str()]);
    assert_eq!(
        ids(&world.get(&format!("/2/tweets/{post}/retweets")).await),
        [reposted["data"]["rest_id"].as_str().unwrap()]
    );
    world.send(Method::DELETE, &format!("/2/users/{acme}/retweets/{post}"), json!({})).await;
    assert!(ids(&world.get(&format!("/2/tweets/{post}/retweeted_by")).await).is_empty());
    let quote = world.send(Method::POST, "/2/tweets", json!({"text": "so true", "quote_tweet_id": post})).await;
    assert_eq!(
        ids(&world.get(&format!("/2/tweets/{post}/quote_tweets")).await),
        [quote["data"]["id"].as_str().unwrap()]
    );
    world.send(Method::POST, &format!("/2/users/{acme}/bookmarks"), json!({"tweet_id": post})).await;
    assert_eq!(ids(&world.get(&format!("/2/users/{acme}/bookmarks")).await), [post.as_str()]);
    world.send(Method::DELETE, &format!("/2/users/{acme}/bookmarks/{post}"), json!({})).await;
    assert!(ids(&world.get(&format!("/2/users/{acme}/bookmarks")).await).is_empty());

    // A blocked user can neither follow nor send messages.
    let theirs = world.me("mira").await;
    theirs.send(Method::POST, &format!("/2/users/{mira}/blocking"), json!({"target_user_id": acme})).await;
    assert_eq!(ids(&theirs.get(&format!("/2/users/{mira}/blocking")).await), [acme.as_str()]);
    assert!(ids(&world.get(&format!("/2/users/{mira}/followers")).await).is_empty());
    let sent = world.post(&format!("/2/dm_conversations/with/{mira}/messages"), json!({"text": "hello"})).await;
    assert!(refused(sent, 403).await["type"].as_str().unwrap().ends_with("/dm-recipient-blocks-sender"));
    refused(world.post(&format!("/2/users/{acme}/following"), json!({"target_user_id": mira})).await, 403).await;
    theirs.send(Method::DELETE, &format!("/2/users/{mira}/blocking/{acme}"), json!({})).await;
    theirs.send(Method::POST, &format!("/2/users/{mira}/muting"), json!({"target_user_id": acme})).await;
    assert_eq!(ids(&theirs.get(&format!("/2/users/{mira}/muting")).await), [acme.as_str()]);

    // Only with the authenticated user's own id.
    let other = world.post(&format!("/2/users/{mira}/likes"), json!({"tweet_id": post})).await;
    let why = refused(other, 400).await["errors"][0]["message"].to_string();
    assert!(why.contains("must be the same as the authenticating user"), "{why}");
    let kinds: Vec<SentKind> = world.sim.sent().iter().map(|sent| sent.kind).collect();
    assert_eq!(kinds, [SentKind::Like, SentKind::Repost, SentKind::Post]);
}

#[tokio::test]
async fn messages_go_to_conversations() {
    let world = World::new().await;
    let (acme, mira) = (world.tokens.user_id.clone(), world.id_of("mira"));
    let nils = world.sim.make_user(&NewPerson::named("nils")).unwrap();
    let first = world.sim.dm("mira", "acme", "hello").unwrap();
    let conversation =
        world.get("/2/dm_events?dm_event.fields=dm_conversation_id").await["data"][0]["dm_conversation_id"]
            .as_str()
            .unwrap()
            .to_owned();
    let sent =
        world.send(Method::POST, &format!("/2/dm_conversations/{conversation}/messages"), json!({"text": "hi"})).await;
    assert_eq!(sent["data"]["dm_conversation_id"], conversation.as_str());
    for path in
        [format!("/2/dm_conversations/{conversation}/dm_events"), format!("/2/dm_conversations/with/{mira}/dm_events")]
    {
        assert_eq!(ids(&world.get(&path).await), [sent["data"]["dm_event_id"].as_str().unwrap(), &first]);
    }
    assert_eq!(world.sim.sent()[0].to.as_deref(), Some(mira.as_str()));

    let group =
        json!({"conversation_type": "Group", "participant_ids": [mira, nils], "message": {"text": "all of you"}});
    let opened = world.send(Method::POST, "/2/dm_conversations", group).await;
    let group = opened["data"]["dm_conversation_id"].as_str().unwrap();
    let nils = world.me("nils").await;
    nils.send(Method::POST, &format!("/2/dm_conversations/{group}/messages"), json!({"text": "thanks"})).await;
    let page = world.get(&format!("/2/dm_conversations/{group}/dm_events")).await;
    assert_eq!((ids(&page).len(), &page["data"][0]["text"]), (2, &json!("thanks")));
    world.sim.make_user(&NewPerson::named("stranger")).unwrap();
    let stranger = world.me("stranger").await;
    refused(stranger.post(&format!("/2/dm_conversations/{group}/messages"), json!({"text": "me too"})).await, 403)
        .await;
    refused(world.request(Method::GET, "/2/dm_conversations/12/dm_events").send().await.unwrap(), 400).await;

    // A message deleted by one user is still there for the other.
    world.send(Method::DELETE, &format!("/2/dm_events/{first}"), json!({})).await;
    assert_eq!(ids(&world.get(&format!("/2/dm_conversations/with/{mira}/dm_events")).await).len(), 1);
    let theirs = world.me("mira").await;
    assert_eq!(ids(&theirs.get(&format!("/2/dm_conversations/with/{acme}/dm_events")).await).len(), 2);
}

#[tokio::test]
async fn media_are_uploaded_and_attached() {
    let world = World::new().await;
    let mira = world.id_of("mira");
    let picture = vec![7_u8; 300_000];
    let upload = |path: &str, parts: &[(&str, &[u8])]| {
        let mut body = Vec::new();
        for (name, content) in parts {
            body.extend(format!("--parts\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n").bytes());
            body.extend([content, b"\r\n".as_slice()].concat());
        }
        body.extend(b"--parts--\r\n");
        let request = world.request(Method::POST, path).header("content-type", "multipart/form-data; boundary=parts");
        async { request.body(body).send().await.unwrap() }
    };
    let parts: [(&str, &[u8]); 2] = [("media_category", b"tweet_image"), ("media", &picture)];
    let at_once: Value = upload("/2/media/upload", &parts).await.json().await.unwrap();
    assert_eq!(at_once["data"]["size"], 300_000);

    // Chunked upload, each chunk as a form or as JSON.
    let begin = json!({"media_type": "image/png", "media_category": "tweet_image", "total_bytes": 6});
    let begun = world.send(Method::POST, "/2/media/upload/initialize", begin).await;
    let id = begun["data"]["id"].as_str().unwrap();
    let early = world.post(&format!("/2/media/upload/{id}/finalize"), json!({})).await;
    refused(early, 400).await;
    let piece: [(&str, &[u8]); 2] = [("segment_index", b"0"), ("media", &[1, 2, 3])];
    assert_eq!(upload(&format!("/2/media/upload/{id}/append"), &piece).await.status(), StatusCode::OK);
    world
        .send(Method::POST, &format!("/2/media/upload/{id}/append"), json!({"segment_index": 1, "media": "AQID"}))
        .await;
    let whole = world.send(Method::POST, &format!("/2/media/upload/{id}/finalize"), json!({})).await;
    assert_eq!(whole["data"]["size"], 6);
    world
        .send(Method::POST, "/2/media/metadata", json!({"id": id, "metadata": {"alt_text": {"text": "a parcel"}}}))
        .await;

    let made = world.send(Method::POST, "/2/tweets", json!({"text": "look", "media": {"media_ids": [id]}})).await;
    let made = made["data"]["id"].as_str().unwrap();
    let shown =
        world.get(&format!("/2/tweets/{made}?expansions=attachments.media_keys&media.fields=url,alt_text")).await;
    assert_eq!(shown["includes"]["media"][0]["alt_text"], "a parcel");
    assert_eq!(shown["includes"]["media"][0]["media_key"], begun["data"]["media_key"]);
    assert!(shown["data"]["text"].as_str().unwrap().starts_with("look https://t.co/"));

    // A message with only a picture has the picture's link as its text.
    let sent = json!({"attachments": [{"media_id": at_once["data"]["id"]}]});
    let sent = world.send(Method::POST, &format!("/2/dm_conversations/with/{mira}/messages"), sent).await;
    let event = sent["data"]["dm_event_id"].as_str().unwrap();
    let shown = world
        .get(&format!("/2/dm_events/{event}?dm_event.fields=attachments,text&expansions=attachments.media_keys"))
        .await;
    assert_eq!(shown["data"]["attachments"]["media_keys"][0], at_once["data"]["media_key"]);
    assert!(shown["data"]["text"].as_str().unwrap().starts_with("https://t.co/"));
    assert_eq!(shown["includes"]["media"][0]["type"], "photo");

    // The v1.1 endpoint.
    let url = "/1.1/media/upload.json";
    let old: Value = upload(url, &[("media_data", b"AQID")]).await.json().await.unwrap();
    assert_eq!(
        (old["media_id"].as_u64().unwrap().to_string(), &old["size"]),
        (old["media_id_string"].as_str().unwrap().to_owned(), &json!(3))
    );
    let attach = json!({"media": {"media_ids": [old["media_id_string"]]}});
    assert_eq!(world.post("/2/tweets", attach).await.status(), StatusCode::CREATED);

    // A video is processed for some time before it can be attached. Other users cannot attach it.
    world.sim.set_clock("2030-01-01T00:00:00Z".parse().unwrap());
    let world = world.me("acme").await;
    let video = world
        .send(
            Method::POST,
            "/2/media/upload/initialize",
            json!({"media_type": "video/mp4", "media_category": "tweet_video", "total_bytes": 3}),
        )
        .await;
    let video = video["data"]["id"].as_str().unwrap();
    world
        .send(Method::POST, &format!("/2/media/upload/{video}/append"), json!({"segment_index": 0, "media": "AQID"}))
        .await;
    let state = world.send(Method::POST, &format!("/2/media/upload/{video}/finalize"), json!({})).await;
    assert_eq!(state["data"]["processing_info"]["state"], "pending");
    let attach = json!({"text": "film", "media": {"media_ids": [video]}});
    refused(world.post("/2/tweets", attach.clone()).await, 400).await;
    world.sim.advance(std::time::Duration::from_secs(1));
    let state = world.get(&format!("/2/media/upload?command=STATUS&media_id={video}")).await;
    assert_eq!(state["data"]["processing_info"]["state"], "succeeded");
    refused(world.me("mira").await.post("/2/tweets", attach.clone()).await, 400).await;
    assert_eq!(world.post("/2/tweets", attach).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn replies_are_hidden_by_whom_they_were_made_to() {
    let world = World::new().await;
    let root = world.says("acme", "Our sale has begun");
    let reply = world.replies("mira", "@acme rubbish", &root);
    let hide = format!("/2/tweets/{reply}/hidden");
    let done = world.send(Method::PUT, &hide, json!({"hidden": true})).await;
    assert_eq!(done, json!({"data": {"hidden": true}}));
    let theirs = world.me("mira").await;
    refused(theirs.request(Method::PUT, &hide).json(&json!({"hidden": true})).send().await.unwrap(), 403).await;
    assert_eq!(world.sim.sent()[0].kind, SentKind::Hide);
}

#[tokio::test]
async fn clients_of_version_1_ask_who_they_are() {
    let world = World::new().await;
    let header = format!("OAuth oauth_token=\"{}\", oauth_signature=\"any\"", world.tokens.oauth1_token);
    let ask = |header: &str| {
        world
            .client
            .get(format!("{}/1.1/account/verify_credentials.json", world.sim.url))
            .header("authorization", header)
            .send()
    };
    let me: Value = ask(&header).await.unwrap().json().await.unwrap();
    assert_eq!((&me["screen_name"], &me["id_str"]), (&json!("acme"), &json!(world.tokens.user_id)));
    assert_eq!(me["id"].as_u64().unwrap().to_string(), world.tokens.user_id);
    let refusal = ask("OAuth oauth_token=\"none\"").await.unwrap();
    assert_eq!(refusal.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refusal.json::<Value>().await.unwrap()["errors"][0]["code"], 89);
    let absent = world.request(Method::GET, "/2/tweets/search/stream").send().await.unwrap();
    assert_eq!(refused(absent, 404).await["title"], "Not Found");
}

#[tokio::test]
async fn files_hold_messages_in_the_form_of_x() {
    let world = World::new().await;
    let acme = &world.tokens.user_id;
    let user = json!({"id": "500", "username": "nils", "name": "Nils"});
    let lines = [
        json!({"data": [{"id": "2122223390684086300", "event_type": "MessageCreate", "text": "a &lt; b", "sender_id": "500",
            "dm_conversation_id": format!("500-{acme}"), "created_at": "2026-11-16T07:20:00.000Z"}],
            "includes": {"users": [user]}, "meta": {"result_count": 1}}),
        json!({"dm": {"id": "2122223390684086301", "text": "two", "sender_id": "500", "participant_ids": ["500", acme],
            "created_at": "2026-11-16T07:21:00.000Z"}}),
        json!({"data": [{"id": "2122223390684086302", "event_type": "ParticipantsJoin"}]}),
        json!({"dm": {"id": "2122223390684086303", "text": "to whom", "sender_id": "500"}}),
        json!({"like": {"by": "500", "post": "2122223390684086200"}}),
    ];
    let text = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let report = world.sim.load_lines(text.as_bytes()).unwrap();
    assert_eq!((report.dms, report.likes, report.skipped), (2, 0, 3), "{report:?}");
    world.sim.release(usize::MAX, false).unwrap();
    let page = world.get("/2/dm_events?dm_event.fields=sender_id,dm_conversation_id&expansions=sender_id").await;
    assert_eq!((&page["data"][0]["text"], &page["data"][1]["text"]), (&json!("two"), &json!("a &lt; b")));
    assert_eq!(page["data"][0]["dm_conversation_id"], page["data"][1]["dm_conversation_id"].as_str().unwrap());
    assert_eq!(page["includes"]["users"][0]["username"], "nils");
}
