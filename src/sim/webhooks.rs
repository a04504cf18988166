//! Webhooks: registration, CRC checks, and when X stops and starts delivering to one.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    answer::{Answer, missing, put},
    body::{Shape, at, id},
    clock::written,
    deliveries::{Reply, signature},
    endpoint::{Outcome, Request},
    oauth::App,
    push::LOG_MILLIS,
    world::World,
};

/// Maximum number of webhooks of an app.
const MAX_WEBHOOKS: usize = 5;
/// Time between CRC checks of a valid webhook, in milliseconds.
const CHECK_MILLIS: i64 = 60 * 60 * 1000;
/// How long a webhook may fail until it is invalid, in milliseconds.
const MAX_FAILING_MILLIS: i64 = 28 * 60 * 60 * 1000;

pub(super) const NEW: Shape = Shape::Object(&[("url", true, Shape::Text { min: 1, max: 200 })]);
pub(super) const REPLAY: Shape = Shape::Object(&[
    ("webhook_id", true, Shape::Id),
    ("from_date", true, Shape::Text { min: 12, max: 12 }),
    ("to_date", true, Shape::Text { min: 12, max: 12 }),
]);

/// A registered webhook.
#[derive(Debug, Clone)]
pub(super) struct Webhook {
    /// Client id of the app.
    pub(super) client: String,
    pub(super) url: String,
    /// Whether events are delivered.
    pub(super) valid: bool,
    /// Users whose events the Account Activity API delivers.
    pub(super) subscribers: BTreeSet<u64>,
    created_at: i64,
    /// When it was last checked.
    checked_at: i64,
    /// Since when every check and delivery has failed.
    failing_since: Option<i64>,
}

impl Webhook {
    pub(super) fn show(&self, id: u64) -> Value {
        json!({"id": id.to_string(), "url": self.url, "valid": self.valid, "created_at": written(self.created_at)})
    }
}

/// A CRC check that decides the answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) webhook: u64,
    /// Whether the webhook is removed if the check fails.
    pub(super) new: bool,
}

/// `POST /2/webhooks`
pub(super) fn create(world: &mut World, request: &Request<'_>) -> Outcome {
    let body = request.body()?;
    let url = at(&body, "/url").as_str().unwrap_or_default().to_owned();
    let client = world.sender(request.call).0.to_owned();
    if !is_allowed(&url) {
        return Err(Answer::invalid_body("UrlValidationFailed: the URL must be a public https address without a port"));
    }
    let own = || world.push.webhooks.values().filter(|webhook| webhook.client == client);
    if own().any(|webhook| webhook.url == url) {
        return Err(Answer::invalid_body("DuplicateUrlFailed: a webhook with this URL exists already"));
    }
    if own().count() >= MAX_WEBHOOKS {
        return Err(Answer::invalid_body("WebhookLimitExceeded: the app has as many webhooks as it may"));
    }
    let (id, now) = (world.other_id(), world.now());
    let webhook = Webhook {
        client,
        url,
        valid: false,
        subscribers: BTreeSet::new(),
        created_at: now,
        checked_at: now,
        failing_since: None,
    };
    let mut shown = webhook.show(id);
    put(&mut shown, "valid", true);
    world.push.webhooks.insert(id, webhook);
    Ok(Answer::json(200, &json!({ "data": shown })).after(Check { webhook: id, new: true }))
}

/// X requires public https addresses without a port. The simulator also accepts http and ports, on loopback hosts only.
fn is_allowed(url: &str) -> bool {
    let Ok(url) = url::Url::parse(url) else { return false };
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let public = url.scheme() == "https" && url.port().is_none() && matches!(url.host(), Some(url::Host::Domain(_)));
    url.username().is_empty() && (public || loopback && matches!(url.scheme(), "http" | "https"))
}

/// `GET /2/webhooks`
pub(super) fn list(world: &World, request: &Request<'_>) -> Outcome {
    let mut query = request.query();
    query.words("webhook_config.fields", &["created_at", "id", "url", "valid"]);
    query.finish()?;
    let client = world.sender(request.call).0;
    let own = world.push.webhooks.iter().filter(|(_, webhook)| webhook.client == client);
    let data: Vec<Value> = own.map(|(id, webhook)| webhook.show(*id)).collect();
    Ok(Answer::json(200, &json!({"data": data, "meta": {"result_count": data.len()}})))
}

/// The id of the app's webhook in the path.
pub(super) fn named(world: &World, request: &Request<'_>) -> Result<u64, Answer> {
    let id = request.path_id(0)?;
    if world.is_own_webhook(request, id) {
        return Ok(id);
    }
    Err(Answer::nothing(missing("webhook", "webhook_id", request.path(0))))
}

/// `PUT /2/webhooks/:webhook_id`: checks the webhook, which makes an invalid one valid again.
pub(super) fn check(world: &mut World, request: &Request<'_>) -> Outcome {
    let webhook = named(world, request)?;
    Ok(Answer::json(200, &json!({"data": {"valid": true}})).after(Check { webhook, new: false }))
}

/// `DELETE /2/webhooks/:webhook_id`: removes its subscriptions too.
pub(super) fn delete(world: &mut World, request: &Request<'_>) -> Outcome {
    let id = named(world, request)?;
    world.push.webhooks.remove(&id);
    world.push.subscriptions.retain(|_, subscription| subscription.webhook != Some(id));
    Ok(Answer::json(200, &json!({"data": {"deleted": true}})))
}

/// `POST /2/webhooks/replay`: delivers the events of a time in the last day again, and then the state of the job.
pub(super) fn replay(world: &mut World, request: &Request<'_>) -> Outcome {
    let (body, now) = (request.body()?, world.now());
    let webhook = id(at(&body, "/webhook_id")).unwrap_or_default();
    let minute = |pointer: &str| minute(at(&body, pointer).as_str().unwrap_or_default());
    let (Some(from), Some(to)) = (minute("/from_date"), minute("/to_date")) else {
        return Err(Answer::invalid_body("from_date and to_date are times in UTC as yyyymmddhhmm"));
    };
    if from > to || from < now - LOG_MILLIS - 60_000 {
        return Err(Answer::invalid_body("from_date must be before to_date and within the last 24 hours"));
    }
    if !world.is_own_webhook(request, webhook) {
        return Ok(Answer::nothing(missing("webhook", "webhook_id", &webhook.to_string())));
    }
    let job = world.other_id().to_string();
    let logged = world.push.between(from, to + 59_999).filter(|event| event.webhook == Some(webhook));
    let bodies: Vec<Value> = logged.map(|event| event.body.clone()).collect();
    let state = json!({"replay_job_status": {
        "webhook_id": webhook.to_string(),
        "job_id": job,
        "job_state": "Complete",
        "job_state_description": "Job completed successfully",
    }});
    for body in bodies.into_iter().chain([state]) {
        world.push.post(webhook, body);
    }
    Ok(Answer::json(200, &json!({"data": {"job_id": job, "created_at": written(now)}})))
}

/// Parses a time written as `yyyymmddhhmm` in UTC, into milliseconds since 1970.
fn minute(text: &str) -> Option<i64> {
    let digits = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    let part = |range| text.get(range).filter(|_| digits);
    let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
    super::clock::read(&format!("{year}-{month}-{day}T{}:{}:00Z", part(8..10)?, part(10..12)?))
}

impl World {
    pub(super) fn is_own_webhook(&self, request: &Request<'_>, id: u64) -> bool {
        self.push.webhooks.get(&id).is_some_and(|webhook| webhook.client == self.sender(request.call).0)
    }

    /// The signature headers of a delivery: with the consumer secret, and with the client secret if the app has one.
    pub(super) fn signatures(&self, webhook: &Webhook, body: &[u8]) -> Vec<(&'static str, String)> {
        let consumer = signature(&self.options.consumer_secret, body);
        let client = self.client_secret(webhook).map(|secret| signature(secret, body));
        let mut headers = vec![("x-twitter-webhooks-signature", consumer)];
        headers.extend(client.map(|signature| ("x-twitter-webhooks-signature-oauth2", signature)));
        headers
    }

    fn client_secret(&self, webhook: &Webhook) -> Option<&str> {
        self.credentials.app(&webhook.client).and_then(|app: &App| app.client_secret.as_deref())
    }

    /// Whether a response token is the signature of a CRC token, with the client secret or the consumer secret.
    pub(super) fn is_response_token(&self, webhook: u64, token: &str, response: &str) -> bool {
        let Some(webhook) = self.push.webhooks.get(&webhook) else { return false };
        let secrets = [self.client_secret(webhook), Some(self.options.consumer_secret.as_str())];
        secrets.into_iter().flatten().any(|secret| signature(secret, token.as_bytes()) == response)
    }

    /// Records the outcome of a check, and completes the answer to the request that asked for it.
    pub(super) fn checked(&mut self, check: Check, reply: Reply, answer: Answer) -> Answer {
        let now = self.now();
        let Some(webhook) = self.push.webhooks.get_mut(&check.webhook) else { return answer };
        if reply == Reply::Accepted {
            (webhook.valid, webhook.checked_at, webhook.failing_since) = (true, now, None);
            return answer;
        }
        let refusal = if check.new {
            self.push.webhooks.remove(&check.webhook);
            Answer::invalid_body("CrcValidationFailed: the URL did not answer the CRC check correctly")
        } else {
            webhook.valid = false;
            Answer::json(200, &json!({"data": {"valid": false}}))
        };
        answer.replaced_by(refusal)
    }

    /// Records the outcome of a periodic check or a delivery: a webhook becomes invalid at once if it answered wrongly, and
    /// after 28 hours if it did not answer.
    pub(super) fn replied(&mut self, webhook: u64, reply: Reply) {
        let now = self.now();
        let Some(webhook) = self.push.webhooks.get_mut(&webhook) else { return };
        match reply {
            Reply::Accepted => webhook.failing_since = None,
            Reply::Wrong => webhook.valid = false,
            Reply::Failed => {
                let since = *webhook.failing_since.get_or_insert(now);
                webhook.valid &= now - since < MAX_FAILING_MILLIS;
            }
        }
    }

    /// The valid webhooks whose check is due by the simulator's clock; the next is due an hour later.
    pub(super) fn due_checks(&mut self) -> Vec<u64> {
        let now = self.now();
        let due = self.push.webhooks.iter_mut().filter(|(_, w)| w.valid && now - w.checked_at >= CHECK_MILLIS);
        due.map(|(id, webhook)| {
            webhook.checked_at = now;
            *id
        })
        .collect()
    }

    /// Makes all webhooks due for a check, or invalid.
    pub(super) fn order_webhooks(&mut self, check: bool, disable: bool) {
        for webhook in self.push.webhooks.values_mut() {
            webhook.valid &= !disable;
            if check {
                webhook.checked_at = i64::MIN / 2;
            }
        }
        self.push.wake.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_https_and_loopback_addresses_are_allowed() {
        for (url, allowed) in [
            ("https://desk.example/hook", true),
            ("https://desk.example/hook?a=b", true),
            ("https://desk.example:8443/hook", false),
            ("http://desk.example/hook", false),
            ("https://192.0.2.1/hook", false),
            ("https://a:b@desk.example/hook", false),
            ("http://127.0.0.1:8080/hook", true),
            ("http://localhost/hook", true),
            ("https://[::1]:8443/hook", true),
            ("http://localhost.example/hook", false),
            ("ftp://localhost/hook", false),
            ("desk.example", false),
        ] {
            assert_eq!(is_allowed(url), allowed, "{url}");
        }
    }

    #[test]
    fn minutes_are_read() {
        assert_eq!(minute("202611160701"), super::super::clock::read("2026-11-16T07:01:00Z"));
        for wrong in ["", "20261116070", "2026111607011", "202613160701", "2026111607é"] {
            assert_eq!(minute(wrong), None, "{wrong}");
        }
    }
}
