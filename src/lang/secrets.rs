//! Secrets in lines of `twite.toml`. None should stand there; one that does anyway is not shown.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

/// A key that names a secret, and its value. Names of environment variables are no secrets.
static SECRET: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)([\w-]*(?:pass|pwd|secret|token|key|auth|bearer|credential)[\w-]*)["']?\s*=\s*("(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,}#"'&]+)"#,
    )
    .ok()
});

/// A user and password in a URL, or a secret in its query.
static IN_URL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)//([^/@\s"']+)@|[?&][\w-]*(?:pass|pwd|secret|token|key|auth)[\w-]*=([^&\s"'#]+)"#).ok()
});

/// A line with `*` in place of each byte of its secrets, so that offsets stay what they are.
pub(super) fn hidden<'l>(file: &str, line: &'l str) -> Cow<'l, str> {
    let mut shown = Cow::Borrowed(line);
    let Some(secret) = SECRET.as_ref().filter(|_| file.ends_with(".toml")) else { return shown };
    for found in secret.captures_iter(line) {
        let (Some(key), Some(value)) = (found.get(1), found.get(2)) else { continue };
        if !key.as_str().to_lowercase().ends_with("_env") {
            shown.to_mut().replace_range(value.range(), &"*".repeat(value.len()));
        }
    }
    for found in IN_URL.iter().flat_map(|url| url.captures_iter(line)) {
        if let Some(secret) = found.get(1).or(found.get(2)) {
            shown.to_mut().replace_range(secret.range(), &"*".repeat(secret.len()));
        }
    }
    shown
}

/// A URL as a message shows it.
pub(super) fn hidden_in_url(url: &str) -> Cow<'_, str> {
    hidden("twite.toml", url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_nothing_else() {
        for (line, shown) in [
            ("password = \"hunter2\" # mine", "password = ********* # mine"),
            ("\"api-key\"='äb' ", "\"api-key\"=***** "),
            (
                "hook = { url = \"https://x.example\", signing_key = \"a\\\"b\", n = 1 }",
                "hook = { url = \"https://x.example\", signing_key = ******, n = 1 }",
            ),
            ("client_secret = abc", "client_secret = ***"),
            ("urls = \"postgres://me:hunter3@host/db\"", "urls = \"postgres://**********@host/db\""),
            ("url = \"https://x.example/?a=b&api_token=abc\"", "url = \"https://x.example/?a=b&api_token=***\""),
            ("header = { Authorization = \"Bearer z\" }", "header = { Authorization = ********** }"),
            ("token = \"never closed", "token = *************"),
            ("client_secret_env = \"TWITE_SECRET\"", "client_secret_env = \"TWITE_SECRET\""),
            ("name = \"Password resets\"", "name = \"Password resets\""),
            ("# the key = value of it", "# the key = ***** of it"),
        ] {
            assert_eq!(hidden("twite.toml", line), shown);
            assert_eq!(hidden("twite.toml", line).len(), line.len());
            assert_eq!(hidden("a.twite", line), line);
        }
    }
}
