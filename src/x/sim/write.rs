//! The endpoints that change something, with X's reasons to refuse.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    answer::{Answer, wrong},
    endpoint::{Act, Endpoint},
    posts::Draft,
    query::{Call, parse_id},
    sent::SentKind,
    text,
    world::{World, conversation},
};
use crate::x::text::weighted_length;

/// The most characters a direct message may have.
const LONGEST_DM: usize = 10_000;
/// How long X remembers a text, to refuse it when it comes again; in milliseconds.
const REMEMBERED: i64 = 24 * 60 * 60 * 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPost {
    #[serde(default)]
    text: String,
    reply: Option<NewReply>,
    quote_tweet_id: Option<String>,
    media: Option<NewMedia>,
    #[serde(rename = "reply_settings")]
    _reply_settings: Option<String>,
    #[serde(rename = "made_with_ai")]
    _made_with_ai: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewReply {
    in_reply_to_tweet_id: String,
    #[serde(rename = "exclude_reply_user_ids")]
    _exclude: Option<Vec<String>>,
    #[serde(rename = "auto_populate_reply_metadata")]
    _populate: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewMedia {
    media_ids: Vec<String>,
    #[serde(rename = "tagged_user_ids")]
    _tagged: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewMessage {
    text: Option<String>,
    attachments: Option<Vec<Attachment>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attachment {
    media_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLike {
    tweet_id: String,
}

impl World {
    /// Answers a request of `me` that changes something.
    pub(super) fn change(
        &mut self,
        call: &Call,
        endpoint: &Endpoint,
        found: &[String],
        me: u64,
    ) -> Result<Answer, Answer> {
        if let Some((name, value)) = call.query.first() {
            return Err(Answer::invalid(vec![wrong(name, value, "is not known here")]));
        }
        let captured = |at: usize| found.get(at).map(String::as_str).unwrap_or_default();
        match endpoint.act {
            Act::CreatePost => self.create_post(me, body(call)?),
            Act::DeletePost => self.delete_own(me, captured(0)),
            Act::SendDm => self.send_dm(me, captured(0), body(call)?),
            Act::Like | Act::Unlike if parse_id(captured(0)) != Some(me) => {
                Err(Answer::invalid(vec![wrong("id", captured(0), "is not the id of the user the token belongs to")]))
            }
            Act::Like => {
                let like: NewLike = body(call)?;
                let post = id_of("tweet_id", &like.tweet_id)?;
                if self.post(post).is_none() {
                    return Err(Answer::forbidden(
                        "You are not allowed to like a Tweet that is deleted or not visible to you.",
                    ));
                }
                if self.put_like(me, post) {
                    let sent = self.sent_by(me, SentKind::Like, post);
                    self.note(sent);
                }
                Ok(Answer::json(200, &json!({"data": {"liked": true}})))
            }
            Act::Unlike => {
                let post = id_of("tweet_id", captured(1))?;
                self.remove_like(me, post);
                let sent = self.sent_by(me, SentKind::Unlike, post);
                self.note(sent);
                Ok(Answer::json(200, &json!({"data": {"liked": false}})))
            }
            _ => Err(Answer::not_found()),
        }
    }

    fn create_post(&mut self, me: u64, new: NewPost) -> Result<Answer, Answer> {
        let replies_to = new.reply.map(|r| id_of("in_reply_to_tweet_id", &r.in_reply_to_tweet_id)).transpose()?;
        let quotes = new.quote_tweet_id.map(|id| id_of("quote_tweet_id", &id)).transpose()?;
        let media = new.media.map(|m| m.media_ids).unwrap_or_default();
        if media.len() > 4 {
            return Err(Answer::invalid_body("A post takes at most 4 media"));
        }
        for id in &media {
            id_of("media_ids", id)?;
        }
        if new.text.trim().is_empty() && media.is_empty() {
            return Err(Answer::invalid_body("A post needs a text or media"));
        }
        let long = self.people.get(&me).is_some_and(|p| p.writes_long);
        if !long && weighted_length(&new.text) > text::LONGEST_POST || new.text.chars().count() > 25_000 {
            return Err(Answer::forbidden(
                "Your Tweet text is too long. You are not permitted to perform this action.",
            ));
        }
        if let Some(quoted) = quotes
            && self.post(quoted).is_none()
        {
            return Err(Answer::forbidden("You attempted to quote a Tweet that is deleted or not visible to you."));
        }
        if let Some(parent) = replies_to {
            self.may_reply(me, parent)?;
        }
        let now = self.now();
        let repeated = self.posts_by(me).take(100).any(|id| {
            self.post(id).is_some_and(|p| {
                p.plain == new.text
                    && p.replies_to == replies_to
                    && self.made_at(id).is_some_and(|at| now.saturating_sub(at) < REMEMBERED)
            })
        });
        if repeated && media.is_empty() {
            return Err(Answer::forbidden("You are not allowed to create a Tweet with duplicate content."));
        }
        let media = media.iter().map(|id| format!("3_{id}")).collect();
        let draft = Draft { author: me, text: new.text.clone(), replies_to, quotes, media };
        let id = self.make_post(draft).map_err(|_| Answer::full())?;
        let mut sent = self.sent_by(me, SentKind::Post, id);
        sent.text = Some(new.text);
        sent.in_reply_to = replies_to.map(|id| id.to_string());
        self.note(sent);
        let text = self.post(id).and_then(|p| p.fields.get("text").cloned());
        let id = id.to_string();
        Ok(Answer::json(201, &json!({"data": {"id": id, "text": text, "edit_history_tweet_ids": [id]}})))
    }

    /// X lets an app reply only to people who addressed the account: by a mention, or by quoting it.
    fn may_reply(&self, me: u64, parent: u64) -> Result<(), Answer> {
        let Some(post) = self.post(parent) else {
            return Err(Answer::forbidden("You attempted to reply to a Tweet that is deleted or not visible to you."));
        };
        let quotes_me = post.quotes.and_then(|id| self.post(id)).is_some_and(|quoted| quoted.author == me);
        let summoned = post.author == me || quotes_me || self.named_in(post).contains(&me);
        if summoned || !self.options.summoned_only {
            return Ok(());
        }
        Err(Answer::forbidden(
            "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by \
             the author of the post you are replying to.",
        ))
    }

    fn delete_own(&mut self, me: u64, id: &str) -> Result<Answer, Answer> {
        let id = id_of("id", id)?;
        let Some(author) = self.post(id).map(|p| p.author) else {
            return Ok(Answer::nothing(super::answer::missing("tweet", "id", &id.to_string())));
        };
        if author != me {
            return Err(Answer::forbidden("You are not authorized to delete this Tweet."));
        }
        self.delete_post(id);
        let sent = self.sent_by(me, SentKind::Delete, id);
        self.note(sent);
        Ok(Answer::json(200, &json!({"data": {"deleted": true}})))
    }

    fn send_dm(&mut self, me: u64, to: &str, new: NewMessage) -> Result<Answer, Answer> {
        let to = id_of("participant_id", to)?;
        let media = new.attachments.unwrap_or_default();
        if media.len() > 1 {
            return Err(Answer::invalid_body("A message takes at most one attachment"));
        }
        for attachment in &media {
            id_of("media_id", &attachment.media_id)?;
        }
        let plain = new.text.unwrap_or_default();
        if plain.is_empty() && media.is_empty() {
            return Err(Answer::invalid_body("A message needs a text or an attachment"));
        }
        if plain.chars().count() > LONGEST_DM {
            return Err(Answer::dm_too_long());
        }
        if self.people.get(&to).is_none_or(|person| person.closed_to_dms) {
            return Err(Answer::dm_closed());
        }
        let media: Vec<String> = media.iter().map(|a| format!("3_{}", a.media_id)).collect();
        let id = self.make_dm(me, to, &plain, &media).map_err(|_| Answer::full())?;
        let mut sent = self.sent_by(me, SentKind::Dm, id);
        sent.text = Some(plain);
        sent.to = Some(to.to_string());
        self.note(sent);
        let data = json!({"dm_conversation_id": conversation(me, to), "dm_event_id": id.to_string()});
        let place = format!("https://api.twitter.com/2/dm_events/\"{id}\"");
        Ok(Answer::json(201, &json!({"data": data})).with("location", place))
    }
}

fn body<T: DeserializeOwned>(call: &Call) -> Result<T, Answer> {
    serde_json::from_slice(&call.body)
        .map_err(|error| Answer::invalid_body(format!("The body is not what it has to be: {error}")))
}

fn id_of(name: &str, text: &str) -> Result<u64, Answer> {
    parse_id(text).ok_or_else(|| Answer::invalid(vec![wrong(name, text, "does not match ^[0-9]{1,19}$")]))
}
