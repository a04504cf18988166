//! The control API under `/sim/`, for scripts and other languages: the operations of [`super::SimHandle`] over HTTP.
//!
//! `POST /sim/{command}` takes a JSON object and returns JSON. Only requests from this machine are accepted.
//!
//! | command | body | answer |
//! | --- | --- | --- |
//! | `user` | `{"username", "name"?, "id"?, "followers"?, "posts"?, "verified_type"?, "created_at"?}` | `{"id"}` |
//! | `connect` | `{"account", "scopes"?: […]}` | tokens |
//! | `app_token` | `{}` | `{"token"}` |
//! | `app` | `{"client_id", "client_secret"?, "redirect_uris": […], "scopes"?: […]}` | `{}` |
//! | `post` | `{"by", "text", "in_reply_to"?, "quotes"?, "media"?: true}` | `{"id"}` |
//! | `repost` | `{"by", "post"}` | `{"id"}` |
//! | `edit` | `{"post", "text"}` | `{"id"}` of the new version |
//! | `delete` | `{"post"}` | `{}` |
//! | `dm` | `{"from", "to", "text", "media"?: true}` | `{"id"}` |
//! | `like`, `unlike` | `{"by", "post"}` | `{}` |
//! | `follow`, `unfollow`, `block`, `unblock` | `{"by", "user"}` | `{}` |
//! | `revoke` | `{"account"}` | `{}`: revokes all its tokens |
//! | `expire` | `{"account"}` | `{}`: expires its access tokens |
//! | `allow` | `{"account", "dms"?: false, "long_posts"?: true}` | `{}` |
//! | `fault` | a [`Fault`] | `{}` |
//! | `clear_faults` | `{}` | `{}` |
//! | `limit` | `{"endpoint", "requests", "day"?: true}`: requests left in the next 15 minutes, or 24 hours | `{}` |
//! | `clock` | `{"set"?: time, "advance_seconds"?: n, "run"?: true}` | `{"now"}` |
//! | `release` | `{"most"?: n, "keep_clock"?: true}` | `{"released", "waiting"}`: loaded objects take effect |
//! | `load` | lines, not JSON | a [`super::LoadReport`]; posts, messages and likes take effect on `release` |
//! | `chat` | `{"from", "to"}` | `{}`: an encrypted message, which only the stream and webhooks show |
//! | `events` | a [`super::Disturbance`]: `{"withhold"?: n, "duplicate"?: n, "reorder"?: n}` | `{}` |
//! | `stream` | `{"keep_alive_ms"?: n, "disconnect"?: "close", "cut" or "operational"}` | `{"connections"}` |
//! | `webhooks` | `{"check"?: true, "disable"?: true, "retries"?: n, "timeout_ms"?: n}` | `{"webhooks", "undelivered"}` |
//! | `account` | `{"account", "protected"?, "suspended"?, "username"?}` | `{}` |
//! | `outage` | `{"kind"}`: `unauthorized`, `credits`, `spend_cap`, `app_suspended`, `unavailable` or `none` | `{}` |
//! | `reset` | `{}` | `{}`: clears the simulator |
//!
//! `GET /sim/sent` lists the writes of clients, `GET /sim/stats` returns counts, `GET /sim/users` lists users.
//! Accounts and users are given by handle or id.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    App, Fault, SimError, SimOptions,
    answer::Answer,
    arguments::Arguments,
    clock::{self, Clock},
    compose::Draft,
    endpoint::{ENDPOINTS, SIGN_IN, unknown},
    fault::Cut,
    oauth::SCOPES,
    query::{Call, is_handle, parse_id},
    relations::Relation,
    server::Shared,
    text::escape,
    world::{Conversation, Fields, World},
};

/// Valid values of `verified_type`.
const VERIFIED_TYPES: &[&str] = &["blue", "business", "government", "none"];
/// Maximum value of `advance_seconds` in one command: a century.
const MAX_ADVANCE_SECONDS: i64 = 100 * 366 * 24 * 60 * 60;

/// A user to create.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewPerson {
    /// The handle, without `@`.
    pub username: String,
    /// The display name, unescaped; defaults to the handle.
    pub name: Option<String>,
    /// The id; defaults to a new one.
    pub id: Option<String>,
    /// Number of followers the profile shows.
    pub followers: u64,
    /// Number of posts the profile shows.
    pub posts: u64,
    /// `blue`, `business`, `government` or `none`; defaults to `none`.
    pub verified_type: Option<String>,
    /// Creation time of the account in RFC 3339; defaults to now.
    pub created_at: Option<String>,
}

impl NewPerson {
    /// A user with this handle and defaults for everything else.
    pub fn named(username: impl Into<String>) -> Self {
        Self { username: username.into(), ..Self::default() }
    }
}

/// A post to create.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewPost {
    /// The author: handle or id.
    pub by: String,
    /// The text, unescaped, of any length.
    pub text: String,
    /// Id of the post it replies to.
    pub in_reply_to: Option<String>,
    /// Id of the post it quotes.
    pub quotes: Option<String>,
    /// Whether a picture is attached.
    pub media: bool,
}

/// Handles a request to `/sim{path}`.
pub(super) fn answer(shared: &Shared, call: &Call, path: &str) -> Answer {
    let mut world = shared.world();
    let name = path.trim_start_matches('/');
    let outcome = match (call.method.as_str(), name) {
        ("GET", "sent") => Ok(json!({"sent": world.sent})),
        ("GET", "stats") => Ok(json!(world.stats())),
        ("GET", "users") => Ok(json!({"users": world.people.values().map(|p| &p.fields).collect::<Vec<_>>()})),
        ("POST", "load") => world.load(call.body.as_slice(), &mut |_| vec![]).map(|report| json!(report)),
        ("POST", _) => Arguments::read(name, &call.body).and_then(|given| world.obey(name, given)),
        _ => Err(no_such_command(&call.method, name)),
    };
    match outcome {
        Ok(value) => Answer::json(200, &value),
        Err(error) => Answer::json(400, &json!({"error": error.to_string()})),
    }
}

pub(super) fn no_such_command(method: &str, name: &str) -> SimError {
    SimError::Command(format!("there is no {method} /sim/{name}; `twite sim --help` lists what there is"))
}

impl World {
    /// Executes a command. All arguments are read and checked before anything changes.
    fn obey(&mut self, command: &str, mut given: Arguments) -> Result<Value, SimError> {
        match command {
            "user" => {
                let person = NewPerson {
                    username: given.text("username"),
                    name: given.optional_text("name"),
                    id: given.optional_text("id"),
                    followers: given.optional_number("followers", 0..=i64::MAX).unwrap_or_default(),
                    posts: given.optional_number("posts", 0..=i64::MAX).unwrap_or_default(),
                    verified_type: given.optional_text("verified_type"),
                    created_at: given.optional_text("created_at"),
                };
                given.finish()?;
                return Ok(json!({"id": self.make_person(&person)?.to_string()}));
            }
            "connect" => {
                let (account, scopes) = (given.text("account"), given.optional_texts("scopes"));
                given.finish()?;
                let account = self.find_person(&account)?;
                let scopes = scopes.unwrap_or_else(|| SCOPES.iter().map(|s| (*s).to_owned()).collect());
                let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
                return Ok(json!(self.connect(account, &scopes)?));
            }
            "app_token" => {
                given.finish()?;
                return Ok(json!({"token": self.app_token()}));
            }
            "app" => {
                let app = App {
                    client_id: given.text("client_id"),
                    client_secret: given.optional_text("client_secret"),
                    redirect_uris: given.texts("redirect_uris"),
                    scopes: given.optional_texts("scopes"),
                };
                if let Some(uri) = app.redirect_uris.iter().find(|uri| url::Url::parse(uri).is_err()) {
                    given.refuse(&format!("`redirect_uris`: `{uri}` is no address"));
                }
                if let Some(scope) = app.scopes.iter().flatten().find(|scope| !SCOPES.contains(&scope.as_str())) {
                    given.refuse(&format!("`scopes`: X has no `{scope}`"));
                }
                given.finish()?;
                self.credentials.add_app(app);
            }
            "post" => {
                let post = NewPost {
                    by: given.text("by"),
                    text: given.text("text"),
                    in_reply_to: given.optional_text("in_reply_to"),
                    quotes: given.optional_text("quotes"),
                    media: given.flag("media").unwrap_or_default(),
                };
                given.finish()?;
                return Ok(json!({"id": self.post_as(&post)?.to_string()}));
            }
            "repost" => {
                let (by, post) = self.read_by_post(given)?;
                return Ok(json!({"id": self.repost(by, post)?.to_string()}));
            }
            "edit" => {
                let (post, text) = (given.text("post"), given.text("text"));
                given.finish()?;
                let post = self.find_post(&post)?;
                return Ok(json!({"id": self.edit_post(post, &text)?.to_string()}));
            }
            "delete" => {
                let post = given.text("post");
                given.finish()?;
                let post = self.find_post(&post)?;
                self.delete_post(post);
            }
            "dm" => {
                let (from, to, text) = (given.text("from"), given.text("to"), given.text("text"));
                let media = given.flag("media").unwrap_or_default();
                given.finish()?;
                let (from, to) = (self.find_person(&from)?, self.find_person(&to)?);
                let media = if media { vec![self.picture()] } else { Vec::new() };
                let id = self.make_dm(from, Conversation::of_two(from, to), &text, &media)?;
                return Ok(json!({"id": id.to_string()}));
            }
            "like" => {
                let (by, post) = self.read_by_post(given)?;
                self.relate(Relation::Like, by, post);
            }
            "unlike" => {
                let (by, post) = self.read_by_post(given)?;
                self.unrelate(Relation::Like, by, post);
            }
            "follow" => self.relation(Relation::Follow, given, true)?,
            "unfollow" => self.relation(Relation::Follow, given, false)?,
            "block" => self.relation(Relation::Block, given, true)?,
            "unblock" => self.relation(Relation::Block, given, false)?,
            "revoke" => {
                let account = self.read_account(given)?;
                self.revoke(account);
            }
            "expire" => {
                let account = self.read_account(given)?;
                self.credentials.expire(account);
            }
            "allow" => {
                let account = given.text("account");
                let (dms, long_posts) = (given.flag("dms"), given.flag("long_posts"));
                given.finish()?;
                self.allow(&account, dms, long_posts)?;
            }
            "fault" => {
                let count = 0..=i64::from(u32::MAX);
                let fault = Fault {
                    endpoint: given.text("endpoint"),
                    skip: given.optional_number("skip", count.clone()).unwrap_or(0),
                    times: given.optional_number("times", count).unwrap_or(1),
                    delay_ms: given.optional_number("delay_ms", 0..=i64::MAX).unwrap_or(0),
                    status: given.optional_number("status", 0..=999),
                    headers: given.pairs("headers"),
                    body: given.optional_text("body").unwrap_or_default(),
                    cut: given.optional("cut", "`before` or `after`", Cut::read),
                };
                given.finish()?;
                self.order(fault)?;
            }
            "clear_faults" => {
                given.finish()?;
                self.faults.clear();
            }
            "limit" => {
                let endpoint = given.text("endpoint");
                let requests = given.number("requests", 0..=i64::from(u32::MAX));
                let day = given.flag("day").unwrap_or_default();
                given.finish()?;
                if day {
                    self.limit_day(&endpoint, requests)?;
                } else {
                    self.limit(&endpoint, requests)?;
                }
            }
            "clock" => {
                let set = given.optional("set", "a time as `2026-11-16T07:00:00Z`", clock::read);
                let by: Option<i64> = given.optional_number("advance_seconds", 0..=MAX_ADVANCE_SECONDS);
                let run = given.flag("run").unwrap_or_default();
                if run && (set.is_some() || by.is_some()) {
                    given.refuse("a clock that is told to `run` shows the real time: it is not `set` or advanced");
                }
                given.finish()?;
                if let Some(at) = set {
                    self.clock = Clock::Standing { at };
                }
                if let Some(seconds) = by {
                    self.clock.advance(seconds.saturating_mul(1000));
                }
                if run {
                    self.clock = Clock::Running { ahead: 0 };
                }
                self.push.wake.notify_one();
                self.clock_set = !run && (self.clock_set || set.is_some() || by.is_some());
                return Ok(json!({"now": clock::written(self.now())}));
            }
            "release" => {
                let most: Option<usize> = given.optional_number("most", 0..=i64::MAX);
                let keep_clock = given.flag("keep_clock").unwrap_or_default();
                given.finish()?;
                let released = self.release(most.unwrap_or(usize::MAX), !keep_clock)?;
                return Ok(json!({"released": released, "waiting": self.waiting.len()}));
            }
            "reset" => {
                given.finish()?;
                self.reset();
            }
            _ => return self.obey_push(command, given),
        }
        Ok(json!({}))
    }

    fn read_by_post(&self, mut given: Arguments) -> Result<(u64, u64), SimError> {
        let (by, post) = (given.text("by"), given.text("post"));
        given.finish()?;
        Ok((self.find_person(&by)?, self.find_post(&post)?))
    }

    fn read_account(&self, mut given: Arguments) -> Result<u64, SimError> {
        let account = given.text("account");
        given.finish()?;
        self.find_person(&account)
    }

    fn relation(&mut self, relation: Relation, mut given: Arguments, holds: bool) -> Result<(), SimError> {
        let (by, user) = (given.text("by"), given.text("user"));
        given.finish()?;
        let (by, user) = (self.find_person(&by)?, self.find_person(&user)?);
        if holds {
            self.relate(relation, by, user);
        } else {
            self.unrelate(relation, by, user);
        }
        Ok(())
    }

    /// Adds a placeholder picture and returns its media key.
    fn picture(&mut self) -> String {
        let key = format!("3_{}", self.other_id());
        let address = format!("https://pbs.twimg.com/media/{key}.jpg");
        let picture = json!({"media_key": key, "type": "photo", "width": 1200, "height": 675, "url": address});
        self.media.insert(key.clone(), picture);
        key
    }

    pub(super) fn make_person(&mut self, person: &NewPerson) -> Result<u64, SimError> {
        let handle = &person.username;
        if !is_handle(handle) {
            return Err(SimError::Command(format!(
                "`{handle}` is no handle: those are 1 to 15 letters, digits and `_`"
            )));
        }
        if self.person_named(handle).is_some() {
            return Err(SimError::HandleTaken(handle.clone()));
        }
        let id = match &person.id {
            Some(id) => parse_id(id).ok_or_else(|| SimError::Command(format!("`{id}` is no id")))?,
            None => self.other_id(),
        };
        let verified = person.verified_type.as_deref().unwrap_or("none");
        if !VERIFIED_TYPES.contains(&verified) {
            let known = VERIFIED_TYPES.join("`, `");
            return Err(SimError::Command(format!("`verified_type` is one of `{known}`, not `{verified}`")));
        }
        let created_at = match &person.created_at {
            None => self.now(),
            Some(text) => clock::read(text).ok_or_else(|| {
                SimError::Command(format!("`created_at` is a time as `2026-11-16T07:00:00Z`, not `{text}`"))
            })?,
        };
        let fields = json!({
            "id": id.to_string(),
            "username": handle,
            "name": escape(person.name.as_deref().unwrap_or(handle)),
            "created_at": clock::written(created_at),
            "description": "",
            "protected": false,
            "verified": verified != "none",
            "verified_type": verified,
            "public_metrics": {
                "followers_count": person.followers, "following_count": 0,
                "tweet_count": person.posts, "listed_count": 0,
            },
        });
        let Value::Object(fields): Value = fields else { return Ok(id) };
        self.know_person(id, Fields::from_iter(fields))?;
        self.index_mentions_of(id);
        Ok(id)
    }

    pub(super) fn post_as(&mut self, post: &NewPost) -> Result<u64, SimError> {
        let author = self.find_person(&post.by)?;
        let known = |id: &Option<String>| id.as_deref().map(|id| self.find_post(id)).transpose();
        let (replies_to, quotes) = (known(&post.in_reply_to)?, known(&post.quotes)?);
        let media = if post.media { vec![self.picture()] } else { Vec::new() };
        self.make_post(Draft { author, text: post.text.clone(), replies_to, quotes, media, ..Draft::default() })
    }

    pub(super) fn allow(&mut self, who: &str, dms: Option<bool>, long_posts: Option<bool>) -> Result<(), SimError> {
        let id = self.find_person(who)?;
        if let Some(person) = self.people.get_mut(&id) {
            person.closed_to_dms = dms.map_or(person.closed_to_dms, |open| !open);
            person.writes_long = long_posts.unwrap_or(person.writes_long);
        }
        Ok(())
    }

    pub(super) fn order(&mut self, fault: Fault) -> Result<(), SimError> {
        if let Some(refusal) = fault.refusal() {
            return Err(refusal);
        }
        if self.faults.add(fault) { Ok(()) } else { Err(SimError::Full("faults")) }
    }

    pub(super) fn limit(&mut self, endpoint: &str, requests: u32) -> Result<(), SimError> {
        if SIGN_IN.contains(&endpoint) {
            return Err(SimError::Command(format!("`{endpoint}` has no limit")));
        }
        let known = ENDPOINTS.iter().find(|e| e.name() == endpoint).ok_or_else(|| unknown(endpoint))?;
        let now = self.now();
        self.limits.leave(known, requests, now);
        Ok(())
    }

    pub(super) fn limit_day(&mut self, endpoint: &str, requests: u32) -> Result<(), SimError> {
        let known = ENDPOINTS.iter().find(|e| e.name() == endpoint).ok_or_else(|| unknown(endpoint))?;
        let now = self.now();
        if self.limits.leave_today(known, requests, now) {
            return Ok(());
        }
        Err(SimError::Command(format!("`{endpoint}` has no daily limit")))
    }

    pub(super) fn reset(&mut self) {
        let wake = std::sync::Arc::clone(&self.push.wake);
        *self = World::new(SimOptions { seed: None, ..self.options.clone() });
        self.push.wake = wake;
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            people: self.people.len(),
            posts: self.post_count(),
            dms: self.dms.len(),
            waiting: self.waiting.len(),
            sent: self.sent.len(),
            answered: self.answered.clone(),
            now: clock::written(self.now()),
        }
    }
}

/// Counts of the simulator's objects and responses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Users.
    pub people: usize,
    /// Posts, including those known only from `includes`.
    pub posts: usize,
    /// Direct messages.
    pub dms: usize,
    /// Loaded posts, messages and likes that are not released yet.
    pub waiting: usize,
    /// Writes of clients.
    pub sent: usize,
    /// Number of responses by endpoint and status.
    pub answered: std::collections::BTreeMap<String, std::collections::BTreeMap<u16, u64>>,
    /// The current time of the simulator's clock.
    pub now: String,
}
