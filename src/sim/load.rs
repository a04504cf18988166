//! Loading of conversations from files with one JSON object per line; see [`super::SimHandle::load_lines`].

use std::{
    collections::{BTreeSet, HashSet},
    io::{BufRead, Read},
};

use serde::Serialize;
use serde_json::Value;

use super::{
    SimError,
    arguments::kind,
    body::at,
    clock,
    happenings::Happening,
    query::parse_id,
    relations::Relation,
    text::{self, unescape},
    world::{Conversation, Dm, Fields, MAX_EACH, Post, Waiting, World, dm_fields},
};

/// Maximum length of a line, in bytes; a page of 500 posts with all their fields takes some megabytes.
pub const MAX_LINE_BYTES: u64 = 16 << 20;
/// Maximum number of unreadable lines and items that a report lists.
const MAX_NAMED: usize = 10_000;
/// Maximum number of bytes kept of an unreadable line.
const MAX_RAW_BYTES: usize = 4 << 10;

/// The result of loading a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LoadReport {
    /// Lines read, without empty ones.
    pub lines: usize,
    /// New posts.
    pub posts: usize,
    /// New direct messages.
    pub dms: usize,
    /// Likes.
    pub likes: usize,
    /// New users.
    pub users: usize,
    /// Posts and messages that were already known.
    pub repeated: usize,
    /// Number of lines, and of items in lines, that could not be read.
    pub skipped: usize,
    /// Those lines and items; only the first ten thousand.
    pub unreadable: Vec<LeftOut>,
}

/// A line, or an item in a line, that could not be read and was ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The line's number, counting from one.
    pub line: usize,
    /// The reason, as a message for users.
    pub reason: String,
    /// The beginning of the line.
    #[serde(skip)]
    pub raw: Vec<u8>,
}

/// A line with new posts, for the callback of [`super::SimHandle::load_lines_with`].
#[derive(Debug, Clone, Copy)]
pub struct NewPosts<'a> {
    /// The line: a response of X, `{"data": …, "includes": …}`.
    pub line: &'a str,
    /// Whether `data` is a list.
    pub is_page: bool,
    /// Indices of the new posts in that list, counting from zero.
    pub places: &'a [usize],
}

/// Callback for a line with new posts; returns further reasons why parts of the line cannot be read.
pub(super) type Reader<'a> = &'a mut dyn FnMut(NewPosts<'_>) -> Vec<String>;

impl LoadReport {
    fn leave_out(&mut self, line: usize, raw: &[u8], reason: String) {
        self.skipped += 1;
        if self.unreadable.len() < MAX_NAMED {
            let raw = raw.get(..MAX_RAW_BYTES).unwrap_or(raw).to_vec();
            self.unreadable.push(LeftOut { line, reason, raw });
        }
    }
}

/// A like whose post may be on a later line.
struct OpenLike {
    line: usize,
    key: (i64, u64),
    post: u64,
    raw: Vec<u8>,
}

impl World {
    /// Loads all lines. Posts, messages and likes take effect when they are released.
    pub(super) fn load(&mut self, mut reader: impl BufRead, read_along: Reader<'_>) -> Result<LoadReport, SimError> {
        let mut report = LoadReport::default();
        let mut likes = Vec::new();
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
            let raw = line.trim_ascii();
            // Some editors begin a file with a byte order mark.
            let raw = raw.strip_prefix("\u{feff}".as_bytes()).unwrap_or(raw).trim_ascii();
            if raw.is_empty() {
                continue;
            }
            report.lines += 1;
            let mut wrong = Vec::new();
            match if whole { read_line(raw) } else { Err(format!("longer than {} MiB", MAX_LINE_BYTES >> 20)) } {
                Err(reason) => wrong.push(reason),
                Ok((text, Held::Answer(answer))) => {
                    let (is_page, places) = self.take_answer(&answer, &mut report, &mut wrong);
                    if !places.is_empty() {
                        wrong.extend(read_along(NewPosts { line: text, is_page, places: &places }));
                    }
                }
                Ok((_, Held::Message(message))) => wrong.extend(self.take_dm(&message, &mut report).err()),
                Ok((_, Held::Like(like))) => match self.take_like(&like, &mut report) {
                    Ok((key, post)) => likes.push(OpenLike { line: number, key, post, raw: raw.to_vec() }),
                    Err(reason) => wrong.push(reason),
                },
            }
            for reason in wrong {
                report.leave_out(number, raw, reason);
            }
        }
        self.leave_out_likes_of_nothing(likes, &mut report);
        report.users = self.people.len() - people;
        report.unreadable.sort_by_key(|left_out| left_out.line);
        Ok(report)
    }

    fn leave_out_likes_of_nothing(&mut self, likes: Vec<OpenLike>, report: &mut LoadReport) {
        if likes.is_empty() {
            return;
        }
        let post = |((_, id), what): (&(i64, u64), &Waiting)| matches!(what, Waiting::Post(_)).then_some(*id);
        let coming: HashSet<u64> = self.waiting.iter().filter_map(post).collect();
        for OpenLike { line, key, post, raw } in likes {
            if self.post(post).is_none() && !coming.contains(&post) {
                self.waiting.remove(&key);
                report.likes -= 1;
                report.leave_out(line, &raw, format!("there is no post `{post}` to like"));
            }
        }
    }

    /// Loads a response of X. Adds an error to `wrong` for each invalid part and loads the others. Returns whether
    /// `data` is a list, and the indices of the new posts in it.
    fn take_answer(&mut self, answer: &Fields, report: &mut LoadReport, wrong: &mut Vec<String>) -> (bool, Vec<usize>) {
        let (is_page, data) = match answer.get("data") {
            Some(Value::Array(data)) => (true, data.as_slice()),
            Some(one @ Value::Object(_)) => (false, std::slice::from_ref(one)),
            Some(other) => {
                wrong.push(format!("`data` is {}: a post, a message, or a list of them is needed", kind(other)));
                return (false, vec![]);
            }
            None => return (false, vec![]),
        };
        let included = |names: &[&str]| -> Vec<Value> {
            let lists = names.iter().filter_map(|name| answer.get("includes")?.get(name)?.as_array());
            lists.flatten().cloned().collect()
        };
        for user in included(&["users"]) {
            wrong.extend(self.take_user(&user).err());
        }
        for media in included(&["media"]) {
            if let (Some(key), true) = (media.get("media_key").and_then(Value::as_str), self.media.len() < MAX_EACH) {
                self.media.insert(key.to_owned(), media);
            }
        }
        // X may leave out fields of posts in `includes`, so invalid ones are ignored without an error.
        for (id, mut post) in included(&["tweets", "posts"]).iter().filter_map(|post| read_post(post).ok()) {
            if self.post(id).is_none() {
                post.aside = true;
                wrong.extend(self.put_post(id, post).err().map(|error| error.to_string()));
            }
        }
        let mut places = Vec::new();
        for (place, item) in data.iter().enumerate() {
            let is_message = item.get("event_type").is_some();
            let taken =
                if is_message { self.take_dm(item, report).map(|()| false) } else { self.take_post(item, report) };
            match taken {
                Ok(true) => places.push(place),
                Ok(false) => {}
                Err(reason) if data.len() > 1 => {
                    wrong.push(format!("{} of {} in `data`: {reason}", place + 1, data.len()));
                }
                Err(reason) => wrong.push(reason),
            }
        }
        (is_page, places)
    }

    /// Queues a post; returns whether it is new.
    fn take_post(&mut self, post: &Value, report: &mut LoadReport) -> Result<bool, String> {
        let (id, post) = read_post(post)?;
        let at = time_of(id, &post.fields).unwrap_or(0);
        let known = self.post(id).is_some_and(|p| !p.aside);
        self.wait((at, id), Waiting::Post(Box::new(post)), known, report)
    }

    /// Queues a direct message, with X's field names or the simulator's.
    fn take_dm(&mut self, dm: &Value, report: &mut LoadReport) -> Result<(), String> {
        let Value::Object(given) = dm else { return Err(format!("the message is {}, not an object", kind(dm))) };
        if let Some(other) = at(dm, "/event_type").as_str().filter(|kind| *kind != "MessageCreate") {
            return Err(format!("a `{other}` event is no message"));
        }
        let id = read_id(dm.get("id"), "the message", "id")?;
        let by_x = dm.get("sender_id").is_some();
        let (sender, key) = if by_x { (dm.get("sender_id"), "sender_id") } else { (dm.get("from"), "from") };
        let from = self.take_someone(sender, "the message", key)?;
        let conversation = self.take_conversation(dm, from)?;
        let text = read_text(dm, "the message")?;
        let at = read_time(dm, "the message")?.or_else(|| clock::of_id(id));
        let at = at.ok_or("the message has no `created_at`, and its `id` is too small to tell")?;
        let fields = if by_x {
            // The text is already escaped and has its own entities, as X delivers it.
            let wire = text::Wire { text: text.into(), ..text::Wire::default() };
            let mut fields = dm_fields(id, from, &conversation.id, wire, at);
            fields.extend(in_old_words(given.clone()));
            fields
        } else {
            dm_fields(id, from, &conversation.id, self.wire(text), at)
        };
        let message = Dm { from, conversation, fields, at, gone_for: BTreeSet::new() };
        let known = self.dms.contains_key(&id);
        self.wait((at, id), Waiting::Dm(Box::new(message)), known, report).map(drop)
    }

    /// The conversation of a message, from its `to`, `participant_ids` or `dm_conversation_id`.
    fn take_conversation(&mut self, dm: &Value, from: u64) -> Result<Conversation, String> {
        let mut others = BTreeSet::new();
        if dm.get("to").is_some() {
            others.insert(self.take_someone(dm.get("to"), "the message", "to")?);
        }
        for id in at(dm, "/participant_ids").as_array().into_iter().flatten() {
            others.insert(read_id(Some(id), "the message", "participant_ids")?);
        }
        let members = || others.iter().copied().chain([from]).collect::<BTreeSet<u64>>();
        let Some(id) = at(dm, "/dm_conversation_id").as_str() else {
            return match members().iter().copied().collect::<Vec<u64>>().as_slice() {
                _ if others.is_empty() => {
                    Err("the message does not tell whom it goes to: `to`, `participant_ids` or `dm_conversation_id`"
                        .into())
                }
                // A message from a user to themselves.
                [one] => Ok(Conversation::of_two(*one, *one)),
                [one, other] => Ok(Conversation::of_two(*one, *other)),
                several => {
                    Err(format!("the message goes to a group of {}, which needs a `dm_conversation_id`", several.len()))
                }
            };
        };
        if let Some((one, other)) = id.split_once('-') {
            let two = parse_id(one).zip(parse_id(other)).map(|(one, other)| Conversation::of_two(one, other));
            let two = two.ok_or_else(|| format!("`dm_conversation_id` is none: `{id}`"))?;
            return match members().is_subset(&two.members) {
                true => Ok(two),
                false => Err(format!("the conversation `{id}` is one of two, and the message names somebody else")),
            };
        }
        if others.is_empty() {
            return Err(format!("the conversation `{id}` is a group, and no `participant_ids` tell who is in it"));
        }
        Ok(Conversation { id: id.to_owned(), members: members() })
    }

    /// Queues a like. Returns its key in `waiting` and its post, for a later check that the post exists.
    fn take_like(&mut self, like: &Value, report: &mut LoadReport) -> Result<((i64, u64), u64), String> {
        let by = self.take_someone(like.get("by"), "the like", "by")?;
        let post = read_id(like.get("post"), "the like", "post")?;
        // X gives no time for a like; it defaults to the time of the post.
        let given = read_time(like, "the like")?;
        let at = given.or_else(|| self.made_at(post)).or_else(|| clock::of_id(post)).unwrap_or(0);
        // A like has no id: its key is its time and user id, incremented until it is unused.
        let mut key = (at, by);
        while self.waiting.contains_key(&key) {
            key.1 += 1;
        }
        self.wait(key, Waiting::Like { by, post }, false, report)?;
        Ok((key, post))
    }

    /// Queues an object until it is released; returns whether it is new.
    fn wait(&mut self, key: (i64, u64), what: Waiting, known: bool, report: &mut LoadReport) -> Result<bool, String> {
        if known || self.waiting.contains_key(&key) {
            report.repeated += 1;
            return Ok(false);
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
        Ok(true)
    }

    fn take_someone(&mut self, who: Option<&Value>, whose: &str, key: &str) -> Result<u64, String> {
        match who {
            Some(user @ Value::Object(_)) => self.take_user(user),
            id => read_id(id, whose, key),
        }
    }

    fn take_user(&mut self, user: &Value) -> Result<u64, String> {
        let Value::Object(fields) = user else { return Err(format!("a user is {}, not an object", kind(user))) };
        let id = read_id(fields.get("id"), "a user", "id")?;
        read_time(user, "a user")?;
        self.know_person(id, in_old_words(fields.clone())).map_err(|e| e.to_string())?;
        Ok(id)
    }

    /// Applies up to `most` loaded posts, messages and likes, oldest first, and returns their number.
    ///
    /// With `drive`, the clock is frozen at the time of the latest of them.
    pub(super) fn release(&mut self, most: usize, drive: bool) -> Result<usize, SimError> {
        let mut done = 0;
        while done < most {
            let Some(((at, id), what)) = self.waiting.pop_first() else { break };
            if drive {
                self.clock.stand_at_least(at);
            }
            match what {
                Waiting::Post(post) => {
                    self.put_post(id, *post)?;
                    self.happened(&Happening::Post(id));
                }
                Waiting::Dm(dm) => {
                    self.put_dm(id, *dm)?;
                    self.happened(&Happening::Dm(id));
                }
                Waiting::Like { by, post } => {
                    self.relate(Relation::Like, by, post);
                }
            }
            done += 1;
        }
        Ok(done)
    }
}

/// The content of a line.
enum Held {
    Answer(Fields),
    Message(Value),
    Like(Value),
}

/// Parses a line that has no white space around it.
fn read_line(line: &[u8]) -> Result<(&str, Held), String> {
    let text = std::str::from_utf8(line).map_err(|_| "not UTF-8")?;
    let mut fields = match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => fields,
        Ok(other) => return Err(format!("{}, not a JSON object", kind(&other))),
        Err(error) => return Err(format!("not JSON: {}", in_column(&error))),
    };
    let kinds = ["data", "dm", "like"].into_iter().filter(|name| fields.contains_key(*name)).collect::<Vec<_>>();
    match kinds.as_slice() {
        [] => Err("neither `data`, `dm` nor `like`".into()),
        ["data"] => Ok((text, Held::Answer(fields))),
        ["dm"] => Ok((text, Held::Message(fields.remove("dm").unwrap_or_default()))),
        [_] => Ok((text, Held::Like(fields.remove("like").unwrap_or_default()))),
        several => Err(format!("`{}` in one line, which holds one of them", several.join("` and `"))),
    }
}

/// The message of a JSON error with its column only; the report has the line number.
fn in_column(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    format!("{what} at column {}", error.column())
}

fn read_text<'a>(of: &'a Value, whose: &str) -> Result<&'a str, String> {
    match of.get("text") {
        Some(Value::String(text)) => Ok(text),
        None | Some(Value::Null) => Err(format!("{whose} has no `text`")),
        Some(other) => Err(format!("the `text` of {whose} is {}", kind(other))),
    }
}

/// The `created_at` of an object, if it has one, in milliseconds since 1970.
fn read_time(of: &Value, whose: &str) -> Result<Option<i64>, String> {
    match of.get("created_at") {
        None | Some(Value::Null) => Ok(None),
        Some(given) => match given.as_str().and_then(clock::read) {
            Some(at) => Ok(Some(at)),
            None => Err(format!("the `created_at` of {whose} is no time: {given}")),
        },
    }
}

fn read_post(post: &Value) -> Result<(u64, Post), String> {
    let Value::Object(fields) = post else { return Err(format!("the post is {}, not an object", kind(post))) };
    let id = read_id(fields.get("id"), "the post", "id")?;
    let author = read_id(fields.get("author_id"), "the post", "author_id")?;
    let text = read_text(post, "the post")?;
    read_time(post, "the post")?;
    let mut post = Post {
        author,
        plain: unescape(text),
        named_bytes: 0,
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
        *place = read_id(reference.get("id"), "a reference", "id").ok();
    }
    post.fields.entry("edit_history_tweet_ids").or_insert_with(|| serde_json::json!([id.to_string()]));
    post.fields.entry("conversation_id").or_insert_with(|| id.to_string().into());
    if let (None, Some(at)) = (post.fields.get("created_at"), clock::of_id(id)) {
        post.fields.insert("created_at".into(), clock::written(at).into());
    }
    Ok((id, post))
}

fn read_id(id: Option<&Value>, whose: &str, key: &str) -> Result<u64, String> {
    let none = |id: &str| format!("the `{key}` of {whose} is no id, which has 1 to 19 digits: `{id}`");
    match id {
        Some(Value::String(text)) => parse_id(text).ok_or_else(|| none(text)),
        Some(Value::Number(number)) => Err(format!(
            "the `{key}` of {whose} is the number {number}: ids are text, as numbers this large are rounded"
        )),
        Some(Value::Null) | None => Err(format!("{whose} has no `{key}`")),
        Some(other) => Err(format!("the `{key}` of {whose} is {}", kind(other))),
    }
}

/// Renames fields to the older vocabulary, and removes null fields.
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

/// Creation time of a post in milliseconds since 1970: its `created_at`, or else the time encoded in its id.
fn time_of(id: u64, fields: &Fields) -> Option<i64> {
    fields.get("created_at").and_then(Value::as_str).and_then(clock::read).or_else(|| clock::of_id(id))
}
