//! A simulator of X: an HTTP server that speaks X API v2, for trying rules and testing the daemon without an X account.
//!
//! It mirrors the real API as far as it is known: both vocabularies (`tweet.*` and `post.*`), fields on request,
//! pagination, rate limits, errors, and OAuth 2 with rotating refresh tokens. Differences:
//!
//! - OAuth 1.0a signatures are not checked; clients sign for the real X's address.
//! - Blocked users can still read.
//! - Events of the X Activity API are only those of posts, likes, follows, messages and revoked authorisations.
//! - A handle that belongs to no user does not count as a mention.
//! - A reply is prefixed with the handle of the author it answers, but not with those of the rest of the thread.
//!
//! [`Sim::start`] runs it in-process; [`SimHandle`] drives it, and the [`control`] API does so for other programs.

mod account_activity;
mod answer;
mod arguments;
mod body;
mod classic;
mod clock;
mod compose;
mod consent;
pub mod control;
mod deliveries;
mod endpoint;
mod fault;
mod happenings;
mod limits;
mod links;
mod load;
mod media;
mod messages;
mod oauth;
mod page;
mod payloads;
mod people;
mod posts;
mod push;
mod query;
mod relations;
mod search;
mod sent;
mod server;
mod show;
mod status;
mod stream;
mod subscriptions;
mod text;
mod timelines;
mod tls;
mod v1;
mod webhooks;
mod words;
mod world;

use std::{
    io::{self, BufRead},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use self::{
    clock::Clock,
    oauth::SCOPES,
    relations::Relation,
    server::Shared,
    tls::Identity,
    world::{Conversation, World},
};
pub use self::{
    control::{NewPerson, NewPost, Stats},
    fault::{Cut, Fault},
    load::{LeftOut, LoadReport, NewPosts},
    oauth::{App, Tokens},
    push::Disturbance,
    sent::{Sent, SentKind},
    server::{Moment, Sighting},
    status::{AccountChange, Outage},
    stream::Disconnect,
};

/// Client id of the app that is registered by default.
pub const CLIENT_ID: &str = "twite-sim";
/// The default consumer secret.
pub const CONSUMER_SECRET: &str = "twite-sim-consumer-secret";

/// Options of the simulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimOptions {
    /// Address to listen on; port 0 picks a free port.
    pub listen: SocketAddr,
    /// Seed of the generator of tokens and short links, for reproducible runs; `None` seeds it randomly.
    pub seed: Option<u64>,
    /// Whether an app may reply only to people who mentioned or quoted the account, as X restricts self-serve apps.
    pub summoned_only: bool,
    /// Whether X's rate limits are enforced. If not, the headers report a limit that is never reached.
    pub rate_limits: bool,
    /// Whether timelines are truncated as at X, after 800 mentions or 3,200 posts by the user. Set to `false` to read
    /// all posts of a large file that is released at once.
    pub short_timelines: bool,
    /// Lifetime of access tokens in seconds, by the simulator's clock.
    pub token_seconds: u64,
    /// The consumer secret of every app, which signs deliveries to webhooks.
    pub consumer_secret: String,
    /// Whether to serve https, with a new certificate of its own.
    pub tls: bool,
    /// Registered apps. Tokens issued without the authorization page belong to the first.
    pub apps: Vec<App>,
}

impl Default for SimOptions {
    /// X's behaviour, on a free port of the loopback address, with the public app [`CLIENT_ID`].
    fn default() -> Self {
        let app = App {
            client_id: CLIENT_ID.into(),
            client_secret: None,
            redirect_uris: vec!["http://127.0.0.1:8918/callback".into()],
            scopes: None,
        };
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            seed: None,
            summoned_only: true,
            rate_limits: true,
            short_timelines: true,
            token_seconds: 7_200,
            consumer_secret: CONSUMER_SECRET.into(),
            tls: false,
            apps: vec![app],
        }
    }
}

/// Why an operation of the simulator failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// The address cannot be bound.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// No certificate can be made.
    #[error("cannot make a certificate: {0}")]
    Tls(String),
    /// No user has this handle or id.
    #[error("nobody has the handle or id `{0}`")]
    NoSuchPerson(String),
    /// No post has this id.
    #[error("there is no post `{0}`")]
    NoSuchPost(String),
    /// No app has this client id.
    #[error("there is no such app: {0}")]
    NoSuchApp(String),
    /// Another user has this handle.
    #[error("somebody has the handle `{0}` already")]
    HandleTaken(String),
    /// The maximum number of these objects is reached.
    #[error("the simulator holds as many {0} as it may")]
    Full(&'static str),
    /// An invalid command or argument.
    #[error("{0}")]
    Command(String),
    /// A file could not be read.
    #[error("cannot read: {0}")]
    Read(#[from] io::Error),
}

/// The simulator; see [`Sim::start`].
#[derive(Debug)]
pub struct Sim;

impl Sim {
    /// Starts a simulator. It runs until the last handle is dropped or [`SimHandle::stop`] is called.
    pub async fn start(options: SimOptions) -> Result<SimHandle, SimError> {
        let listen = options.listen;
        let listener = TcpListener::bind(listen).await.map_err(|e| SimError::Listen(listen, e))?;
        let address = listener.local_addr().map_err(|e| SimError::Listen(listen, e))?;
        let identity = options.tls.then(|| Identity::new(address.ip())).transpose()?;
        let (tls, certificate) = identity.map(|identity| (identity.acceptor, identity.certificate)).unzip();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let shared = Arc::new(Shared::new(World::new(options), deliveries::client()?));
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(server::serve(listener, tls, Arc::clone(&shared), stopped));
        let courier = tokio::spawn(deliveries::run(Arc::clone(&shared)));
        let running = Running { stop: Some(stop), server: Some(server), courier, replay: None };
        let url = format!("{scheme}://{address}");
        Ok(SimHandle { url, certificate, shared, running: Arc::new(Mutex::new(running)) })
    }
}

/// A handle to a running simulator, to act in it as its users and to control its clock, limits and faults.
///
/// People and accounts are given by handle or id.
#[derive(Debug, Clone)]
pub struct SimHandle {
    /// Base URL for clients, without a trailing slash.
    pub url: String,
    /// The certificate with which it serves https, as PEM.
    pub certificate: Option<String>,
    shared: Arc<Shared>,
    running: Arc<Mutex<Running>>,
}

#[derive(Debug)]
struct Running {
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<io::Result<()>>>,
    courier: JoinHandle<()>,
    replay: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.courier.abort();
        if let Some(server) = &self.server {
            server.abort();
        }
        if let Some(replay) = &self.replay {
            replay.abort();
        }
    }
}

impl SimHandle {
    /// Stops the server; requests in progress have one second to finish.
    pub async fn stop(self) {
        let server = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.stop = None;
            running.courier.abort();
            running.server.take()
        };
        if let Some(mut server) = server
            && tokio::time::timeout(Duration::from_secs(1), &mut server).await.is_err()
        {
            server.abort();
        }
    }

    /// Creates a user and returns the id.
    pub fn make_user(&self, person: &NewPerson) -> Result<String, SimError> {
        self.shared.world().make_person(person).map(|id| id.to_string())
    }

    /// Issues tokens for an account, with all scopes and without the authorization page.
    pub fn connect(&self, account: &str) -> Result<Tokens, SimError> {
        self.connect_with(account, SCOPES)
    }

    /// Issues tokens for an account with the given scopes.
    pub fn connect_with(&self, account: &str, scopes: &[&str]) -> Result<Tokens, SimError> {
        let mut world = self.shared.world();
        let account = world.find_person(account)?;
        world.connect(account, scopes)
    }

    /// Issues an app-only token, which represents no user.
    pub fn app_token(&self) -> String {
        self.shared.world().app_token()
    }

    /// Creates a post and returns its id.
    pub fn post(&self, post: &NewPost) -> Result<String, SimError> {
        self.shared.world().post_as(post).map(|id| id.to_string())
    }

    /// Reposts a post and returns the id of the repost.
    pub fn repost(&self, by: &str, post: &str) -> Result<String, SimError> {
        let mut world = self.shared.world();
        let (by, post) = (world.find_person(by)?, world.find_post(post)?);
        world.repost(by, post).map(|id| id.to_string())
    }

    /// Edits a post and returns the id of the new version.
    pub fn edit(&self, post: &str, text: &str) -> Result<String, SimError> {
        let mut world = self.shared.world();
        let post = world.find_post(post)?;
        world.edit_post(post, text).map(|id| id.to_string())
    }

    /// Deletes a post with all its versions.
    pub fn delete(&self, post: &str) -> Result<(), SimError> {
        let mut world = self.shared.world();
        let post = world.find_post(post)?;
        world.delete_post(post);
        Ok(())
    }

    /// Sends a direct message and returns its id.
    pub fn dm(&self, from: &str, to: &str, text: &str) -> Result<String, SimError> {
        let mut world = self.shared.world();
        let (from, to) = (world.find_person(from)?, world.find_person(to)?);
        world.make_dm(from, Conversation::of_two(from, to), text, &[]).map(|id| id.to_string())
    }

    /// Makes a user like a post.
    pub fn like(&self, by: &str, post: &str) -> Result<(), SimError> {
        let mut world = self.shared.world();
        let (by, post) = (world.find_person(by)?, world.find_post(post)?);
        world.relate(Relation::Like, by, post);
        Ok(())
    }

    /// Removes a user's like from a post.
    pub fn unlike(&self, by: &str, post: &str) -> Result<(), SimError> {
        let mut world = self.shared.world();
        let (by, post) = (world.find_person(by)?, world.find_post(post)?);
        world.unrelate(Relation::Like, by, post);
        Ok(())
    }

    /// Revokes all tokens of an account, as if its user had revoked the app.
    pub fn revoke(&self, account: &str) -> Result<(), SimError> {
        let mut world = self.shared.world();
        let account = world.find_person(account)?;
        world.revoke(account);
        Ok(())
    }

    /// Expires the access tokens of an account; refresh tokens stay valid.
    pub fn expire(&self, account: &str) -> Result<(), SimError> {
        let mut world = self.shared.world();
        let account = world.find_person(account)?;
        world.credentials.expire(account);
        Ok(())
    }

    /// Sets whether a user refuses direct messages.
    pub fn close_dms(&self, person: &str, closed: bool) -> Result<(), SimError> {
        self.shared.world().allow(person, Some(!closed), None)
    }

    /// Sets whether a user's posts may exceed a weighted length of 280.
    pub fn allow_long_posts(&self, person: &str, allowed: bool) -> Result<(), SimError> {
        self.shared.world().allow(person, None, Some(allowed))
    }

    /// Schedules a fault.
    pub fn fault(&self, fault: Fault) -> Result<(), SimError> {
        self.shared.world().order(fault)
    }

    /// Removes all pending faults.
    pub fn clear_faults(&self) {
        self.shared.world().faults.clear();
    }

    /// Sets how many requests to an endpoint, such as `GET /2/dm_events`, each user has left in the 15 minutes that
    /// begin now.
    pub fn limit(&self, endpoint: &str, requests: u32) -> Result<(), SimError> {
        self.shared.world().limit(endpoint, requests)
    }

    /// All writes of clients, in the order in which they took effect.
    pub fn sent(&self) -> Vec<Sent> {
        self.shared.world().sent.clone()
    }

    /// Counts of the simulator's objects and responses.
    pub fn stats(&self) -> Stats {
        self.shared.world().stats()
    }

    /// Sends every API request to the returned receiver, before and after it takes effect, and holds the request until
    /// the sighting is dropped. A new watcher replaces the previous one; once its receiver is dropped, nothing is held.
    pub fn watch(&self) -> mpsc::Receiver<Sighting> {
        self.shared.watch()
    }

    /// The current time of the simulator's clock.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.shared.world().now()).unwrap_or_default()
    }

    /// Freezes the clock at a time.
    pub fn set_clock(&self, at: Timestamp) {
        let mut world = self.shared.world();
        world.clock = Clock::Standing { at: at.as_millisecond() };
        world.clock_set = true;
        world.push.wake.notify_one();
    }

    /// Advances the clock.
    pub fn advance(&self, by: Duration) {
        let mut world = self.shared.world();
        world.clock.advance(i64::try_from(by.as_millis()).unwrap_or(i64::MAX));
        world.clock_set = true;
        world.push.wake.notify_one();
    }

    /// Loads conversations from lines of JSON. Posts, messages and likes take effect when released, oldest first.
    ///
    /// | line | content |
    /// | --- | --- |
    /// | `{"data": {post}, "includes": {…}}` | a post as X delivers it, in either vocabulary; `data` may be a list |
    /// | `{"dm": {"id", "from", "to", "text", "created_at"}}` | a direct message |
    /// | `{"like": {"by", "post", "created_at"}}` | a like |
    ///
    /// A user is a user object or an id. The text of a post is in the form X delivers (`&amp;`), that of a message is
    /// unescaped. A line, or an item in it, that cannot be read is reported and left out; posts and messages that are
    /// already known are skipped. Posts in `includes` can be looked up by id and are in no timeline.
    pub fn load_lines(&self, lines: impl BufRead) -> Result<LoadReport, SimError> {
        self.shared.world().load(lines, &mut |_| vec![])
    }

    /// As [`Self::load_lines`], with a callback for each line with new posts. `read` returns further reasons why parts
    /// of the line cannot be read, for the report.
    pub fn load_lines_with(
        &self,
        lines: impl BufRead,
        mut read: impl FnMut(NewPosts<'_>) -> Vec<String>,
    ) -> Result<LoadReport, SimError> {
        self.shared.world().load(lines, &mut read)
    }

    /// Applies up to `most` loaded posts, messages and likes, oldest first, and returns their number. With
    /// `drive_clock`, the clock is frozen at the time of the latest of them.
    pub fn release(&self, most: usize, drive_clock: bool) -> Result<usize, SimError> {
        self.shared.world().release(most, drive_clock)
    }

    /// Number of loaded posts, messages and likes that are not released yet.
    pub fn waiting(&self) -> usize {
        self.shared.world().waiting.len()
    }

    /// Releases loaded posts, messages and likes at a rate of `per_second`, driving the clock, until none is left.
    pub fn replay(&self, per_second: f64) {
        let shared = Arc::clone(&self.shared);
        let pause = Duration::try_from_secs_f64(1.0 / per_second).unwrap_or(Duration::from_secs(1));
        let replay = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(pause.max(Duration::from_millis(1)));
            loop {
                ticks.tick().await;
                if !matches!(shared.world().release(1, true), Ok(1)) {
                    break;
                }
            }
        });
        let earlier = self.running.lock().unwrap_or_else(PoisonError::into_inner).replay.replace(replay);
        if let Some(earlier) = earlier {
            earlier.abort();
        }
    }

    /// Clears the simulator: users, posts, tokens, faults, log of writes. The options are kept, except the seed.
    pub fn reset(&self) {
        self.shared.world().reset();
    }
}
