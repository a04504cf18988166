//! Notifications by email.

use std::time::Duration;

use lettre::{
    AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::authentication::Credentials,
};

use super::outbox::Failure;
use crate::desk::{
    Reason, ReasonKind,
    config::{MailSecurity, MailSettings},
};

/// How long the server may take for one step of a mail.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long everything about one mail may take.
const TOTAL: Duration = Duration::from_secs(90);
/// The longest subject: longer ones are cut by mail programs anyway.
const SUBJECT: usize = 200;

/// Sends one mail to several addresses. The key makes the message id, so that a mail that was sent twice
/// because its first answer was lost is the same mail to whoever gets it.
///
/// # Errors
/// For good where an address is wrong or the server refuses the mail, for now where the settings are wrong, the server cannot be
/// reached, or it refuses us, whatever the mail.
pub(super) async fn send(
    settings: &MailSettings,
    to: &[String],
    subject: &str,
    body: &str,
    key: &str,
) -> Result<(), Failure> {
    let from: Mailbox = settings.from.parse().map_err(|e| later(format!("`from = \"{}\"`: {e}", settings.from)))?;
    let host = from.email.domain().to_owned();
    let mut message = Message::builder()
        .from(from)
        .subject(crate::desk::text::headline(subject, SUBJECT))
        .message_id(Some(format!("<twite.{}@{host}>", key.replace('/', "."))))
        .header(ContentType::TEXT_PLAIN);
    for address in to {
        let mailbox: Mailbox = address.parse().map_err(|e| refused(format!("the address `{address}`: {e}")))?;
        message = message.to(mailbox);
    }
    let message = message.body(body.to_owned()).map_err(|e| refused(e.to_string()))?;
    if let Some(directory) = &settings.directory {
        tokio::fs::create_dir_all(directory).await.map_err(|e| later(format!("{directory}: {e}")))?;
        AsyncFileTransport::<Tokio1Executor>::new(directory)
            .send(message)
            .await
            .map_err(|e| later(format!("{directory}: {e}")))?;
        return Ok(());
    }
    let server = settings
        .server
        .as_deref()
        .ok_or_else(|| later("`[mail]` in twite.toml has neither `server` nor `directory`".to_owned()))?;
    let sending = transport(settings, server)?;
    let sent = tokio::time::timeout(TOTAL, sending.send(message)).await;
    match sent.map_err(|_| later(format!("{server} takes longer than {} s", TOTAL.as_secs())))? {
        Ok(_) => Ok(()),
        Err(error) => {
            // Refusals to sign in are about us, and pass once the settings are mended.
            let about_us = error.status().is_some_and(|code| matches!(u16::from(code), 421 | 454 | 530..=538));
            let why = format!("{server}: {error}");
            Err(if error.is_permanent() && !about_us { refused(why) } else { later(why) })
        }
    }
}

fn transport(settings: &MailSettings, server: &str) -> Result<AsyncSmtpTransport<Tokio1Executor>, Failure> {
    let (host, port) = MailSettings::host_and_port(server)
        .ok_or_else(|| later(format!("`server = \"{server}\"` is no mail server")))?;
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
        let password = std::env::var(variable)
            .map_err(|_| later(format!("the environment variable `{variable}` with the mail password is not set")))?;
        builder = builder.credentials(Credentials::new(user.clone(), password));
    }
    Ok(builder.build())
}

fn refused(why: String) -> Failure {
    Failure::Refused(Reason::new(ReasonKind::RefusedByReceiver, format!("mail: {why}")))
}

/// The server, or the way to it, does not work.
fn later(why: String) -> Failure {
    Failure::NotWorking(Reason::new(ReasonKind::Unavailable, format!("mail: {why}")), None)
}
