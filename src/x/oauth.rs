//! OAuth 2.0 tokens of accounts: authorization code flow with PKCE, encrypted storage, and refresh by one task at a
//! time.

use std::{collections::BTreeSet, fmt, iter::once, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use url::Url;

use super::{
    Refusal, TokenError, TokenStore, XError,
    client::{Sent, bounded_body, send},
    error::refusal,
    limits::retry_after,
    parts::salvage,
};
use crate::{
    clock::Clock,
    desk::{Account, Tokens, XAction},
    settings::XSettings,
};

/// OAuth scopes that Twite requests of every account.
const SCOPES: &str = "tweet.read tweet.write users.read dm.read dm.write like.read offline.access";

/// The OAuth scopes to request; with those of [`XAction`] if the account is to do them.
pub fn scopes(actions: bool) -> String {
    let more: BTreeSet<_> = XAction::ALL.into_iter().filter(|_| actions).map(XAction::scope).collect();
    once(SCOPES).chain(more).collect::<Vec<_>>().join(" ")
}

/// A scope that an account's declaration needs and its tokens do not grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingScope {
    /// The scope.
    pub scope: &'static str,
    /// The setting that needs it; `None` if Twite cannot work without it.
    setting: Option<&'static str>,
}

impl fmt::Display for MissingScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scope `{}` was not granted; ", self.scope)?;
        match self.setting {
            None => f.write_str("Twite cannot work without it"),
            Some(setting) => write!(f, "`{setting} = true` needs it"),
        }
    }
}

/// The scopes that the account's declaration needs and that were not `granted`. An empty list of granted scopes is
/// unknown to Twite, and assumed to contain them all.
pub fn missing_scopes(account: &Account, granted: &[String]) -> Vec<MissingScope> {
    let needed = [
        (None, true, "tweet.read"),
        (None, true, "users.read"),
        (Some("capture_direct_messages"), account.capture_direct_messages, "dm.read"),
        (Some("track_likes"), account.track_likes, "like.read"),
        (Some("allow_replies"), account.allow_replies, "tweet.write"),
        // A direct message is answered by a direct message.
        (Some("allow_replies"), account.allow_messages(), "dm.write"),
    ];
    let actions: BTreeSet<_> = XAction::ALL.map(XAction::scope).into();
    let actions = actions.into_iter().map(|scope| (Some("allow_actions"), account.allow_actions, scope));
    let is_granted = |scope: &str| granted.is_empty() || granted.iter().any(|granted| granted == scope);
    let missing = needed.into_iter().chain(actions).filter(|(_, asked, scope)| *asked && !is_granted(scope));
    missing.map(|(setting, _, scope)| MissingScope { scope, setting }).collect()
}

/// What the account's declaration needs and its tokens do not grant, one sentence each.
pub fn lacks(account: &Account, tokens: &Tokens) -> Vec<String> {
    let mut lacks: Vec<_> = missing_scopes(account, &tokens.scopes).iter().map(ToString::to_string).collect();
    if tokens.refresh.is_none() {
        lacks.push(
            "no refresh token (scope `offline.access`), so the account has to be reauthorised when the access \
             token ends, after two hours"
                .to_owned(),
        );
    }
    lacks
}

/// How long before its expiry an access token is refreshed.
const AHEAD: SignedDuration = SignedDuration::from_secs(60);

/// The OAuth client as registered at X.
#[derive(Clone)]
pub struct App {
    http: reqwest::Client,
    url: Url,
    client_id: String,
    secret: Option<String>,
    clock: Clock,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("url", &self.url.as_str())
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

impl App {
    /// Creates the client from the settings. A confidential client's secret comes from the environment.
    ///
    /// # Errors
    /// When `x.url` is not a URL, or the environment variable for the secret is not set.
    pub fn new(settings: &XSettings, http: reqwest::Client, clock: Clock) -> Result<Self, XError> {
        let url =
            Url::parse(&settings.url).map_err(|e| XError::Setup(format!("`x.url = \"{}\"`: {e}", settings.url)))?;
        let secret = match &settings.client_secret_env {
            Some(variable) => Some(std::env::var(variable).map_err(|_| {
                XError::Setup(format!(
                    "environment variable `{variable}` is not set; it must contain the app's client secret"
                ))
            })?),
            None => None,
        };
        Ok(Self { http, url, client_id: settings.client_id.clone().unwrap_or_default(), secret, clock })
    }

    /// Starts the authorization of an account, if `actions` with the scopes of what is done at X besides answering: the
    /// page to open, and the state and PKCE verifier to check the callback with.
    ///
    /// # Errors
    /// When the system's random number generator fails.
    pub fn authorise(&self, redirect: &str, actions: bool) -> Result<Authorisation, XError> {
        let random = || -> Result<String, XError> {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).map_err(|e| XError::Setup(e.to_string()))?;
            Ok(URL_SAFE_NO_PAD.encode(bytes))
        };
        let (state, verifier) = (random()?, random()?);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        // X serves the authorization page on x.com; any other server, such as the simulator, serves it itself.
        let page = match self.url.host_str() {
            Some("api.x.com" | "api.twitter.com") => Url::parse("https://x.com/i/oauth2/authorize"),
            _ => self.url.join("/i/oauth2/authorize"),
        };
        let mut page = page.map_err(|e| XError::Setup(e.to_string()))?;
        page.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", redirect)
            .append_pair("scope", &scopes(actions))
            .append_pair("state", &state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(Authorisation { page, state, proof: Proof { redirect: redirect.to_owned(), verifier } })
    }

    /// Exchanges an authorization code for tokens. X expires the code after 30 seconds.
    ///
    /// # Errors
    /// When X refuses it.
    pub async fn exchange(&self, proof: &Proof, code: &str) -> Result<Tokens, XError> {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &proof.redirect),
            ("code_verifier", &proof.verifier),
        ])
        .await
    }

    /// Revokes tokens at X: the refresh token, without which the access token ends within two hours, and then that.
    ///
    /// # Errors
    /// When X does not confirm it.
    pub async fn revoke(&self, tokens: &Tokens) -> Result<(), XError> {
        let url = self.url.join("/2/oauth2/revoke").map_err(|e| XError::Setup(e.to_string()))?;
        let refresh = tokens.refresh.as_deref().map(|refresh| (refresh, "refresh_token"));
        for (token, kind) in refresh.into_iter().chain(once((tokens.access.as_str(), "access_token"))) {
            let mut form = vec![("token", token), ("token_type_hint", kind)];
            let mut request = self.http.post(url.clone());
            match &self.secret {
                Some(secret) => request = request.basic_auth(&self.client_id, Some(secret)),
                None => form.push(("client_id", &self.client_id)),
            }
            let answer = send(request.form(&form), Sent::Nothing).await?;
            let status = answer.status().as_u16();
            if !(200..300).contains(&status) {
                let wait = retry_after(answer.headers(), self.clock.now());
                let body = bounded_body(answer, Sent::Nothing).await?;
                return Err(refusal(status, &body, wait));
            }
        }
        Ok(())
    }

    async fn refresh(&self, refresh: &str) -> Result<Tokens, XError> {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await
    }

    async fn token(&self, form: &[(&str, &str)]) -> Result<Tokens, XError> {
        let url = self.url.join("/2/oauth2/token").map_err(|e| XError::Setup(e.to_string()))?;
        let mut form = form.to_vec();
        let mut request = self.http.post(url);
        match &self.secret {
            Some(secret) => request = request.basic_auth(&self.client_id, Some(secret)),
            None => form.push(("client_id", &self.client_id)),
        }
        // A refresh token is single-use: if the response is lost, X may already have consumed it.
        let answer = send(request.form(&form), Sent::Something).await?;
        let status = answer.status().as_u16();
        let wait = retry_after(answer.headers(), self.clock.now());
        let body = bounded_body(answer, Sent::Something).await?;
        if !(200..300).contains(&status) {
            return Err(match token_refusal(&body) {
                Some(refused) if matches!(status, 400 | 401) => XError::Refused(refused),
                _ => refusal(status, &body, wait),
            });
        }
        // Refresh tokens are single-use, so a partly unreadable response must not lose the new pair.
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

/// The refusal, if the token endpoint says whether it is about the grant or about the app. X has its own wording for a
/// used or revoked refresh token, and uses the same status for a malformed one.
fn token_refusal(body: &[u8]) -> Option<Refusal> {
    #[derive(Deserialize)]
    struct Problem {
        error: String,
        #[serde(default)]
        error_description: String,
    }
    let problem: Problem = serde_json::from_value(salvage(body)).ok()?;
    let says = |words: &str| problem.error_description.contains(words);
    let refusal = match problem.error.as_str() {
        "invalid_grant" => Refusal::GrantDead,
        "invalid_request" if says("token was invalid") => Refusal::GrantDead,
        "invalid_client" | "unauthorized_client" => Refusal::AppUnknown,
        "invalid_request" if says("client was invalid") => Refusal::AppUnknown,
        _ => return None,
    };
    Some(refusal(if problem.error_description.is_empty() { problem.error } else { problem.error_description }))
}

/// A pending authorization in the browser.
#[derive(Clone)]
pub struct Authorisation {
    /// The page to open in a browser.
    pub page: Url,
    /// What the callback's `state` must be.
    pub state: String,
    /// What the exchange of the code needs.
    pub proof: Proof,
}

/// What shows that whoever exchanges a code is who asked for it.
#[derive(Clone)]
pub struct Proof {
    /// The URL of the callback.
    pub redirect: String,
    /// The PKCE verifier.
    pub verifier: String,
}

impl Authorisation {
    /// Whether the callback's `state` belongs to this authorization. Compared in constant time.
    pub fn is_state(&self, state: &str) -> bool {
        let differ = self.state.bytes().zip(state.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
        self.state.len() == state.len() && differ == 0
    }
}

/// The tokens of one account: one instance per account and process, with refreshes serialised.
#[derive(Debug)]
pub(super) struct TokenSource {
    app: App,
    store: Arc<dyn TokenStore>,
    current: Mutex<Option<Current>>,
}

/// An account's tokens in memory.
#[derive(Debug, Clone)]
struct Current {
    tokens: Tokens,
    /// What the store holds. Refresh tokens are single-use: if the store fails right after a refresh, the new pair
    /// exists only in `tokens` until a later write succeeds.
    stored: Tokens,
    /// Whether the response to a refresh has been lost since these tokens were obtained.
    renewal_lost: bool,
}

impl Current {
    fn new(stored: Tokens) -> Self {
        Self { tokens: stored.clone(), stored, renewal_lost: false }
    }
}

impl TokenSource {
    pub(super) fn new(app: App, store: Arc<dyn TokenStore>) -> Self {
        Self { app, store, current: Mutex::new(None) }
    }

    /// A valid access token. `refused` is a token that X has just rejected: a different one is returned.
    pub(super) async fn access(&self, refused: Option<&str>) -> Result<String, XError> {
        let mut current = self.current.lock().await;
        let held = self.reload(&mut current).await?;
        self.keep(held).await?;
        let tokens = &held.tokens;
        let ends =
            tokens.expires.is_some_and(|at| self.app.clock.now().checked_add(AHEAD).is_ok_and(|soon| soon >= at));
        if !ends && refused != Some(tokens.access.as_str()) {
            return Ok(tokens.access.clone());
        }
        self.renew(held).await?;
        // Somebody may have connected the account again in the meantime.
        let held = self.reload(&mut current).await?;
        // The refresh invalidated the old pair, so the new one is stored before it is used.
        self.keep(held).await?;
        Ok(held.tokens.access.clone())
    }

    /// Waits for a refresh in progress, and stores the tokens if they are not stored yet.
    pub(super) async fn finish(&self) -> Result<(), XError> {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|held| held.tokens != held.stored) {
            let held = self.reload(&mut current).await?;
            self.keep(held).await?;
        }
        Ok(())
    }

    /// The tokens in memory, or those in the store if somebody replaced them there by connecting the account again.
    async fn reload<'c>(&self, current: &'c mut Option<Current>) -> Result<&'c mut Current, XError> {
        match (self.store.load().await, &*current) {
            (Ok(Some(stored)), Some(held)) if stored == held.stored => {}
            (Ok(stored), _) => *current = stored.map(Current::new),
            // Those in memory are good enough until the store can be read again.
            (Err(TokenError::Storage(_)), Some(_)) => {}
            (Err(error), _) => return Err(error.into()),
        }
        current.as_mut().ok_or_else(|| dead("the account was never connected"))
    }

    /// Stores the tokens if they are not stored yet.
    async fn keep(&self, held: &mut Current) -> Result<(), XError> {
        if held.tokens != held.stored {
            self.store.save(&held.tokens).await?;
            held.stored.clone_from(&held.tokens);
        }
        Ok(())
    }

    async fn renew(&self, held: &mut Current) -> Result<(), XError> {
        // A superseded daemon must not consume the refresh token that its successor needs.
        self.store.check_lease().await?;
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
                // An answer without scopes means that they are the same.
                if renewed.scopes.is_empty() {
                    renewed.scopes.clone_from(&tokens.scopes);
                }
                (held.tokens, held.renewal_lost) = (renewed, false);
                Ok(())
            }
            Err(XError::Refused(Refusal::GrantDead(why))) => match self.store.load().await? {
                // Another process refreshed them first: use its tokens.
                Some(stored) if stored.access != tokens.access => {
                    *held = Current::new(stored);
                    Ok(())
                }
                _ if held.renewal_lost => Err(dead(&format!(
                    "{why} The answer to an earlier refresh was lost, and with it the tokens that X issued"
                ))),
                _ => Err(dead(&why)),
            },
            // The caller's own request was not sent, so its outcome is not in doubt.
            Err(XError::AnswerLost(why)) => {
                held.renewal_lost = true;
                Err(XError::unavailable(format!("unknown whether the tokens were refreshed: {why}")))
            }
            // Any other refusal is of the refresh, and says nothing about the caller's request.
            Err(XError::Refused(refusal))
                if !refusal.is_about_account() && !matches!(refusal, Refusal::RateLimited { .. }) =>
            {
                Err(XError::unavailable(format!("X did not refresh the tokens: {refusal}")))
            }
            Err(other) => Err(other),
        }
    }
}

fn dead(why: &str) -> XError {
    XError::Refused(Refusal::GrantDead(why.to_owned()))
}
