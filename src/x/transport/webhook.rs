//! What X calls a webhook with: checks that the webhook knows the app's secret, and signed deliveries.

use serde_json::{Value, json};

use crate::{
    settings::XSettings,
    x::{
        XError,
        signature::{sign, verify},
    },
};

/// The header with the signature by the OAuth 2 client secret, and the one with that by the consumer secret.
pub const SIGNATURES: [&str; 2] = ["x-twitter-webhooks-signature-oauth2", "x-twitter-webhooks-signature"];

/// The secrets of the app with which X may sign: the OAuth 2 client secret, and the consumer secret of older apps.
#[derive(Clone)]
pub struct Secrets {
    client: Option<String>,
    consumer: Option<String>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// The secrets that the settings name, from the environment.
    ///
    /// # Errors
    /// [`XError::Setup`] if there is none, or one that is named is not set.
    pub fn new(settings: &XSettings) -> Result<Self, XError> {
        let read = |variable: &Option<String>, what: &str| match variable {
            Some(variable) => match std::env::var(variable) {
                Ok(secret) if !secret.is_empty() => Ok(Some(secret)),
                _ => Err(XError::Setup(format!(
                    "environment variable `{variable}` is not set; it must contain the app's {what}"
                ))),
            },
            None => Ok(None),
        };
        let client = read(&settings.client_secret_env, "client secret")?;
        let consumer = read(&settings.consumer_secret_env, "API key secret")?;
        if client.is_none() && consumer.is_none() {
            return Err(XError::Setup(
                "a webhook needs the secret with which X signs: set `client_secret_env` of `[x]` in twite.toml, or \
                 `consumer_secret_env` for an app without OAuth 2 client secret"
                    .to_owned(),
            ));
        }
        Ok(Self { client, consumer })
    }

    fn all(&self) -> impl Iterator<Item = &String> {
        self.client.iter().chain(&self.consumer)
    }

    /// The answer to a check, which proves that the webhook knows the app's secret. `None` for a token that X would not
    /// send: whoever could choose the text that is signed here could sign deliveries.
    pub fn answer_check(&self, token: &str) -> Option<Value> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte);
        let fits = (16..=128).contains(&token.len()) && token.bytes().all(is_plain);
        let secret = self.all().next().filter(|_| fits)?;
        Some(json!({ "response_token": sign(secret.as_bytes(), token.as_bytes()) }))
    }

    /// Whether one of these signatures is that of a body, by any of the secrets.
    pub fn signed<'s>(&self, body: &[u8], signatures: impl Iterator<Item = &'s str>) -> bool {
        // Every one is tried, so that the time does not tell which matched.
        signatures.fold(false, |any, signature| {
            self.all().fold(any, |any, secret| any | verify(secret.as_bytes(), body, signature))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(client: Option<&str>, consumer: Option<&str>) -> Secrets {
        Secrets { client: client.map(str::to_owned), consumer: consumer.map(str::to_owned) }
    }

    #[test]
    fn checks_are_answered_with_the_client_secret_if_there_is_one() {
        let answer =
            |secrets: &Secrets, token| Some(secrets.answer_check(token)?["response_token"].as_str()?.to_owned());
        let consumer = secrets(None, Some("consumer_secret_test"));
        let known = "sha256=Z59XA+IBd1336SO8XsxkpTYGop2pvAk7sS1omhtWfJw=";
        assert_eq!(answer(&consumer, "challenge_string").as_deref(), Some(known));
        let both = secrets(Some("other"), Some("consumer_secret_test"));
        assert_eq!(answer(&both, "challenge_string"), answer(&secrets(Some("other"), None), "challenge_string"));
        assert_ne!(answer(&both, "challenge_string").as_deref(), Some(known));
    }

    #[test]
    fn nothing_that_could_be_a_delivery_is_signed_as_a_check() {
        let secrets = secrets(Some("secret"), None);
        let long = "x".repeat(129);
        for token in [
            "",
            "short",
            &long,
            r#"{"for_user_id":"9"}"#,
            "challenge string",
            "challenge_string\n",
            "é12345678901234567",
        ] {
            assert_eq!(secrets.answer_check(token), None, "{token}");
        }
        assert!(secrets.answer_check(&long[1..]).is_some());
    }

    #[test]
    fn any_secret_and_either_header_will_do() {
        let both = secrets(Some("client"), Some("consumer"));
        let body = br#"{"data":{}}"#;
        let [by_client, by_consumer, by_other] =
            ["client", "consumer", "other"].map(|secret| sign(secret.as_bytes(), body));
        assert!(both.signed(body, [by_client.as_str()].into_iter()));
        assert!(both.signed(body, [by_other.as_str(), by_consumer.as_str()].into_iter()));
        assert!(!both.signed(body, [by_other.as_str()].into_iter()));
        assert!(!both.signed(body, [].into_iter()));
        assert!(!both.signed(br#"{"data":{ }}"#, [by_client.as_str()].into_iter()));
        assert!(!secrets(Some("client"), None).signed(body, [by_consumer.as_str()].into_iter()));
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(format!("{:?}", secrets(Some("client"), None)), "Secrets(…)");
    }
}
