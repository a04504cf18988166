//! The simulator as a client: CRC checks of webhooks and signed deliveries, outside the lock and out of order.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, Response, redirect::Policy};
use serde_json::Value;
use sha2::Sha256;
use tokio::{sync::Semaphore, time::timeout};

use super::{SimError, server::Shared};

/// Maximum number of deliveries at the same time.
const MAX_DELIVERIES: usize = 16;
/// Maximum size of a webhook's answer to a CRC check, in bytes.
const MAX_ANSWER_BYTES: usize = 64 << 10;
/// Maximum time between two looks at the clock, for periodic checks.
const CLOCK_INTERVAL: Duration = Duration::from_millis(500);
/// Length of a CRC token, in characters.
const TOKEN_CHARS: usize = 32;

/// What a webhook answered to a check or a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Accepted,
    /// It answered with a wrong token or a redirect.
    Wrong,
    /// It did not answer in time, or with an error.
    Failed,
}

/// The client for webhooks, which follows no redirects.
pub(super) fn client() -> Result<Client, SimError> {
    // A no-op if the process has installed a provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().redirect(Policy::none()).no_proxy().user_agent("twite-sim");
    client.build().map_err(|error| SimError::Command(format!("cannot make an HTTP client: {error}")))
}

/// `sha256=` and the base64 of an HMAC-SHA256.
pub(super) fn signature(secret: &str, message: &[u8]) -> String {
    // HMAC accepts keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(message);
    format!("sha256={}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Sends a CRC token to a webhook and judges the response token.
pub(super) async fn check(shared: &Shared, webhook: u64) -> Reply {
    let (url, token, wait) = {
        let mut world = shared.world();
        let Some(url) = world.push.webhooks.get(&webhook).map(|webhook| webhook.url.clone()) else {
            return Reply::Failed;
        };
        (url, world.secret(TOKEN_CHARS), world.push.timeout)
    };
    let Ok(mut url) = url::Url::parse(&url) else { return Reply::Wrong };
    url.query_pairs_mut().append_pair("crc_token", &token);
    let asked = async {
        let answer = shared.http.get(url).send().await;
        let reply = judged(&answer);
        let Ok(mut answer) = answer else { return (reply, Vec::new()) };
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = answer.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER_BYTES {
                return (Reply::Wrong, Vec::new());
            }
        }
        (reply, body)
    };
    let Ok((reply, body)) = timeout(wait, asked).await else { return Reply::Failed };
    if reply != Reply::Accepted {
        return reply;
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let response = body.get("response_token").and_then(Value::as_str).unwrap_or_default();
    if shared.world().is_response_token(webhook, &token, response) { Reply::Accepted } else { Reply::Wrong }
}

fn judged(answer: &reqwest::Result<Response>) -> Reply {
    match answer {
        Ok(answer) if answer.status().is_success() => Reply::Accepted,
        Ok(answer) if answer.status().is_redirection() => Reply::Wrong,
        _ => Reply::Failed,
    }
}

/// Checks and delivers until it is aborted.
pub(super) async fn run(shared: Arc<Shared>) {
    let slots = Arc::new(Semaphore::new(MAX_DELIVERIES));
    let wake = Arc::clone(&shared.world().push.wake);
    loop {
        let due = shared.world().due_checks();
        for webhook in due {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                let reply = check(&shared, webhook).await;
                shared.world().replied(webhook, reply);
            });
        }
        // The semaphore is never closed.
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let next = shared.world().push.next_delivery();
        if let Some((webhook, body)) = next {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                deliver(&shared, webhook, &body).await;
                drop(slot);
            });
            continue;
        }
        drop(slot);
        // Wakes up for a delivery, or to look at the clock.
        let _ = timeout(CLOCK_INTERVAL, wake.notified()).await;
    }
}

/// Delivers a payload, and again after a failure if that was ordered.
async fn deliver(shared: &Shared, webhook: u64, payload: &Value) {
    let body = payload.to_string();
    let (prepared, retries, wait) = {
        let world = shared.world();
        let valid = world.push.webhooks.get(&webhook).filter(|webhook| webhook.valid);
        let prepared = valid.map(|webhook| (webhook.url.clone(), world.signatures(webhook, body.as_bytes())));
        (prepared, world.push.retries, world.push.timeout)
    };
    if let Some((url, signatures)) = prepared {
        for _ in 0..=retries {
            let request = shared.http.post(&url).header("content-type", "application/json").body(body.clone());
            let request = signatures.iter().fold(request, |request, (name, value)| request.header(*name, value));
            let reply = timeout(wait, request.send()).await.map_or(Reply::Failed, |answer| judged(&answer));
            shared.world().replied(webhook, reply);
            if reply != Reply::Failed {
                break;
            }
        }
    }
    shared.world().push.delivered();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_x() {
        // The test case 2 of RFC 4231.
        let signed = signature("Jefe", b"what do ya want for nothing?");
        assert_eq!(signed, "sha256=W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
    }
}
