//! Protected, suspended and renamed accounts, outages, and daily limits.

use twite::sim::{AccountChange, Outage};

use super::*;

impl World {
    fn change(&self, account: &str, change: AccountChange) {
        self.sim.change_account(account, &change).unwrap();
    }

    async fn status(&self, path: &str) -> u16 {
        self.request(Method::GET, path).send().await.unwrap().status().as_u16()
    }
}

fn protected(protected: bool) -> AccountChange {
    AccountChange { protected: Some(protected), ..AccountChange::default() }
}

fn suspended(suspended: bool) -> AccountChange {
    AccountChange { suspended: Some(suspended), ..AccountChange::default() }
}

#[tokio::test]
async fn only_followers_see_a_protected_account() {
    let world = World::new().await;
    let post = world.says("mira", "@acme hello");
    world.change("mira", protected(true));
    assert_eq!(ids(&world.get(&world.mentions()).await), [""; 0]);
    assert_eq!(world.get(&format!("/2/tweets/{post}")).await["errors"][0]["title"], "Not Found Error");
    assert_eq!(ids(&world.get("/2/tweets/search/recent?query=acme").await), [""; 0]);
    let answer = refused(world.reply("hello", &post).await, 403).await;
    assert!(answer["detail"].as_str().unwrap().contains("deleted or not visible to you"));
    let follow = json!({"by": "acme", "user": "mira"});
    world.client.post(format!("{}/sim/follow", world.sim.url)).json(&follow).send().await.unwrap();
    assert_eq!(ids(&world.get(&world.mentions()).await), [post.as_str()]);
    assert_eq!(world.reply("hello", &post).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn a_suspended_account_is_gone_until_it_is_back() {
    let world = World::new().await;
    let post = world.says("mira", "@acme hello");
    world.change("mira", suspended(true));
    assert_eq!(ids(&world.get(&world.mentions()).await), [""; 0]);
    let user = world.get("/2/users/by/username/mira").await;
    assert_eq!(user["errors"][0]["detail"], "User has been suspended: [mira].");
    world.change("mira", suspended(false));
    assert_eq!(ids(&world.get(&world.mentions()).await), [post.as_str()]);
    world.change("acme", suspended(true));
    assert_eq!(world.status("/2/users/me").await, 403);
}

#[tokio::test]
async fn a_renamed_account_keeps_its_id_and_another_may_take_its_handle() {
    let world = World::new().await;
    let id = world.get("/2/users/by/username/mira").await["data"]["id"].clone();
    world.change("mira", AccountChange { username: Some("mira_new".into()), ..AccountChange::default() });
    assert_eq!(world.get("/2/users/by/username/mira_new").await["data"]["id"], id);
    let other = world.sim.make_user(&NewPerson::named("mira")).unwrap();
    assert_eq!(world.get("/2/users/by/username/mira").await["data"]["id"], other.as_str());
    let taken = AccountChange { username: Some("mira".into()), ..AccountChange::default() };
    assert!(world.sim.change_account("mira_new", &taken).is_err());
}

#[tokio::test]
async fn outages_refuse_every_call_until_they_end() {
    let world = World::new().await;
    for (outage, status, says) in [
        (Outage::Unauthorized, 401, "Unauthorized"),
        (Outage::Credits, 402, "credits-depleted"),
        (Outage::SpendCap, 403, "SpendCapReached"),
        (Outage::AppSuspended, 403, "client-forbidden"),
        (Outage::Unavailable, 503, "Service Unavailable"),
    ] {
        world.sim.set_outage(Some(outage));
        let answer = refused(world.request(Method::GET, "/2/users/me").send().await.unwrap(), status).await;
        assert!(answer.to_string().contains(says), "{answer}");
    }
    world.sim.set_outage(None);
    assert_eq!(world.status("/2/users/me").await, 200);
    let tell = async |body: Value| {
        let url = format!("{}/sim/outage", world.sim.url);
        world.client.post(url).json(&body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(tell(json!({"kind": "credits"})).await, 200);
    assert_eq!(world.status("/2/users/me").await, 402);
    assert_eq!(tell(json!({"kind": "none"})).await, 200);
    assert_eq!(world.status("/2/users/me").await, 200);
    assert_eq!(tell(json!({})).await, 400);
    assert_eq!(tell(json!({"kind": "rain"})).await, 400);
}

#[tokio::test]
async fn a_daily_limit_can_be_used_up() {
    let world = World::with(SimOptions { rate_limits: false, ..SimOptions::default() }).await;
    world.sim.limit_day("POST /2/tweets", 1).unwrap();
    assert!(world.sim.limit_day("GET /2/users/me", 1).is_err());
    let first = world.post("/2/tweets", json!({"text": "one"})).await;
    assert_eq!(
        (first.status().as_u16(), &first.headers()["x-app-limit-24hour-remaining"]),
        (201, &"0".parse().unwrap())
    );
    assert_eq!(world.post("/2/tweets", json!({"text": "two"})).await.status(), StatusCode::TOO_MANY_REQUESTS);
    world.sim.advance(Duration::from_secs(24 * 60 * 60));
    let tokens = world.sim.connect("acme").unwrap();
    let world = World { tokens, ..world };
    assert_eq!(world.post("/2/tweets", json!({"text": "three"})).await.status(), StatusCode::CREATED);
}
