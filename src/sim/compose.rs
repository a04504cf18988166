//! Creating posts: new ones, edits and reposts; and deleting them.

use serde_json::{Value, json};

use super::{
    SimError,
    clock::written,
    happenings::Happening,
    text,
    world::{Fields, Post, World},
};

/// Time after its creation in which a post can be edited, in milliseconds.
const EDITABLE: i64 = 3_600_000;
/// Maximum number of edits of a post.
const EDITS: u32 = 5;

/// A post to create.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) author: u64,
    /// The text before escaping and link shortening.
    pub(super) text: String,
    pub(super) replies_to: Option<u64>,
    /// Users whose handle is not prefixed to the reply (`exclude_reply_user_ids`).
    pub(super) unnamed: Vec<u64>,
    pub(super) quotes: Option<u64>,
    /// Media keys of the attachments.
    pub(super) media: Vec<String>,
    /// A poll's options, and its duration in minutes.
    pub(super) poll: Option<(Vec<String>, i64)>,
}

impl World {
    /// Creates a post of any length and returns its id.
    pub(super) fn make_post(&mut self, draft: Draft) -> Result<u64, SimError> {
        let id = self.new_id();
        self.write_post(id, draft, vec![id])?;
        self.happened(&Happening::Post(id));
        Ok(id)
    }

    /// Replaces a post with an edited version, which has an id of its own. Does not check whether editing is allowed.
    pub(super) fn edit_post(&mut self, old: u64, text: &str) -> Result<u64, SimError> {
        let Some(before) = self.post(old).cloned() else { return Err(SimError::NoSuchPost(old.to_string())) };
        let id = self.new_id();
        let mut history: Vec<u64> = history(&before.fields).unwrap_or_else(|| vec![old]);
        history.push(id);
        let parent = before.replies_to.and_then(|parent| self.post(parent));
        let draft = Draft {
            author: before.author,
            text: text.into(),
            replies_to: before.replies_to,
            // If the previous version has no `@handle` prefix, the new one has none either.
            unnamed: parent.map(|parent| parent.author).filter(|_| before.named_bytes == 0).into_iter().collect(),
            quotes: before.quotes,
            ..Draft::default()
        };
        self.write_post(id, draft, history.clone())?;
        self.remove_post(old, false);
        let ids: Vec<String> = history.iter().map(u64::to_string).collect();
        for version in history {
            if let Some(post) = self.post_mut(version) {
                post.fields.insert("edit_history_tweet_ids".into(), json!(ids));
            }
        }
        self.happened(&Happening::Post(id));
        Ok(id)
    }

    /// Reposts a post and returns the id of the repost.
    pub(super) fn repost(&mut self, by: u64, original: u64) -> Result<u64, SimError> {
        let Some(shown) = self.post(original) else { return Err(SimError::NoSuchPost(original.to_string())) };
        let text = format!("RT @{}: {}", self.handle(shown.author), shown.plain);
        let text = if text.chars().count() > 140 { text.chars().take(139).chain(['…']).collect() } else { text };
        let id = self.new_id();
        self.write_post(id, Draft { author: by, text, ..Draft::default() }, vec![id])?;
        if let Some(post) = self.post_mut(id) {
            post.reposts = Some(original);
            post.fields.insert("referenced_tweets".into(), json!([{"type": "retweeted", "id": original.to_string()}]));
        }
        self.happened(&Happening::Post(id));
        Ok(id)
    }

    /// Removes a post with all its versions.
    pub(super) fn delete_post(&mut self, id: u64) {
        let Some(post) = self.post(id) else { return };
        let (author, versions) = (post.author, history(&post.fields).unwrap_or_default());
        for version in versions.into_iter().chain([id]) {
            self.remove_post(version, true);
        }
        self.happened(&Happening::Delete { id, author });
    }

    fn write_post(&mut self, id: u64, draft: Draft, history: Vec<u64>) -> Result<(), SimError> {
        let Draft { author, text: own_words, replies_to, unnamed, quotes, media, poll } = draft;
        if !self.people.contains_key(&author) {
            return Err(SimError::NoSuchPerson(author.to_string()));
        }
        let now = self.now();
        let poll = poll.map(|poll| (self.other_id().to_string(), poll));
        // The `@handle` prefix does not count towards the length limit.
        let long = text::weighted_length(&own_words) > text::MAX_POST_WEIGHT;
        let named = replies_to.and_then(|parent| self.named_in_front(author, &own_words, parent, &unnamed));
        let named = named.unwrap_or_default();
        let plain = format!("{named}{own_words}");
        let whole = self.wire(&plain);
        let mut shown = match long {
            true => {
                let mut cut = self.wire(&format!("{named}{}", text::cut(&own_words)));
                let more = self.secret(10);
                cut.text.push_str(&format!("… https://t.co/{more}"));
                cut
            }
            false => whole.clone(),
        };
        for key in &media {
            let short = format!("https://t.co/{}", self.secret(10));
            shown.attach(key, &short, &format!("https://x.com/i/status/{id}/photo/1"));
        }
        let first = history.first().copied().unwrap_or(id);
        let mut fields = Fields::new();
        let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
        put("id", json!(id.to_string()));
        put("text", json!(shown.text));
        put("author_id", json!(author.to_string()));
        put("created_at", json!(written(now)));
        put("edit_history_tweet_ids", json!(history.iter().map(u64::to_string).collect::<Vec<_>>()));
        let edits = u32::try_from(history.len().saturating_sub(1)).unwrap_or(EDITS).min(EDITS);
        put(
            "edit_controls",
            json!({
                "edits_remaining": EDITS - edits,
                "is_edit_eligible": replies_to.is_none(),
                "editable_until": written(self.made_at(first).unwrap_or(now) + EDITABLE),
            }),
        );
        let parent = replies_to.and_then(|parent| self.post(parent));
        // A post that is not a reply starts a conversation of its own, and so does each edited version of it.
        let conversation = parent
            .and_then(|p| p.fields.get("conversation_id").cloned())
            .unwrap_or_else(|| json!(replies_to.unwrap_or(id).to_string()));
        put("conversation_id", conversation);
        let mut references = Vec::new();
        if let Some(parent_id) = replies_to {
            references.push(json!({"type": "replied_to", "id": parent_id.to_string()}));
            if let Some(parent) = parent {
                put("in_reply_to_user_id", json!(parent.author.to_string()));
            }
        }
        if let Some(quoted) = quotes {
            references.push(json!({"type": "quoted", "id": quoted.to_string()}));
        }
        if !references.is_empty() {
            put("referenced_tweets", Value::Array(references));
        }
        put("lang", json!("und"));
        put("reply_settings", json!("everyone"));
        put("possibly_sensitive", json!(false));
        put(
            "public_metrics",
            json!({"retweet_count": 0, "reply_count": 0, "like_count": 0, "quote_count": 0,
                   "bookmark_count": 0, "impression_count": 0}),
        );
        if !shown.entities.is_empty() {
            put("entities", Value::Object(shown.entities));
        }
        if long {
            let mut note = json!({"text": whole.text});
            if let (Value::Object(note), false) = (&mut note, whole.entities.is_empty()) {
                note.insert("entities".into(), Value::Object(whole.entities));
            }
            put("note_tweet", note);
        }
        if let Some((poll, (options, minutes))) = poll {
            put("attachments", json!({"poll_ids": [poll]}));
            let option = |(at, label): (usize, &String)| json!({"position": at + 1, "label": label, "votes": 0});
            let options: Vec<Value> = options.iter().enumerate().map(option).collect();
            let ends = written(now + minutes * 60_000);
            let known = json!({"id": poll, "options": options, "duration_minutes": minutes,
                "end_datetime": ends, "voting_status": "open"});
            self.polls.insert(poll, known);
        }
        if !media.is_empty() {
            put("attachments", json!({"media_keys": media}));
        }
        let named_bytes = named.len();
        self.put_post(id, Post { author, fields, plain, named_bytes, replies_to, quotes, reposts: None, aside: false })
    }

    /// The prefix X adds to a reply: the handle of the author it answers, unless the reply mentions it already.
    fn named_in_front(&self, author: u64, own_words: &str, parent: u64, unnamed: &[u64]) -> Option<String> {
        let answered = self.post(parent)?.author;
        let handle = self.handle(answered);
        let named = || text::handles(own_words).iter().any(|name| name.eq_ignore_ascii_case(handle));
        let wanted = answered != author && !unnamed.contains(&answered) && !handle.is_empty() && !named();
        wanted.then(|| format!("@{handle} "))
    }

    /// Creation time of a post, in milliseconds since 1970.
    pub(super) fn made_at(&self, id: u64) -> Option<i64> {
        super::clock::read(self.post(id)?.fields.get("created_at")?.as_str()?)
    }
}

fn history(fields: &Fields) -> Option<Vec<u64>> {
    let ids = fields.get("edit_history_tweet_ids")?.as_array()?;
    let ids: Vec<u64> = ids.iter().filter_map(|id| id.as_str()?.parse().ok()).collect();
    (!ids.is_empty()).then_some(ids)
}
