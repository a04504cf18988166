//! Signing in at X in a browser, on the simulator's own authorization page.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Stdio},
};

use reqwest::{Client, StatusCode, Url};
use twite::{
    desk::AccountState,
    sim::{App, CLIENT_ID, NewPerson, Sim, SimOptions},
    store::Key,
};

use crate::support::{TestDesk, key};

const RULES: &str = "trigger \"A\" {\n  on created\n  then add tags a\n}\n";

/// A command that waits for somebody to sign in.
pub(super) struct SignIn {
    pub(super) child: Child,
    errors: BufReader<std::process::ChildStderr>,
    /// The authorization page.
    pub(super) page: Url,
    pub(super) browser: Client,
}

impl SignIn {
    pub(super) fn start(desk: &TestDesk, arguments: &[&str]) -> Self {
        let mut child = desk
            .command()
            .arg("accounts")
            .args(arguments)
            .arg("--rules")
            .arg(desk.rules())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut page = None;
        let mut line = String::new();
        while !line.starts_with("Waiting ") {
            line.clear();
            assert!(errors.read_line(&mut line).unwrap() > 0, "it ended");
            page = page.or(line.trim().parse::<Url>().ok());
        }
        // Another test of this process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let browser = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { child, errors, page: page.unwrap(), browser }
    }

    /// What the user decides on the page: where X redirects the browser.
    pub(super) async fn decide(&self, account: &str, decision: &str) -> Url {
        let mut form: HashMap<String, String> = self.page.query_pairs().into_owned().collect();
        form.extend([("account", account), ("decision", decision)].map(|(k, v)| (k.to_owned(), v.to_owned())));
        let page = self.page.join("/i/oauth2/authorize").unwrap();
        let back = self.browser.post(page).form(&form).send().await.unwrap();
        back.headers()["location"].to_str().unwrap().parse().unwrap()
    }

    async fn open(&self, url: Url) -> StatusCode {
        self.browser.get(url).send().await.unwrap().status()
    }

    /// The exit status, and what the command said meanwhile.
    pub(super) fn end(mut self) -> (i32, String) {
        let status = self.child.wait().unwrap().code().unwrap();
        let mut said = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        self.errors.read_to_string(&mut said).unwrap();
        (status, said)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_in_cancels_or_is_the_wrong_one() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let app = App {
        client_id: CLIENT_ID.into(),
        client_secret: None,
        redirect_uris: vec![format!("http://127.0.0.1:{port}/callback")],
        scopes: None,
    };
    let options = SimOptions { rate_limits: false, seed: Some(7), apps: vec![app], ..SimOptions::default() };
    let desk = TestDesk::on(Sim::start(options).await.unwrap(), &["acme"], RULES, "").await;
    let port = port.to_string();
    desk.sim.make_user(&NewPerson::named("mira")).unwrap();
    let store = desk.store().await;
    let tokens = async || store.tokens(&Key::from_base64(&key()).unwrap(), &desk.accounts[0]).await.unwrap();
    let old = tokens().await;
    let again = ["reauthorise", "acme", "--port", &port];

    let sign_in = SignIn::start(&desk, &again);
    let back = sign_in.decide("acme", "deny").await;
    assert_eq!(sign_in.open(back).await, StatusCode::OK);
    let (status, said) = sign_in.end();
    assert!(status == 2 && said.contains("the app was not authorized: access_denied"), "{said}");

    // Another state is refused, and the command goes on waiting.
    let sign_in = SignIn::start(&desk, &again);
    let back = sign_in.decide("mira", "approve").await;
    let forged: Url = format!("{}?state=forged&code=x", back.as_str().split('?').next().unwrap()).parse().unwrap();
    assert_eq!(sign_in.open(forged).await, StatusCode::BAD_REQUEST);
    assert_eq!(sign_in.open(back).await, StatusCode::OK);
    let (status, said) = sign_in.end();
    assert!(status == 2 && said.contains("the tokens belong to @mira, not to @acme"), "{said}");

    // Somebody gives up halfway.
    let mut sign_in = SignIn::start(&desk, &again);
    sign_in.decide("acme", "approve").await;
    sign_in.child.kill().unwrap();
    sign_in.child.wait().unwrap();

    // A code that X does not know.
    let sign_in = SignIn::start(&desk, &again);
    let mut back = sign_in.decide("acme", "deny").await;
    let state = back.query_pairs().find(|(key, _)| key == "state").unwrap().1.into_owned();
    back.query_pairs_mut().clear().append_pair("state", &state).append_pair("code", "unknown");
    assert_eq!(sign_in.open(back).await, StatusCode::OK);
    let (status, said) = sign_in.end();
    assert!(status == 3 && !said.contains("is connected"), "{status}: {said}");
    assert_eq!(tokens().await, old, "until then, the old tokens are kept");
    assert_eq!(store.accounts().await.unwrap()[0].state, AccountState::Connected);

    // Two clicks.
    let sign_in = SignIn::start(&desk, &again);
    let (first, second) = (sign_in.decide("acme", "approve").await, sign_in.decide("acme", "approve").await);
    assert_eq!(sign_in.open(first).await, StatusCode::OK);
    // By then, nobody may listen any more.
    let _ = sign_in.browser.get(second).send().await;
    let (status, said) = sign_in.end();
    assert!(status == 0 && said.contains("@acme is connected again"), "{said}");
    assert_ne!(tokens().await, old);

    // Whoever signs in is added.
    let sign_in = SignIn::start(&desk, &["add", "--port", &port]);
    let back = sign_in.decide("mira", "approve").await;
    assert_eq!(sign_in.open(back).await, StatusCode::OK);
    let (status, said) = sign_in.end();
    assert!(status == 0 && said.contains("@mira is connected\n"), "{said}");
    store.close().await;
}
