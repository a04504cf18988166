//! Tolerant decoding of X's JSON.
//!
//! X is renaming its fields from "tweet" to "post", and responses contain both names: old names are mapped to the new
//! ones, and the new one wins if both are present. Unknown fields are ignored, `null` means absent, and a message that
//! cannot be decoded does not affect the others. Only ids are decoded strictly, as strings, because large JSON numbers
//! may have been rounded.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    entities::{Marked, media as media_shown, media_keys, media_kind, unescape},
    parts::{elements, member, members, salvage},
};
use crate::desk::{
    Entities, Incoming, IncomingKind, MediaKind, Person, PostFacts, SourceId, XId, normalize, post_text::handles,
};

/// Maximum number of bytes stored of an undecodable message.
const KEPT: usize = 64 * 1024;
/// Maximum nesting depth to which field names are normalised.
const MAX_DEPTH: usize = 32;

/// Old field names and their replacements.
const RENAMED: &[(&str, &str)] = &[
    ("edit_history_tweet_ids", "edit_history_post_ids"),
    ("note_tweet", "note_post"),
    ("referenced_tweets", "referenced_posts"),
    ("retweet_count", "repost_count"),
    ("tweet_count", "post_count"),
    ("tweets", "posts"),
];

/// A message that cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unreadable {
    /// The reason, as a sentence for people.
    pub reason: String,
    /// Its id, if that is readable.
    pub id: Option<XId>,
    /// The raw bytes of the message, truncated to `KEPT`.
    pub raw: Vec<u8>,
}

/// A post.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    /// The id of its first version. An edit gives a post a new id; this one does not change.
    pub id: XId,
    /// The id of this version.
    pub version: XId,
    /// The ids of its versions up to this one, oldest first; empty if X lists none.
    pub versions: Vec<XId>,
    /// The full text: long posts included, short links expanded, HTML escapes decoded once. A post without text has a
    /// placeholder for its media, such as `[photo]`.
    pub text: String,
    /// Who wrote it.
    pub author: XId,
    /// The user profiles delivered with the message.
    pub people: Vec<Person>,
    /// The id of the post that started the conversation.
    pub conversation: XId,
    /// The post it replies to.
    pub replied_to: Option<XId>,
    /// The post it quotes.
    pub quoted: Option<XId>,
    /// The post it reposts; a repost has no text of its own.
    pub reposted: Option<XId>,
    /// The author of the post it replies to, if X names them.
    pub in_reply_to_user: Option<XId>,
    /// The handles it mentions, with their ids if X gives them.
    pub mentions: Vec<(String, Option<XId>)>,
    /// What is marked in the text, and the media.
    pub entities: Entities,
    /// Fields for conditions.
    pub facts: PostFacts,
    /// Its language tag, if X detected one.
    pub language: Option<String>,
    /// When it was written, if known.
    pub made: Option<Timestamp>,
    /// The message as JSON; [`decode_line`] decodes it to an equal post.
    pub payload: String,
}

/// A direct message.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectMessage {
    /// Its id.
    pub id: XId,
    /// `{lower id}-{higher id}` for a conversation of two people; a single number for a group.
    pub conversation: Option<String>,
    /// Who wrote it.
    pub sender: XId,
    /// The participants of the conversation, if X lists them.
    pub participants: Vec<XId>,
    /// The full text, followed by placeholders for media such as `[photo]`. Never empty.
    pub text: String,
    /// Whether a photo, video or GIF is attached.
    pub has_media: bool,
    /// Which of these, as far as X says.
    pub media: BTreeSet<MediaKind>,
    /// What is marked in the text, and the media.
    pub entities: Entities,
    /// The user profiles delivered with the message.
    pub people: Vec<Person>,
    /// When it was written, if known.
    pub made: Option<Timestamp>,
    /// The message as JSON; [`decode_direct_line`] decodes it to an equal message.
    pub payload: String,
}

impl Post {
    /// The post as an inbox item, of kind [`IncomingKind::Post`] or [`IncomingKind::Like`].
    pub fn into_incoming(self, kind: IncomingKind) -> Incoming {
        Incoming { kind, x_id: self.id, version: self.version, payload: self.payload }
    }
}

impl DirectMessage {
    /// The message as an inbox item.
    pub fn into_incoming(self) -> Incoming {
        Incoming { kind: IncomingKind::DirectMessage, version: self.id.clone(), x_id: self.id, payload: self.payload }
    }

    /// The other person of the conversation; `None` for a group.
    pub fn with(&self, account: &XId) -> Option<XId> {
        if let Some(conversation) = &self.conversation {
            let (a, b) = conversation.split_once('-')?;
            let (a, b): (XId, XId) = (a.parse().ok()?, b.parse().ok()?);
            return match (a == *account, b == *account) {
                (true, _) => Some(b),
                (_, true) => Some(a),
                _ => None,
            };
        }
        if self.sender != *account {
            return Some(self.sender.clone());
        }
        let mut others = self.participants.iter().filter(|p| *p != account);
        others.next().filter(|_| others.next().is_none()).cloned()
    }
}

/// One page of a list response.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// Its messages in X's order, undecodable ones included.
    pub items: Vec<Result<T, Unreadable>>,
    /// Pagination token of the next page.
    pub next: Option<String>,
    /// Whether there may be a next page although its token cannot be read.
    pub next_is_lost: bool,
    /// Requested ids that X reports as not found.
    pub gone: Vec<XId>,
    /// Whether the response is a list: it has `data` or, if the list is empty, `meta`. A response with only errors has
    /// neither.
    pub is_list: bool,
}

/// Decodes one line of a file of payloads: `{"data": {…}, "includes": {…}}`.
///
/// # Errors
/// When it is not JSON, or has no readable id, author or conversation.
pub fn decode_line(line: &str) -> Result<Post, Unreadable> {
    let (data, included) = parse(line)?;
    post(&data, &included, None)
}

/// [`decode_line`] for a stored payload, which is kept unchanged.
///
/// # Errors
/// As [`decode_line`].
pub fn decode_payload(payload: &str) -> Result<Post, Unreadable> {
    let (data, included) = parse(payload)?;
    post(&data, &included, Some(payload))
}

/// Decodes a direct message from its payload.
///
/// # Errors
/// As [`decode_line`].
pub fn decode_direct_line(line: &str) -> Result<DirectMessage, Unreadable> {
    let (data, included) = parse(line)?;
    direct(&data, &included)
}

/// Decodes a page of posts.
///
/// # Errors
/// When it is not JSON, or is truncated so that it cannot be split into messages.
pub fn decode_posts(answer: &[u8]) -> Result<Page<Post>, String> {
    page(answer, |_| true, post)
}

/// Decodes a page of direct messages.
///
/// # Errors
/// As [`decode_posts`].
pub fn decode_directs(answer: &[u8]) -> Result<Page<DirectMessage>, String> {
    // Join and leave events are skipped, whatever event types were requested.
    let is_message =
        |item: &Value| item.get("event_type").and_then(Value::as_str).is_none_or(|kind| kind == "MessageCreate");
    page(answer, is_message, |data, included, _| direct(data, included))
}

/// Decodes each message of a page separately.
fn page<T>(
    answer: &[u8],
    is_wanted: impl Fn(&Value) -> bool,
    read: impl Fn(&Value, &Included, Option<&str>) -> Result<T, Unreadable>,
) -> Result<Page<T>, String> {
    let mut page = Page { items: vec![], next: None, next_is_lost: false, gone: vec![], is_list: false };
    let Some(members) = members(answer) else {
        let error = serde_json::from_slice::<serde::de::IgnoredAny>(answer).err();
        return Err(error.map_or_else(|| "not a JSON object".to_owned(), |error| format!("not valid JSON: {error}")));
    };
    let mut included = Included::default();
    for (_, value) in members.iter().filter(|(name, _)| name == "includes") {
        included.read(&normalised(salvage(value)));
    }
    for (name, value) in &members {
        match name.as_str() {
            // An empty page has no `data`.
            "data" if *value == b"null" => {}
            "data" => {
                page.is_list = true;
                for json in elements(value).ok_or("one whose `data` is no list")? {
                    match serde_json::from_slice(json).map(normalised) {
                        Ok(item) if !is_wanted(&item) => {}
                        Ok(item) => page.items.push(read(&item, &included, None)),
                        Err(error) => page.items.push(Err(not_json(json, &error))),
                    }
                }
            }
            "meta" => {
                page.is_list = true;
                match member(value, "next_token").map(serde_json::from_slice) {
                    None => page.next_is_lost = self::members(value).is_none(),
                    Some(Ok(Value::Null)) => {}
                    // An empty token means that there is no next page.
                    Some(Ok(Value::String(token))) => page.next = Some(token).filter(|token| !token.is_empty()),
                    Some(_) => page.next_is_lost = true,
                }
            }
            "errors" => page.gone.extend(salvage(value).as_array().into_iter().flatten().filter_map(gone)),
            _ => {}
        }
    }
    Ok(page)
}

/// The id of the object that an error reports as not found. An object that exists but is hidden has another error type.
fn gone(error: &Value) -> Option<XId> {
    let kind = error.get("type").and_then(Value::as_str)?;
    let id = error.get("resource_id").or_else(|| error.get("value"))?;
    kind.ends_with("/resource-not-found").then(|| id.as_str()?.parse().ok()).flatten()
}

/// Parses a message and its `includes`.
fn parse(line: &str) -> Result<(Value, Included), Unreadable> {
    let json = line.as_bytes();
    let mut value = match serde_json::from_slice(json) {
        Ok(value) => normalised(value),
        Err(error) => {
            // Salvages what is readable of `includes`; the message itself must be valid.
            let data = member(json, "data").ok_or_else(|| not_json(json, &error))?;
            let data: Value = serde_json::from_slice(data).map_err(|error| not_json(data, &error))?;
            normalised(json!({ "data": data, "includes": member(json, "includes").map(salvage) }))
        }
    };
    let mut included = Included::default();
    included.read(value.get("includes").unwrap_or(&Value::Null));
    Ok((value.get_mut("data").map_or(Value::Null, Value::take), included))
}

fn not_json(json: &[u8], error: &serde_json::Error) -> Unreadable {
    let id = member(json, "id").and_then(|id| serde_json::from_slice(id).ok());
    Unreadable { reason: format!("it is not valid JSON: {error}"), id, raw: cut(json) }
}

/// Objects that X sends along with a message or page (`includes`). Unreadable users are skipped.
#[derive(Debug, Default)]
struct Included {
    people: BTreeMap<XId, Person>,
    posts: BTreeMap<XId, Value>,
    /// Media by key.
    media: BTreeMap<String, Value>,
}

impl Included {
    fn read(&mut self, includes: &Value) {
        let all = |name: &str| includes.get(name).and_then(Value::as_array).into_iter().flatten();
        // Some responses wrap each user in a `data` object.
        let people = all("users").filter_map(|user| person(user.get("data").unwrap_or(user)));
        self.people.extend(people.filter_map(|person| Some((person.x_id()?.clone(), person))));
        self.posts
            .extend(all("posts").filter_map(|post| Some((post.get("id")?.as_str()?.parse().ok()?, post.clone()))));
        self.media.extend(
            all("media").filter_map(|media| Some((media.get("media_key")?.as_str()?.to_owned(), media.clone()))),
        );
    }
}

fn normalised(mut value: Value) -> Value {
    normalise(&mut value, 0);
    value
}

/// Renames old field names, recursively.
fn normalise(value: &mut Value, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (old, new) in RENAMED {
                if let Some(content) = fields.remove(*old)
                    && !fields.contains_key(*new)
                {
                    fields.insert((*new).to_owned(), content);
                }
            }
            fields.values_mut().for_each(|v| normalise(v, depth + 1));
        }
        Value::Array(items) => items.iter_mut().for_each(|v| normalise(v, depth + 1)),
        _ => {}
    }
}

fn post(data: &Value, included: &Included, kept: Option<&str>) -> Result<Post, Unreadable> {
    let reader = Reader { data, what: "post" };
    let version = reader.needs_id("id")?;
    let versions = reader.ids("edit_history_post_ids")?;
    let author = reader.needs_id("author_id")?;
    let reference = |kind: &str| -> Result<Option<XId>, Unreadable> {
        let references = data.get("referenced_posts").and_then(Value::as_array);
        let found = references.into_iter().flatten().find(|r| r.get("type").and_then(Value::as_str) == Some(kind));
        match found {
            Some(found) => Reader { data: found, what: "reference of a post" }.id("id"),
            None => Ok(None),
        }
    };
    let replied_to = reference("replied_to")?;
    let reposted = reference("retweeted")?;
    let id = versions.first().unwrap_or(&version).clone();
    let is_written = |text: &&Value| written(text).is_some_and(|text| !text.is_empty());
    let long = ["note_post", "extended_tweet"].into_iter().find_map(|name| data.get(name).filter(is_written));
    let original = reposted.as_ref().and_then(|id| included.posts.get(id));
    let source = original.or(long).unwrap_or(data);
    let entities = |name: &str| {
        let of =
            |v: &Value| v.pointer(&format!("/entities/{name}")).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut found = of(source);
        if long.is_some() {
            found.extend(of(data));
        }
        found
    };
    let mut mentions: Vec<(String, Option<XId>)> = ["mentions", "user_mentions"]
        .into_iter()
        .flat_map(entities)
        .filter_map(|m| {
            let handle = m.get("username").or_else(|| m.get("screen_name"))?.as_str()?;
            let id = ["id", "id_str"].iter().find_map(|name| m.get(*name)?.as_str()?.parse().ok());
            Some((handle.to_owned(), id))
        })
        .collect();
    let raw = written(source).or_else(|| written(data));
    let shows = shown_without_words(data, included);
    let raw = raw
        .or((!shows.is_empty()).then_some(""))
        .ok_or_else(|| reader.unreadable("the post has no `text`".to_owned()))?;
    // Without entities of its own, a long text has those of its beginning.
    let marks = source.get("entities").or_else(|| long.and(data.get("entities")).filter(|_| original.is_none()));
    let mut marked = Marked::read(raw, marks, |_| false);
    if is_blank(&marked.text) {
        let text = if shows.is_empty() { NOTHING_SAID.to_owned() } else { shows };
        marked = Marked { text, entities: vec![] };
    }
    let text = marked.text;
    for handle in handles(&text) {
        if !mentions.iter().any(|(known, _)| known.eq_ignore_ascii_case(handle)) {
            mentions.push((handle.to_owned(), None));
        }
    }
    let hashtags: BTreeSet<String> = entities("hashtags")
        .iter()
        .filter_map(|h| h.get("tag").or_else(|| h.get("text")).and_then(Value::as_str))
        .map(normalize::tag)
        .filter(|tag| !tag.is_empty())
        .collect();
    let count =
        |name: &str| data.pointer(&format!("/public_metrics/{name}")).and_then(Value::as_i64).filter(|n| *n >= 0);
    let quoted = reference("quoted")?;
    let mut facts = PostFacts {
        likes: count("like_count"),
        reposts: count("repost_count"),
        replies: count("reply_count"),
        has_media: data.pointer("/attachments/media_keys").and_then(Value::as_array).is_some_and(|m| !m.is_empty()),
        media: media(data, included),
        is_reply: replied_to.is_some(),
        is_quote: quoted.is_some(),
        hashtags,
        ..PostFacts::default()
    };
    facts.complete(&text);
    // A post requested without its conversation is a conversation of its own.
    let conversation = reader.id("conversation_id")?.unwrap_or_else(|| id.clone());
    Ok(Post {
        made: reader.time("created_at").or_else(|| Timestamp::from_millisecond(version.made_at_millis()?).ok()),
        quoted,
        in_reply_to_user: reader.id("in_reply_to_user_id")?,
        language: reader.text("lang").filter(|lang| *lang != "und").map(|lang| normalize::language(lang).into_owned()),
        people: included.people.get(&author).cloned().into_iter().collect(),
        payload: kept.map_or_else(|| payload(data, &author, included, original), str::to_owned),
        entities: Entities { in_text: marked.entities, media: media_shown(original.unwrap_or(data), &included.media) },
        id,
        version,
        versions,
        text,
        author,
        conversation,
        replied_to,
        reposted,
        mentions,
        facts,
    })
}

fn direct(data: &Value, included: &Included) -> Result<DirectMessage, Unreadable> {
    let reader = Reader { data, what: "direct message" };
    let id = reader.needs_id("id")?;
    let sender = reader.needs_id("sender_id")?;
    let participants = data.get("participant_ids").and_then(Value::as_array);
    // A media link only works in X's own clients, so a placeholder such as `[photo]` replaces it.
    let is_media = |url: &&Value| {
        url.get("media_key").is_some()
            || url.get("expanded_url").and_then(Value::as_str).is_some_and(|to| to.contains("/messages/media/"))
    };
    let urls = data.pointer("/entities/urls").and_then(Value::as_array);
    let media_links = urls.into_iter().flatten().filter(is_media).count();
    let mut shows = shown_without_words(data, included);
    if shows.is_empty() && media_links > 0 {
        shows = counted("attachment", media_links);
    }
    let mut said = Marked::read(reader.text("text").unwrap_or_default(), data.get("entities"), |url| is_media(&url));
    said.trim();
    let text = match (is_blank(&said.text), shows.is_empty()) {
        (false, true) => said.text,
        (false, false) => format!("{} {shows}", said.text),
        (true, nothing) => {
            said.entities.clear();
            if nothing { NOTHING_SAID.to_owned() } else { shows }
        }
    };
    Ok(DirectMessage {
        conversation: reader.text("dm_conversation_id").map(str::to_owned),
        participants: participants.into_iter().flatten().filter_map(|p| p.as_str()?.parse().ok()).collect(),
        has_media: media_links > 0 || !media_keys(data).is_empty(),
        media: media(data, included),
        entities: Entities { in_text: said.entities, media: media_shown(data, &included.media) },
        text,
        people: included.people.get(&sender).cloned().into_iter().collect(),
        made: reader.time("created_at").or_else(|| Timestamp::from_millisecond(id.made_at_millis()?).ok()),
        payload: payload(data, &sender, included, None),
        id,
        sender,
    })
}

/// The text of an object; the older API has the whole one as `full_text`.
fn written(of: &Value) -> Option<&str> {
    ["full_text", "text"].iter().find_map(|name| of.get(name)?.as_str())
}

/// Placeholder for a message without text or media.
const NOTHING_SAID: &str = "[no text]";

fn media(data: &Value, included: &Included) -> BTreeSet<MediaKind> {
    media_keys(data).into_iter().filter_map(|key| media_kind(key, &included.media)).collect()
}

/// Placeholders for the parts of a message that are not text: `[photo]`, `[2 photos] [video]`, `[post 1234]`. Empty if
/// there are none.
fn shown_without_words(data: &Value, included: &Included) -> String {
    let mut kinds: Vec<(&str, usize)> = vec![];
    for key in media_keys(data) {
        let kind = match media_kind(key, &included.media) {
            Some(MediaKind::Photo) => "photo",
            Some(MediaKind::Video) => "video",
            Some(MediaKind::Gif) => "GIF",
            None => "attachment",
        };
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
    }
    for (kind, place) in [("card", "/attachments/card_ids"), ("poll", "/attachments/poll_ids")] {
        let count = data.pointer(place).and_then(Value::as_array).map_or(0, Vec::len);
        kinds.extend((count > 0).then_some((kind, count)));
    }
    let mut shown: Vec<String> = kinds.into_iter().map(|(kind, count)| counted(kind, count)).collect();
    let shared = data.get("referenced_posts").and_then(Value::as_array).into_iter().flatten();
    let shared = shared.filter(|post| post.get("type").and_then(Value::as_str) != Some("replied_to"));
    shown.extend(shared.filter_map(|post| Some(format!("[post {}]", post.get("id")?.as_str()?))));
    shown.join(" ")
}

fn counted(kind: &str, count: usize) -> String {
    if count == 1 { format!("[{kind}]") } else { format!("[{count} {kind}s]") }
}

/// Whether a text is invisible: white space, control and zero-width characters only.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}')
    })
}

/// The members of media that are stored.
const MEDIA_MEMBERS: &[&str] =
    &["media_key", "type", "url", "preview_image_url", "alt_text", "width", "height", "duration_ms", "variants"];

fn members_of(value: &Value, names: &[&str]) -> Map<String, Value> {
    names.iter().filter_map(|name| Some(((*name).to_owned(), value.get(name)?.clone()))).collect()
}

/// Serialises a message and the `includes` it needs as a line that decodes to the same message.
fn payload(data: &Value, author: &XId, included: &Included, post: Option<&Value>) -> String {
    let mut includes = Map::new();
    if let Some(person) = included.people.get(author) {
        includes.insert("users".to_owned(), json!([wire_person(person)]));
    }
    if let Some(post) = post {
        includes.insert("posts".to_owned(), json!([post]));
    }
    let keys: BTreeSet<_> = media_keys(data).into_iter().chain(post.map_or_else(Vec::new, media_keys)).collect();
    let media = keys.into_iter().filter_map(|key| included.media.get(key));
    let media: Vec<_> = media.map(|media| Value::Object(members_of(media, MEDIA_MEMBERS))).collect();
    if !media.is_empty() {
        includes.insert("media".to_owned(), media.into());
    }
    json!({ "data": data, "includes": includes }).to_string()
}

/// Decodes a user.
pub(crate) fn person(user: &Value) -> Option<Person> {
    let text = |name: &str| user.get(name).and_then(Value::as_str).filter(|t| !t.is_empty()).map(str::to_owned);
    let count =
        |name: &str| user.pointer(&format!("/public_metrics/{name}")).and_then(Value::as_i64).filter(|n| *n >= 0);
    let mut person = Person {
        id: Some(SourceId::X(user.get("id")?.as_str()?.parse().ok()?)),
        handle: text("username"),
        name: text("name").map(|name| unescape(&name)),
        location: text("location").map(|place| unescape(&place)),
        joined: text("created_at").and_then(|at| at.parse().ok()),
        followers: count("followers_count"),
        following: count("following_count"),
        tweets: count("post_count"),
        listed: count("listed_count"),
        verified: user.get("verified").and_then(Value::as_bool),
        // An unknown kind of verification still counts as verified; only the kind is left empty.
        verified_type: text("verified_type").and_then(|kind| kind.parse().ok()),
        ..Person::default()
    };
    person.normalize();
    Some(person)
}

fn wire_person(person: &Person) -> Value {
    let escape = |text: &Option<String>| {
        text.as_ref().map(|t| t.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
    };
    json!({
        "id": person.id, "username": person.handle, "name": escape(&person.name), "location": escape(&person.location),
        "created_at": person.joined, "verified": person.verified, "verified_type": person.verified_type,
        "public_metrics": {
            "followers_count": person.followers, "following_count": person.following,
            "post_count": person.tweets, "listed_count": person.listed,
        },
    })
}

/// Reads the fields of one object; `what` names the object in errors.
struct Reader<'a> {
    data: &'a Value,
    what: &'static str,
}

impl<'a> Reader<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.data.get(name).and_then(Value::as_str)
    }

    fn time(&self, name: &str) -> Option<Timestamp> {
        self.text(name)?.parse().ok()
    }

    fn id(&self, name: &str) -> Result<Option<XId>, Unreadable> {
        match self.data.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => text
                .parse()
                .map(Some)
                .map_err(|e| self.unreadable(format!("`{name}` of the {} is not an id: {e}", self.what))),
            Some(Value::Number(number)) => Err(self.unreadable(format!(
                "`{name}` of the {} is the number {number}; ids must be strings, because numbers this large are rounded",
                self.what
            ))),
            Some(_) => Err(self.unreadable(format!("`{name}` of the {} is not an id", self.what))),
        }
    }

    /// A list of ids; empty strings are skipped.
    fn ids(&self, name: &str) -> Result<Vec<XId>, Unreadable> {
        let all = match self.data.get(name) {
            None | Some(Value::Null) => return Ok(vec![]),
            Some(Value::Array(all)) => all,
            Some(_) => return Err(self.unreadable(format!("`{name}` of the {} is not a list of ids", self.what))),
        };
        let ids = all.iter().filter(|id| id.as_str() != Some("")).map(|id| id.as_str().and_then(|id| id.parse().ok()));
        let wrong =
            || self.unreadable(format!("`{name}` of the {} contains a value that is not an id string", self.what));
        ids.map(|id| id.ok_or_else(wrong)).collect()
    }

    fn needs_id(&self, name: &str) -> Result<XId, Unreadable> {
        self.id(name)?.ok_or_else(|| self.unreadable(format!("the {} has no `{name}`", self.what)))
    }

    fn unreadable(&self, reason: String) -> Unreadable {
        let id = self.text("id").and_then(|id| id.parse().ok());
        Unreadable { reason, id, raw: cut(self.data.to_string().as_bytes()) }
    }
}

pub(super) fn cut(json: &[u8]) -> Vec<u8> {
    json.get(..KEPT).unwrap_or(json).to_vec()
}
