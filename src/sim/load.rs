//! Loading conversations from files: a line each; [`super::SimHandle::load_lines`] tells their form.

use std::{
    collections::BTreeSet,
    io::{BufRead, Read},
};

use serde::Serialize;
use serde_json::Value;

use super::{
    SimError,
    body::at,
    clock,
    query::parse_id,
    text::{self, unescape},
    ties::Tie,
    world::{Conversation, Dm, Fields, MAX_EACH, Post, Waiting, World, dm_fields},
};

/// The longest line that is read, in bytes: a page of 500 posts with all their fields is some megabytes.
pub const MAX_LINE_BYTES: u64 = 16 << 20;
/// The most unreadable lines that are named one by one.
const MAX_NAMED: usize = 10_000;

/// What was in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LoadReport {
    /// Lines read, empty ones not counted.
    pub lines: usize,
    /// Posts that are new.
    pub posts: usize,
    /// Direct messages that are new.
    pub dms: usize,
    /// Likes.
    pub likes: usize,
    /// People the lines told about.
    pub users: usize,
    /// Lines that repeat a post or message known already.
    pub repeated: usize,
    /// Lines that could not be read.
    pub skipped: usize,
    /// The same one by one, the first ten thousand: number, counting from one, and reason.
    pub unreadable: Vec<(usize, String)>,
}

impl World {
    /// Reads all lines. What they tell happens when it is released.
    pub(super) fn load(&mut self, mut reader: impl BufRead) -> Result<LoadReport, SimError> {
        let mut report = LoadReport::default();
        let (people, mut number, mut line) = (self.people.len(), 0, Vec::new());
        loop {
            line.clear();
            number += 1;
            let read = reader.by_ref().take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut line)?;
            if read == 0 {
                break;
            }
            let whole = line.ends_with(b"\n") || u64::try_from(read).is_ok_and(|read| read <= MAX_LINE_BYTES);
            if !whole {
                reader.skip_until(b'\n')?;
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            report.lines += 1;
            let outcome = if whole {
                read_line(&line).and_then(|value| self.take_line(value, &mut report))
            } else {
                Err(format!("longer than {} MiB", MAX_LINE_BYTES >> 20))
            };
            if let Err(reason) = outcome {
                report.skipped += 1;
                if report.unreadable.len() < MAX_NAMED {
                    report.unreadable.push((number, reason));
                }
            }
        }
        report.users = self.people.len() - people;
        Ok(report)
    }

    fn take_line(&mut self, line: Fields, report: &mut LoadReport) -> Result<(), String> {
        if let Some(dm) = line.get("dm") {
            return self.take_dm(dm, report);
        }
        if let Some(like) = line.get("like") {
            return self.take_like(like, report);
        }
        let data = match line.get("data") {
            Some(Value::Array(data)) => data.as_slice(),
            Some(one @ Value::Object(_)) => std::slice::from_ref(one),
            Some(_) => return Err("`data` is neither a post, a message nor a list of them".into()),
            None => return Err("neither `data`, `dm` nor `like`".into()),
        };
        let (messages, posts): (Vec<_>, Vec<_>) = data.iter().partition(|item| item.get("event_type").is_some());
        let posts = posts.into_iter().map(read_post).collect::<Result<Vec<_>, _>>()?;
        let included = |names: &[&str]| -> Vec<Value> {
            let lists = names.iter().filter_map(|name| line.get("includes")?.get(name)?.as_array());
            lists.flatten().cloned().collect()
        };
        for user in included(&["users"]) {
            self.take_user(&user)?;
        }
        for media in included(&["media"]) {
            if let (Some(key), true) = (media.get("media_key").and_then(Value::as_str), self.media.len() < MAX_EACH) {
                self.media.insert(key.to_owned(), media);
            }
        }
        for (id, mut post) in included(&["tweets", "posts"]).iter().filter_map(|post| read_post(post).ok()) {
            if self.post(id).is_none() {
                post.aside = true;
                self.put_post(id, post).map_err(|e| e.to_string())?;
            }
        }
        for message in messages {
            self.take_dm(message, report)?;
        }
        for (id, post) in posts {
            let at = time_of(id, &post.fields).unwrap_or(0);
            let known = self.post(id).is_some_and(|p| !p.aside);
            self.wait((at, id), Waiting::Post(Box::new(post)), known, report)?;
        }
        Ok(())
    }

    /// A message, in X's own names or in the simulator's.
    fn take_dm(&mut self, dm: &Value, report: &mut LoadReport) -> Result<(), String> {
        let Value::Object(given) = dm else { return Err("the message is no object".into()) };
        if let Some(other) = at(dm, "/event_type").as_str().filter(|kind| *kind != "MessageCreate") {
            return Err(format!("`{other}` events are not simulated"));
        }
        let id = read_id(dm.get("id"), "id")?;
        let by_x = dm.get("sender_id").is_some();
        let (sender, key) = if by_x { (dm.get("sender_id"), "sender_id") } else { (dm.get("from"), "from") };
        let from = self.take_someone(sender, key)?;
        let conversation = self.take_conversation(dm, from)?;
        let text = at(dm, "/text").as_str().ok_or("the message has no `text`")?;
        let at = at(dm, "/created_at").as_str().and_then(clock::read).or_else(|| clock::of_id(id));
        let at = at.ok_or("the message has no `created_at`")?;
        let fields = if by_x {
            // As X delivers it: escaped already, and with entities of its own.
            let wire = text::Wire { text: text.into(), ..text::Wire::default() };
            let mut fields = dm_fields(id, from, &conversation.id, wire, at);
            fields.extend(in_old_words(given.clone()));
            fields
        } else {
            dm_fields(id, from, &conversation.id, self.wire(text), at)
        };
        let message = Dm { from, conversation, fields, at, gone_for: BTreeSet::new() };
        let known = self.dms.contains_key(&id);
        self.wait((at, id), Waiting::Dm(Box::new(message)), known, report)
    }

    /// Whom a message goes to: `to`, `participant_ids` or `dm_conversation_id` tell.
    fn take_conversation(&mut self, dm: &Value, from: u64) -> Result<Conversation, String> {
        let mut members = BTreeSet::from([from]);
        if dm.get("to").is_some() {
            members.insert(self.take_someone(dm.get("to"), "to")?);
        }
        for id in at(dm, "/participant_ids").as_array().into_iter().flatten() {
            members.insert(read_id(Some(id), "participant_ids")?);
        }
        let id = at(dm, "/dm_conversation_id").as_str();
        if let Some((one, other)) = id.and_then(|id| id.split_once('-')) {
            members.extend([one, other].into_iter().filter_map(parse_id));
        }
        match (id, members.iter().copied().collect::<Vec<u64>>().as_slice()) {
            (None, [one, other]) => Ok(Conversation::of_two(*one, *other)),
            (Some(id), [_, _, ..]) => Ok(Conversation { id: id.to_owned(), members }),
            _ => Err("the message has no `to`, and neither `participant_ids` nor `dm_conversation_id` tells".into()),
        }
    }

    fn take_like(&mut self, like: &Value, report: &mut LoadReport) -> Result<(), String> {
        let by = self.take_someone(like.get("by"), "by")?;
        let post = read_id(like.get("post"), "post")?;
        let given = like.get("created_at").and_then(Value::as_str).and_then(clock::read);
        // X tells no time of a like; without one it comes as soon as there can have been one.
        let at = given.or_else(|| self.made_at(post)).or_else(|| clock::of_id(post)).unwrap_or(0);
        // A like has no id; its place is its time and who made it, counted up until it is free.
        let mut key = (at, by);
        while self.waiting.contains_key(&key) {
            key.1 += 1;
        }
        self.wait(key, Waiting::Like { by, post }, false, report)
    }

    fn wait(&mut self, key: (i64, u64), what: Waiting, known: bool, report: &mut LoadReport) -> Result<(), String> {
        if known || self.waiting.contains_key(&key) {
            report.repeated += 1;
            return Ok(());
        }
        if self.waiting.len() >= MAX_EACH {
            return Err(SimError::Full("lines").to_string());
        }
        match what {
            Waiting::Post(_) => report.posts += 1,
            Waiting::Dm(_) => report.dms += 1,
            Waiting::Like { .. } => report.likes += 1,
        }
        self.waiting.insert(key, what);
        Ok(())
    }

    fn take_someone(&mut self, who: Option<&Value>, key: &str) -> Result<u64, String> {
        match who {
            Some(user @ Value::Object(_)) => self.take_user(user),
            id => read_id(id, key),
        }
    }

    fn take_user(&mut self, user: &Value) -> Result<u64, String> {
        let Value::Object(fields) = user else { return Err("a user is no object".into()) };
        let id = read_id(fields.get("id"), "id of a user")?;
        self.know_person(id, in_old_words(fields.clone())).map_err(|e| e.to_string())?;
        Ok(id)
    }

    /// Lets the next `most` loaded things happen, oldest first, and says how many did.
    ///
    /// With `drive` the clock goes along: it stands at the time of the latest thing that happened.
    pub(super) fn release(&mut self, most: usize, drive: bool) -> Result<usize, SimError> {
        let mut done = 0;
        while done < most {
            let Some(((at, id), what)) = self.waiting.pop_first() else { break };
            if drive {
                self.clock.stand_at_least(at);
            }
            match what {
                Waiting::Post(post) => self.put_post(id, *post)?,
                Waiting::Dm(dm) => self.put_dm(id, *dm)?,
                Waiting::Like { by, post } => {
                    self.ties.put(Tie::Like, by, post);
                }
            }
            done += 1;
        }
        Ok(done)
    }
}

fn read_line(line: &[u8]) -> Result<Fields, String> {
    let text = std::str::from_utf8(line).map_err(|_| "not UTF-8")?;
    // Some editors begin a file with a byte order mark.
    match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err("not a JSON object".into()),
        Err(error) => Err(format!("not JSON: {error}")),
    }
}

fn read_post(post: &Value) -> Result<(u64, Post), String> {
    let Value::Object(fields) = post else { return Err("the post is no object".into()) };
    let id = read_id(fields.get("id"), "id")?;
    let author = read_id(fields.get("author_id"), "author_id")?;
    let text = fields.get("text").and_then(Value::as_str).ok_or("the post has no `text`")?;
    let mut post = Post {
        author,
        plain: unescape(text),
        fields: in_old_words(fields.clone()),
        replies_to: None,
        quotes: None,
        reposts: None,
        aside: false,
    };
    if let Some(long) = post.fields.get("note_tweet").and_then(|n| n.get("text")).and_then(Value::as_str) {
        post.plain = unescape(long);
    }
    for reference in post.fields.get("referenced_tweets").and_then(Value::as_array).into_iter().flatten() {
        let place = match reference.get("type").and_then(Value::as_str) {
            Some("replied_to") => &mut post.replies_to,
            Some("quoted") => &mut post.quotes,
            Some("retweeted") => &mut post.reposts,
            _ => continue,
        };
        *place = read_id(reference.get("id"), "id").ok();
    }
    post.fields.entry("edit_history_tweet_ids").or_insert_with(|| serde_json::json!([id.to_string()]));
    post.fields.entry("conversation_id").or_insert_with(|| id.to_string().into());
    if let (None, Some(at)) = (post.fields.get("created_at"), clock::of_id(id)) {
        post.fields.insert("created_at".into(), clock::written(at).into());
    }
    Ok((id, post))
}

fn read_id(id: Option<&Value>, key: &str) -> Result<u64, String> {
    match id {
        Some(Value::String(text))
            if text.len() <= 19 && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) =>
        {
            text.parse().map_err(|_| format!("`{key}` is no id"))
        }
        Some(Value::String(_)) => Err(format!("`{key}` is no id: those are 1 to 19 digits")),
        Some(Value::Number(_)) => Err(format!("`{key}` is a number: ids are text, numbers lose their last digits")),
        Some(Value::Null) | None => Err(format!("no `{key}`")),
        Some(_) => Err(format!("`{key}` is no text")),
    }
}

/// Objects are kept in the older of X's two vocabularies, without empty fields.
pub(super) fn in_old_words(fields: Fields) -> Fields {
    let mut old = Fields::new();
    for (key, mut value) in fields {
        if value.is_null() {
            continue;
        }
        if let (Value::Object(metrics), "public_metrics") = (&mut value, key.as_str()) {
            for (new, old) in [("repost_count", "retweet_count"), ("post_count", "tweet_count")] {
                if let Some(count) = metrics.remove(new) {
                    metrics.insert(old.into(), count);
                }
            }
        }
        old.insert(super::words::old_word(&key).to_owned(), value);
    }
    old
}

/// The time a post was made: as it says itself, else by its id.
fn time_of(id: u64, fields: &Fields) -> Option<i64> {
    fields.get("created_at").and_then(Value::as_str).and_then(clock::read).or_else(|| clock::of_id(id))
}
