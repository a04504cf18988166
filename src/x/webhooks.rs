//! The webhooks of an app at X.

use jiff::{Timestamp, tz::TimeZone};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use url::Url;

use super::{
    XError,
    client::{Sent, bounded_body, send},
    error::refusal,
    limits::retry_after,
    parts::salvage,
    subscriptions::is_plain,
    transport::stream::bearer,
};
use crate::settings::XSettings;

/// A webhook at X.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// The URL that X calls.
    pub url: String,
    /// Whether X calls it. X stops if the webhook fails its check, or fails for long.
    pub valid: bool,
}

/// The webhooks of an app. Calls are made with its bearer token.
#[derive(Debug, Clone)]
pub struct Webhooks {
    http: reqwest::Client,
    url: Url,
    bearer: Bearer,
}

/// A token that is not shown.
#[derive(Clone)]
struct Bearer(String);

impl std::fmt::Debug for Bearer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bearer(…)")
    }
}

impl Webhooks {
    /// The webhooks of the app with these settings.
    ///
    /// # Errors
    /// [`XError::Setup`] if the settings are invalid or name no bearer token.
    pub fn new(settings: &XSettings, http: reqwest::Client) -> Result<Self, XError> {
        let url =
            Url::parse(&settings.url).map_err(|e| XError::Setup(format!("`x.url = \"{}\"`: {e}", settings.url)))?;
        Ok(Self { http, url, bearer: Bearer(bearer(settings)?) })
    }

    /// All of them.
    pub async fn list(&self) -> Result<Vec<Webhook>, XError> {
        let answer = self.call(self.http.get(self.address("/2/webhooks")?)).await?;
        let all = answer.get("data").and_then(Value::as_array);
        Ok(all.into_iter().flatten().filter_map(webhook).collect())
    }

    /// Creates one. X checks it at once, before it answers.
    pub async fn create(&self, url: &str) -> Result<Webhook, XError> {
        let request = self.http.post(self.address("/2/webhooks")?).json(&json!({ "url": url }));
        let answer = self.call(request).await?;
        let created = answer.get("data").and_then(webhook);
        created.ok_or_else(|| XError::unavailable("X's answer about the new webhook has no id"))
    }

    /// Makes X check one again, so that one that was stopped is called again.
    pub async fn check(&self, id: &str) -> Result<(), XError> {
        self.call(self.http.put(self.address(&format!("/2/webhooks/{id}"))?)).await.map(drop)
    }

    /// Deletes one.
    pub async fn delete(&self, id: &str) -> Result<(), XError> {
        self.call(self.http.delete(self.address(&format!("/2/webhooks/{id}"))?)).await.map(drop)
    }

    /// Makes X deliver again what it delivered, or tried to, between two times, at most 24 hours ago.
    pub async fn replay(&self, id: &str, from: Timestamp, to: Timestamp) -> Result<(), XError> {
        let minute = |at: Timestamp| at.to_zoned_datetime(TimeZone::UTC).strftime("%Y%m%d%H%M").to_string();
        let body = json!({ "webhook_id": id, "from_date": minute(from), "to_date": minute(to) });
        self.call(self.http.post(self.address("/2/webhooks/replay")?).json(&body)).await.map(drop)
    }

    fn address(&self, path: &str) -> Result<Url, XError> {
        self.url.join(path).map_err(|e| XError::Setup(format!("`x.url` and {path}: {e}")))
    }

    async fn call(&self, request: RequestBuilder) -> Result<Value, XError> {
        let answer = send(request.bearer_auth(&self.bearer.0), Sent::Nothing).await?;
        let status = answer.status();
        let wait = retry_after(answer.headers(), Timestamp::UNIX_EPOCH);
        let body = bounded_body(answer, Sent::Nothing).await?;
        if !status.is_success() {
            return Err(refusal(status.as_u16(), &body, wait));
        }
        Ok(salvage(&body))
    }
}

fn webhook(value: &Value) -> Option<Webhook> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    // A webhook that X says nothing of is not relied on.
    let valid = value.get("valid").and_then(Value::as_bool).unwrap_or(false);
    Some(Webhook { id: text("id").filter(|id| is_plain(id))?, url: text("url")?, valid })
}
