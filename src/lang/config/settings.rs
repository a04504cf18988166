//! Validates settings.

use std::ops::Range;

use super::table::{Entry, Reader};
use crate::{
    desk::text::is_blank,
    lang::{codes, diagnostic::TextDiagnostic as Diagnostic},
    settings::{MailSettings, StoreSettings, Webhook, XSettings},
};

impl Reader {
    pub(super) fn webhook(&mut self, webhook: &Entry<'_, Webhook>) {
        self.address(&webhook.value.url, webhook.at("url"));
        if let Some(name) = &webhook.value.key_env {
            self.variable(name, webhook.at("key_env"));
        }
    }

    pub(super) fn store(&mut self, store: &Entry<'_, StoreSettings>) {
        self.variable(&store.value.key_env, store.at("key_env"));
        let path = store.value.path.as_str();
        // For SQLite, a name such as `:memory:` is a database in memory, a new one for each connection.
        if path.trim().is_empty() || path.contains('\0') || path.starts_with(':') || path.ends_with(['/', '.']) {
            self.error(&codes::TW0503, store.at("path"), "not a valid file name");
        }
    }

    pub(super) fn x(&mut self, x: &Entry<'_, XSettings>) {
        if let Some(name) = &x.value.client_secret_env {
            self.variable(name, x.at("client_secret_env"));
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

    /// Reports mail settings with which no mail could be sent.
    pub(super) fn mail(&mut self, mail: &Entry<'_, MailSettings>) {
        let MailSettings { server, directory, from, user, password_env, .. } = &mail.value;
        self.mailbox(from, mail.at("from"));
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
            let error =
                Diagnostic::new(&codes::TW0508, mail.at("server"), format!("`{server}` is not a valid mail server"));
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
        let fits = !name.is_empty()
            && name.len() <= 100
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        if !fits {
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
        let fits = url::Url::parse(url)
            .is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.host().is_some() && u.username().is_empty());
        if !fits {
            let error = Diagnostic::new(&codes::TW0508, span, format!("`{url}` is not a valid URL"));
            self.out.push(
                error.with_help("it must start with `https://` or `http://` and contain no user name or password"),
            );
        }
    }
}
