//! The OAuth 2 authorization page, on which a user grants an app access or denies it.

use super::{
    answer::Answer,
    oauth::{CODE_LIFE, Code, Grant, MAX_TOKENS, SCOPES},
    query::Call,
    world::World,
};

/// Maximum length of `state`, in characters.
const MAX_STATE_CHARS: usize = 500;

impl World {
    /// `GET /i/oauth2/authorize`: the authorization page.
    pub(super) fn authorize_page(&self, call: &Call) -> Answer {
        let wish = match self.wish(&|name| call.parameter(name)) {
            Ok(wish) => wish,
            Err(reason) => return page_of(400, &format!("<h1>Something went wrong</h1><p>{}</p>", escape(&reason))),
        };
        let accounts: String = self
            .people
            .iter()
            .take(1_000)
            .map(|(id, _)| (id, escape(self.handle(*id))))
            .map(|(id, handle)| format!("<option value=\"{id}\">@{handle}</option>"))
            .collect();
        let kept: String = call
            .query
            .iter()
            .map(|(k, v)| format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(k), escape(v)))
            .collect();
        let scopes: String = wish.scopes.iter().map(|s| format!("<li>{}</li>", escape(s))).collect();
        page_of(
            200,
            &format!(
                "<h1>Authorise {}</h1><p>This is a simulator. The app wants to:</p><ul>{scopes}</ul>\
                 <form method=\"post\" action=\"/i/oauth2/authorize\">{kept}\
                 <p><label>Account <select name=\"account\">{accounts}</select></label></p>\
                 <button name=\"decision\" value=\"approve\">Authorise app</button> \
                 <button name=\"decision\" value=\"deny\">Cancel</button></form>",
                escape(&wish.client)
            ),
        )
    }

    /// `POST /i/oauth2/authorize`: the user's decision on that page.
    pub(super) fn authorize(&mut self, call: &Call) -> Answer {
        let form = call.form();
        let wish = match self.wish(&|name| form.get(name)) {
            Ok(wish) => wish,
            Err(reason) => return page_of(400, &format!("<h1>Something went wrong</h1><p>{}</p>", escape(&reason))),
        };
        let mut back = wish.redirect_uri.clone();
        let user = form.get("account").and_then(|account| self.find_person(account).ok());
        {
            let mut query = back.query_pairs_mut();
            query.append_pair("state", &wish.state);
            match (form.get("decision"), user) {
                (Some("approve"), Some(user)) if self.credentials.codes.len() < MAX_TOKENS => {
                    let code = self.secret(64);
                    query.append_pair("code", &code);
                    let until = self.now() + CODE_LIFE;
                    self.credentials.codes.retain(|_, code| code.until + CODE_LIFE > until);
                    let grant = Grant { user, client: wish.client, scopes: wish.scopes };
                    let redirect_uri = wish.redirect_text;
                    let (challenge, hashed) = (wish.challenge, wish.hashed);
                    self.credentials.codes.insert(code, Code { grant, redirect_uri, challenge, hashed, until });
                }
                _ => _ = query.append_pair("error", "access_denied"),
            }
        }
        Answer::of(303, "text/plain; charset=utf-8", "").with("location", back)
    }

    /// Reads and validates the parameters of an authorization request.
    fn wish<'a>(&self, get: &dyn Fn(&str) -> Option<&'a str>) -> Result<Wish, String> {
        let need = |name: &str| get(name).filter(|v| !v.is_empty()).ok_or(format!("`{name}` is missing"));
        if need("response_type")? != "code" {
            return Err("`response_type` has to be `code`".into());
        }
        let client = need("client_id")?;
        let app = self.credentials.app(client).ok_or("no app has this `client_id`")?;
        let redirect_text = need("redirect_uri")?;
        if !app.redirect_uris.iter().any(|uri| uri == redirect_text) {
            return Err("`redirect_uri` is none that was registered for this app".into());
        }
        let redirect_uri = redirect_text.parse().map_err(|_| "`redirect_uri` is no address")?;
        let state = need("state")?;
        if state.chars().count() > MAX_STATE_CHARS {
            return Err(format!("`state` is longer than {MAX_STATE_CHARS} characters"));
        }
        let scopes: Vec<String> = need("scope")?.split_whitespace().map(str::to_owned).collect();
        if let Some(unknown) = scopes.iter().find(|s| !SCOPES.contains(&s.as_str())) {
            return Err(format!("`{unknown}` is no scope"));
        }
        let scopes = app.granted(scopes);
        let hashed = match need("code_challenge_method")?.to_ascii_lowercase().as_str() {
            "s256" => true,
            "plain" => false,
            _ => return Err("`code_challenge_method` is `S256` or `plain`".into()),
        };
        Ok(Wish {
            client: client.into(),
            redirect_uri,
            redirect_text: redirect_text.into(),
            state: state.into(),
            scopes,
            challenge: need("code_challenge")?.into(),
            hashed,
        })
    }
}

/// A valid authorization request.
struct Wish {
    client: String,
    redirect_uri: url::Url,
    redirect_text: String,
    state: String,
    scopes: Vec<String>,
    challenge: String,
    hashed: bool,
}

fn escape(text: &str) -> String {
    super::text::escape(text).replace('"', "&quot;").replace('\'', "&#39;")
}

fn page_of(status: u16, content: &str) -> Answer {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Simulated X</title>\
         <style>body{{font:16px/1.5 system-ui;max-width:36em;margin:4em auto}}</style>{content}</html>"
    );
    Answer::html(status, page).with("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
}
