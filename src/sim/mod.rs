//! A simulator of X: an HTTP server that speaks X API v2, for trying rules and testing the daemon with no account at X.
//!
//! It mirrors what is known about the real interface: both of its vocabularies (`tweet.*` and `post.*`), fields shown
//! only when asked for, pages, rate limits, refusals, OAuth 2 with rotating refresh tokens. What is different:
//!
//! - OAuth 1.0a signatures are not checked; clients sign for the real X's address.
//! - Nothing is visible to some and hidden from others: no protected accounts, and blocked people still read.
//! - Handles do not count as mentions where nobody has them.
//! - A reply begins with the name of whom it answers, and not with those of the rest of the thread.
//!
//! [`Sim::start`] runs it inside a program; [`SimHandle`] makes things happen in it, and the [`control`] interface does
//! the same for other programs.

mod answer;
mod arguments;
mod body;
mod clock;
mod compose;
mod consent;
pub mod control;
mod endpoint;
mod fault;
mod limits;
mod links;
mod load;
mod media;
mod messages;
mod oauth;
mod page;
mod people;
mod posts;
mod query;
mod search;
mod sent;
mod server;
mod show;
mod text;
mod ties;
mod timelines;
mod v1;
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
    server::Shared,
    ties::Tie,
    world::{Conversation, World},
};
pub use self::{
    control::{NewPerson, NewPost, Stats},
    fault::{Cut, Fault},
    load::{LeftOut, LoadReport, NewPosts},
    oauth::{App, Tokens},
    sent::{Sent, SentKind},
    server::{Moment, Sighting},
};

/// The id of the app that is registered where no other is.
pub const CLIENT_ID: &str = "twite-sim";

/// How the simulator behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimOptions {
    /// Where it listens; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Makes tokens and short links the same on every run.
    pub seed: Option<u64>,
    /// Whether replies are refused to people who did not address the account, as X does for self-serve apps.
    pub summoned_only: bool,
    /// Whether X's rate limits hold. Without them the headers show a limit that is never reached.
    pub rate_limits: bool,
    /// Whether timelines end where X's do, after 800 mentions or 3,200 posts of one's own. Whoever lets a large file
    /// happen all at once wants them whole.
    pub short_timelines: bool,
    /// How long access tokens live, by the simulator's clock.
    pub token_seconds: u64,
    /// Registered apps. Tokens that are given out without a browser belong to the first.
    pub apps: Vec<App>,
}

impl Default for SimOptions {
    /// As X behaves, on a free port of this machine, with a public app [`CLIENT_ID`].
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
            apps: vec![app],
        }
    }
}

/// Why the simulator could not do what it was told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// Nobody has this handle or id.
    #[error("nobody has the handle or id `{0}`")]
    NoSuchPerson(String),
    /// No post has this id.
    #[error("there is no post `{0}`")]
    NoSuchPost(String),
    /// No app has this client id.
    #[error("there is no such app: {0}")]
    NoSuchApp(String),
    /// Somebody has this handle.
    #[error("somebody has the handle `{0}` already")]
    HandleTaken(String),
    /// There is no room left.
    #[error("the simulator holds as many {0} as it may")]
    Full(&'static str),
    /// A command of the control interface that makes no sense.
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
    /// Starts a simulator. It runs until the last handle is gone, or [`SimHandle::stop`].
    pub async fn start(options: SimOptions) -> Result<SimHandle, SimError> {
        let listen = options.listen;
        let listener = TcpListener::bind(listen).await.map_err(|e| SimError::Listen(listen, e))?;
        let address = listener.local_addr().map_err(|e| SimError::Listen(listen, e))?;
        let shared = Arc::new(Shared::new(World::new(options)));
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(server::serve(listener, Arc::clone(&shared), stopped));
        let running = Running { stop: Some(stop), server: Some(server), replay: None };
        Ok(SimHandle { url: format!("http://{address}"), shared, running: Arc::new(Mutex::new(running)) })
    }
}

/// A running simulator, and everything that can be made to happen in it.
///
/// People and accounts are named by handle or id.
#[derive(Debug, Clone)]
pub struct SimHandle {
    /// The address to give to clients, without a slash at its end.
    pub url: String,
    shared: Arc<Shared>,
    running: Arc<Mutex<Running>>,
}

#[derive(Debug)]
struct Running {
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<io::Result<()>>>,
    replay: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
        if let Some(replay) = &self.replay {
            replay.abort();
        }
    }
}

impl SimHandle {
    /// Stops the server; requests under way get a second to end.
    pub async fn stop(self) {
        let server = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.stop = None;
            running.server.take()
        };
        if let Some(mut server) = server
            && tokio::time::timeout(Duration::from_secs(1), &mut server).await.is_err()
        {
            server.abort();
        }
    }

    /// Makes somebody, and tells the id.
    pub fn make_user(&self, person: &NewPerson) -> Result<String, SimError> {
        self.shared.world().make_person(person).map(|id| id.to_string())
    }

    /// Gives out tokens for an account, with all scopes, without the browser.
    pub fn connect(&self, account: &str) -> Result<Tokens, SimError> {
        self.connect_with(account, SCOPES)
    }

    /// Gives out tokens with certain scopes.
    pub fn connect_with(&self, account: &str, scopes: &[&str]) -> Result<Tokens, SimError> {
        let mut world = self.shared.world();
        let account = world.find_person(account)?;
        world.connect(account, scopes)
    }

    /// A token that stands for the app and for no user.
    pub fn app_token(&self) -> String {
        self.shared.world().app_token()
    }

    /// Makes a post, and tells its id.
    pub fn post(&self, post: &NewPost) -> Result<String, SimError> {
        self.shared.world().post_as(post).map(|id| id.to_string())
    }

    /// Shows a post again under another name, and tells the id of the repost.
    pub fn repost(&self, by: &str, post: &str) -> Result<String, SimError> {
        let mut world = self.shared.world();
        let (by, post) = (world.find_person(by)?, world.find_post(post)?);
        world.repost(by, post).map(|id| id.to_string())
    }

    /// Replaces a post's text, and tells the id of the new version.
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

    /// Sends a direct message from one person to another, and tells its id.
    pub fn dm(&self, from: &str, to: &str, text: &str) -> Result<String, SimError> {
        let mut world = self.shared.world();
        let (from, to) = (world.find_person(from)?, world.find_person(to)?);
        world.make_dm(from, Conversation::of_two(from, to), text, &[]).map(|id| id.to_string())
    }

    /// Makes somebody like a post.
    pub fn like(&self, by: &str, post: &str) -> Result<(), SimError> {
        let mut world = self.shared.world();
        let (by, post) = (world.find_person(by)?, world.find_post(post)?);
        world.ties.put(Tie::Like, by, post);
        Ok(())
    }

    /// Takes a like back.
    pub fn unlike(&self, by: &str, post: &str) -> Result<(), SimError> {
        let mut world = self.shared.world();
        let (by, post) = (world.find_person(by)?, world.find_post(post)?);
        world.ties.remove(Tie::Like, by, post);
        Ok(())
    }

    /// Ends all tokens of an account, as when somebody revokes the app.
    pub fn revoke(&self, account: &str) -> Result<(), SimError> {
        let mut world = self.shared.world();
        let account = world.find_person(account)?;
        world.doors.revoke(account);
        Ok(())
    }

    /// Ends the access tokens of an account, as their age would; refresh tokens stay good.
    pub fn expire(&self, account: &str) -> Result<(), SimError> {
        let mut world = self.shared.world();
        let account = world.find_person(account)?;
        world.doors.expire(account);
        Ok(())
    }

    /// Closes somebody's inbox to messages, or opens it again.
    pub fn close_dms(&self, person: &str, closed: bool) -> Result<(), SimError> {
        self.shared.world().allow(person, Some(!closed), None)
    }

    /// Whether somebody's posts may be longer than 280.
    pub fn allow_long_posts(&self, person: &str, allowed: bool) -> Result<(), SimError> {
        self.shared.world().allow(person, None, Some(allowed))
    }

    /// Orders a fault.
    pub fn fault(&self, fault: Fault) -> Result<(), SimError> {
        self.shared.world().order(fault)
    }

    /// Takes back all faults that did not strike yet.
    pub fn clear_faults(&self) {
        self.shared.world().faults.clear();
    }

    /// Sets how many requests an endpoint, such as `GET /2/dm_events`, takes from each user in the 15 minutes that
    /// begin now.
    pub fn limit(&self, endpoint: &str, requests: u32) -> Result<(), SimError> {
        self.shared.world().limit(endpoint, requests)
    }

    /// Everything clients did, in the order in which it took effect.
    pub fn sent(&self) -> Vec<Sent> {
        self.shared.world().sent.clone()
    }

    /// Counts of what there is and what was asked.
    pub fn stats(&self) -> Stats {
        self.shared.world().stats()
    }

    /// Tells about every request of a client, before it takes effect and after, and holds it until the sighting is
    /// dropped. Only the latest watcher is told; when its receiver is gone, nobody is, and nothing is held.
    pub fn watch(&self) -> mpsc::Receiver<Sighting> {
        self.shared.watch()
    }

    /// The time by the simulator's clock.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.shared.world().now()).unwrap_or_default()
    }

    /// Stops the clock at a time.
    pub fn set_clock(&self, at: Timestamp) {
        let mut world = self.shared.world();
        world.clock = Clock::Standing { at: at.as_millisecond() };
        world.clock_set = true;
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let mut world = self.shared.world();
        world.clock.advance(i64::try_from(by.as_millis()).unwrap_or(i64::MAX));
        world.clock_set = true;
    }

    /// Reads conversations. What they tell does not happen before it is released, oldest first.
    ///
    /// | a line | what it is |
    /// | --- | --- |
    /// | `{"data": {post}, "includes": {…}}` | a post as X delivers it, in either vocabulary; `data` may be a list |
    /// | `{"dm": {"id", "from", "to", "text", "created_at"}}` | a direct message |
    /// | `{"like": {"by", "post", "created_at"}}` | a like |
    ///
    /// People are user objects or ids. The text of a post has the form X delivers (`&amp;`), that of a message is as
    /// people write it. A line that cannot be read, or a part of it, is reported and left out; a post or message that is
    /// known already is passed over. Posts in `includes` are found by id and stand in no timeline.
    pub fn load_lines(&self, lines: impl BufRead) -> Result<LoadReport, SimError> {
        self.shared.world().load(lines, &mut |_| vec![])
    }

    /// As [`Self::load_lines`], for somebody who reads along: `read` is handed each line with posts that are new, and says what
    /// of it cannot be read there, for the report.
    pub fn load_lines_with(
        &self,
        lines: impl BufRead,
        mut read: impl FnMut(NewPosts<'_>) -> Vec<String>,
    ) -> Result<LoadReport, SimError> {
        self.shared.world().load(lines, &mut read)
    }

    /// Lets the next loaded things happen, oldest first, and says how many did. With `drive_clock` the clock stops at
    /// the time of the latest of them.
    pub fn release(&self, most: usize, drive_clock: bool) -> Result<usize, SimError> {
        self.shared.world().release(most, drive_clock)
    }

    /// How many loaded things did not happen yet.
    pub fn waiting(&self) -> usize {
        self.shared.world().waiting.len()
    }

    /// Lets loaded things happen at a pace, so many a second, driving the clock, until none is left.
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

    /// Forgets everything but the options: people, posts, tokens, faults, what was sent.
    pub fn reset(&self) {
        self.shared.world().reset();
    }
}
