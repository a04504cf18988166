//! Authentication: apps, tokens, and OAuth 2 with PKCE and rotating refresh tokens.
//!
//! OAuth 1.0a headers are accepted too, because some clients support nothing else. The token must be one that the
//! simulator issued; the signature is not checked, since clients sign for the address of the real X.

use std::collections::{BTreeSet, HashMap};

use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    SimError, SimOptions,
    answer::{Answer, put},
    endpoint::Endpoint,
    happenings::Happening,
    query::{Call, Form},
    world::World,
};

/// Lifetime of an authorization code, in milliseconds.
pub(super) const CODE_LIFE: i64 = 30_000;
/// Maximum number of access tokens, of refresh tokens and of authorization codes.
pub(super) const MAX_TOKENS: usize = 100_000;
/// All scopes of X.
pub(super) const SCOPES: &[&str] = &[
    "block.read",
    "block.write",
    "bookmark.read",
    "bookmark.write",
    "broadcast.read",
    "broadcast.write",
    "calls.join",
    "calls.read",
    "calls.write",
    "developer.read",
    "developer.write",
    "dm.read",
    "dm.write",
    "follows.read",
    "follows.write",
    "like.read",
    "like.write",
    "list.read",
    "list.write",
    "media.library.read",
    "media.library.write",
    "media.write",
    "mute.read",
    "mute.write",
    "offline.access",
    "saved_search.read",
    "saved_search.write",
    "settings.read",
    "settings.write",
    "space.read",
    "timeline.read",
    "tweet.moderate.write",
    "tweet.read",
    "tweet.write",
    "users.email",
    "users.read",
    "users.write",
];

/// An app registered at the simulated X.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its client id.
    pub client_id: String,
    /// The secret of a confidential client; `None` for a public client.
    pub client_secret: Option<String>,
    /// Allowed redirect URIs; compared character by character.
    pub redirect_uris: Vec<String>,
    /// The scopes X grants to this app if it requests them; all scopes if `None`.
    pub scopes: Option<Vec<String>>,
}

impl App {
    /// The requested scopes that the app may have.
    pub(super) fn granted(&self, asked: Vec<String>) -> Vec<String> {
        match &self.scopes {
            Some(may) => asked.into_iter().filter(|scope| may.contains(scope)).collect(),
            None => asked,
        }
    }
}

/// Tokens of a connected account, valid only at this simulator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Id of the account.
    pub user_id: String,
    /// Handle of the account.
    pub username: String,
    /// OAuth 2 access token.
    pub access_token: String,
    /// OAuth 2 refresh token; can be used once.
    pub refresh_token: String,
    /// The granted scopes, separated by spaces.
    pub scope: String,
    /// Lifetime of the access token in seconds, by the simulator's clock.
    pub expires_in: u64,
    /// Id of the client the tokens were issued to; needed to refresh them.
    pub client_id: String,
    /// OAuth 1.0a token, for clients that do not support OAuth 2.
    pub oauth1_token: String,
    /// Secret of the OAuth 1.0a token.
    pub oauth1_token_secret: String,
}

/// Registered apps, authorization codes and tokens.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    apps: Vec<App>,
    pub(super) codes: HashMap<String, Code>,
    access: HashMap<String, Access>,
    refresh: HashMap<String, Grant>,
    oauth1: HashMap<String, u64>,
    /// Client ids by app-only token.
    app_tokens: HashMap<String, String>,
}

/// The scopes that a user granted to an app.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) user: u64,
    pub(super) client: String,
    pub(super) scopes: Vec<String>,
}

#[derive(Debug, Clone)]
struct Access {
    grant: Grant,
    until: i64,
}

/// An authorization code that was not redeemed yet.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) grant: Grant,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) hashed: bool,
    pub(super) until: i64,
}

/// Who a request is authenticated as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    User(u64),
    App,
}

impl Asker {
    pub(super) fn user(self) -> Option<u64> {
        match self {
            Asker::User(id) => Some(id),
            Asker::App => None,
        }
    }
}

impl Credentials {
    pub(super) fn open(&mut self, options: &SimOptions) {
        self.apps = options.apps.clone();
    }

    pub(super) fn add_app(&mut self, app: App) {
        self.apps.retain(|a| a.client_id != app.client_id);
        if self.apps.len() < 1_000 {
            self.apps.push(app);
        }
    }

    pub(super) fn app(&self, client: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.client_id == client)
    }

    /// Revokes all tokens and authorization codes of a user.
    pub(super) fn revoke(&mut self, user: u64) {
        self.codes.retain(|_, c| c.grant.user != user);
        self.access.retain(|_, a| a.grant.user != user);
        self.refresh.retain(|_, g| g.user != user);
        self.oauth1.retain(|_, u| *u != user);
    }

    /// Client ids of the apps that a user has authorised.
    fn clients_of(&self, user: u64) -> BTreeSet<String> {
        let grants = self.access.values().map(|access| &access.grant).chain(self.refresh.values());
        grants.filter(|grant| grant.user == user).map(|grant| grant.client.clone()).collect()
    }

    /// Expires a user's access tokens now. Refresh tokens stay valid.
    pub(super) fn expire(&mut self, user: u64) {
        self.access.retain(|_, a| a.grant.user != user);
    }
}

impl World {
    /// Authenticates a request, and checks that its token may use the endpoint.
    pub(super) fn admit(&self, call: &Call, endpoint: &Endpoint) -> Result<Asker, Answer> {
        let unauthorized = || match call.is_v1() {
            true => Answer::v1(401, 89, "Invalid or expired token."),
            false => Answer::unauthorized(),
        };
        let header = call.authorization.as_deref().unwrap_or_default();
        let (scheme, rest) = header.split_once(' ').unwrap_or((header, ""));
        if scheme.eq_ignore_ascii_case("oauth") {
            if endpoint.app_only {
                return Err(Answer::app_token_only(endpoint));
            }
            let token = oauth1_token(rest).and_then(|token| self.credentials.oauth1.get(&token));
            return token.map(|user| Asker::User(*user)).ok_or_else(unauthorized);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(unauthorized());
        }
        if self.credentials.app_tokens.contains_key(rest) {
            return if endpoint.app_limit.is_some() { Ok(Asker::App) } else { Err(Answer::wrong_token_kind(endpoint)) };
        }
        let access = self.credentials.access.get(rest).filter(|access| access.until > self.now());
        let access = access.ok_or_else(unauthorized)?;
        if endpoint.app_only {
            return Err(Answer::app_token_only(endpoint));
        }
        if endpoint.scopes.iter().all(|needed| access.grant.scopes.iter().any(|s| s == needed)) {
            Ok(Asker::User(access.grant.user))
        } else {
            Err(Answer::forbidden("Forbidden"))
        }
    }

    /// The client id of the app that sends an authenticated request, and the scopes of its user's token. OAuth 1.0a
    /// tokens belong to the first app and have no scopes: they allow everything.
    pub(super) fn sender(&self, call: &Call) -> (&str, Option<&[String]>) {
        let header = call.authorization.as_deref().unwrap_or_default();
        let token = header.split_once(' ').map_or("", |(_, token)| token);
        if let Some(access) = self.credentials.access.get(token) {
            return (&access.grant.client, Some(&access.grant.scopes));
        }
        let first = || self.credentials.apps.first().map_or("", |app| app.client_id.as_str());
        (self.credentials.app_tokens.get(token).map_or_else(first, String::as_str), None)
    }

    /// Revokes all tokens of a user, as if the user had revoked the apps, which are told.
    pub(super) fn revoke(&mut self, user: u64) {
        let clients = self.credentials.clients_of(user);
        self.credentials.revoke(user);
        for client in clients {
            self.happened(&Happening::Revoke { user, client });
        }
    }

    /// Issues tokens for an account without the authorization page.
    pub(super) fn connect(&mut self, user: u64, scopes: &[&str]) -> Result<Tokens, SimError> {
        let app = self.credentials.apps.first().ok_or_else(|| SimError::NoSuchApp("none is registered".into()))?;
        if let Some(unknown) = scopes.iter().find(|scope| !SCOPES.contains(scope)) {
            return Err(SimError::Command(format!("`{unknown}` is no scope")));
        }
        let scopes = app.granted(scopes.iter().map(|scope| (*scope).to_owned()).collect());
        let grant = Grant { user, client: app.client_id.clone(), scopes };
        let (client_id, scope) = (grant.client.clone(), grant.scopes.join(" "));
        let (access_token, refresh_token) = self.issue(grant)?;
        let (token, secret) = (format!("{user}-{}", self.secret(40)), self.secret(45));
        self.credentials.oauth1.insert(token.clone(), user);
        Ok(Tokens {
            user_id: user.to_string(),
            username: self.handle(user).into(),
            access_token,
            refresh_token: refresh_token.unwrap_or_default(),
            scope,
            expires_in: self.options.token_seconds,
            client_id,
            oauth1_token: token,
            oauth1_token_secret: secret,
        })
    }

    /// Issues an app-only token of the first app, which represents no user.
    pub(super) fn app_token(&mut self) -> String {
        let client = self.credentials.apps.first().map(|app| app.client_id.clone()).unwrap_or_default();
        self.app_token_of(client)
    }

    fn app_token_of(&mut self, client: String) -> String {
        let token = format!("AAAAAAAAAAAAAAAAAAAAA{}", self.secret(60));
        self.credentials.app_tokens.insert(token.clone(), client);
        token
    }

    fn issue(&mut self, grant: Grant) -> Result<(String, Option<String>), SimError> {
        let now = self.now();
        if self.credentials.access.len() >= MAX_TOKENS {
            self.credentials.access.retain(|_, access| access.until > now);
        }
        if self.credentials.access.len() >= MAX_TOKENS || self.credentials.refresh.len() >= MAX_TOKENS {
            return Err(SimError::Full("tokens"));
        }
        let life = i64::try_from(self.options.token_seconds).unwrap_or(i64::MAX).saturating_mul(1000);
        let (access, refresh) = (self.secret(64), self.secret(64));
        self.credentials
            .access
            .insert(access.clone(), Access { grant: grant.clone(), until: now.saturating_add(life) });
        let refreshable = grant.scopes.iter().any(|s| s == "offline.access");
        if refreshable {
            self.credentials.refresh.insert(refresh.clone(), grant);
        }
        Ok((access, refreshable.then_some(refresh)))
    }

    /// `POST /2/oauth2/token`.
    pub(super) fn token(&mut self, call: &Call) -> Answer {
        let form = call.form();
        let client = match self.client(call, &form) {
            Ok(client) => client,
            Err(refusal) => return refusal,
        };
        let grant = match form.get("grant_type") {
            Some("authorization_code") => self.redeem(&form, &client),
            Some("refresh_token") => self.rotate(&form, &client),
            _ => Err(Answer::oauth(400, "unsupported_grant_type", "Value passed for the grant type was invalid.")),
        };
        let grant = match grant {
            Ok(grant) => grant,
            Err(refusal) => return refusal,
        };
        let scope = grant.scopes.join(" ");
        let Ok((access, refresh)) = self.issue(grant) else { return Answer::full() };
        let mut body = json!({
            "token_type": "bearer",
            "expires_in": self.options.token_seconds,
            "access_token": access,
            "scope": scope,
        });
        if let Some(refresh) = refresh {
            put(&mut body, "refresh_token", refresh);
        }
        Answer::json(200, &body)
    }

    /// `POST /oauth2/token`: issues an app-only token for the app's id and secret.
    pub(super) fn app_only_token(&mut self, call: &Call) -> Answer {
        let form = call.form();
        if form.get("grant_type") != Some("client_credentials") {
            return Answer::v1(400, 170, "Missing required parameter: grant_type");
        }
        let Ok(client) = self.client(call, &form) else {
            return Answer::v1(403, 99, "Unable to verify your credentials");
        };
        Answer::json(200, &json!({"token_type": "bearer", "access_token": self.app_token_of(client)}))
    }

    /// `POST /oauth2/invalidate_token`
    pub(super) fn invalidate_app_token(&mut self, call: &Call) -> Answer {
        let form = call.form();
        if self.client(call, &form).is_err() {
            return Answer::v1(403, 99, "Unable to verify your credentials");
        }
        let token = form.get("access_token").unwrap_or_default();
        self.credentials.app_tokens.remove(token);
        Answer::json(200, &json!({"access_token": token}))
    }

    /// Authenticates the app that sends a token request, and returns its client id.
    fn client(&self, call: &Call, form: &Form<'_>) -> Result<String, Answer> {
        let missing = || Answer::oauth(401, "unauthorized_client", "Missing valid authorization header");
        let basic = call.authorization.as_deref().and_then(|header| {
            let (scheme, code) = header.split_once(' ')?;
            let text = String::from_utf8(STANDARD.decode(code.trim()).ok()?).ok()?;
            let (client, secret) = text.split_once(':')?;
            scheme.eq_ignore_ascii_case("basic").then(|| (client.to_owned(), secret.to_owned()))
        });
        let named = basic.as_ref().map(|(client, _)| client.as_str()).or(form.get("client_id"));
        let Some(app) = named.and_then(|client| self.credentials.app(client)) else {
            return Err(match named {
                Some(_) => Answer::oauth(400, "invalid_request", "Value passed for the client was invalid."),
                None => missing(),
            });
        };
        match (&app.client_secret, &basic) {
            (None, _) => Ok(app.client_id.clone()),
            (Some(secret), Some((_, given))) if secret == given => Ok(app.client_id.clone()),
            (Some(_), _) => Err(missing()),
        }
    }

    fn redeem(&mut self, form: &Form<'_>, client: &str) -> Result<Grant, Answer> {
        let bad =
            |what: &str| Answer::oauth(400, "invalid_request", &format!("Value passed for the {what} was invalid."));
        // A code can be presented once, even if the request fails.
        let code = form.get("code").and_then(|code| self.credentials.codes.remove(code));
        let code = code.filter(|code| code.until > self.now() && code.grant.client == client);
        let code = code.ok_or_else(|| bad("authorization code"))?;
        if form.get("redirect_uri") != Some(&code.redirect_uri) {
            return Err(bad("redirect uri"));
        }
        let verifier = form.get("code_verifier").unwrap_or_default();
        let proof =
            if code.hashed { URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) } else { verifier.to_owned() };
        if proof == code.challenge { Ok(code.grant) } else { Err(bad("code verifier")) }
    }

    fn rotate(&mut self, form: &Form<'_>, client: &str) -> Result<Grant, Answer> {
        let token = form.get("refresh_token").unwrap_or_default();
        let known = self.credentials.refresh.get(token).is_some_and(|grant| grant.client == client);
        let grant = known.then(|| self.credentials.refresh.remove(token)).flatten();
        grant.ok_or_else(|| Answer::oauth(400, "invalid_request", "Value passed for the token was invalid."))
    }

    /// `POST /2/oauth2/revoke`: revokes one token.
    pub(super) fn revoke_token(&mut self, call: &Call) -> Answer {
        let form = call.form();
        if let Err(refusal) = self.client(call, &form) {
            return refusal;
        }
        let token = form.get("token").unwrap_or_default();
        self.credentials.access.remove(token);
        self.credentials.refresh.remove(token);
        Answer::json(200, &json!({"revoked": true}))
    }
}

fn oauth1_token(parameters: &str) -> Option<String> {
    let token = parameters.split(',').find_map(|p| p.trim().strip_prefix("oauth_token=\"")?.strip_suffix('"'))?;
    Some(token.to_owned())
}
