//! Tokens of accounts: asked for in a browser, kept sealed, renewed once and by one.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use url::Url;

use super::{
    Refusal, XError,
    client::{Sent, bounded_body, send},
    error::refusal,
    limits::retry_after,
    parts::salvage,
};
use crate::{
    clock::Clock,
    desk::{Account, Tokens, XId},
    settings::XSettings,
    store::{Key, Store},
};

/// What Twite asks an account to allow.
pub const SCOPES: &str = "tweet.read tweet.write users.read dm.read dm.write like.read offline.access";
/// What tokens cannot do of what `twite.toml` asks of their account, a sentence each. Of tokens that do not say what they are good
/// for, only what is seen without.
pub fn lacks(account: &Account, tokens: &Tokens) -> Vec<String> {
    let needed = [
        ("", true, "tweet.read"),
        ("", true, "users.read"),
        ("capture_direct_messages", account.capture_direct_messages, "dm.read"),
        ("track_likes", account.track_likes, "like.read"),
        ("allow_replies", account.allow_replies, "tweet.write"),
        // What is answered in a direct message is a direct message.
        ("allow_replies", account.allow_replies && account.capture_direct_messages, "dm.write"),
    ];
    let granted = |scope: &str| tokens.scopes.is_empty() || tokens.scopes.iter().any(|granted| granted == scope);
    let missing = needed.into_iter().filter(|(_, asked, scope)| *asked && !granted(scope));
    let mut lacks: Vec<String> = missing
        .map(|(switch, _, scope)| match switch {
            "" => format!("scope `{scope}` was not granted; Twite cannot work without it"),
            switch => format!("scope `{scope}` was not granted; `{switch} = true` needs it"),
        })
        .collect();
    if tokens.refresh.is_none() {
        lacks.push(
            "no refresh token (scope `offline.access`), so the account has to be connected again when the access \
             token ends, after two hours"
                .to_owned(),
        );
    }
    lacks
}

/// How long before its end an access token is renewed.
const AHEAD: SignedDuration = SignedDuration::from_secs(60);

/// The app that acts for accounts, as registered at X.
#[derive(Clone)]
pub struct App {
    http: reqwest::Client,
    url: Url,
    client_id: String,
    secret: Option<String>,
    clock: Clock,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("url", &self.url.as_str())
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

impl App {
    /// The app of these settings. The secret of a confidential app comes from the environment.
    ///
    /// # Errors
    /// When the address is none, or the variable that should hold the secret is not set.
    pub fn new(settings: &XSettings, http: reqwest::Client, clock: Clock) -> Result<Self, XError> {
        let url =
            Url::parse(&settings.url).map_err(|e| XError::Tokens(format!("`x.url = \"{}\"`: {e}", settings.url)))?;
        let secret = match &settings.client_secret_env {
            Some(variable) => Some(std::env::var(variable).map_err(|_| {
                XError::Tokens(format!(
                    "environment variable `{variable}` is not set; it must contain the app's client secret"
                ))
            })?),
            None => None,
        };
        Ok(Self { http, url, client_id: settings.client_id.clone().unwrap_or_default(), secret, clock })
    }

    /// Where a person allows the app to act for an account, with what X must send back.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn authorise(&self, redirect: &str) -> Result<Authorisation, XError> {
        let random = || {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).map_err(|e| XError::Tokens(e.to_string()))?;
            Ok(URL_SAFE_NO_PAD.encode(bytes))
        };
        let (state, verifier) = (random()?, random()?);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        // People sign in at x.com; everything else, a simulator among it, serves the page itself.
        let page = match self.url.host_str() {
            Some("api.x.com" | "api.twitter.com") => Url::parse("https://x.com/i/oauth2/authorize"),
            _ => self.url.join("/i/oauth2/authorize"),
        };
        let mut page = page.map_err(|e| XError::Tokens(e.to_string()))?;
        page.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", redirect)
            .append_pair("scope", SCOPES)
            .append_pair("state", &state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(Authorisation { page, state, verifier, redirect: redirect.to_owned() })
    }

    /// Exchanges the code that X sent back, within the half minute that it lives.
    ///
    /// # Errors
    /// When X refuses it.
    pub async fn exchange(&self, authorisation: &Authorisation, code: &str) -> Result<Tokens, XError> {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &authorisation.redirect),
            ("code_verifier", &authorisation.verifier),
        ])
        .await
    }

    async fn refresh(&self, refresh: &str) -> Result<Tokens, XError> {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await
    }

    async fn token(&self, form: &[(&str, &str)]) -> Result<Tokens, XError> {
        let url = self.url.join("/2/oauth2/token").map_err(|e| XError::Tokens(e.to_string()))?;
        let mut form = form.to_vec();
        let mut request = self.http.post(url);
        match &self.secret {
            Some(secret) => request = request.basic_auth(&self.client_id, Some(secret)),
            None => form.push(("client_id", &self.client_id)),
        }
        // A refresh token works once: where the answer is lost, X may have taken it.
        let answer = send(request.form(&form), Sent::Something).await?;
        let status = answer.status().as_u16();
        let wait = retry_after(answer.headers(), self.clock.now());
        let body = bounded_body(answer, Sent::Something).await?;
        if !(200..300).contains(&status) {
            return Err(match dead_grant(&body) {
                Some(detail) if (400..500).contains(&status) => XError::Refused(Refusal::GrantDead(detail)),
                _ => refusal(status, &body, wait),
            });
        }
        // Refresh tokens work once: what else there is to say of the pair is no reason to lose it.
        let answer = salvage(&body);
        let text = |name: &str| answer.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let lost = || XError::AnswerLost("the token response has no `access_token`".to_owned());
        let ends = |seconds| self.clock.now().checked_add(SignedDuration::from_secs(seconds)).ok();
        Ok(Tokens {
            access: text("access_token").ok_or_else(lost)?,
            refresh: text("refresh_token"),
            expires: answer.get("expires_in").and_then(Value::as_i64).and_then(ends),
            scopes: text("scope").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        })
    }
}

/// Whether the token endpoint says that a grant is dead. X says so of a refresh token that was spent or taken back in words of
/// its own, and refuses with the same status what is no token at all.
fn dead_grant(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Problem {
        error: String,
        #[serde(default)]
        error_description: String,
    }
    let problem: Problem = serde_json::from_value(salvage(body)).ok()?;
    let says_so = match problem.error.as_str() {
        "invalid_grant" | "invalid_client" => true,
        "invalid_request" => problem.error_description.contains("token was invalid"),
        _ => false,
    };
    let words = if problem.error_description.is_empty() { problem.error } else { problem.error_description };
    says_so.then_some(words)
}

/// A person's visit to X's page, under way.
#[derive(Clone)]
pub struct Authorisation {
    /// The page to open in a browser.
    pub page: Url,
    state: String,
    verifier: String,
    redirect: String,
}

impl Authorisation {
    /// Whether what came back belongs to this visit. Takes as long for a near miss as for a far one.
    pub fn is_state(&self, state: &str) -> bool {
        let differ = self.state.bytes().zip(state.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
        self.state.len() == state.len() && differ == 0
    }
}

/// The tokens of one account. There is one of these for an account in a process, and it renews one at a time.
#[derive(Debug)]
pub(super) struct TokenSource {
    app: App,
    store: Store,
    key: Key,
    account: XId,
    current: Mutex<Option<Current>>,
}

/// The tokens of an account as this process has them.
#[derive(Debug, Clone)]
struct Current {
    tokens: Tokens,
    /// Whether they are in the store. A refresh token works once: should the store fail just after one was used, the new
    /// pair is here only, and is kept until the store takes it.
    stored: bool,
    /// Whether the answer to a renewal was lost since.
    renewal_lost: bool,
}

impl Current {
    fn new(tokens: Tokens, stored: bool) -> Self {
        Self { tokens, stored, renewal_lost: false }
    }
}

impl TokenSource {
    pub(super) fn new(app: App, store: Store, key: Key, account: XId) -> Self {
        Self { app, store, key, account, current: Mutex::new(None) }
    }

    /// An access token that should be good. `refused` is one that X has just refused: another is found.
    pub(super) async fn access(&self, refused: Option<&str>) -> Result<String, XError> {
        let mut current = self.current.lock().await;
        if current.is_none() {
            *current = self.stored().await?.map(|tokens| Current::new(tokens, true));
        }
        let held = current.as_mut().ok_or_else(|| dead("the account was never connected"))?;
        self.keep(held).await?;
        let tokens = &held.tokens;
        let ends =
            tokens.expires.is_some_and(|at| self.app.clock.now().checked_add(AHEAD).is_ok_and(|soon| soon >= at));
        if !ends && refused != Some(tokens.access.as_str()) {
            return Ok(tokens.access.clone());
        }
        self.renew(held).await?;
        // The old pair is dead by now: the new one is safe before anybody uses it.
        self.keep(held).await?;
        Ok(held.tokens.access.clone())
    }

    /// Stores tokens that are not stored yet.
    async fn keep(&self, held: &mut Current) -> Result<(), XError> {
        if !held.stored {
            self.store
                .save_tokens(&self.key, &self.account, &held.tokens)
                .await
                .map_err(|e| XError::Tokens(format!("cannot store the new tokens: {e}")))?;
            held.stored = true;
        }
        Ok(())
    }

    async fn renew(&self, held: &mut Current) -> Result<(), XError> {
        // A daemon that was superseded must not spend what the one after it needs.
        self.store.check_lease().await.map_err(|e| XError::Tokens(e.to_string()))?;
        let tokens = &held.tokens;
        let Some(refresh) = tokens.refresh.as_deref() else {
            let has_ended = tokens.expires.is_some_and(|at| at <= self.app.clock.now());
            let why = "no refresh token";
            return Err(if has_ended { dead(why) } else { XError::Refused(Refusal::Unauthorised(why.to_owned())) });
        };
        match self.app.refresh(refresh).await {
            Ok(mut renewed) => {
                if renewed.refresh.is_none() {
                    renewed.refresh.clone_from(&tokens.refresh);
                }
                *held = Current::new(renewed, false);
                Ok(())
            }
            Err(XError::Refused(Refusal::GrantDead(why))) => match self.stored().await? {
                // Somebody else was quicker: theirs are the tokens now.
                Some(stored) if stored.access != tokens.access => {
                    *held = Current::new(stored, true);
                    Ok(())
                }
                _ if held.renewal_lost => Err(dead(&format!(
                    "{why} The answer to an earlier refresh was lost, and with it the tokens that X issued"
                ))),
                _ => Err(dead(&why)),
            },
            // To whoever asked for a token, nothing was sent yet.
            Err(XError::AnswerLost(why)) => {
                held.renewal_lost = true;
                Err(XError::unavailable(format!("unknown whether the tokens were refreshed: {why}")))
            }
            Err(other) => Err(other),
        }
    }

    async fn stored(&self) -> Result<Option<Tokens>, XError> {
        self.store.tokens(&self.key, &self.account).await.map_err(|e| XError::Tokens(e.to_string()))
    }
}

fn dead(why: &str) -> XError {
    XError::Refused(Refusal::GrantDead(why.to_owned()))
}
