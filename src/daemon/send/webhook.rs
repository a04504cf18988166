//! Calls of declared webhooks.

use std::time::Duration;

use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use super::outcome::Failure;
use crate::{
    desk::{Reason, ReasonKind},
    settings::Webhook,
    x::{client::error_chain, limits::retry_after},
};

/// How long the other side may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Posts JSON to a webhook.
///
/// The same id is sent each time the same call is tried (`Twite-Delivery`), so that the other side can tell a second
/// try from a second event. Where a signing key is declared, `Twite-Signature` is `sha256=` and the base64 of the
/// HMAC-SHA256 of the body.
///
/// # Errors
/// For good on any answer from 300 to 499 but 408, 425 and 429, for now on everything else.
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
        let secret = std::env::var(variable).map_err(|_| {
            later(format!("environment variable `{variable}` is not set; it must contain the key of the webhook"), None)
        })?;
        request = request.header("twite-signature", signature(secret.as_bytes(), body.as_bytes()));
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
                // It may be this call that it cannot take.
                _ => Failure::Later(Reason::new(ReasonKind::Unavailable, why)),
            })
        }
        // The address may hold a secret of its own: it stays out of the message.
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

/// The receiver does not work, or asks to wait.
fn later(why: String, wait: Option<Duration>) -> Failure {
    Failure::NotWorking(Reason::new(ReasonKind::Unavailable, why), wait)
}

fn signature(key: &[u8], body: &[u8]) -> String {
    // HMAC takes a key of any length; the error of `new_from_slice` is for other MACs.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(body);
    format!("sha256={}", base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::signature;

    #[test]
    fn bodies_are_signed() {
        // The HMAC-SHA256 of RFC 4231, test case 2, in base64.
        assert_eq!(
            signature(b"Jefe", b"what do ya want for nothing?"),
            "sha256=W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="
        );
    }
}
