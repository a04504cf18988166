//! Calls of declared webhooks.

use std::time::Duration;

use jiff::Timestamp;

use super::outcome::Failure;
use crate::{
    desk::{Reason, ReasonKind},
    settings::Webhook,
    x::{client::error_chain, limits::retry_after, signature::sign},
};

/// Timeout of a call.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Posts JSON to a webhook.
///
/// The `Twite-Delivery` header has the same id on every retry of a call, so that the receiver can recognise duplicates.
/// If a signing key is declared, `Twite-Signature` is `sha256=` and the base64 of the HMAC-SHA256 of the body.
///
/// # Errors
/// Permanent for a status from 300 to 499 except 408, 425 and 429; temporary for everything else.
pub(super) async fn call(
    client: &reqwest::Client,
    hook: &Webhook,
    body: String,
    delivery_id: &str,
    now: Timestamp,
) -> Result<(), Failure> {
    let mut request = client
        .post(&hook.url)
        .timeout(TIMEOUT)
        .header("content-type", "application/json")
        .header("twite-delivery", delivery_id);
    if let Some(variable) = &hook.key_env {
        let secret = std::env::var(variable).map_err(|_| later(not_set(variable, &hook.name), None))?;
        request = request.header("twite-signature", sign(secret.as_bytes(), body.as_bytes()));
    }
    let name = &hook.name;
    match request.body(body).send().await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => {
            let status = answer.status();
            let why = format!("webhook `{name}` responded {status}");
            Err(match status.as_u16() {
                408 | 425 | 429 | 503 => later(why, retry_after(answer.headers(), now)),
                300..500 => Failure::Refused(Reason::new(ReasonKind::RefusedByReceiver, why)),
                // The failure may be specific to this call, so the destination is not put into backoff.
                _ => Failure::Later(Reason::new(ReasonKind::Unavailable, why)),
            })
        }
        // The URL may contain a secret, so the message leaves it out.
        Err(error) => {
            let why = match error.is_timeout() && !error.is_connect() {
                true => format!("webhook `{name}` did not respond within {} s", TIMEOUT.as_secs()),
                false if error.is_connect() => {
                    format!("cannot reach webhook `{name}`: {}", error_chain(&error.without_url()))
                }
                false => format!(
                    "webhook `{name}` closed the connection before it responded: {}",
                    error_chain(&error.without_url())
                ),
            };
            Err(later(why, None))
        }
    }
}

/// Why the webhook cannot be called with these settings.
pub(super) fn unusable(hook: &Webhook) -> Option<String> {
    let variable = hook.key_env.as_deref()?;
    std::env::var(variable).is_err().then(|| not_set(variable, &hook.name))
}

fn not_set(variable: &str, webhook: &str) -> String {
    format!("environment variable `{variable}` is not set; it must contain the key of the webhook `{webhook}`")
}

/// The failure of a receiver that does not work at present, or that asks to wait.
fn later(why: String, wait: Option<Duration>) -> Failure {
    Failure::NotWorking(Reason::new(ReasonKind::Unavailable, why), wait)
}
