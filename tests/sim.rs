//! The simulator of X over HTTP: what it says, in which words, and how it fails on order.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

use std::collections::BTreeSet;

use proptest::{prelude::*, test_runner::TestRunner};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use twite::x::sim::{NewPerson, NewPost, SentKind, Sim, SimHandle, SimOptions, Tokens};

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
        // Another test of this process may have been first.
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
    assert_eq!(answer["data"]["text"], "On its way &amp; soon there");
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
    assert_eq!(page["data"][0]["conversation_id"], first.as_str());
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
