//! The control interface for other programs, and the command that serves it.

use super::*;

#[tokio::test]
async fn the_control_interface_does_the_same_for_other_programs() {
    let world = World::new().await;
    let tell = |command: &'static str, body: Value| {
        let request = world.client.post(format!("{}/sim/{command}", world.sim.url)).json(&body);
        async move {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        }
    };
    let (_, post) = tell("post", json!({"by": "mira", "text": "@acme hi", "media": true})).await;
    let id = post["id"].as_str().unwrap().to_owned();
    let page = world
        .get(&format!(
            "{}?tweet.fields=attachments&expansions=attachments.media_keys&media.fields=url",
            world.mentions()
        ))
        .await;
    assert_eq!(page["data"][0]["attachments"]["media_keys"][0], page["includes"]["media"][0]["media_key"]);
    tell("like", json!({"by": "acme", "post": id})).await;
    assert_eq!(ids(&world.get(&format!("/2/users/{}/liked_tweets", world.tokens.user_id)).await), [id.as_str()]);
    let (_, repost) = tell("repost", json!({"by": "mira", "post": id})).await;
    let shown =
        world.get(&format!("/2/tweets/{}?tweet.fields=referenced_tweets", repost["id"].as_str().unwrap())).await;
    assert_eq!(shown["data"]["referenced_tweets"], json!([{"type": "retweeted", "id": id}]));
    assert!(shown["data"]["text"].as_str().unwrap().starts_with("RT @mira: @acme hi"));
    assert_eq!(tell("clock", json!({"set": "2026-11-16T07:00:00Z"})).await.1["now"], "2026-11-16T07:00:00.000Z");
    assert_eq!(tell("fault", json!({"endpoint": "*", "cut": "after"})).await.0, 200);
    for (command, body, says) in [
        ("post", json!({"by": "nobody", "text": "a"}), "nobody has the handle"),
        ("post", json!({"by": "mira"}), "`/sim/post`: `text` is missing"),
        ("post", json!({"by": "mira", "txt": "a"}), "`text` is missing; there is no `txt`, did you mean `text`?"),
        ("post", json!([]), "`/sim/post` takes a JSON object: this is a list"),
        ("post", json!(null), "`/sim/post` takes a JSON object: this is `null`"),
        ("post", json!({"by": 5, "text": ["a"]}), "`by` is a text, not 5; `text` is a text, not a list"),
        ("post", json!({"by": "mira", "text": "a", "media": "yes"}), "`media` is `true` or `false`, not \"yes\""),
        ("post", json!({"by": "mira", "text": "a", "in_reply_to": "12"}), "there is no post `12`"),
        ("post", json!({"by": "mira", "text": "a", "quotes": "12"}), "there is no post `12`"),
        ("user", json!({"username": "mira"}), "already"),
        ("user", json!({"username": "two words"}), "is no handle"),
        ("user", json!({"username": "x", "id": "12a"}), "`12a` is no id"),
        ("user", json!({"username": "x", "verified_type": "gold"}), "`verified_type` is one of `blue`, `business`,"),
        ("user", json!({"username": "x", "created_at": "yesterday"}), "`created_at` is a time as"),
        ("user", json!({"username": "x", "followers": -1}), "`followers` is a whole number of at least 0, not -1"),
        ("connect", json!({"account": "acme", "scopes": ["tweet.raed"]}), "tweet.raed"),
        ("app", json!({"client_id": "x", "redirect_uris": ["back"]}), "`back` is no address"),
        ("app", json!({"client_id": "x", "redirect_uris": [], "scopes": ["all"]}), "X has no `all`"),
        ("limit", json!({"endpoint": "GET /3", "requests": 1}), "there is no endpoint"),
        ("limit", json!({"endpoint": "POST /2/oauth2/token", "requests": 1}), "has no limit"),
        ("clock", json!({"set": "yesterday"}), "`set` is a time as `2026-11-16T07:00:00Z`, not \"yesterday\""),
        ("clock", json!({"run": true, "advance_seconds": 1}), "told to `run`"),
        ("release", json!({"most": 0.5}), "`most` is a whole number of at least 0, not 0.5"),
        ("fault", json!({"endpoint": "POST /2/tweet", "status": 503}), "did you mean `POST /2/tweets`?"),
        ("fault", json!({"endpoint": "GET /3/*", "status": 503}), "there is no endpoint"),
        ("fault", json!({"endpoint": "POST /2/tweets"}), "this fault does nothing"),
        ("fault", json!({"endpoint": "*", "headers": {"retry-after": "1"}}), "it needs a `status`"),
        ("fault", json!({"endpoint": "*", "cut": "now"}), "`cut` is `before` or `after`, not \"now\""),
        ("fault", json!({"endpoint": "*", "cut": "after", "status": 503}), "either answered with a `status`, or `cut`"),
        ("fault", json!({"endpoint": "*", "status": 199}), "`status` is between 200 and 599"),
        ("fault", json!({"endpoint": "*", "status": 204, "body": "a"}), "has no `body`"),
        ("fault", json!({"endpoint": "*", "status": 503, "headers": {"retry after": "1"}}), "is no name of a header"),
        ("fault", json!({"endpoint": "*", "status": 503, "headers": {"a": "b\r\nc: d"}}), "that no header may have"),
        (
            "fault",
            json!({"endpoint": "*", "status": 503, "headers": {"Content-Length": "9"}}),
            "follows from the `body`",
        ),
        ("clear_faults", json!({"all": true}), "there is no `all`: it takes nothing"),
        ("dance", json!({}), "there is no POST /sim/dance"),
    ] {
        let (status, answer) = tell(command, body).await;
        assert_eq!(status, 400, "{command}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(says), "{answer}");
    }
    let broken = world.client.post(format!("{}/sim/post", world.sim.url)).body("{\"by\": ").send().await.unwrap();
    let broken: Value = broken.json().await.unwrap();
    assert!(broken["error"].as_str().unwrap().starts_with("`/sim/post` takes a JSON object: EOF while"), "{broken}");
    let page = world.client.get(format!("{}/sim/sent", world.sim.url)).header("origin", "https://elsewhere.example");
    assert_eq!(page.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(tell("reset", json!({})).await.0, 200);
    assert_eq!(world.sim.stats().people, 0);
}

#[test]
fn the_command_says_what_is_wrong() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (arguments, says) in [
        (["--listen", taken.as_str(), "--pace", "1"], "cannot listen on 127.0.0.1"),
        (["--listen", "127.0.0.1:0", "--load", "no/such/file"], "cannot read no/such/file"),
        (["--listen", "127.0.0.1:0", "--pace", "0"], "--pace is a number above 0"),
        (["--listen", "127.0.0.1:0", "--account", "two words"], "`two words` is no handle"),
    ] {
        let ran = assert_cmd::cargo::cargo_bin_cmd!("twite").arg("sim").args(arguments).output().unwrap();
        let error = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(says), "{error}");
    }
}
