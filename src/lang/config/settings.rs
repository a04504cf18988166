//! What settings must be to work.

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
        // To SQLite, a name in colons is a database in memory, a new one for each connection.
        if path.trim().is_empty() || path.contains('\0') || path.starts_with(':') || path.ends_with(['/', '.']) {
            self.error(&codes::TW0503, store.at("path"), "this is no name of a file");
        }
    }

    pub(super) fn x(&mut self, x: &Entry<'_, XSettings>) {
        if let Some(name) = &x.value.client_secret_env {
            self.variable(name, x.at("client_secret_env"));
        }
        if x.value.client_id.as_ref().is_some_and(|id| id.trim().is_empty()) {
            self.error(&codes::TW0509, x.at("client_id"), "this is no client id");
        }
        self.address(&x.value.url, x.at("url"));
        self.start_of_addresses(&x.value.url, x.at("url"));
        if url::Url::parse(&x.value.url).is_ok_and(|url| !matches!(url.path(), "/" | "")) {
            let error = Diagnostic::new(&codes::TW0508, x.at("url"), "X is not reached below a path");
            self.out.push(error.with_help("write scheme, name and port only, as in `https://api.x.com`"));
        }
    }

    /// Settings of mail that could not send any.
    pub(super) fn mail(&mut self, mail: &Entry<'_, MailSettings>) {
        let MailSettings { server, directory, from, user, password_env, .. } = &mail.value;
        self.mailbox(from, mail.at("from"));
        let has_lost = |keys: [&str; 2]| keys.iter().any(|key| mail.has_lost(key));
        match (server, directory) {
            _ if has_lost(["server", "directory"]) => {}
            (None, None) => self.out.push(
                Diagnostic::new(&codes::TW0503, mail.span(), "mail has neither a `server` nor a `directory`")
                    .with_help("write `server = \"host:port\"`, or `directory = \"…\"` to try rules without a server"),
            ),
            (Some(_), Some(_)) => {
                let message = "mail goes to a `server` or into a `directory`, not both";
                let error = Diagnostic::new(&codes::TW0503, mail.at("directory"), message);
                self.out
                    .push(error.and_label(mail.at("server"), "the server is here").with_help("leave one of them out"));
            }
            (None, Some(directory)) if is_blank(&directory.to_string_lossy()) => {
                self.error(&codes::TW0503, mail.at("directory"), "this is no name of a directory");
            }
            _ => {}
        }
        if let Some(server) = server
            && MailSettings::host_and_port(server).is_none()
        {
            let error = Diagnostic::new(&codes::TW0508, mail.at("server"), format!("`{server}` is no mail server"));
            self.out.push(error.with_help(
                "write `host` or `host:port`, with a port from 1 to 65535; an IPv6 address stands in brackets: `[::1]:25`",
            ));
        }
        if has_lost(["user", "password_env"]) {
            return;
        }
        if directory.is_some() && server.is_none() && (user.is_some() || password_env.is_some()) {
            let given = if user.is_some() { "user" } else { "password_env" };
            self.error(&codes::TW0503, mail.at(given), "nobody signs in to a `directory`");
        } else if user.is_some() != password_env.is_some() {
            let given = if user.is_some() { "user" } else { "password_env" };
            let message = "a user signs in with a password: `user` and `password_env` go together";
            self.error(&codes::TW0503, mail.at(given), message);
        }
    }

    /// An address that mail can be sent to or come from.
    pub(super) fn mailbox(&mut self, address: &str, span: Range<usize>) {
        if address.parse::<lettre::message::Mailbox>().is_err() {
            let error = Diagnostic::new(&codes::TW0510, span, format!("`{address}` is no e-mail address"));
            self.out.push(error.with_help("write `name@example.com`, or `Name <name@example.com>`"));
        }
    }

    /// A name of an environment variable: a secret itself looks different, and does not belong here.
    fn variable(&mut self, name: &str, span: Range<usize>) {
        let fits = !name.is_empty()
            && name.len() <= 100
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        if !fits {
            let error = Diagnostic::new(&codes::TW0509, span, "the name of an environment variable is expected here");
            self.out.push(error.with_help(
                "secrets never stand in this file: put it in a variable such as `STATUS_PAGE_KEY`, and write that name",
            ));
        }
    }

    /// An address that others are made of by adding to its end.
    pub(super) fn start_of_addresses(&mut self, url: &str, span: Range<usize>) {
        if url::Url::parse(url).is_ok_and(|url| url.query().is_some() || url.fragment().is_some()) {
            let error = Diagnostic::new(
                &codes::TW0508,
                span,
                "a path is added to this address, so that it cannot have `?` or `#`",
            );
            self.out.push(error.with_help("leave out what follows"));
        }
    }

    pub(super) fn address(&mut self, url: &str, span: Range<usize>) {
        let fits = url::Url::parse(url)
            .is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.host().is_some() && u.username().is_empty());
        if !fits {
            let error = Diagnostic::new(&codes::TW0508, span, format!("`{url}` is no address that can be called"));
            self.out.push(error.with_help("it starts with `https://` or `http://`, and holds no password"));
        }
    }
}
