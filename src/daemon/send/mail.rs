//! Notifications by email.

use std::{fmt::Display, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lettre::{
    AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Body, Mailbox,
        header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0},
    },
    transport::smtp::authentication::Credentials,
};

use super::outcome::Failure;
use crate::{
    desk::{Reason, ReasonKind, text::headline, visible::visible},
    settings::{MailSecurity, MailSettings},
};

/// Timeout for one command to the mail server.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout for sending one mail.
const TOTAL: Duration = Duration::from_secs(90);
/// Maximum length of a subject, in characters; mail programs cut off longer ones.
const SUBJECT: usize = 200;
/// Bytes per encoded word of a header, so that a word is shorter than the 76 characters allowed.
const ENCODED_BYTES: usize = 39;

/// Sends one mail to several addresses. Its message id is derived from the delivery id, so that mail programs recognise
/// a second copy, sent because the first response was lost, as the same mail.
///
/// # Errors
/// Permanent if an address is invalid or the server rejects this mail; temporary if the settings are wrong, the server
/// cannot be reached, or it rejects any mail from us.
pub(super) async fn send(
    settings: &MailSettings,
    to: &[String],
    subject: &str,
    body: &str,
    delivery_id: &str,
) -> Result<(), Failure> {
    let message = message(settings, to, subject, body, delivery_id)?;
    if let Some(directory) = &settings.directory {
        let cannot_write = |why: &dyn Display| later(format!("{}: {why}", directory.display()));
        tokio::fs::create_dir_all(directory).await.map_err(|e| cannot_write(&e))?;
        AsyncFileTransport::<Tokio1Executor>::new(directory).send(message).await.map_err(|e| cannot_write(&e))?;
        return Ok(());
    }
    let server = settings
        .server
        .as_deref()
        .ok_or_else(|| later("`[mail]` in twite.toml has neither `server` nor `directory`".to_owned()))?;
    let sending = transport(settings, server)?;
    let sent = tokio::time::timeout(TOTAL, sending.send(message)).await;
    match sent.map_err(|_| later(format!("{server} did not finish within {} s", TOTAL.as_secs())))? {
        Ok(_) => Ok(()),
        Err(error) => {
            // These codes reject the login rather than the mail, so they are temporary: fixing the settings helps.
            let about_us = error.status().is_some_and(|code| matches!(u16::from(code), 421 | 454 | 530..=538));
            let why = format!("{server}: {error}");
            Err(if error.is_permanent() && !about_us { refused(why) } else { later(why) })
        }
    }
}

fn message(
    settings: &MailSettings,
    to: &[String],
    subject: &str,
    body: &str,
    delivery_id: &str,
) -> Result<Message, Failure> {
    let from: Mailbox = settings.from.parse().map_err(|e| later(format!("`from = \"{}\"`: {e}", settings.from)))?;
    let host = from.email.domain().to_owned();
    let mut message = Message::builder()
        .from(from)
        .raw_header(subject_header(subject))
        .message_id(Some(format!("<twite.{delivery_id}@{host}>")))
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN);
    for address in to {
        let mailbox: Mailbox =
            address.parse().map_err(|e| refused(format!("invalid email address `{address}`: {e}")))?;
        message = message.to(mailbox);
    }
    let is_text = |c: char| !c.is_control() || c == '\n';
    let encoded = match body.chars().all(is_text) {
        true => Ok(Body::new(body.to_owned())),
        // Some servers reject or drop control characters in an unencoded body.
        false => Body::new_with_encoding(body.to_owned(), ContentTransferEncoding::Base64).map_err(|_| "its encoding"),
    };
    message.body(encoded.map_err(|why| refused(why.to_owned()))?).map_err(|e| refused(e.to_string()))
}

/// The subject as one line with visible control characters. Encoded by RFC 2047 unless it is plain ASCII; text that
/// looks like an encoded word (`=?utf-8?B?…?=`) is encoded too, or mail programs would decode it.
fn subject_header(subject: &str) -> HeaderValue {
    let subject = visible(&headline(subject, SUBJECT)).into_owned();
    let name = HeaderName::new_from_ascii_str("Subject");
    if subject.bytes().all(|b| matches!(b, b' '..=b'~')) && !subject.contains("=?") {
        return HeaderValue::new(name, subject);
    }
    let mut words: Vec<String> = vec![String::new()];
    for c in subject.chars() {
        match words.last_mut() {
            Some(word) if word.len() + c.len_utf8() <= ENCODED_BYTES => word.push(c),
            _ => words.push(c.to_string()),
        }
    }
    let encoded = words.iter().map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word))).collect::<Vec<_>>();
    HeaderValue::dangerous_new_pre_encoded(name, subject, encoded.join("\r\n "))
}

fn transport(settings: &MailSettings, server: &str) -> Result<AsyncSmtpTransport<Tokio1Executor>, Failure> {
    let (host, port) = MailSettings::host_and_port(server)
        .ok_or_else(|| later(format!("`server = \"{server}\"` is not a valid mail server")))?;
    let builder = match settings.security {
        MailSecurity::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(host),
        MailSecurity::Starttls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host),
        MailSecurity::None => Ok(AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)),
    };
    let mut builder = builder.map_err(|e| later(format!("{server}: {e}")))?.timeout(Some(TIMEOUT));
    if let Some(port) = port {
        builder = builder.port(port);
    }
    if let (Some(user), Some(variable)) = (&settings.user, &settings.password_env) {
        let password = std::env::var(variable).map_err(|_| later(not_set(variable)))?;
        builder = builder.credentials(Credentials::new(user.clone(), password));
    }
    Ok(builder.build())
}

/// Why no mail can be sent with these settings, whatever the server says.
pub(super) fn unusable(settings: &MailSettings) -> Option<String> {
    let variable = settings.password_env.as_deref().filter(|_| settings.user.is_some())?;
    std::env::var(variable).is_err().then(|| not_set(variable))
}

fn not_set(variable: &str) -> String {
    format!("environment variable `{variable}` is not set; it must contain the mail password")
}

fn refused(why: String) -> Failure {
    Failure::Refused(Reason::new(ReasonKind::RefusedByReceiver, format!("mail: {why}")))
}

/// A temporary failure: the mail server does not work or cannot be reached.
fn later(why: String) -> Failure {
    Failure::NotWorking(Reason::new(ReasonKind::Unavailable, format!("mail: {why}")), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(subject: &str, body: &str) -> String {
        let settings = MailSettings {
            server: None,
            directory: None,
            from: "desk@acme.example".to_owned(),
            security: MailSecurity::default(),
            user: None,
            password_env: None,
        };
        let message = message(&settings, &["maya@acme.example".to_owned()], subject, body, "1.2.abc").unwrap();
        String::from_utf8(message.formatted()).unwrap()
    }

    #[test]
    fn subjects_say_what_was_written_and_nothing_that_was_not() {
        let long = "é".repeat(90);
        for (written, read) in [
            ("Order 1", "Order 1"),
            ("Größe & Maß", "Größe & Maß"),
            ("=?utf-8?B?4oCuQVBQUk9WRUQ=?=", "=?utf-8?B?4oCuQVBQUk9WRUQ=?="),
            ("ü =?utf-8?Q?a?= ü", "ü =?utf-8?Q?a?= ü"),
            ("a\u{202e}b\0c\u{1b}d", "a\\u{202e}b\\u{0}c\\u{1b}d"),
            ("one\r\nBcc: x@acme.example", "one Bcc: x@acme.example"),
            (&long, &long),
        ] {
            let mail = raw(written, "text");
            let (_, rest) = mail.split_once("Subject: ").unwrap();
            let mut lines = rest.split("\r\n");
            let mut header = vec![lines.next().unwrap()];
            header.extend(lines.take_while(|line| line.starts_with(' ')).map(str::trim_start));
            assert!(header.iter().all(|line| line.len() + "Subject: ".len() <= 84), "{header:?}");
            let decoded = header.iter().map(|word| match word.strip_prefix("=?utf-8?B?") {
                Some(word) => STANDARD.decode(word.strip_suffix("?=").unwrap()).unwrap(),
                None => word.as_bytes().to_vec(),
            });
            assert_eq!(String::from_utf8(decoded.collect::<Vec<_>>().concat()).unwrap(), read);
        }
    }

    #[test]
    fn controls_never_stand_raw_in_a_body() {
        for (body, encoding) in [
            ("two\nlines", "7bit"),
            ("a\0b", "base64"),
            ("a\u{1b}[2Jb", "base64"),
            ("a\rb", "base64"),
            ("\u{85}", "base64"),
        ] {
            let mail = raw("s", body);
            assert!(mail.contains(&format!("Content-Transfer-Encoding: {encoding}\r\n")), "{mail}");
            let (_, shown) = mail.split_once("\r\n\r\n").unwrap();
            assert!(shown.chars().all(|c| !c.is_control() || matches!(c, '\r' | '\n')), "{mail:?}");
        }
    }

    #[test]
    fn the_headers_say_the_version_of_mime_and_the_delivery() {
        assert_eq!(raw("s", "b").matches("MIME-Version: 1.0\r\n").count(), 1);
        assert!(raw("s", "b").contains("Message-ID: <twite.1.2.abc@acme.example>\r\n"));
    }
}
