//! OAuth tokens from standard input, in the JSON format of X and `twite sim`.

use std::io::{self, IsTerminal as _, Read as _, Write as _};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    cli::{CliError, terminal},
    desk::Tokens,
};

/// Maximum bytes read from standard input.
const MAX_BYTES: u64 = 64 * 1024;

/// Reads tokens from standard input.
pub(super) fn read(now: Timestamp) -> Result<Tokens, CliError> {
    let mut text = String::new();
    if io::stdin().is_terminal() {
        writeln!(terminal::remarks(), "Reading tokens as JSON from standard input …")?;
    }
    io::stdin().lock().take(MAX_BYTES).read_to_string(&mut text)?;
    let given =
        given_tokens(&text).map_err(|why| CliError::Usage(format!("invalid tokens on standard input: {why}")))?;
    let ends = |seconds| now.checked_add(SignedDuration::from_secs(seconds)).ok();
    Ok(Tokens {
        access: given.access,
        refresh: given.refresh,
        expires: given.expires_in.and_then(ends),
        scopes: given.scope.unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
    })
}

/// Tokens in the JSON format of X.
#[derive(Debug, PartialEq, Eq)]
struct GivenTokens {
    access: String,
    refresh: Option<String>,
    scope: Option<String>,
    expires_in: Option<i64>,
}

fn given_tokens(text: &str) -> Result<GivenTokens, String> {
    // Shells on Windows write a byte order mark into pipes.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let needed = "expected a JSON object with `access_token` and `refresh_token`";
    let given: Value = match serde_json::from_str(text) {
        _ if text.trim().is_empty() => return Err(format!("empty input; {needed}")),
        Ok(given @ Value::Object(_)) => given,
        Ok(other) => return Err(format!("found {}; {needed}", kind(&other))),
        Err(error) => return Err(format!("not valid JSON ({error}); {needed}")),
    };
    let text = |name: &str| match given.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Some(other) => Err(format!("`{name}` must be a string, not {}", kind(other))),
    };
    let token = |name: &str| match text(name)? {
        Some(token) if !token.bytes().all(|b| b.is_ascii_graphic()) => {
            Err(format!("`{name}` contains invalid characters"))
        }
        token => Ok(token),
    };
    let expires_in = match given.get("expires_in") {
        None | Some(Value::Null) => None,
        Some(seconds) => match seconds.as_i64().filter(|seconds| *seconds > 0) {
            Some(seconds) => Some(seconds),
            None => return Err(format!("`expires_in` must be a whole number of seconds, not {seconds}")),
        },
    };
    Ok(GivenTokens {
        access: token("access_token")?.ok_or_else(|| format!("missing `access_token`; {needed}"))?,
        refresh: token("refresh_token")?,
        scope: text("scope")?,
        expires_in,
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "`null`",
        Value::Bool(_) => "`true` or `false`",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::given_tokens;

    #[test]
    fn what_is_wrong_with_tokens_is_said_in_words() {
        for (text, says) in [
            ("", "empty input; expected a JSON object"),
            ("{", "not valid JSON (EOF"),
            ("[]", "found a list; expected a JSON object"),
            ("\"abc\"", "found a string; expected a JSON object"),
            ("{}", "missing `access_token`"),
            (r#"{"access_token": ""}"#, "missing `access_token`"),
            (r#"{"access_token": 5}"#, "`access_token` must be a string, not a number"),
            (r#"{"access_token": "a b"}"#, "`access_token` contains invalid characters"),
            (r#"{"access_token": "a", "refresh_token": []}"#, "`refresh_token` must be a string, not a list"),
            (
                r#"{"access_token": "a", "expires_in": "soon"}"#,
                "`expires_in` must be a whole number of seconds, not \"soon\"",
            ),
            (r#"{"access_token": "a", "expires_in": -1}"#, "`expires_in` must be a whole number of seconds, not -1"),
        ] {
            let why = given_tokens(text).unwrap_err();
            assert!(why.starts_with(says), "{text}: {why}");
        }
        let given =
            given_tokens("\u{feff}{\"access_token\": \"a\\n\", \"refresh_token\": \"\", \"x\": 1}\r\n").unwrap();
        assert_eq!((given.access.as_str(), given.refresh), ("a", None));
    }
}
