//! The simulator of X over HTTP: its answers, their field names, and faults on demand.

mod activity;
mod calls;
mod control;
mod docs;
mod load;
mod status;
mod tls;
mod webhooks;

use std::{collections::BTreeSet, time::Duration};

use proptest::{prelude::*, test_runner::TestRunner};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use twite::sim::{App, Cut, Fault, Moment, NewPerson, NewPost, SentKind, Sim, SimHandle, SimOptions, Tokens};

const POST_FIELDS: &str = "tweet.fields=author_id,created_at,conversation_id,entities,referenced_tweets,note_tweet,\
                           edit_controls,public_metrics,in_reply_to_user_id";

/// A simulator with an account and a customer.
struct World {
    sim: SimHandle,
    client: Client,
    tokens: Tokens,
}

impl World {
    async fn new() -> Self {
        Self::with(SimOptions { seed: Some(7), ..SimOptions::default() }).await
    }

    async fn with(options: SimOptions) -> Self {
        // Another test of this process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sim = Sim::start(options).await.unwrap();
        sim.make_user(&NewPerson { followers: 10, ..NewPerson::named("acme") }).unwrap();
        sim.make_user(&NewPerson { followers: 12_000, ..NewPerson::named("mira") }).unwrap();
        let tokens = sim.connect("acme").unwrap();
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { sim, client, tokens }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.sim.url)).bearer_auth(&self.tokens.access_token)
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Response {
        self.request(Method::POST, path).json(&body).send().await.unwrap()
    }

    async fn reply(&self, text: &str, to: &str) -> Response {
        self.post("/2/tweets", json!({"text": text, "reply": {"in_reply_to_tweet_id": to}})).await
    }

    fn says(&self, by: &str, text: &str) -> String {
        self.sim.post(&NewPost { by: by.into(), text: text.into(), ..NewPost::default() }).unwrap()
    }

    fn mentions(&self) -> String {
        format!("/2/users/{}/mentions", self.tokens.user_id)
    }
}

async fn refused(answer: Response, status: u16) -> Value {
    assert_eq!(answer.status().as_u16(), status);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    answer.json().await.unwrap()
}

fn ids(page: &Value) -> Vec<String> {
    page["data"].as_array().into_iter().flatten().map(|post| post["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_mention_is_read_and_answered() {
    let world = World::new().await;
    assert_eq!(world.get(&world.mentions()).await, json!({"meta": {"result_count": 0}}));
    let mention = world.says("mira", "@acme where is my parcel? <&> 📦 see https://example.com/a?b=1&c=2");

    let plain = world.get(&world.mentions()).await;
    assert_eq!(
        plain["data"][0].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["id", "text", "edit_history_tweet_ids"]
    );
    assert_eq!(plain["meta"], json!({"result_count": 1, "newest_id": mention, "oldest_id": mention}));

    let page =
        world.get(&format!("{}?{POST_FIELDS}&expansions=author_id&user.fields=public_metrics", world.mentions())).await;
    let post = &page["data"][0];
    let text = post["text"].as_str().unwrap();
    assert!(text.starts_with("@acme where is my parcel? &lt;&amp;&gt; 📦 see https://t.co/"), "{text}");
    let chars: Vec<char> = text.chars().collect();
    let url = &post["entities"]["urls"][0];
    let at = |key: &str| usize::try_from(url[key].as_u64().unwrap()).unwrap();
    assert_eq!(chars[at("start")..at("end")].iter().collect::<String>(), url["url"].as_str().unwrap());
    assert_eq!(at("end") - at("start"), 23);
    assert_eq!(url["expanded_url"], "https://example.com/a?b=1&c=2");
    assert_eq!(post["entities"]["mentions"][0]["id"], world.tokens.user_id.as_str());
    assert_eq!(page["includes"]["users"][0]["public_metrics"]["followers_count"], 12_000);

    let answer = world.reply("On its way & soon there", &mention).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["data"]["edit_history_tweet_ids"], json!([answer["data"]["id"]]));
    assert_eq!(answer["data"]["text"], "@mira On its way &amp; soon there");
    let sent = &world.sim.sent()[0];
    assert_eq!((sent.kind, sent.text.as_deref()), (SentKind::Post, Some("On its way & soon there")));
    assert_eq!(sent.in_reply_to.as_deref(), Some(mention.as_str()));

    let own = world.get(&format!("/2/users/{}/tweets?{POST_FIELDS}", world.tokens.user_id)).await;
    assert_eq!(own["data"][0]["referenced_tweets"], json!([{"type": "replied_to", "id": mention}]));
    assert_eq!(own["data"][0]["conversation_id"], mention.as_str());
    let none = world.get(&format!("/2/users/{}/tweets?exclude=replies", world.tokens.user_id)).await;
    assert_eq!(none, json!({"meta": {"result_count": 0}}));
}

#[tokio::test]
async fn messages_are_read_and_sent() {
    let world = World::new().await;
    assert_eq!(world.get("/2/dm_events").await, json!({"meta": {"result_count": 0}}));
    let first = world.sim.dm("mira", "acme", "a < b, and my number is 1").unwrap();
    let page = world.get("/2/dm_events").await;
    assert_eq!(
        page["data"][0],
        json!({"id": first, "event_type": "MessageCreate", "text": "a &lt; b, and my number is 1"})
    );

    let mira = world.get("/2/users/by/username/MIRA").await["data"]["id"].as_str().unwrap().to_owned();
    let answer = world.post(&format!("/2/dm_conversations/with/{mira}/messages"), json!({"text": "Thanks!"})).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert!(answer.headers()["location"].to_str().unwrap().contains("/2/dm_events/\""));
    let answer: Value = answer.json().await.unwrap();
    let (own, other): (u64, u64) = (world.tokens.user_id.parse().unwrap(), mira.parse().unwrap());
    assert_eq!(answer["data"]["dm_conversation_id"], format!("{}-{}", own.min(other), own.max(other)));

    let fields =
        "dm_event.fields=sender_id,created_at,dm_conversation_id&expansions=sender_id&event_types=MessageCreate";
    let path = format!("/2/dm_conversations/with/{mira}/dm_events?{fields}");
    let page = world.get(&path).await;
    assert_eq!(ids(&page), [answer["data"]["dm_event_id"].as_str().unwrap(), &first]);
    assert_eq!(page["data"][1]["sender_id"], mira.as_str());
    assert_eq!(page["includes"]["users"].as_array().unwrap().len(), 2);
    assert_eq!(world.get("/2/dm_events?event_types=ParticipantsJoin").await["meta"]["result_count"], 0);

    let stranger = world.sim.make_user(&NewPerson::named("stranger")).unwrap();
    let theirs = world.sim.dm("stranger", "mira", "between us").unwrap();
    let hidden = world.get(&format!("/2/dm_events/{theirs}")).await;
    assert!(hidden.get("data").is_none() && hidden["errors"][0]["resource_id"] == theirs.as_str());

    world.sim.close_dms("stranger", true).unwrap();
    let answer = world.post(&format!("/2/dm_conversations/with/{stranger}/messages"), json!({"text": "Hello"})).await;
    let problem = refused(answer, 403).await;
    assert!(problem["type"].as_str().unwrap().ends_with("/dm-recipient-not-accepting"));
}

#[tokio::test]
async fn the_answer_uses_the_words_of_the_request() {
    let world = World::new().await;
    let own = world.says("acme", "Our autumn sale has begun");
    let long = format!("@acme {}", "what is this about? ".repeat(30));
    let reply = NewPost { by: "mira".into(), text: long.clone(), in_reply_to: Some(own.clone()), ..NewPost::default() };
    world.sim.post(&reply).unwrap();

    let old = world
        .get(&format!(
            "{}?{POST_FIELDS}&expansions=referenced_tweets.id,author_id&user.fields=public_metrics",
            world.mentions()
        ))
        .await;
    let new = world
        .get(&format!(
            "{}?post.fields=note_post,public_metrics&expansions=referenced_posts,author_id,edit_history_post_ids&user.fields=public_metrics",
            world.mentions()
        ))
        .await;
    for (page, tweet, post) in [(&old, true, false), (&new, false, true)] {
        let data = &page["data"][0];
        for (place, old_name, new_name) in [
            (data, "note_tweet", "note_post"),
            (data, "referenced_tweets", "referenced_posts"),
            (data, "edit_history_tweet_ids", "edit_history_post_ids"),
            (&data["public_metrics"], "retweet_count", "repost_count"),
            (&page["includes"], "tweets", "posts"),
            (&page["includes"]["users"][0]["public_metrics"], "tweet_count", "post_count"),
        ] {
            assert_eq!(
                (place.get(old_name).is_some(), place.get(new_name).is_some()),
                (tweet, post),
                "{old_name} in {place}"
            );
        }
    }
    assert_eq!(new["data"][0]["note_post"]["text"], long);
    assert_eq!(new["data"][0]["author_id"], old["data"][0]["author_id"]);
    let text = new["data"][0]["text"].as_str().unwrap();
    assert!(text.chars().count() <= 280 && text.contains("… https://t.co/"), "{text}");
    assert_eq!(old["includes"]["tweets"][0]["id"], own.as_str());

    for path in [
        "post.fields=note_tweet",
        "tweet.fields=note_post",
        "post.fields=author_id",
        "fields=text",
        "max_results=101",
        "max_results=4",
        "since_id=x",
        "pagination_token=abc",
    ] {
        let answer = world.request(Method::GET, &format!("{}?{path}", world.mentions())).send().await.unwrap();
        assert_eq!(refused(answer, 400).await["title"], "Invalid Request", "{path}");
    }
}

#[tokio::test]
async fn a_missing_post_stands_beside_the_data() {
    let world = World::new().await;
    let id = world.says("mira", "hello");
    let page = world.get(&format!("/2/tweets?ids={id},12345")).await;
    assert_eq!(ids(&page), [id.as_str()]);
    assert_eq!(page["errors"][0]["resource_id"], "12345");
    world.sim.delete(&id).unwrap();
    let gone = world.get(&format!("/2/tweets/{id}")).await;
    assert!(gone.get("data").is_none() && gone["errors"][0]["title"] == "Not Found Error");
}

#[tokio::test]
async fn an_edit_is_a_post_with_an_id_of_its_own() {
    let world = World::new().await;
    let first = world.says("mira", "@acme teh parcel");
    let second = world.sim.edit(&first, "@acme the parcel").unwrap();
    let page = world.get(&format!("{}?{POST_FIELDS}", world.mentions())).await;
    assert_eq!(ids(&page), [second.as_str()]);
    assert_eq!(page["data"][0]["edit_history_tweet_ids"], json!([first, second]));
    assert_eq!(page["data"][0]["edit_controls"]["edits_remaining"], 4);
    // As in recordings of X: each version starts its own conversation, and a reply belongs to the conversation of the
    // version it answers.
    assert_eq!(page["data"][0]["conversation_id"], second.as_str());
    let replies = [&first, &second].map(|version| {
        let reply = NewPost {
            by: "mira".into(),
            text: "@acme hm".into(),
            in_reply_to: Some(version.clone()),
            ..NewPost::default()
        };
        world.sim.post(&reply).unwrap()
    });
    let page = world.get(&format!("/2/tweets?ids={first},{},{}&{POST_FIELDS}", replies[0], replies[1])).await;
    assert_eq!(page["data"][0]["edit_history_tweet_ids"], json!([first, second]));
    for (at, version) in [(0, &first), (1, &first), (2, &second)] {
        assert_eq!(page["data"][at]["conversation_id"], version.as_str(), "{at}");
    }
    assert_eq!(page["data"][2]["referenced_tweets"], json!([{"type": "replied_to", "id": second}]));
    world.sim.delete(&second).unwrap();
    assert!(world.get(&format!("/2/tweets?ids={first},{second}")).await.get("data").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_over_pages_yields_every_post_once() {
    let world = World::with(SimOptions { rate_limits: false, ..SimOptions::default() }).await;
    let mut there = BTreeSet::new();
    for n in 0..43 {
        there.insert(world.says("mira", &format!("@acme number {n}")));
    }
    let runtime = tokio::runtime::Handle::current();
    let walk = |size: usize, arriving: usize| {
        let (there, world) = (&there, &world);
        async move {
            let (mut seen, mut token) = (Vec::new(), None::<String>);
            loop {
                let turn = token.as_ref().map(|t| format!("&pagination_token={t}")).unwrap_or_default();
                let page = world.get(&format!("{}?max_results={size}{turn}", world.mentions())).await;
                seen.extend(ids(&page));
                for n in 0..arriving {
                    world.says("mira", &format!("@acme late {n}"));
                }
                token = page["meta"]["next_token"].as_str().map(str::to_owned);
                if token.is_none() {
                    break;
                }
            }
            let distinct: BTreeSet<String> = seen.iter().cloned().collect();
            assert_eq!(distinct.len(), seen.len(), "a post came twice");
            assert!(there.is_subset(&distinct), "a post was left out");
            assert!(seen.windows(2).all(|w| w[0].parse::<u64>().unwrap() > w[1].parse::<u64>().unwrap()));
        }
    };
    tokio::task::block_in_place(|| {
        let mut runner =
            TestRunner::new(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() });
        runner
            .run(&(5_usize..=100, 0_usize..3), |(size, arriving)| {
                runtime.block_on(walk(size, arriving));
                Ok(())
            })
            .unwrap();
    });
}

#[tokio::test]
async fn timelines_reach_back_as_far_as_those_of_x() {
    for (short_timelines, reached) in [(true, 800), (false, 803)] {
        let world = World::with(SimOptions { short_timelines, ..SimOptions::default() }).await;
        for n in 0..803 {
            world.says("mira", &format!("@acme {n}"));
        }
        let (mut count, mut turn) = (0, String::new());
        loop {
            let page = world.get(&format!("{}?max_results=100{turn}", world.mentions())).await;
            count += ids(&page).len();
            let Some(token) = page["meta"]["next_token"].as_str() else { break };
            turn = format!("&pagination_token={token}");
        }
        assert_eq!(count, reached);
    }
}

#[tokio::test]
async fn replies_go_to_those_who_asked() {
    let world = World::new().await;
    let unasked = world.says("mira", "what a day");
    let problem = refused(world.reply("Indeed", &unasked).await, 403).await;
    assert!(problem["detail"].as_str().unwrap().contains("you have not been mentioned"));

    let own = world.says("acme", "Our sale");
    let quote =
        NewPost { by: "mira".into(), text: "is this real".into(), quotes: Some(own.clone()), ..NewPost::default() };
    let quote = world.sim.post(&quote).unwrap();
    for asked in [&quote, &own, &world.says("mira", "@ACME hello?")] {
        assert_eq!(world.reply("Yes", asked).await.status(), StatusCode::CREATED);
    }
    let problem = refused(world.reply("Yes", &quote).await, 403).await;
    assert!(problem["detail"].as_str().unwrap().contains("duplicate content"));
    let problem = refused(world.reply(&"é".repeat(281), &quote).await, 403).await;
    assert!(problem["detail"].as_str().unwrap().contains("too long"));
    world.sim.allow_long_posts("acme", true).unwrap();
    assert_eq!(world.reply(&"é".repeat(281), &quote).await.status(), StatusCode::CREATED);
    world.sim.delete(&quote).unwrap();
    let problem = refused(world.reply("Still there?", &quote).await, 403).await;
    assert!(problem["detail"].as_str().unwrap().contains("deleted or not visible"));
    refused(world.post("/2/tweets", json!({"text": "a", "unknown": true})).await, 400).await;
    assert_eq!(world.sim.sent().len(), 4);

    let lenient = World::with(SimOptions { summoned_only: false, ..SimOptions::default() }).await;
    let unasked = lenient.says("mira", "what a day");
    assert_eq!(lenient.reply("Indeed", &unasked).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn a_reply_names_whom_it_answers() {
    let world = World::new().await;
    world.sim.make_user(&NewPerson::named("nils")).unwrap();
    let fields = "tweet.fields=entities,note_tweet";
    let show = async |id: &str| world.get(&format!("/2/tweets/{id}?{fields}")).await["data"].clone();
    let named = |post: &Value| {
        let mentions = post["entities"]["mentions"].as_array().cloned().unwrap_or_default();
        mentions.iter().map(|m| m["username"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let says = |by: &str, text: &str, to: &str| {
        let post = NewPost { by: by.into(), text: text.into(), in_reply_to: Some(to.into()), ..NewPost::default() };
        world.sim.post(&post).unwrap()
    };
    let mention = world.says("mira", "@acme where is it?");
    let answer = world.reply("On its way", &mention).await.json::<Value>().await.unwrap()["data"].clone();
    assert_eq!(answer["text"], "@mira On its way");
    let id = answer["id"].as_str().unwrap();
    assert_eq!(named(&show(id).await), ["mira"]);

    // The person's answer is listed among the mentions but gives no right to reply: the author did not write the
    // handle.
    let thanks = says("mira", "thanks", id);
    assert_eq!(ids(&world.get(&world.mentions()).await), [thanks.as_str(), mention.as_str()]);
    let shown = show(&thanks).await;
    assert_eq!((&shown["text"], named(&shown)), (&json!("@acme thanks"), vec!["acme".to_owned()]));
    assert_eq!(
        (&shown["entities"]["mentions"][0]["start"], &shown["entities"]["mentions"][0]["end"]),
        (&json!(0), &json!(5))
    );
    let problem = refused(world.reply("You are welcome", &thanks).await, 403).await;
    assert!(problem["detail"].as_str().unwrap().contains("you have not been mentioned"));
    let edited = world.sim.edit(&thanks, "many thanks").unwrap();
    assert_eq!(show(&edited).await["text"], "@acme many thanks");

    // A handle in the text is not prefixed again, and nobody is prefixed in a reply to their own post.
    let own_words = says("mira", "thanks @ACME!", id);
    assert_eq!(show(&own_words).await["text"], "thanks @ACME!");
    assert_eq!(world.reply("You are welcome", &own_words).await.status(), StatusCode::CREATED);
    assert_eq!(show(&says("mira", "and another thing", &mention)).await["text"], "and another thing");
    // A third person's reply is prefixed with the author it answers only.
    assert_eq!(show(&says("nils", "same here", &mention)).await["text"], "@mira same here");

    let body = json!({"text": "Without a name", "reply":
        {"in_reply_to_tweet_id": mention, "exclude_reply_user_ids": [world.sim.connect("mira").unwrap().user_id]}});
    let answer: Value = world.post("/2/tweets", body).await.json().await.unwrap();
    assert_eq!(answer["data"]["text"], "Without a name");
    assert_eq!(world.sim.sent()[0].text.as_deref(), Some("On its way"), "what was sent is what the client sent");

    // The prefix does not count towards the length, and precedes both forms of a long text.
    let full = "é".repeat(280);
    assert_eq!(world.reply(&full, &mention).await.status(), StatusCode::CREATED);
    let long = show(&says("mira", &"long ".repeat(80), id)).await;
    for text in [&long["text"], &long["note_tweet"]["text"]] {
        assert!(text.as_str().unwrap().starts_with("@acme long long"), "{text}");
    }
}

#[tokio::test]
async fn names_are_escaped_as_texts_are() {
    let world = World::new().await;
    let name = |name: &str| NewPerson { name: Some(name.into()), ..NewPerson::named("nils") };
    world.sim.make_user(&name("A &amp; B <3")).unwrap();
    let post = world.says("nils", "@acme hello");
    let shown = world.get(&format!("/2/tweets/{post}?expansions=author_id&tweet.fields=author_id")).await;
    assert_eq!(shown["includes"]["users"][0]["name"], "A &amp;amp; B &lt;3");
    let read = twite::x::wire::decode_line(&shown.to_string()).unwrap();
    assert_eq!(read.people[0].name.as_deref(), Some("A &amp; B <3"));
}

#[tokio::test]
async fn limits_are_told_on_every_answer_and_hold() {
    let world = World::new().await;
    world.sim.set_clock("2026-11-16T07:00:00Z".parse().unwrap());
    let world = World { tokens: world.sim.connect("acme").unwrap(), ..world };
    let number = |answer: &Response, name: &str| answer.headers()[name].to_str().unwrap().parse::<i64>().unwrap();
    let ask = || async { world.request(Method::GET, "/2/dm_events?max_results=1").send().await.unwrap() };
    for used in 1..=15 {
        let answer = ask().await;
        assert_eq!(number(&answer, "x-rate-limit-limit"), 15);
        assert_eq!(number(&answer, "x-rate-limit-remaining"), 15 - used);
        assert_eq!(number(&answer, "x-rate-limit-reset"), world.sim.now().as_second() + 900);
        assert_eq!(answer.headers()["date"], "Mon, 16 Nov 2026 07:00:00 GMT");
    }
    let over = ask().await;
    assert_eq!((number(&over, "x-rate-limit-remaining"), number(&over, "x-rate-limit-limit")), (0, 15));
    assert_eq!(refused(over, 429).await["title"], "Too Many Requests");
    world.get("/2/users/me").await;

    let other = world.sim.connect("mira").unwrap();
    let theirs = World { sim: world.sim.clone(), client: world.client.clone(), tokens: other };
    assert_eq!(theirs.get("/2/dm_events").await["meta"]["result_count"], 0);

    world.sim.advance(Duration::from_secs(900));
    assert_eq!(ask().await.status(), StatusCode::OK);
    world.sim.limit("GET /2/users/me", 1).unwrap();
    let last = world.request(Method::GET, "/2/users/me").send().await.unwrap();
    assert_eq!((number(&last, "x-rate-limit-remaining"), number(&last, "x-rate-limit-limit")), (0, 75));
    refused(world.request(Method::GET, "/2/users/me").send().await.unwrap(), 429).await;
    world.sim.advance(Duration::from_secs(900));
    let whole = world.request(Method::GET, "/2/users/me").send().await.unwrap();
    assert_eq!((number(&whole, "x-rate-limit-remaining"), number(&whole, "x-rate-limit-limit")), (74, 75));
    let unknown = world.client.get(format!("{}/2/users/me", world.sim.url)).send().await.unwrap();
    assert!(unknown.headers().contains_key("x-rate-limit-reset"));
    assert_eq!(refused(unknown, 401).await["title"], "Unauthorized");
    let sent = world.post("/2/tweets", json!({"text": "hello"})).await;
    assert_eq!(number(&sent, "x-app-limit-24hour-remaining"), 9_999);
}

#[tokio::test]
async fn tokens_age_rotate_and_end() {
    let world = World::new().await;
    world.sim.set_clock("2026-11-16T07:00:00Z".parse().unwrap());
    let tokens = world.sim.connect("acme").unwrap();
    let me = |token: String| {
        let request = world.client.get(format!("{}/2/users/me", world.sim.url)).bearer_auth(token);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    let refresh = |token: String| {
        let form =
            [("grant_type", "refresh_token".into()), ("refresh_token", token), ("client_id", tokens.client_id.clone())];
        let request = world.client.post(format!("{}/2/oauth2/token", world.sim.url)).form(&form);
        async move {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        }
    };
    assert_eq!(me(tokens.access_token.clone()).await, 200);
    world.sim.advance(Duration::from_secs(7_200));
    assert_eq!(me(tokens.access_token.clone()).await, 401);

    let (status, fresh) = refresh(tokens.refresh_token.clone()).await;
    assert_eq!((status, fresh["expires_in"].as_u64()), (200, Some(7_200)));
    assert_eq!(me(fresh["access_token"].as_str().unwrap().into()).await, 200);
    let spent = json!({"error": "invalid_request", "error_description": "Value passed for the token was invalid."});
    assert_eq!(refresh(tokens.refresh_token.clone()).await, (400, spent.clone()));

    world.sim.expire("acme").unwrap();
    assert_eq!(me(fresh["access_token"].as_str().unwrap().into()).await, 401);
    let (_, fresher) = refresh(fresh["refresh_token"].as_str().unwrap().into()).await;
    world.sim.revoke("acme").unwrap();
    assert_eq!(me(fresher["access_token"].as_str().unwrap().into()).await, 401);
    assert_eq!(refresh(fresher["refresh_token"].as_str().unwrap().into()).await, (400, spent));

    let narrow = world.sim.connect_with("acme", &["tweet.read", "users.read"]).unwrap();
    let world = World { tokens: narrow, ..world };
    world.get("/2/users/me").await;
    refused(world.request(Method::GET, "/2/dm_events").send().await.unwrap(), 403).await;
    assert_eq!(world.tokens.refresh_token, "");
}

#[tokio::test]
async fn somebody_signs_in() {
    let app = |secret: Option<&str>| App {
        client_id: "desk".into(),
        client_secret: secret.map(str::to_owned),
        redirect_uris: vec!["https://desk.example/back".into()],
        scopes: None,
    };
    let world = World::with(SimOptions { apps: vec![app(Some("s3cret"))], ..SimOptions::default() }).await;
    world.sim.set_clock("2026-11-16T07:00:00Z".parse().unwrap());
    let authorize = format!("{}/i/oauth2/authorize", world.sim.url);
    let wish = |changed: (&'static str, &'static str)| {
        let mut wish = vec![
            ("response_type", "code"),
            ("client_id", "desk"),
            ("redirect_uri", "https://desk.example/back"),
            ("scope", "tweet.read users.read offline.access"),
            ("state", "<a state>"),
            // The challenge for the verifier in RFC 7636, appendix B.
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
        ];
        wish.retain(|(name, _)| *name != changed.0);
        wish.push(changed);
        wish
    };
    let page = world.client.get(&authorize).query(&wish(("", ""))).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let page = page.text().await.unwrap();
    assert!(page.contains("@acme") && page.contains("&lt;a state&gt;") && !page.contains("<a state>"), "{page}");
    for wrong in
        [("redirect_uri", "https://desk.example/back/"), ("client_id", "other"), ("state", ""), ("scope", "everything")]
    {
        let page = world.client.get(&authorize).query(&wish(wrong)).send().await.unwrap();
        assert_eq!(page.status(), StatusCode::BAD_REQUEST, "{wrong:?}");
    }

    let decide = |decision: &'static str| {
        let mut form = wish(("decision", decision));
        form.push(("account", "acme"));
        let request = world.client.post(&authorize).form(&form);
        async move {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::SEE_OTHER);
            let back: url::Url = answer.headers()["location"].to_str().unwrap().parse().unwrap();
            assert!(back.as_str().starts_with("https://desk.example/back?"), "{back}");
            back.query_pairs().into_owned().collect::<std::collections::HashMap<String, String>>()
        }
    };
    let denied = decide("deny").await;
    assert_eq!((denied["error"].as_str(), denied["state"].as_str()), ("access_denied", "<a state>"));

    let redeem = |code: String, verifier: &'static str, secret: Option<&'static str>| {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", "https://desk.example/back"),
            ("code_verifier", verifier),
            ("client_id", "desk"),
        ];
        let request = world.client.post(format!("{}/2/oauth2/token", world.sim.url)).form(&form);
        let request = if let Some(secret) = secret { request.basic_auth("desk", Some(secret)) } else { request };
        async move {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        }
    };
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let code = decide("approve").await["code"].clone();
    for secret in [None, Some("guess")] {
        let (status, body) = redeem(code.clone(), VERIFIER, secret).await;
        assert_eq!((status, body["error"].as_str()), (401, Some("unauthorized_client")));
    }
    let (status, tokens) = redeem(code.clone(), VERIFIER, Some("s3cret")).await;
    assert_eq!((status, tokens["scope"].as_str()), (200, Some("tweet.read users.read offline.access")));
    assert_eq!(redeem(code, VERIFIER, Some("s3cret")).await.0, 400, "a code is good once");
    let code = decide("approve").await["code"].clone();
    assert_eq!(redeem(code, "another verifier", Some("s3cret")).await.0, 400);
    let code = decide("approve").await["code"].clone();
    world.sim.advance(Duration::from_secs(30));
    assert_eq!(redeem(code, VERIFIER, Some("s3cret")).await.0, 400, "a code is good for half a minute");
}

#[tokio::test]
async fn faults_strike_when_and_where_they_are_ordered() {
    let world = World::new().await;
    let mention = world.says("mira", "@acme hello");
    let status = |path: &'static str| {
        let request = world.request(Method::GET, path);
        async move { request.send().await.map(|answer| answer.status().as_u16()) }
    };
    let order = |fault: Fault| world.sim.fault(fault).unwrap();

    order(Fault::on("GET /2/users/me").skip(1).times(2).answer(503, "<html>").header("retry-after", "7"));
    let answers = [status("/2/users/me").await, status("/2/dm_events").await, status("/2/users/me").await];
    assert_eq!(answers.map(Result::unwrap), [200, 200, 503]);
    let answer = world.request(Method::GET, "/2/users/me").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"].to_str().unwrap()), (503, &"7"));
    assert!(!answer.headers().contains_key("x-rate-limit-reset"));
    assert_eq!(answer.text().await.unwrap(), "<html>");
    assert_eq!(status("/2/users/me").await.unwrap(), 200);

    order(Fault::on("*").delay_ms(80));
    let begun = tokio::time::Instant::now();
    assert_eq!(status("/2/users/me").await.unwrap(), 200);
    assert!(begun.elapsed() >= Duration::from_millis(80));

    let reply = |text: &'static str| {
        let body = json!({"text": text, "reply": {"in_reply_to_tweet_id": mention}});
        let request = world.request(Method::POST, "/2/tweets").json(&body);
        async move { request.send().await.map(|answer| answer.status().as_u16()) }
    };
    order(Fault::on("POST /2/tweets").cut(Cut::Before));
    assert!(reply("one").await.is_err());
    assert_eq!(world.sim.sent().len(), 0, "cut before it took effect");
    order(Fault::on("POST /2/*").cut(Cut::After));
    assert!(reply("one").await.is_err());
    assert_eq!(world.sim.sent().len(), 1, "the answer was lost, the effect was not");
    assert_eq!(reply("one").await.unwrap(), 403);
    order(Fault::on("*").answer(500, ""));
    world.sim.clear_faults();
    assert_eq!(reply("two").await.unwrap(), 201);
    assert!(world.sim.fault(Fault::on("*").answer(99, "")).is_err());
    assert!(world.sim.fault(Fault::on("*").times(0)).is_err());
}

#[tokio::test]
async fn a_watcher_holds_requests_before_and_after_their_effect() {
    let world = World::new().await;
    let mut watcher = world.sim.watch();
    let request = world.request(Method::POST, "/2/tweets").json(&json!({"text": "hello"}));
    let client = tokio::spawn(request.send());
    let before = watcher.recv().await.unwrap();
    assert_eq!((before.moment, before.endpoint.as_str()), (Moment::Before, "POST /2/tweets"));
    assert_eq!(before.body, r#"{"text":"hello"}"#);
    assert!(world.sim.sent().is_empty());
    before.release();
    let after = watcher.recv().await.unwrap();
    assert_eq!((after.moment, world.sim.sent().len()), (Moment::After, 1));
    assert!(!client.is_finished());
    drop(after);
    assert_eq!(client.await.unwrap().unwrap().status(), StatusCode::CREATED);

    let request = world.request(Method::POST, "/2/tweets").json(&json!({"text": "gone"}));
    let client = tokio::spawn(request.send());
    let before = watcher.recv().await.unwrap();
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
    before.release();
    assert_eq!(watcher.recv().await.unwrap().moment, Moment::After);
    assert_eq!(world.sim.sent().len(), 2, "what a client sent takes effect, even when the client is gone");
    drop(watcher);
    world.get("/2/users/me").await;
}
