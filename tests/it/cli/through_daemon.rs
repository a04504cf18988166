//! Signing in at X with a browser that X redirects to the daemon.

use reqwest::{StatusCode, Url, header};
use twite::{
    sim::{App, CLIENT_ID, NewPerson, Sim, SimOptions},
    store::{Key, PendingSignIn, SignInState, TakenSignIn},
};

use super::sign_in::SignIn;
use crate::support::{Served, TestDesk, database::DirectConnection, key};

const RULES: &str = "trigger \"A\" {\n  on created\n  then add tags a\n}\n";

/// A desk with a daemon that browsers can reach.
async fn desk() -> (TestDesk, Served) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let app = App {
        client_id: CLIENT_ID.into(),
        client_secret: None,
        redirect_uris: vec![format!("http://127.0.0.1:{port}/x/callback")],
        scopes: None,
    };
    let options = SimOptions { rate_limits: false, seed: Some(7), apps: vec![app], ..SimOptions::default() };
    let toml = format!("url = \"http://127.0.0.1:{port}\"\n[web]\nlisten = \"127.0.0.1:{port}\"\n");
    let desk = TestDesk::on(Sim::start(options).await.unwrap(), &["acme"], RULES, &toml).await;
    desk.sim.make_user(&NewPerson::named("mira")).unwrap();

    let early = run(&desk, &["reauthorise", "acme", "--through-daemon"]);
    assert!(early.0 == 2 && early.1.contains("needs a running daemon; start `twite serve`"), "{early:?}");
    let served = desk.serve();
    desk.logged("listening on http://").await;
    let store = desk.store().await;
    while store.lease().await.unwrap().is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    store.close().await;
    (desk, served)
}

fn run(desk: &TestDesk, arguments: &[&str]) -> (i32, String) {
    let output = desk.command().arg("accounts").args(arguments).arg("--rules").arg(desk.rules()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

/// The page that a browser gets from the daemon, which is safe whatever it says.
async fn open(sign_in: &SignIn, url: &Url) -> (StatusCode, String) {
    let answer = sign_in.browser.get(url.clone()).send().await.unwrap();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    ] {
        assert_eq!(answer.headers()[name], value);
    }
    assert!(answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'"));
    let (status, page) = (answer.status(), answer.text().await.unwrap());
    assert!(!page.contains("<script") && !page.contains("<a "), "{page}");
    for (_, secret) in url.query_pairs().filter(|(name, value)| name != "error" && value.len() > 20) {
        assert!(!page.contains(&*secret), "{page}");
    }
    (status, page)
}

/// The URL with another value of a parameter.
fn with(url: &Url, name: &str, value: &str) -> Url {
    let mut changed = url.clone();
    let others: Vec<_> = url.query_pairs().into_owned().filter(|(key, _)| key != name).collect();
    changed.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
    changed
}

fn value(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_in_elsewhere_is_connected_once() {
    let (desk, _served) = desk().await;
    let store = desk.store().await;
    let tokens = async || store.tokens(&Key::from_base64(&key()).unwrap(), &desk.accounts[0]).await.unwrap();
    let old = tokens().await;
    let again = ["reauthorise", "acme", "--through-daemon"];

    let sign_in = SignIn::start(&desk, &again);
    let back = sign_in.decide("acme", "approve").await;
    let (state, code) = (value(&back, "state"), value(&back, "code"));
    // What is no redirect of X, or of another sign-in, uses nothing up.
    for (url, expected) in [
        (with(&back, "state", &state.chars().rev().collect::<String>()), StatusCode::NOT_FOUND),
        (with(&back, "state", ""), StatusCode::NOT_FOUND),
        (with(&back, "code", &"x".repeat(5_000)), StatusCode::BAD_REQUEST),
        (with(&back, "error", "both"), StatusCode::BAD_REQUEST),
        (format!("{back}&state={state}").parse().unwrap(), StatusCode::BAD_REQUEST),
        (back.as_str().split('?').next().unwrap().parse().unwrap(), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(open(&sign_in, &url).await.0, expected, "{url}");
    }
    for method in [reqwest::Method::HEAD, reqwest::Method::POST] {
        let answer = sign_in.browser.request(method, back.clone()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
    assert_eq!(store.sign_in_state(&state, now()).await.unwrap(), Some(SignInState::Waiting));

    // Two clicks at once: both pages say so, and the code is exchanged once.
    let (first, second) = tokio::join!(open(&sign_in, &back), open(&sign_in, &back));
    let pages = [first, second];
    assert!(pages.iter().any(|(status, page)| *status == StatusCode::OK && page.contains("@acme is connected")));
    assert_eq!(pages.iter().filter(|(_, page)| page.contains("Thank you")).count(), 1, "{pages:?}");
    let (status, page) = open(&sign_in, &back).await;
    assert!(status == StatusCode::OK && page.contains("This sign-in is complete already"), "{page}");
    let (status, said) = sign_in.end();
    assert!(status == 0 && said.contains("@acme is connected again"), "{said}");
    assert_ne!(tokens().await, old);
    let log = std::fs::read_to_string(desk.log()).unwrap();
    assert!(log.contains("@acme: somebody signed in at X, as owner asked for"), "{log}");
    assert!(!log.contains(&state) && !log.contains(&code), "{log}");

    // The command is interrupted: the page works nevertheless.
    let mut sign_in = SignIn::start(&desk, &["add", "mira", "--through-daemon"]);
    sign_in.child.kill().unwrap();
    sign_in.child.wait().unwrap();
    let back = sign_in.decide("mira", "approve").await;
    let (status, page) = open(&sign_in, &back).await;
    assert!(status == StatusCode::OK && page.contains("@mira is connected."), "{page}");
    assert!(run(&desk, &["list"]).1.contains("@mira"));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_fails_elsewhere_changes_nothing() {
    let (desk, _served) = desk().await;
    let store = desk.store().await;
    let tokens = async || store.tokens(&Key::from_base64(&key()).unwrap(), &desk.accounts[0]).await.unwrap();
    let old = tokens().await;
    let again = ["reauthorise", "acme", "--through-daemon"];

    let sign_in = SignIn::start(&desk, &again);
    let back = with(&sign_in.decide("acme", "deny").await, "error", "access_denied <script>alert(1)</script>");
    let (status, page) = open(&sign_in, &back).await;
    assert!(status == StatusCode::CONFLICT && page.contains("access_denied &lt;script&gt;"), "{page}");
    let (status, page) = open(&sign_in, &back).await;
    assert!(status == StatusCode::CONFLICT && page.contains("This sign-in has ended already"), "{page}");
    let (status, said) = sign_in.end();
    assert!(status == 2 && said.contains("the app was not authorized: access_denied"), "{said}");

    for (who, code, says) in [
        ("mira", None, "the tokens belong to @mira, not to @acme"),
        ("acme", Some("unknown"), "X did not exchange the code for tokens"),
    ] {
        let sign_in = SignIn::start(&desk, &again);
        let back = sign_in.decide(who, "approve").await;
        let back = code.map_or(back.clone(), |code| with(&back, "code", code));
        let (status, page) = open(&sign_in, &back).await;
        assert!(status == StatusCode::CONFLICT && page.contains(says), "{page}");
        let (status, said) = sign_in.end();
        assert!(status == 2 && said.contains(says), "{said}");
    }

    // Somebody comes too late.
    let sign_in = SignIn::start(&desk, &again);
    let back = sign_in.decide("acme", "approve").await;
    let mut database = DirectConnection::at(&desk.rules().join("twite.db")).await;
    database.texts("UPDATE sign_in SET expires = made RETURNING state_hash").await;
    let (status, page) = open(&sign_in, &back).await;
    assert!(status == StatusCode::GONE && page.contains("Run the command again"), "{page}");
    let (status, said) = sign_in.end();
    assert!(status == 2 && said.contains("nobody signed in within ten minutes"), "{said}");
    assert_eq!(tokens().await, old);

    // An hour later, it is removed.
    assert!(store.sign_in_state(&value(&back, "state"), now()).await.unwrap().is_some());
    store.forget_sign_ins(now() + jiff::SignedDuration::from_mins(61)).await.unwrap();
    assert_eq!(store.sign_in_state(&value(&back, "state"), now()).await.unwrap(), None);
    store.close().await;
}

fn now() -> jiff::Timestamp {
    twite::clock::Clock::Wall.now()
}

#[tokio::test]
async fn a_sign_in_is_taken_up_once_and_with_the_key_it_began_with() {
    let database = crate::support::database::TestDatabase::new().await;
    let store = database.open().await;
    let (right, wrong) = (Key::random().unwrap(), Key::random().unwrap());
    let now = self::now();
    let pending = PendingSignIn {
        account: Some("12".parse().unwrap()),
        handle: None,
        redirect: "https://desk.example/x/callback".into(),
        verifier: "a secret verifier".into(),
        by: twite::desk::Actor::Agent("Ana".into()),
        expires: now + jiff::SignedDuration::from_secs(9),
    };
    let pending = PendingSignIn {
        expires: jiff::Timestamp::from_millisecond(pending.expires.as_millisecond()).unwrap(),
        ..pending
    };
    assert!(!format!("{pending:?}").contains("secret"));
    store.begin_sign_in(&right, "state", &pending, now).await.unwrap();
    assert!(store.take_sign_in(&wrong, "state", now).await.is_err());
    assert_eq!(store.take_sign_in(&right, "State", now).await.unwrap(), TakenSignIn::Unknown);
    let late = pending.expires;
    assert_eq!(store.take_sign_in(&right, "state", late).await.unwrap(), TakenSignIn::Expired);
    assert_eq!(store.take_sign_in(&right, "state", now).await.unwrap(), TakenSignIn::Taken(pending));
    assert_eq!(store.take_sign_in(&right, "state", now).await.unwrap(), TakenSignIn::Before(None));
    assert_eq!(store.sign_in_state("state", late).await.unwrap(), Some(SignInState::Taken));
    store.end_sign_in("state", "fine").await.unwrap();
    store.end_sign_in("state", "another").await.unwrap();
    assert_eq!(store.take_sign_in(&right, "state", late).await.unwrap(), TakenSignIn::Before(Some("fine".into())));
    store.close().await;
}
