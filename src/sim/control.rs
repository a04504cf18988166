//! The control interface under `/sim/`, for scripts and other languages: what [`super::SimHandle`] does, over HTTP.
//!
//! `POST /sim/{command}` with a JSON object; the answer is JSON. It answers this machine only.
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
//! | `revoke`, `expire` | `{"account"}` | `{}`: all its tokens end; its access tokens end |
//! | `allow` | `{"account", "dms"?: false, "long_posts"?: true}` | `{}` |
//! | `fault` | a [`Fault`] | `{}` |
//! | `clear_faults` | `{}` | `{}` |
//! | `limit` | `{"endpoint", "requests"}` left in 15 minutes from now | `{}` |
//! | `clock` | `{"set"?: time, "advance_seconds"?: n, "run"?: true}` | `{"now"}` |
//! | `release` | `{"most"?: n, "keep_clock"?: true}` | `{"released", "waiting"}`: loaded things happen |
//! | `load` | lines, not JSON | a [`super::LoadReport`]; nothing happens before `release` |
//! | `reset` | `{}` | `{}`: everything is forgotten |
//!
//! `GET /sim/sent` lists what clients did, `GET /sim/stats` counts, `GET /sim/users` lists people.
//! Accounts and people are named by handle or id.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    App, Fault, SimError, SimOptions,
    answer::Answer,
    clock::{self, Clock},
    compose::Draft,
    endpoint::ENDPOINTS,
    oauth::SCOPES,
    query::{Call, is_handle, parse_id},
    server::Shared,
    ties::Tie,
    world::{Conversation, Fields, World},
};

/// Somebody to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// The handle, without `@`.
    pub username: String,
    /// The name shown; the handle where it is left out.
    #[serde(default)]
    pub name: Option<String>,
    /// The id; a new one where it is left out.
    #[serde(default)]
    pub id: Option<String>,
    /// How many follow this person.
    #[serde(default)]
    pub followers: u64,
    /// How many posts this person made.
    #[serde(default)]
    pub posts: u64,
    /// `blue`, `business` or `government`; `none` where it is left out.
    #[serde(default)]
    pub verified_type: Option<String>,
    /// When the account was made.
    #[serde(default)]
    pub created_at: Option<String>,
}

impl NewPerson {
    /// Somebody with a handle, and nothing else to say about.
    pub fn named(username: impl Into<String>) -> Self {
        Self { username: username.into(), ..Self::default() }
    }
}

/// A post to be made by somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPost {
    /// Who makes it: handle or id.
    pub by: String,
    /// The text as people write it, of any length.
    pub text: String,
    /// The post it replies to.
    #[serde(default)]
    pub in_reply_to: Option<String>,
    /// The post it quotes.
    #[serde(default)]
    pub quotes: Option<String>,
    /// Whether a picture is attached.
    #[serde(default)]
    pub media: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Command {
    User(NewPerson),
    Connect { account: String, scopes: Option<Vec<String>> },
    AppToken {},
    App(App),
    Post(NewPost),
    Repost { by: String, post: String },
    Edit { post: String, text: String },
    Delete { post: String },
    Dm { from: String, to: String, text: String, media: Option<bool> },
    Like { by: String, post: String },
    Unlike { by: String, post: String },
    Follow { by: String, user: String },
    Unfollow { by: String, user: String },
    Block { by: String, user: String },
    Unblock { by: String, user: String },
    Revoke { account: String },
    Expire { account: String },
    Allow { account: String, dms: Option<bool>, long_posts: Option<bool> },
    Fault(Fault),
    ClearFaults {},
    Limit { endpoint: String, requests: u32 },
    Clock { set: Option<String>, advance_seconds: Option<i64>, run: Option<bool> },
    Release { most: Option<usize>, keep_clock: Option<bool> },
    Reset {},
}

/// Answers `/sim{path}`.
pub(super) fn answer(shared: &Shared, call: &Call, path: &str) -> Answer {
    let mut world = shared.world();
    let name = path.trim_start_matches('/');
    let outcome = match (call.method.as_str(), name) {
        ("GET", "sent") => Ok(json!({"sent": world.sent})),
        ("GET", "stats") => Ok(json!(world.stats())),
        ("GET", "users") => Ok(json!({"users": world.people.values().map(|p| &p.fields).collect::<Vec<_>>()})),
        ("POST", "load") => world.load(call.body.as_slice()).map(|report| json!(report)),
        ("POST", _) => read_command(name, &call.body).and_then(|command| world.obey(command)),
        _ => Err(SimError::Command(format!("there is no {} /sim/{name}", call.method))),
    };
    match outcome {
        Ok(value) => Answer::json(200, &value),
        Err(error) => Answer::json(400, &json!({"error": error.to_string()})),
    }
}

fn read_command(name: &str, body: &[u8]) -> Result<Command, SimError> {
    let wrong = |error: serde_json::Error| SimError::Command(error.to_string());
    let body: Value = if body.is_empty() { json!({}) } else { serde_json::from_slice(body).map_err(wrong)? };
    serde_json::from_value(json!({name: body})).map_err(wrong)
}

impl World {
    fn obey(&mut self, command: Command) -> Result<Value, SimError> {
        Ok(match command {
            Command::User(person) => json!({"id": self.make_person(&person)?.to_string()}),
            Command::Connect { account, scopes } => {
                let account = self.find_person(&account)?;
                let scopes = scopes.unwrap_or_else(|| SCOPES.iter().map(|s| (*s).to_owned()).collect());
                let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
                json!(self.connect(account, &scopes)?)
            }
            Command::AppToken {} => json!({"token": self.app_token()}),
            Command::App(app) => {
                self.doors.add_app(app);
                json!({})
            }
            Command::Post(post) => json!({"id": self.post_as(&post)?.to_string()}),
            Command::Repost { by, post } => {
                let (by, post) = (self.find_person(&by)?, self.find_post(&post)?);
                json!({"id": self.repost(by, post)?.to_string()})
            }
            Command::Edit { post, text } => {
                let post = self.find_post(&post)?;
                json!({"id": self.edit_post(post, &text)?.to_string()})
            }
            Command::Delete { post } => {
                let post = self.find_post(&post)?;
                self.delete_post(post);
                json!({})
            }
            Command::Dm { from, to, text, media } => {
                let (from, to) = (self.find_person(&from)?, self.find_person(&to)?);
                let media = if media == Some(true) { vec![self.picture()] } else { Vec::new() };
                json!({"id": self.make_dm(from, Conversation::of_two(from, to), &text, &media)?.to_string()})
            }
            Command::Like { by, post } => {
                let (by, post) = (self.find_person(&by)?, self.find_post(&post)?);
                self.ties.put(Tie::Like, by, post);
                json!({})
            }
            Command::Unlike { by, post } => {
                let (by, post) = (self.find_person(&by)?, self.find_post(&post)?);
                self.ties.remove(Tie::Like, by, post);
                json!({})
            }
            Command::Follow { by, user } => self.tie(Tie::Follow, &by, &user, true)?,
            Command::Unfollow { by, user } => self.tie(Tie::Follow, &by, &user, false)?,
            Command::Block { by, user } => self.tie(Tie::Block, &by, &user, true)?,
            Command::Unblock { by, user } => self.tie(Tie::Block, &by, &user, false)?,
            Command::Revoke { account } => {
                let account = self.find_person(&account)?;
                self.doors.revoke(account);
                json!({})
            }
            Command::Expire { account } => {
                let account = self.find_person(&account)?;
                self.doors.expire(account);
                json!({})
            }
            Command::Allow { account, dms, long_posts } => {
                self.allow(&account, dms, long_posts)?;
                json!({})
            }
            Command::Fault(fault) => {
                self.order(fault)?;
                json!({})
            }
            Command::ClearFaults {} => {
                self.faults.clear();
                json!({})
            }
            Command::Limit { endpoint, requests } => {
                self.limit(&endpoint, requests)?;
                json!({})
            }
            Command::Clock { set, advance_seconds, run } => {
                self.clock_set = run != Some(true);
                if let Some(set) = set {
                    let at = clock::read(&set).ok_or_else(|| SimError::Command(format!("`{set}` is no time")))?;
                    self.clock = Clock::Standing { at };
                }
                if let Some(seconds) = advance_seconds {
                    self.clock.advance(seconds.saturating_mul(1000));
                }
                if run == Some(true) {
                    self.clock = Clock::Running { ahead: 0 };
                }
                json!({"now": clock::written(self.now())})
            }
            Command::Release { most, keep_clock } => {
                let released = self.release(most.unwrap_or(usize::MAX), keep_clock != Some(true))?;
                json!({"released": released, "waiting": self.waiting.len()})
            }
            Command::Reset {} => {
                self.reset();
                json!({})
            }
        })
    }

    fn tie(&mut self, tie: Tie, by: &str, user: &str, holds: bool) -> Result<Value, SimError> {
        let (by, user) = (self.find_person(by)?, self.find_person(user)?);
        if holds {
            self.ties.put(tie, by, user)
        } else {
            self.ties.remove(tie, by, user)
        };
        Ok(json!({}))
    }

    /// The key of a picture nobody uploaded.
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
        let fields = json!({
            "id": id.to_string(),
            "username": handle,
            "name": person.name.as_deref().unwrap_or(handle),
            "created_at": person.created_at.clone().unwrap_or_else(|| clock::written(self.now())),
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
        let known =
            |id: &Option<String>| id.as_deref().map(|id| parse_id(id).ok_or_else(|| SimError::NoSuchPost(id.into())));
        let replies_to = known(&post.in_reply_to).transpose()?;
        let quotes = known(&post.quotes).transpose()?;
        let media = if post.media { vec![self.picture()] } else { Vec::new() };
        self.make_post(Draft { author, text: post.text.clone(), replies_to, quotes, media, poll: None })
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
        if fault.status.is_some_and(|status| !(200..=599).contains(&status)) {
            return Err(SimError::Command("`status` is between 200 and 599".into()));
        }
        if fault.times == 0 {
            return Err(SimError::Command("`times` is at least 1".into()));
        }
        if self.faults.add(fault) { Ok(()) } else { Err(SimError::Full("faults")) }
    }

    pub(super) fn limit(&mut self, endpoint: &str, requests: u32) -> Result<(), SimError> {
        let known = ENDPOINTS.iter().find(|e| e.name() == endpoint);
        let known = known.ok_or_else(|| SimError::Command(format!("there is no endpoint `{endpoint}`")))?;
        let now = self.now();
        self.limits.leave(known, requests, now);
        Ok(())
    }

    pub(super) fn reset(&mut self) {
        *self = World::new(SimOptions { seed: None, ..self.options.clone() });
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

/// Counts of what there is and what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// People known.
    pub people: usize,
    /// Posts there are, those only referred to included.
    pub posts: usize,
    /// Direct messages.
    pub dms: usize,
    /// Loaded things that did not happen yet.
    pub waiting: usize,
    /// Things clients did.
    pub sent: usize,
    /// Answers by endpoint and status.
    pub answered: std::collections::BTreeMap<String, std::collections::BTreeMap<u16, u64>>,
    /// The time by the simulator's clock.
    pub now: String,
}
