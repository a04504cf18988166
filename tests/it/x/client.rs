//! The client against faulty answers of X: a server that plays back answers and records the requests.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use jiff::Timestamp;
use twite::{
    app::StoredTokens,
    clock::Clock,
    desk::{Actor, Author, Comment, CommentSource, ConnectedAccount, Delivery, Entities, Reply, TicketId, Tokens, XId},
    settings::XSettings,
    store::{Key, Store},
    x::{
        Asked, Refusal, TokenError, TokenStore, XError,
        client::{self, Client},
        limits::Limits,
        transport::poll::{Endpoint, Position, next_poll, read_page},
    },
};

/// A scripted answer.
#[derive(Clone)]
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn answer(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    Answer { status, headers: vec![], body: body.into() }
}

impl Answer {
    fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

/// A recorded request: method and path, token, body.
#[derive(Debug, Clone, PartialEq)]
struct Called {
    what: String,
    token: String,
    body: String,
}

#[derive(Default)]
struct Script {
    /// Answers of the API, in order; after them, empty pages.
    api: VecDeque<Answer>,
    /// Answers of the token endpoint, in order; after them, refusals.
    tokens: VecDeque<Answer>,
    called: Vec<Called>,
}

/// A server that plays the script, and a client for it.
struct Stage {
    url: String,
    script: Arc<Mutex<Script>>,
    store: Store,
    client: Client,
    _directory: tempfile::TempDir,
}

const ACCOUNT: &str = "9";

fn key() -> Key {
    Key::from_base64("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap()
}

async fn play(State(script): State<Arc<Mutex<Script>>>, request: Request) -> Response {
    let token = request.headers().get("authorization").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let what = format!("{} {}", request.method(), request.uri());
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let is_token = what.contains("/oauth2/token");
    let next = {
        let mut script = script.lock().unwrap();
        script.called.push(Called { what, token, body: String::from_utf8_lossy(&body).into_owned() });
        if is_token { script.tokens.pop_front() } else { script.api.pop_front() }
    };
    let default = if is_token { answer(400, r#"{"error":"invalid_request"}"#) } else { answer(200, r#"{"meta":{}}"#) };
    let next = next.unwrap_or(default);
    let mut response = Response::builder().status(next.status);
    for (name, value) in next.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(next.body)).unwrap()
}

impl Stage {
    async fn new(api: Vec<Answer>, tokens: Vec<Answer>) -> Self {
        let script = Arc::new(Mutex::new(Script { api: api.into(), tokens: tokens.into(), called: vec![] }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(play).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self::at(url, script).await
    }

    async fn at(url: String, script: Arc<Mutex<Script>>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("twite.db")).await.unwrap();
        let id: XId = ACCOUNT.parse().unwrap();
        store.connect(&account()).await.unwrap();
        let tokens = Tokens {
            access: "first-access".into(),
            refresh: Some("first-refresh".into()),
            expires: None,
            scopes: vec![],
        };
        store.save_tokens(&key(), &id, &tokens).await.unwrap();
        let settings = XSettings { url: url.clone(), client_id: Some("app".into()), ..XSettings::default() };
        let tokens = Arc::new(StoredTokens { store: store.clone(), key: key(), account: id.clone() });
        let client = Client::new(&settings, id, tokens, client::http().unwrap(), Clock::Wall).unwrap();
        Self { url, script, store, client, _directory: directory }
    }

    fn called(&self) -> Vec<Called> {
        self.script.lock().unwrap().called.clone()
    }

    async fn mentions(&self) -> Result<usize, XError> {
        self.client.mentions(None, None, None).await.map(|answered| answered.answer.items.len())
    }

    async fn stored(&self) -> Tokens {
        self.store.tokens(&key(), self.client.account()).await.unwrap().unwrap()
    }
}

fn account() -> ConnectedAccount {
    ConnectedAccount::new(ACCOUNT.parse().unwrap(), "acme", Timestamp::UNIX_EPOCH)
}

/// A reply to a public post.
fn reply() -> twite::desk::PublicReply {
    let comment = Comment {
        id: 1,
        ticket: TicketId(1),
        source: CommentSource::Post { id: "55".parse().unwrap() },
        author: Author::Requester,
        actor: Actor::Person,
        author_id: None,
        text: "hello".into(),
        version: 1,
        deleted: false,
        made: Timestamp::UNIX_EPOCH,
        delivery: Delivery::Imported,
        rating: None,
        entities: Entities::default(),
    };
    match Reply::to(&comment, "We are on it.").unwrap() {
        Reply::Public(reply) => reply,
        Reply::Direct(_) => unreachable!("a post is answered in public"),
    }
}

fn renewed(n: usize) -> Answer {
    answer(200, format!(r#"{{"access_token":"access-{n}","refresh_token":"refresh-{n}","expires_in":7200}}"#))
}

const REFUSED: &str = r#"{"title":"Unauthorized","type":"about:blank","status":401,"detail":"Unauthorized"}"#;

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_kept_before_it_is_used() {
    let stage = Stage::new(vec![answer(401, REFUSED), answer(200, r#"{"meta":{}}"#)], vec![renewed(2)]).await;
    assert_eq!(stage.mentions().await.unwrap(), 0);
    let called = stage.called();
    let tokens: Vec<_> = called.iter().map(|call| call.token.as_str()).collect();
    assert_eq!(tokens, ["Bearer first-access", "", "Bearer access-2"]);
    assert!(called[1].body.contains("refresh_token=first-refresh") && called[1].body.contains("client_id=app"));
    let stored = stage.stored().await;
    assert_eq!((stored.access.as_str(), stored.refresh.as_deref()), ("access-2", Some("refresh-2")));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_at_once_renew_once() {
    let refusals = vec![answer(401, REFUSED); 8];
    let stage = Arc::new(Stage::new(refusals, vec![renewed(2), renewed(3)]).await);
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let stage = stage.clone();
            tokio::spawn(async move { stage.mentions().await })
        })
        .collect();
    for call in calls {
        // A call may fail if its new token is refused too; a token just refreshed is not refreshed again.
        let _ = call.await.unwrap();
    }
    let renewals = stage.called().iter().filter(|call| call.what.contains("/oauth2/token")).count();
    assert!(renewals <= 2, "{renewals} renewals for one dead token");
    let used = stage.called().iter().filter(|call| call.body.contains("first-refresh")).count();
    assert_eq!(used, 1, "a refresh token is good once");
}

/// A token store whose operations fail on demand, each with its own error.
#[derive(Debug)]
struct Failing {
    tokens: Mutex<Tokens>,
    save: Mutex<Option<TokenError>>,
    lease: Mutex<Option<TokenError>>,
}

impl TokenStore for Failing {
    fn load(&self) -> Asked<'_, Option<Tokens>> {
        Box::pin(async { Ok(Some(self.tokens.lock().unwrap().clone())) })
    }

    fn save<'a>(&'a self, tokens: &'a Tokens) -> Asked<'a, ()> {
        Box::pin(async {
            self.save.lock().unwrap().clone().map_or(Ok(()), Err)?;
            *self.tokens.lock().unwrap() = tokens.clone();
            Ok(())
        })
    }

    fn check_lease(&self) -> Asked<'_, ()> {
        Box::pin(async { self.lease.lock().unwrap().clone().map_or(Ok(()), Err) })
    }
}

#[tokio::test]
async fn a_refresh_token_is_used_only_by_who_holds_the_lease_and_its_successor_only_once_stored() {
    let mut stage = Stage::new(vec![answer(401, REFUSED), answer(401, REFUSED)], vec![renewed(2)]).await;
    let (superseded, full) = (TokenError::Superseded, TokenError::Storage("the disk is full".into()));
    let tokens = Arc::new(Failing {
        tokens: Mutex::new(stage.stored().await),
        save: Mutex::new(Some(full.clone())),
        lease: Mutex::new(Some(superseded.clone())),
    });
    let settings = XSettings { url: stage.url.clone(), client_id: Some("app".into()), ..XSettings::default() };
    let account = ACCOUNT.parse().unwrap();
    stage.client = Client::new(&settings, account, tokens.clone(), client::http().unwrap(), Clock::Wall).unwrap();
    let used = |stage: &Stage| stage.called().into_iter().map(|call| call.token).collect::<Vec<_>>();

    assert_eq!(stage.mentions().await.unwrap_err(), XError::Tokens(superseded));
    assert_eq!(used(&stage), ["Bearer first-access"], "nothing is refreshed");
    *tokens.lease.lock().unwrap() = None;
    assert_eq!(stage.mentions().await.unwrap_err(), XError::Tokens(full));
    assert_eq!(used(&stage)[1..], ["Bearer first-access", ""], "what is not stored is not used");
    *tokens.save.lock().unwrap() = None;
    assert_eq!(stage.mentions().await.unwrap(), 0);
    assert_eq!(used(&stage)[3..], ["Bearer access-2"], "and not lost either");
    assert_eq!(tokens.tokens.lock().unwrap().refresh.as_deref(), Some("refresh-2"));
}

#[tokio::test]
async fn only_the_token_endpoint_says_that_a_grant_is_dead() {
    let description = "Value passed for the token was invalid.";
    let (dead, app, other) =
        ("authorization no longer valid: ", "the client id or the client secret of the app is", "");
    for (refusal, told) in [
        (answer(400, format!(r#"{{"error":"invalid_request","error_description":"{description}"}}"#)), dead),
        (answer(400, r#"{"error":"invalid_grant"}"#), dead),
        (answer(401, r#"{"error":"invalid_grant"}"#), dead),
        (answer(403, r#"{"error":"invalid_grant"}"#), other),
        (answer(429, r#"{"error":"invalid_grant"}"#), other),
        (answer(500, r#"{"error":"invalid_grant"}"#), other),
        (answer(400, r#"{"error":"invalid_client"}"#), app),
        (answer(401, r#"{"error":"invalid_client"}"#), app),
        (
            answer(
                400,
                r#"{"error":"invalid_request","error_description":"Value passed for the client was invalid."}"#,
            ),
            app,
        ),
        (
            answer(401, r#"{"error":"unauthorized_client","error_description":"Missing valid authorization header"}"#),
            app,
        ),
        (answer(400, r#"{"error":"invalid_scope"}"#), other),
        (answer(401, REFUSED), other),
        (answer(403, "<html>"), other),
    ] {
        let said = String::from_utf8_lossy(&refusal.body).into_owned();
        let stage = Stage::new(vec![answer(401, REFUSED)], vec![refusal]).await;
        let error = stage.mentions().await.unwrap_err();
        assert!(error.to_string().contains(told), "{said}: {error}");
        let is_dead = matches!(error, XError::Refused(Refusal::GrantDead(_)));
        assert_eq!(is_dead, told == dead, "{said}: {error:?}");
        let refuses_message = matches!(error, XError::Refused(Refusal::Other { .. }));
        assert!(!refuses_message, "{said}: {error:?}");
        assert_eq!(stage.stored().await.refresh.as_deref(), Some("first-refresh"), "nothing is thrown away");
    }
}

#[tokio::test]
async fn a_grant_that_died_of_a_lost_answer_says_so() {
    let refused = || answer(401, REFUSED);
    let lost = answer(200, "{");
    let dead = answer(400, r#"{"error":"invalid_grant"}"#);
    let stage = Stage::new(vec![refused(), refused()], vec![lost, dead]).await;
    let error = stage.mentions().await.unwrap_err();
    assert!(matches!(error, XError::Unavailable { .. }), "{error:?}");
    let error = stage.mentions().await.unwrap_err();
    assert!(error.to_string().contains("an earlier refresh was lost"), "{error}");
}

#[tokio::test]
async fn a_renewal_that_fails_for_now_is_no_refusal() {
    let stage = Stage::new(vec![answer(401, REFUSED)], vec![answer(503, "")]).await;
    let error = stage.mentions().await.unwrap_err();
    assert!(matches!(error, XError::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn limits_are_read_from_the_answer() {
    let reset = Clock::Wall.now().as_second() + 600;
    let limited = answer(429, r#"{"title":"Too Many Requests","status":429}"#);
    let stage = Stage::new(vec![limited.clone().header("x-rate-limit-reset", reset), limited], vec![]).await;
    let error = stage.mentions().await.unwrap_err();
    let wait = error.wait().unwrap().as_secs();
    assert!((590..=600).contains(&wait), "{wait}");
    // Without the header, the time of the reset is unknown; it is a rate limit all the same.
    let error = stage.mentions().await.unwrap_err();
    assert!(matches!(error, XError::Refused(Refusal::RateLimited { .. })), "{error:?}");
    assert_eq!(error.wait(), None);
}

#[tokio::test]
async fn the_cap_of_a_day_counts_more_than_the_window() {
    let tomorrow = Clock::Wall.now().as_second() + 80_000;
    let spent = answer(200, r#"{"meta":{}}"#)
        .header("x-rate-limit-remaining", 10)
        .header("x-rate-limit-reset", 1)
        .header("x-app-limit-24hour-remaining", 0)
        .header("x-app-limit-24hour-reset", tomorrow);
    let stage = Stage::new(vec![spent], vec![]).await;
    let answered = stage.client.mentions(None, None, None).await.unwrap();
    assert_eq!(answered.limits.remaining, Some(0));
    assert!(answered.limits.resets_in.unwrap().as_secs() > 79_000);
}

#[tokio::test]
async fn what_is_no_answer_is_told_and_never_believed() {
    let large = format!("{{\"data\":[{}]}}", "0,".repeat(5_000_000));
    for bad in [
        answer(502, "<html>Bad gateway</html>"),
        answer(200, "<html>Welcome</html>"),
        answer(200, ""),
        answer(200, large),
        answer(200, r#"{"data":{}}"#),
        answer(200, r#"{"data":"none"}"#),
        answer(200, r#"{"data":null}"#),
        answer(200, r#"{"errors":[{"title":"Not Found Error"}]}"#),
        answer(200, "{}"),
        answer(200, "[]"),
        answer(200, "7"),
    ] {
        let stage = Stage::new(vec![bad], vec![]).await;
        let error = stage.mentions().await.unwrap_err();
        assert!(matches!(error, XError::Unavailable { .. }), "{error:?}");
        assert!(error.to_string().len() < 1_000, "{error}");
    }
}

/// A page with a broken post between two good ones, and these users and this metadata.
fn page_with(broken: &[u8], users: &[u8], meta: &[u8]) -> Vec<u8> {
    let good = |id: u8| format!(r#"{{"id":"10{id}","text":"@acme {id}","author_id":"71"}}"#).into_bytes();
    let data = [good(3), broken.to_vec(), good(1)].join(&b","[..]);
    [&b"{\"data\":["[..], &data, b"],\"includes\":{\"users\":", users, b"},\"meta\":", meta, b"}"].concat()
}

#[tokio::test]
async fn one_broken_message_spoils_no_other() {
    let post = |text: &[u8]| [&b"{\"id\":\"102\",\"author_id\":\"71\",\"text\":"[..], text, b"}"].concat();
    let deep = [&b"[".repeat(100_000)[..], &b"]".repeat(100_000)].concat();
    let user = br#"[{"id":"71","username":"ada","name":"Ada"}]"#;
    let broken: [(&str, Vec<u8>); 11] = [
        ("half a surrogate pair", post(br#""caf\ud83d""#)),
        ("the other half", post(br#""\ude00 caf""#)),
        ("no UTF-8", post(b"\"caf\xe9\"")),
        ("an escape that is none", post(br#""\x41""#)),
        ("a control character", post(b"\"a\x01b\"")),
        ("no number", post(b"NaN")),
        ("a number without end", post(b"1e99999")),
        ("too deep", post(&deep)),
        ("a number for an id", br#"{"id":102,"author_id":"71","text":"a"}"#.to_vec()),
        ("an object for a text", post(b"{}")),
        ("no object", b"\"post\"".to_vec()),
    ];
    for (what, broken) in &broken {
        let stage = Stage::new(vec![answer(200, page_with(broken, user, b"{}"))], vec![]).await;
        let page = stage.client.mentions(None, None, None).await.unwrap().answer;
        let read: Vec<_> = page.items.iter().map(|item| item.as_ref().ok().map(|post| post.text.as_str())).collect();
        assert_eq!(read, [Some("@acme 3"), None, Some("@acme 1")], "{what}");
        let unreadable = page.items[1].as_ref().unwrap_err();
        assert!(
            broken.starts_with(&unreadable.raw) || unreadable.raw.len() < broken.len() + 20,
            "{what}: kept as it came"
        );
        let has_id = broken.windows(5).any(|raw| raw == b"\"102\"");
        assert_eq!(unreadable.id.as_ref().map(XId::as_str), has_id.then_some("102"), "{what}");
    }
    // Broken users or metadata do not affect the posts.
    let good = post(b"\"@acme 2\"");
    for (users, handle) in [
        (&br#"[{"id":"71","username":"ada","name":"caf\ud83d"}]"#[..], Some("ada")),
        (b"[{\"id\":\"71\",\"username\":\"ada\",\"name\":\"\xff\"},7]", Some("ada")),
        (br#"[{"id":71,"username":"ada"}]"#, None),
        (b"[NaN]", None),
        (b"NaN", None),
    ] {
        let stage = Stage::new(vec![answer(200, page_with(&good, users, b"{}"))], vec![]).await;
        let page = stage.client.mentions(None, None, None).await.unwrap().answer;
        let handles =
            page.items.iter().map(|item| item.as_ref().unwrap().people.first().and_then(|p| p.handle.as_deref()));
        assert_eq!(handles.collect::<Vec<_>>(), [handle; 3], "{}", String::from_utf8_lossy(users));
    }
    for (meta, next, is_lost) in [
        (&br#"{"next_token":"more"}"#[..], Some("more"), false),
        (br#"{"next_token":""}"#, None, false),
        (br#"{"next_token":null}"#, None, false),
        (br#"{"next_token":7}"#, None, true),
        (br#"{"next_token":"\ud83d"}"#, None, true),
        (br#"{"result_count":NaN,"next_token":"more"}"#, Some("more"), false),
        (b"{\"note\":\"\xff\"}", None, false),
        (b"[]", None, true),
        (b"NaN", None, true),
    ] {
        let stage = Stage::new(vec![answer(200, page_with(&good, user, meta))], vec![]).await;
        let page = stage.client.mentions(None, None, None).await.unwrap().answer;
        let read = (page.items.iter().flatten().count(), page.next.as_deref(), page.next_is_lost);
        assert_eq!(read, (3, next, is_lost), "{}", String::from_utf8_lossy(meta));
    }
}

#[tokio::test]
async fn a_broken_word_beside_a_token_or_an_id_costs_neither() {
    for beside in [r#""expires_in":7200,"scope":"caf\ud83d""#, r#""expires_in":"soon","scope":["dm.read"]"#] {
        let tokens = format!(r#"{{"access_token":"access-2","refresh_token":"refresh-2",{beside}}}"#);
        let answers = vec![answer(401, REFUSED), answer(200, r#"{"meta":{}}"#)];
        let stage = Stage::new(answers, vec![answer(200, tokens)]).await;
        assert_eq!(stage.mentions().await.unwrap(), 0);
        assert_eq!(stage.stored().await.refresh.as_deref(), Some("refresh-2"));
    }
    let created = answer(201, br#"{"data":{"id":"77","text":"caf\ud83d"}}"#.to_vec());
    let stage = Stage::new(vec![created], vec![]).await;
    assert_eq!(stage.client.create_post(&reply()).await.unwrap().id.as_str(), "77");
    let me = answer(200, b"{\"data\":{\"id\":\"9\",\"username\":\"acme\",\"name\":\"\xff\"}}".to_vec());
    let stage = Stage::new(vec![me], vec![]).await;
    assert_eq!(stage.client.me().await.unwrap().handle.as_deref(), Some("acme"));
    let refused = answer(
        403,
        b"{\"detail\":\"You are not allowed to create a post with duplicate content.\",\"x\":\"\xff\"}".to_vec(),
    );
    let stage = Stage::new(vec![refused], vec![]).await;
    let error = stage.client.create_post(&reply()).await.unwrap_err();
    assert!(matches!(error, XError::Refused(Refusal::Duplicate(_))), "{error:?}");
}

#[tokio::test]
async fn tokens_go_nowhere_else() {
    let elsewhere = Stage::new(vec![], vec![]).await;
    let there = answer(302, "").header("location", format!("{}/2/users/9/mentions", elsewhere.url));
    let stage = Stage::new(vec![there], vec![]).await;
    stage.mentions().await.unwrap_err();
    assert_eq!(elsewhere.called(), []);
}

#[tokio::test]
async fn secrets_are_in_no_log() {
    let stage = Stage::new(vec![answer(401, REFUSED)], vec![]).await;
    let error = stage.mentions().await.unwrap_err();
    for text in [format!("{:?}", stage.client), format!("{:?}", stage.stored().await), format!("{error:?} {error}")] {
        assert!(!text.contains("first-access") && !text.contains("first-refresh"), "{text}");
    }
}

#[tokio::test]
async fn a_post_whose_answer_is_lost_may_be_there() {
    // No id in the answer, a gateway's error, an unreadable answer: the post may exist.
    for lost in [answer(201, "{}"), answer(201, "<html>"), answer(502, ""), answer(504, ""), answer(500, "")] {
        let status = lost.status;
        let stage = Stage::new(vec![lost], vec![]).await;
        let error = stage.client.create_post(&reply()).await.unwrap_err();
        assert!(matches!(error, XError::AnswerLost(_)), "{status}: {error:?}");
        assert_eq!(stage.called().len(), 1, "it is not sent again blindly");
    }
    // Overload and refusals: the post does not exist.
    let stage = Stage::new(vec![answer(503, "")], vec![]).await;
    assert!(matches!(stage.client.create_post(&reply()).await.unwrap_err(), XError::Unavailable { .. }));
    for status in [400, 403] {
        let stage = Stage::new(vec![answer(status, r#"{"detail":"No."}"#)], vec![]).await;
        let error = stage.client.create_post(&reply()).await.unwrap_err();
        assert!(matches!(error, XError::Refused(_)) && error.to_string().contains("No."), "{error:?}");
    }
    let stage = Stage::new(vec![answer(201, r#"{"data":{"id":"77","text":"We are on it."}}"#)], vec![]).await;
    assert_eq!(stage.client.create_post(&reply()).await.unwrap().id.as_str(), "77");
    let body: serde_json::Value = serde_json::from_str(&stage.called()[0].body).unwrap();
    assert_eq!(body["reply"]["in_reply_to_tweet_id"], "55");
}

/// Status and body of an answer, and the error when reading and when sending; empty: the same.
const TOLD: &[(u16, &str, &str, &str)] = &[
    (302, "", "302 that is not from X, perhaps from a proxy: Found", ""),
    (400, r#"{"detail":"No."}"#, "X refused: 400: No.", ""),
    (401, REFUSED, "X refused: authorization refused: Unauthorized", ""),
    (402, "", "X refused: the app's credits are used up: Payment Required", ""),
    (403, r#"{"detail":"No."}"#, "X refused: 403: No.", ""),
    (
        403,
        r#"{"title":"Forbidden","detail":"Forbidden"}"#,
        "X refused: the app or the account lacks permission: Forbidden",
        "",
    ),
    (
        403,
        r#"{"detail":"Verify first.","type":"https://api.x.com/2/problems/dm-sender-not-verified"}"#,
        "X refused: the app or the account lacks permission: Verify first.",
        "",
    ),
    (
        403,
        r#"{"detail":"Too long.","type":"https://api.x.com/2/problems/dm-text-too-long"}"#,
        "X refused: the text is too long: Too long.",
        "",
    ),
    (
        403,
        r#"{"detail":"They block you.","type":"https://api.x.com/2/problems/dm-recipient-blocks-sender"}"#,
        "X refused: the person does not accept direct messages from this account: They block you.",
        "",
    ),
    (
        403,
        r#"{"detail":"No text.","type":"https://api.x.com/2/problems/dm-text-empty"}"#,
        "X refused: 403: No text.",
        "",
    ),
    (403, "", "403 that is not from X, perhaps from a proxy: Forbidden", ""),
    (403, "<html>No", "403 that is not from X, perhaps from a proxy: <html>No", ""),
    (
        403,
        r#"{"detail":"Your account is suspended."}"#,
        "X refused: the account is locked or suspended: Your account is suspended.",
        "",
    ),
    (404, r#"{"detail":"No such thing."}"#, "X refused: deleted or not visible: No such thing.", ""),
    (404, "", "404 that is not from X, perhaps from a proxy: Not Found", ""),
    (407, "", "407 that is not from X, perhaps from a proxy: Proxy Authentication Required", ""),
    (408, "", "X answered 408: Request Timeout", "unknown outcome: X answered 408: Request Timeout"),
    (413, "", "413 that is not from X, perhaps from a proxy: Payload Too Large", ""),
    (418, r#"{"title":"Teapot"}"#, "X refused: 418: Teapot", ""),
    (425, "", "X answered 425: Too Early", "unknown outcome: X answered 425: Too Early"),
    (429, "", "X refused: rate limit reached", ""),
    (500, r#"{"title":"Oops"}"#, "X answered 500: Oops", "unknown outcome: X answered 500: Oops"),
    (502, "", "X answered 502: Bad Gateway", "unknown outcome: X answered 502: Bad Gateway"),
    (503, "", "X answered 503: Service Unavailable", ""),
    (599, "", "X answered 599: ", "unknown outcome: X answered 599: "),
    (
        200,
        "<html>",
        "cannot read X's answer: not valid JSON: expected value at line 1 column 1",
        "unknown outcome: X accepted it but returned no id",
    ),
    (200, "{}", "X's answer has no list", "unknown outcome: X accepted it but returned no id"),
];

#[tokio::test]
async fn every_answer_that_is_none_is_told_as_what_it_is() {
    for (status, body, read, sent) in TOLD {
        // A refused token is refreshed once, and the refresh is refused too.
        let stage = Stage::new(vec![answer(*status, *body)], vec![answer(401, REFUSED)]).await;
        assert_eq!(stage.mentions().await.unwrap_err().to_string(), *read, "{status} {body}");
        let stage = Stage::new(vec![answer(*status, *body)], vec![answer(401, REFUSED)]).await;
        let told = stage.client.create_post(&reply()).await.unwrap_err().to_string();
        assert_eq!(told, if sent.is_empty() { *read } else { *sent }, "{status} {body}");
    }
}

#[tokio::test]
async fn every_connection_that_fails_is_told_as_what_it_did() {
    // What the server writes to a connection; `None` means that no server listens.
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{";
    for (says, read, sent) in [
        (None, "cannot reach X: ", "cannot reach X: "),
        (
            Some(""),
            "the connection to X ended before its answer: ",
            "unknown outcome: the connection to X ended before",
        ),
        (
            Some(half),
            "the connection to X ended before its answer: ",
            "unknown outcome: the connection to X ended before",
        ),
        (
            Some("SSH-2.0\r\n"),
            "the connection to X ended before its answer: ",
            "unknown outcome: the connection to X ended before",
        ),
    ] {
        let url = match says {
            None => "http://127.0.0.1:1".to_owned(),
            Some(says) => {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let url = format!("http://{}", listener.local_addr().unwrap());
                tokio::spawn(async move {
                    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
                    while let Ok((mut stream, _)) = listener.accept().await {
                        let _ = stream.read(&mut [0; 4096]).await;
                        let _ = stream.write_all(says.as_bytes()).await;
                    }
                });
                url
            }
        };
        let stage = Stage::at(url, Arc::default()).await;
        let told = stage.mentions().await.unwrap_err().to_string();
        assert!(told.starts_with(read), "{says:?}: {told}");
        let told = stage.client.create_post(&reply()).await.unwrap_err().to_string();
        assert!(told.starts_with(sent), "{says:?}: {told}");
    }
}

#[tokio::test]
async fn x_that_is_not_there_was_never_reached() {
    let stage = Stage::at("http://127.0.0.1:1".into(), Arc::default()).await;
    let error = stage.client.create_post(&reply()).await.unwrap_err();
    assert!(matches!(error, XError::NotReached(_)), "{error:?}");
}

/// A page of posts with these ids.
fn page(ids: &[u64], next: Option<&str>) -> Answer {
    let data: Vec<_> = ids
        .iter()
        .map(|id| serde_json::json!({"id": id.to_string(), "text": "@acme hello", "author_id": "71"}))
        .collect();
    let mut page = serde_json::json!({"data": data, "meta": {"result_count": ids.len()}});
    if let Some(next) = next {
        page["meta"]["next_token"] = next.into();
    }
    answer(200, page.to_string())
}

#[tokio::test]
async fn a_poll_asks_above_what_is_known_and_goes_on_where_x_says() {
    let pages = vec![page(&[30, 29], Some("b")), page(&[9, 28], Some("c")), page(&[], None)];
    let stage = Stage::new(pages, vec![]).await;
    let mut position = Position::default();
    let mut stretch = position.from_top(&account(), Endpoint::Mentions, 0);
    stretch.since = Some("5".parse().unwrap());
    for ids in [&["30", "29"][..], &["9", "28"], &[]] {
        let read = read_page(&stage.client, Endpoint::Mentions, &stretch).await.unwrap().answer;
        assert_eq!(read.items.iter().map(|item| item.x_id.as_str()).collect::<Vec<_>>(), ids);
        position.note(Endpoint::Mentions, stretch.clone(), &read, &|_| false, None);
        if let Some(unfinished) = position.unfinished() {
            stretch = unfinished.clone();
        }
    }
    assert_eq!(position.unfinished(), None);
    let called = stage.called();
    assert!(called.iter().all(|call| call.what.contains("since_id=5")), "{called:?}");
    assert!(called[1].what.contains("pagination_token=b") && called[2].what.contains("pagination_token=c"));
    // Ids are compared as numbers, not as text; ids this small have no timestamp.
    assert_eq!(position.from_top(&account(), Endpoint::Mentions, 0).since.unwrap().as_str(), "30");
}

#[test]
fn waits_follow_what_x_says_and_grow_where_it_says_nothing() {
    let every = std::time::Duration::from_secs(30);
    let limits = |remaining, resets_in: Option<u64>| Limits {
        remaining,
        resets_in: resets_in.map(std::time::Duration::from_secs),
        ..Limits::default()
    };
    let wait = |limits: &Limits, failures, spread| next_poll(every, limits, failures, spread).as_secs();
    assert_eq!(wait(&limits(Some(50), Some(600)), 0, 0.0), 30, "calls are left");
    assert_eq!(wait(&limits(Some(14), Some(900)), 0, 0.0), 64, "few are, and they are spread");
    assert_eq!(wait(&limits(Some(0), Some(600)), 0, 0.0), 600, "none are");
    assert_eq!(wait(&limits(Some(0), None), 0, 0.0), 60, "none are, and X does not say until when");
    assert_eq!(wait(&limits(None, Some(600)), 1, 0.0), 600, "a failure waits for the reset as well");
    let nothing = Limits::default();
    let waits: Vec<_> = (1..20).map(|failures| wait(&nothing, failures, 1.0)).collect();
    assert!(waits.is_sorted() && waits[0] == 60 && waits[18] <= 3_600, "{waits:?}");
    assert!((1..20).all(|failures| wait(&nothing, failures, 0.0) == 30), "spread from one interval on");
}
