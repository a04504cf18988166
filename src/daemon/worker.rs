//! From the inbox to a committed decision.

use std::sync::PoisonError;

use super::{
    Daemon, Notice,
    intake::{Arrival, Intake, Message},
};
use crate::{
    desk::{PostFacts, XId},
    lang::rules::Rules,
    store::{InboxItem, IncomingKind, KnownPost, StoreError},
    x::{
        DirectMessage, Post, Unreadable,
        wire::{decode_direct_line, decode_line},
    },
};

impl Daemon {
    /// Takes the next message in: everything it leads to is one transaction. Returns whether there was one.
    /// A message that cannot be read is set aside, visibly, and never stops the next.
    ///
    /// # Errors
    /// When the store fails: the message stays where it was.
    pub async fn take_next(&self) -> Result<bool, StoreError> {
        let Some(item) = self.store.pending(1).await?.into_iter().next() else { return Ok(false) };
        match read(&item) {
            Ok(message) => {
                let accounts = self.store.accounts().await?;
                let rules = self.rules();
                self.remember(&rules).await?;
                let mut intake = Intake::new(self.store.begin().await?, rules, &accounts, &self.clock);
                if let Some(message) = message {
                    intake.message(&message).await?;
                }
                intake.tx.finish(item.id).await?;
                intake.commit(&self.notices).await?;
                self.mail.notify_one();
            }
            Err(unreadable) => {
                self.store.set_aside(item.id, &unreadable.reason).await?;
                self.notices.tell(Notice::SetAside { reason: unreadable.reason });
            }
        }
        Ok(true)
    }
}

impl Daemon {
    /// Keeps the files of rules before they first decide, so that what they decide can always be explained.
    pub(super) async fn remember(&self, rules: &Rules) -> Result<(), StoreError> {
        let known = |remembered: &String| *remembered == rules.version.hash;
        if !self.remembered.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(known) {
            self.store.remember_version(rules, self.clock.now()).await?;
            *self.remembered.lock().unwrap_or_else(PoisonError::into_inner) = Some(rules.version.hash.clone());
        }
        Ok(())
    }
}

/// What an inbox item says; nothing where it is no message: reposts and conversations of groups.
pub(super) fn read(item: &InboxItem) -> Result<Option<Message>, Unreadable> {
    match item.kind {
        IncomingKind::Post => Ok(of_post(decode_line(&item.payload)?, Arrival::Post)),
        IncomingKind::Like => Ok(of_post(decode_line(&item.payload)?, Arrival::Like(item.account.clone()))),
        IncomingKind::DirectMessage => Ok(of_direct(decode_direct_line(&item.payload)?, &item.account)),
    }
}

fn of_post(post: Post, arrival: Arrival) -> Option<Message> {
    if post.reposted.is_some() {
        return None;
    }
    Some(Message {
        people: post.people,
        arrival,
        mentions: post.mentions,
        language: post.language,
        facts: post.facts,
        post: KnownPost {
            // Every post has had a time since long before there were accounts for support.
            made: post.made.unwrap_or(jiff::Timestamp::UNIX_EPOCH),
            id: post.id,
            version: post.version,
            author: post.author,
            conversation: post.conversation.to_string(),
            replied_to: post.replied_to,
            in_reply_to_user: post.in_reply_to_user,
            answers: None,
            direct_with: None,
            text: post.text,
            deleted: false,
        },
    })
}

fn of_direct(message: DirectMessage, account: &XId) -> Option<Message> {
    let with = message.with(account)?;
    let (small, large) = if with < *account { (&with, account) } else { (account, &with) };
    let conversation = format!("{small}-{large}");
    Some(Message {
        people: message.people,
        arrival: Arrival::Direct(account.clone()),
        mentions: Vec::new(),
        language: None,
        facts: PostFacts::default(),
        post: KnownPost {
            made: message.made.unwrap_or(jiff::Timestamp::UNIX_EPOCH),
            version: message.id.clone(),
            // What the account says, it says to the other side; there is nothing to settle.
            answers: (message.sender == *account).then(|| with.clone()),
            direct_with: Some(with),
            id: message.id,
            author: message.sender,
            conversation,
            replied_to: None,
            in_reply_to_user: None,
            text: message.text,
            deleted: false,
        },
    })
}
