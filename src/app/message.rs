//! Decodes inbox items.

use crate::{
    desk::{
        ConnectedAccount, EntityKind, IncomingKind, MessageFacts, Person, PostFacts, XId, normalize, post_text::handles,
    },
    store::{InboxItem, StoredPost, Uncaptured},
    x::{
        DirectMessage, Post, Unreadable,
        wire::{decode_direct_line, decode_payload},
    },
};

/// An incoming message, with data that is needed only while it is processed.
pub(crate) struct Message {
    /// The part that is stored.
    pub(crate) post: StoredPost,
    /// The profiles that came with it.
    pub(crate) people: Vec<Person>,
    /// The ids of its versions, as far as X lists them.
    pub(crate) versions: Vec<XId>,
    /// How it arrived.
    pub(crate) arrival: Arrival,
    /// The handles it mentions, case-folded, with their ids if X gives them.
    pub(crate) mentions: Vec<(String, Option<XId>)>,
    /// Fields for conditions, if it opens a ticket.
    pub(crate) facts: PostFacts,
}

/// How a message arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// As a post: a mention, the account's own post, or a post that was looked up.
    Post,
    /// As a post that this account liked.
    Like(XId),
    /// As a direct message of this account.
    Direct(XId),
}

impl Message {
    /// A message that was read earlier and made no ticket.
    pub(super) fn of_uncaptured(uncaptured: Uncaptured) -> Self {
        let Uncaptured { account, post, facts, .. } = uncaptured;
        let mut mentions = vec![];
        let mut facts = PostFacts {
            media: post.facts.media.clone(),
            is_quote: post.facts.is_quote,
            is_reply: post.replied_to.is_some(),
            ..facts
        };
        for entity in &post.entities.in_text {
            match &entity.kind {
                EntityKind::Mention { handle, id } => mentions.push((handle.clone(), id.clone())),
                EntityKind::Hashtag { tag } => {
                    facts.hashtags.insert(normalize::tag(tag));
                }
                EntityKind::Cashtag { .. } | EntityKind::Link { .. } => {}
            }
        }
        for handle in handles(&post.text) {
            if !mentions.iter().any(|(known, _): &(String, _)| known.eq_ignore_ascii_case(handle)) {
                mentions.push((handle.to_owned(), None));
            }
        }
        facts.complete(&post.text);
        let arrival = if post.direct_with.is_some() { Arrival::Direct(account) } else { Arrival::Post };
        Self { post, people: vec![], versions: vec![], arrival, mentions, facts }
    }

    /// Whether it mentions an account: by id, or where X gives none, by the handle that X shows.
    pub(super) fn mentions(&self, account: &ConnectedAccount) -> bool {
        let at_x = account.handle_at_x.as_deref().unwrap_or(&account.handle);
        self.mentions.iter().any(|(handle, id)| match id {
            Some(id) => *id == account.id,
            None => handle.eq_ignore_ascii_case(at_x),
        })
    }
}

/// Decodes an inbox item; `None` for a repost or a deletion, which are no messages.
pub(crate) fn read(item: &InboxItem) -> Result<Option<Message>, Unreadable> {
    match item.kind {
        IncomingKind::Post => Ok(of_post(decode_payload(&item.payload)?, Arrival::Post)),
        IncomingKind::Deleted => Ok(None),
        IncomingKind::Like => Ok(of_post(decode_payload(&item.payload)?, Arrival::Like(item.account.clone()))),
        IncomingKind::DirectMessage => {
            let message = decode_direct_line(&item.payload)?;
            let id = Some(message.id.clone());
            // Group conversations are not supported: a reply would go to all members.
            let reason = "the direct message is not in a conversation of two people";
            let unreadable = || Unreadable { reason: reason.to_owned(), id, raw: vec![] };
            of_direct(message, &item.account).ok_or_else(unreadable).map(Some)
        }
    }
}

fn of_post(post: Post, arrival: Arrival) -> Option<Message> {
    if post.reposted.is_some() {
        return None;
    }
    Some(Message {
        people: post.people,
        versions: post.versions,
        arrival,
        mentions: post.mentions,
        post: StoredPost {
            facts: MessageFacts {
                media: post.facts.media.clone(),
                is_quote: post.facts.is_quote,
                language: post.language,
            },
            entities: post.entities,
            // Only posts with ids too old to contain a timestamp have no time.
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
        facts: post.facts,
    })
}

fn of_direct(message: DirectMessage, account: &XId) -> Option<Message> {
    let with = message.with(account)?;
    let (small, large) = if with < *account { (&with, account) } else { (account, &with) };
    let conversation = format!("{small}-{large}");
    let mut facts = PostFacts { has_media: message.has_media, media: message.media.clone(), ..PostFacts::default() };
    facts.complete(&message.text);
    Some(Message {
        people: message.people,
        versions: vec![],
        arrival: Arrival::Direct(account.clone()),
        mentions: Vec::new(),
        facts,
        post: StoredPost {
            facts: MessageFacts { media: message.media, ..MessageFacts::default() },
            entities: message.entities,
            made: message.made.unwrap_or(jiff::Timestamp::UNIX_EPOCH),
            version: message.id.clone(),
            // In a conversation of two, the account's own messages always answer the other person.
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
