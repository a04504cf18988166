//! Validates settings.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::table::{Entry, Reader};
use crate::{
    desk::text::{headline, is_blank},
    lang::{codes, diagnostic::TextDiagnostic as Diagnostic, secrets::hidden_in_url},
    settings::{Address, MailSettings, StoreSettings, WebSettings, Webhook, XSettings, is_variable_name},
};

impl Reader {
    pub(super) fn webhook(&mut self, webhook: &Entry<'_, Webhook>) {
        if !webhook.has_lost("url") {
            self.address(&webhook.value.url, webhook.at("url"));
        }
        if let Some(name) = &webhook.value.key_env {
            self.variable(name, webhook.at("key_env"));
        }
    }

    pub(super) fn store(&mut self, store: &Entry<'_, StoreSettings>) {
        let StoreSettings { url, password_env, key_env, .. } = &store.value;
        self.variable(key_env, store.at("key_env"));
        if let Some(name) = password_env {
            self.variable(name, store.at("password_env"));
        }
        match Address::from_url(url) {
            Err((why, help)) => {
                self.out.push(Diagnostic::new(&codes::TW0508, store.at("url"), why).with_help(help));
            }
            Ok(address) if address.has_password() => {
                let error = Diagnostic::new(&codes::TW0508, store.at("url"), "this URL must not contain a password");
                self.out.push(error.with_help(
                    "set an environment variable to the password, and write its name: `password_env = \"TWITE_DATABASE_PASSWORD\"`",
                ));
            }
            Ok(Address::File(_)) if password_env.is_some() && !store.has_lost("url") => {
                self.error(&codes::TW0503, store.at("password_env"), "a database in a file has no password");
            }
            Ok(_) => {}
        }
    }

    pub(super) fn x(&mut self, x: &Entry<'_, XSettings>) {
        let named = [
            ("client_secret_env", &x.value.client_secret_env),
            ("consumer_secret_env", &x.value.consumer_secret_env),
            ("bearer_env", &x.value.bearer_env),
        ];
        for (key, name) in named {
            if let Some(name) = name {
                self.variable(name, x.at(key));
            }
        }
        if x.value.client_id.as_ref().is_some_and(|id| id.trim().is_empty()) {
            self.error(&codes::TW0509, x.at("client_id"), "empty client id");
        }
        self.address(&x.value.url, x.at("url"));
        self.start_of_addresses(&x.value.url, x.at("url"));
        if url::Url::parse(&x.value.url).is_ok_and(|url| !matches!(url.path(), "/" | "")) {
            let error = Diagnostic::new(&codes::TW0508, x.at("url"), "the URL of X must not have a path");
            self.out.push(error.with_help("write only scheme, host and port, as in `https://api.x.com`"));
        }
    }

    pub(super) fn web(&mut self, web: &Entry<'_, WebSettings>) {
        if let Some(listen) = &web.value.listen
            && listen.parse::<std::net::SocketAddr>().is_err()
        {
            let message = format!("`{}` is not an address and a port", headline(listen, 60));
            let error = Diagnostic::new(&codes::TW0508, web.at("listen"), message);
            self.out.push(error.with_help(
                "write an IP address and a port, as in `127.0.0.1:8917` or `[::1]:8917`; `0.0.0.0:8917` listens on every network",
            ));
        }
    }

    /// Reports mail settings with which no mail could be sent.
    pub(super) fn mail(&mut self, mail: &Entry<'_, MailSettings>) {
        let MailSettings { server, directory, from, user, password_env, .. } = &mail.value;
        if !mail.has_lost("from") {
            self.mailbox(from, mail.at("from"));
        }
        let has_lost = |keys: [&str; 2]| keys.iter().any(|key| mail.has_lost(key));
        match (server, directory) {
            _ if has_lost(["server", "directory"]) => {}
            (None, None) => self.out.push(
                Diagnostic::new(&codes::TW0503, mail.span(), "`[mail]` needs a `server` or a `directory`")
                    .with_help("write `server = \"host:port\"`, or `directory = \"…\"` to try rules without a server"),
            ),
            (Some(_), Some(_)) => {
                let message = "`[mail]` has both a `server` and a `directory`";
                let error = Diagnostic::new(&codes::TW0503, mail.at("directory"), message);
                self.out.push(error.and_label(mail.at("server"), "the server is here").with_help("delete one of them"));
            }
            (None, Some(directory)) if is_blank(&directory.to_string_lossy()) => {
                self.error(&codes::TW0503, mail.at("directory"), "not a valid directory name");
            }
            _ => {}
        }
        if let Some(server) = server
            && MailSettings::host_and_port(server).is_none()
        {
            let error = Diagnostic::new(
                &codes::TW0508,
                mail.at("server"),
                format!("`{}` is not a valid mail server", hidden_in_url(server)),
            );
            self.out.push(error.with_help(
                "write `host` or `host:port`, with a port from 1 to 65535; write an IPv6 address in brackets: `[::1]:25`",
            ));
        }
        if has_lost(["user", "password_env"]) {
            return;
        }
        if directory.is_some() && server.is_none() && (user.is_some() || password_env.is_some()) {
            let given = if user.is_some() { "user" } else { "password_env" };
            self.error(&codes::TW0503, mail.at(given), "a `directory` needs no `user` or `password_env`");
        } else if user.is_some() != password_env.is_some() {
            let given = if user.is_some() { "user" } else { "password_env" };
            let message = "`user` and `password_env` must be given together";
            self.error(&codes::TW0503, mail.at(given), message);
        }
    }

    /// Reports an invalid email address.
    pub(super) fn mailbox(&mut self, address: &str, span: Range<usize>) {
        if address.parse::<lettre::message::Mailbox>().is_err() {
            let error = Diagnostic::new(&codes::TW0510, span, format!("`{address}` is not a valid email address"));
            self.out.push(error.with_help("write `name@example.com`, or `Name <name@example.com>`"));
        }
    }

    /// Reports an invalid name of an environment variable: it may be the secret itself, which must not be in this file.
    fn variable(&mut self, name: &str, span: Range<usize>) {
        if !is_variable_name(name) {
            let error = Diagnostic::new(&codes::TW0509, span, "expected the name of an environment variable");
            self.out.push(error.with_help(
                "keep secrets out of this file: set a variable such as `STATUS_PAGE_KEY`, and write its name here",
            ));
        }
    }

    /// Reports a base URL with a query or fragment, because paths are appended to it.
    pub(super) fn start_of_addresses(&mut self, url: &str, span: Range<usize>) {
        if url::Url::parse(url).is_ok_and(|url| url.query().is_some() || url.fragment().is_some()) {
            let error = Diagnostic::new(
                &codes::TW0508,
                span,
                "this URL must not contain `?` or `#`, because paths are appended to it",
            );
            self.out.push(error.with_help("delete everything from `?` or `#` on"));
        }
    }

    pub(super) fn address(&mut self, url: &str, span: Range<usize>) {
        let parsed = url::Url::parse(url);
        let fits = parsed.as_ref().is_ok_and(|u| {
            let has_login = !u.username().is_empty() || u.password().is_some();
            matches!(u.scheme(), "http" | "https") && u.host().is_some() && !has_login
        });
        if !fits {
            let message = if may_hold_a_password(url) {
                "not a valid URL".to_owned()
            } else {
                format!("`{}` is not a valid URL", hidden_in_url(url))
            };
            let error = Diagnostic::new(&codes::TW0508, span, message);
            self.out.push(
                error.with_help("it must start with `https://` or `http://` and contain no user name or password"),
            );
        }
    }
}

/// Whether a URL, valid or not, may contain a password.
fn may_hold_a_password(url: &str) -> bool {
    url.contains('@') || url.contains("password=")
}

/// The text of `twite.toml` for messages: the values that may be secrets by mistake are replaced by `*`, byte by byte.
pub(crate) fn without_secrets(text: &str) -> String {
    let (root, _) = DeTable::parse_recoverable(text);
    let mut secrets = vec![];
    find_secrets(root.get_ref(), &mut secrets);
    let mut bytes = text.as_bytes().to_vec();
    for span in secrets {
        // Quotes and line ends stay, so that all positions keep their lines and columns.
        let hidden =
            bytes.get_mut(span).into_iter().flatten().filter(|byte| !matches!(byte, b'"' | b'\'' | b'\n' | b'\r'));
        hidden.for_each(|byte| *byte = b'*');
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn find_secrets(table: &DeTable<'_>, found: &mut Vec<Range<usize>>) {
    for (key, value) in table {
        find_secrets_in(key.get_ref(), value, found);
    }
}

fn find_secrets_in(key: &str, value: &Spanned<DeValue<'_>>, found: &mut Vec<Range<usize>>) {
    match value.get_ref() {
        DeValue::Table(table) => find_secrets(table, found),
        DeValue::Array(values) => values.iter().for_each(|value| find_secrets_in(key, value, found)),
        DeValue::String(text) => {
            let is_secret =
                if key.ends_with("_env") { !is_variable_name(text) } else { key == "url" && may_hold_a_password(text) };
            found.extend(is_secret.then(|| value.span()));
        }
        _ => {}
    }
}
