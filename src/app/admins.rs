//! Mails to the admins about what needs one of them.

use jiff::Timestamp;

use crate::{
    desk::{Actor, Destination, Effect, Recipient},
    lang::rules::Rules,
    settings::Settings,
    store::{Outgoing, StoreError, Tx},
};

/// Queues one mail for each admin with an address, each under a unique key that begins with `about`.
pub(crate) async fn mail_admins(
    tx: &mut Tx,
    rules: &Rules,
    settings: &Settings,
    about: &str,
    (subject, body): (&str, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    if settings.mail.is_none() {
        return Ok(());
    }
    for (admin, _) in rules.desk.admins() {
        let key = format!("{about}/{}", tx.next_effect().await?);
        tx.enqueue(&Outgoing {
            key,
            ticket: None,
            by: Actor::System,
            effect: Effect::Notify {
                to: vec![Recipient::Agent(admin.to_owned())],
                subject: subject.to_owned(),
                body: body.to_owned(),
                conversation: false,
            },
            account: None,
            destination: Destination::Mail,
            answers: None,
            follows: None,
            made: now,
            due: now,
        })?;
    }
    Ok(())
}
