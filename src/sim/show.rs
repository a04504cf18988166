//! Objects in responses: in the request's vocabulary, with the default and the requested fields.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    answer::{missing, put},
    query::{Query, parse_id},
    relations::Relation,
    words::{
        DM_EXPANSIONS, DM_FIELDS, MEDIA_FIELDS, NEW_POST_EXPANSIONS, PLACE_FIELDS, POLL_FIELDS, POST_EXPANSIONS,
        POST_FIELDS, POST_ONLY, POST_USER_ONLY, TWEET_DM_ONLY, TWEET_ONLY, TWEET_POST_EXPANSIONS, TWEET_USER_ONLY,
        USER_FIELDS, Words, old_word,
    },
    world::{Fields, World},
};

/// The kind of object a response is about, which determines the valid expansions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Post,
    User,
    Dm,
}

/// The fields and expansions that a request asked for, by their older names.
#[derive(Debug)]
pub(super) struct Asked {
    words: Words,
    post: Vec<String>,
    user: Vec<String>,
    dm: Vec<String>,
    media: Vec<String>,
    poll: Vec<String>,
    expansions: Vec<String>,
    /// The authenticated user, on whom some fields depend.
    pub(super) viewer: Option<u64>,
}

impl Asked {
    pub(super) fn read(query: &mut Query<'_>, subject: Subject, viewer: Option<u64>) -> Self {
        let new_expansion = |text: &str| text.split(',').any(|expansion| old_word(expansion) != expansion);
        let words = if query.sent("post.fields") || query.text("expansions").is_some_and(new_expansion) {
            Words::Post
        } else {
            Words::Tweet
        };
        let either = |common: &[&'static str], tweet: &[&'static str], post: &[&'static str]| -> Vec<&'static str> {
            [common, if words == Words::Post { post } else { tweet }].concat()
        };
        let old = |names: Vec<String>| names.iter().map(|name| old_word(name).to_owned()).collect::<Vec<_>>();
        let posts = either(POST_FIELDS, TWEET_ONLY, POST_ONLY);
        // User and message fields are accepted whichever vocabulary the request uses.
        let users = [USER_FIELDS, TWEET_USER_ONLY, POST_USER_ONLY].concat();
        let dms = [DM_FIELDS, TWEET_DM_ONLY].concat();
        let expansions = match subject {
            Subject::Post => either(POST_EXPANSIONS, TWEET_POST_EXPANSIONS, NEW_POST_EXPANSIONS),
            Subject::User => either(&["affiliation"], TWEET_USER_ONLY, &["most_recent_post_id", "pinned_post_id"]),
            Subject::Dm => either(DM_EXPANSIONS, &["referenced_tweets.id"], &["referenced_posts"]),
        };
        query.words("place.fields", PLACE_FIELDS);
        let expansions = query.words("expansions", &expansions).iter().map(|e| old_expansion(e)).collect();
        let mut post = query.words(if words == Words::Post { "post.fields" } else { "tweet.fields" }, &posts);
        if words == Words::Post {
            // If a request has both parameters, `post.fields` wins, but `tweet.fields` must still be valid.
            query.words("tweet.fields", &[POST_FIELDS, TWEET_ONLY].concat());
        }
        post = old(post);
        Self {
            words,
            post,
            user: old(query.words("user.fields", &users)),
            dm: old(query.words("dm_event.fields", &dms)),
            media: query.words("media.fields", MEDIA_FIELDS),
            poll: query.words("poll.fields", POLL_FIELDS),
            expansions,
            viewer,
        }
    }

    fn expands(&self, name: &str) -> bool {
        self.expansions.iter().any(|e| e == name)
    }

    /// Names of the default fields, the requested fields, and the fields that requested expansions start from.
    fn with_expanded<'a>(&'a self, defaults: &[&'a str], fields: &'a [String]) -> Vec<&'a str> {
        let fields = fields.iter().map(String::as_str);
        let brought = self.expansions.iter().map(|e| e.split('.').next().unwrap_or(e));
        let mut all: Vec<&str> = Vec::new();
        for field in defaults.iter().copied().chain(fields).chain(brought) {
            if !all.contains(&field) {
                all.push(field);
            }
        }
        all
    }
}

fn old_expansion(name: &str) -> String {
    match name {
        "referenced_posts" => "referenced_tweets.id".into(),
        other => old_word(other).to_owned(),
    }
}

/// Builder of a response: the requested objects, the objects they refer to, and errors for missing objects.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    world: &'a World,
    asked: &'a Asked,
    users: BTreeSet<u64>,
    posts: BTreeSet<u64>,
    media: BTreeSet<String>,
    polls: BTreeSet<String>,
    errors: Vec<Value>,
}

impl<'a> Shown<'a> {
    pub(super) fn new(world: &'a World, asked: &'a Asked) -> Self {
        Self {
            world,
            asked,
            users: BTreeSet::new(),
            posts: BTreeSet::new(),
            media: BTreeSet::new(),
            polls: BTreeSet::new(),
            errors: Vec::new(),
        }
    }

    /// Adds an error to the response, once.
    pub(super) fn miss(&mut self, problem: Value) {
        if !self.errors.contains(&problem) {
            self.errors.push(problem);
        }
    }

    pub(super) fn post(&mut self, id: u64) -> Value {
        let Some(post) = self.world.post(id) else { return Value::Null };
        let expansions: Vec<&str> = self.asked.expansions.iter().map(String::as_str).collect();
        for expansion in expansions {
            match expansion {
                "author_id" => self.bring_user(post.author, "author_id"),
                "in_reply_to_user_id" => {
                    if let Some(user) = id_in(post.fields.get("in_reply_to_user_id")) {
                        self.bring_user(user, "in_reply_to_user_id");
                    }
                }
                "entities.mentions.username" => {
                    let mentions = post.fields.get("entities").and_then(|e| e.get("mentions"));
                    for name in mentions.and_then(Value::as_array).into_iter().flatten() {
                        let name = name.get("username").and_then(Value::as_str).unwrap_or_default();
                        match self.world.person_named(name) {
                            Some(user) => self.bring_user(user, expansion),
                            None => self.miss(missing("user", expansion, name)),
                        }
                    }
                }
                "referenced_tweets.id" | "referenced_tweets.id.author_id" => {
                    let parameter = match self.asked.words {
                        Words::Tweet => "referenced_tweets.id",
                        Words::Post => "referenced_posts",
                    };
                    for id in [post.replies_to, post.quotes, post.reposts].into_iter().flatten() {
                        let Some(referenced) = self.world.visible_post(id, self.asked.viewer) else {
                            self.miss(missing("tweet", parameter, &id.to_string()));
                            continue;
                        };
                        if expansion.ends_with("author_id") {
                            self.bring_user(referenced.author, expansion);
                        }
                        self.posts.insert(id);
                    }
                }
                "edit_history_tweet_ids" => {
                    let ids = post.fields.get("edit_history_tweet_ids").and_then(Value::as_array);
                    let ids = ids.into_iter().flatten().filter_map(|id| id_in(Some(id)));
                    self.posts.extend(ids.filter(|other| *other != id && self.world.post(*other).is_some()));
                }
                "attachments.media_keys" => self.media.extend(attached(&post.fields, "media_keys")),
                "attachments.poll_ids" => self.polls.extend(attached(&post.fields, "poll_ids")),
                _ => {}
            }
        }
        self.show_post(&post.fields)
    }

    fn show_post(&self, fields: &Fields) -> Value {
        let wanted = self.asked.with_expanded(&["id", "text", "edit_history_tweet_ids"], &self.asked.post);
        let metrics =
            ["retweet_count", "reply_count", "like_count", "quote_count", "bookmark_count", "impression_count"];
        let mut shown = self.pick(fields, &wanted, &metrics);
        // A loaded post was liked by more people than are known here.
        if let (Some(id), Some(likes)) = (id_in(fields.get("id")), shown.pointer_mut("/public_metrics/like_count")) {
            let known = self.world.relations.to(Relation::Like, id).count();
            *likes = json!(likes.as_u64().unwrap_or(0).max(known as u64));
        }
        shown
    }

    pub(super) fn user(&mut self, id: u64) -> Value {
        let Some(person) = self.world.people.get(&id) else { return Value::Null };
        for expansion in ["pinned_tweet_id", "most_recent_tweet_id"] {
            if let (true, Some(post)) = (self.asked.expands(expansion), id_in(person.fields.get(expansion))) {
                match self.world.post(post) {
                    Some(_) => _ = self.posts.insert(post),
                    None => self.miss(missing("tweet", self.asked.words.say(expansion), &post.to_string())),
                }
            }
        }
        self.show_user(id)
    }

    fn show_user(&self, id: u64) -> Value {
        let Some(person) = self.world.people.get(&id) else { return Value::Null };
        let wanted = self.asked.with_expanded(&["id", "name", "username"], &self.asked.user);
        let metrics = ["followers_count", "following_count", "tweet_count", "listed_count"];
        let mut user = self.pick(&person.fields, &wanted, &metrics);
        if wanted.contains(&"receives_your_dm") && self.asked.viewer.is_some() {
            put(&mut user, "receives_your_dm", !person.closed_to_dms);
        }
        if let (true, Some(me)) = (wanted.contains(&"connection_status"), self.asked.viewer) {
            put(&mut user, "connection_status", self.world.relations.between(me, id));
        }
        user
    }

    pub(super) fn dm(&mut self, id: u64) -> Value {
        let Some(dm) = self.world.dms.get(&id) else { return Value::Null };
        if self.asked.expands("sender_id") {
            self.bring_user(dm.from, "sender_id");
        }
        if self.asked.expands("attachments.media_keys") {
            self.media.extend(attached(&dm.fields, "media_keys"));
        }
        let wanted = self.asked.with_expanded(&["id", "event_type", "text"], &self.asked.dm);
        self.pick(&dm.fields, &wanted, &[])
    }

    fn bring_user(&mut self, id: u64, parameter: &str) {
        if self.world.people.contains_key(&id) {
            self.users.insert(id);
        } else {
            self.miss(missing("user", parameter, &id.to_string()));
        }
    }

    /// The wanted fields of an object, in the request's vocabulary; `public_metrics` has at least the given metrics.
    fn pick(&self, fields: &Fields, wanted: &[&str], metrics: &[&str]) -> Value {
        let words = self.asked.words;
        let mut shown = Fields::new();
        for name in wanted {
            let Some(mut value) = fields.get(*name).cloned() else { continue };
            if let (Value::Object(counts), "public_metrics") = (&mut value, *name) {
                for metric in metrics {
                    counts.entry(*metric).or_insert(json!(0));
                }
                *counts = std::mem::take(counts).into_iter().map(|(k, v)| (words.say(&k).to_owned(), v)).collect();
            }
            shown.insert(words.say(name).to_owned(), value);
        }
        Value::Object(shown)
    }

    /// Builds the response for a list; without `data` if the list is empty.
    pub(super) fn finish_list(self, data: Vec<Value>, meta: Option<Value>) -> Value {
        self.finish((!data.is_empty()).then_some(Value::Array(data)), meta)
    }

    /// Builds the response; without `data` if there is none.
    pub(super) fn finish(self, data: Option<Value>, meta: Option<Value>) -> Value {
        let mut answer = Fields::new();
        if let Some(data) = data {
            answer.insert("data".into(), data);
        }
        let mut includes = Fields::new();
        let posts = self.posts.iter().filter_map(|id| Some(self.show_post(&self.world.post(*id)?.fields)));
        let media = self.media.iter().filter_map(|key| self.world.media.get(key)).map(|media| self.show_media(media));
        let polls = self.polls.iter().filter_map(|id| self.world.polls.get(id)).map(|poll| self.show_poll(poll));
        for (name, list) in [
            ("users", self.users.iter().map(|id| self.show_user(*id)).collect::<Vec<_>>()),
            (self.asked.words.say("tweets"), posts.collect()),
            ("media", media.collect()),
            ("polls", polls.collect()),
        ] {
            if !list.is_empty() {
                includes.insert(name.to_owned(), Value::Array(list));
            }
        }
        if !includes.is_empty() {
            answer.insert("includes".into(), Value::Object(includes));
        }
        if !self.errors.is_empty() {
            answer.insert("errors".into(), Value::Array(self.errors));
        }
        if let Some(meta) = meta {
            answer.insert("meta".into(), meta);
        }
        Value::Object(answer)
    }

    fn show_poll(&self, poll: &Value) -> Value {
        let wanted = self.asked.poll.iter().map(String::as_str).chain(["id", "options"]);
        Value::Object(wanted.filter_map(|name| Some((name.to_owned(), poll.get(name)?.clone()))).collect())
    }

    fn show_media(&self, media: &Value) -> Value {
        let Value::Object(fields) = media else { return Value::Null };
        let wanted = self.asked.media.iter().map(String::as_str).chain(["media_key", "type"]);
        Value::Object(wanted.filter_map(|name| Some((name.to_owned(), fields.get(name)?.clone()))).collect())
    }
}

/// Ids of a list in the `attachments` of a post or message.
fn attached<'a>(fields: &'a Fields, list: &str) -> impl Iterator<Item = String> + use<'a> {
    let keys = fields.get("attachments").and_then(|a| a.get(list)).and_then(Value::as_array);
    keys.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned)
}

fn id_in(value: Option<&Value>) -> Option<u64> {
    value.and_then(Value::as_str).and_then(parse_id)
}
