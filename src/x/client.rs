//! HTTP client for X's API.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::{
    Post, Refusal, TokenStore, XError,
    error::refusal,
    limits::{Limits, answered_at, retry_after},
    oauth::{App, TokenSource},
    operation::{Operation, PRICE_OF_MESSAGE, price_of_post},
    parts::salvage,
    wire::{DirectMessage, Page, decode_directs, decode_posts, person},
};
use crate::{
    clock::Clock,
    counters::Counters,
    desk::{DirectReply, Person, PublicReply, XAction, XId},
    settings::XSettings,
};

/// Maximum size of a response, in bytes.
const LARGEST: usize = 8 * 1024 * 1024;
/// Timeouts for connecting and for a whole call.
const CONNECT: Duration = Duration::from_secs(5);
const TOTAL: Duration = Duration::from_secs(30);
/// Maximum number of posts per lookup by id.
pub const MAX_IDS: usize = 100;

const POST_FIELDS: &str =
    "attachments,conversation_id,created_at,edit_controls,entities,id,lang,note_post,public_metrics,text";
const POST_EXPANSIONS: &str =
    "author_id,in_reply_to_user_id,referenced_posts,edit_history_post_ids,attachments.media_keys";
const USER_FIELDS: &str = "created_at,id,location,name,public_metrics,username,verified,verified_type";
const MEDIA_FIELDS: &str = "alt_text,duration_ms,height,media_key,preview_image_url,type,url,variants,width";
const DM_FIELDS: &str = "attachments,created_at,dm_conversation_id,entities,event_type,id,text";
const DM_EXPANSIONS: &str = "sender_id,participant_ids,attachments.media_keys,referenced_posts";

/// Creates the HTTP client for all outgoing calls: no redirects, with timeouts, TLS by rustls.
///
/// # Errors
/// When the TLS setup fails.
pub fn http() -> Result<reqwest::Client, XError> {
    builder().timeout(TOTAL).build().map_err(|e| XError::NotReached(e.to_string()))
}

/// What all HTTP clients have in common.
pub(super) fn builder() -> reqwest::ClientBuilder {
    // Fails if a provider is already installed, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("twite/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
}

/// A response with the data of its headers.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered<T> {
    /// The decoded body.
    pub answer: T,
    /// The rate limit state.
    pub limits: Limits,
    /// When X responded, by its own clock.
    pub at: Option<Timestamp>,
}

impl<T> Answered<T> {
    /// Applies a function to the body and keeps the rest.
    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> Answered<U> {
        Answered { answer: with(self.answer), limits: self.limits, at: self.at }
    }
}

impl Answered<Vec<u8>> {
    fn read<T>(self, decode: impl Fn(&[u8]) -> Result<Page<T>, String>) -> Result<Answered<Page<T>>, XError> {
        let page = decode(&self.answer).map_err(|e| XError::unavailable(format!("cannot read X's answer: {e}")))?;
        Ok(Answered { answer: page, limits: self.limits, at: self.at })
    }

    /// Decodes a page of a list. A response without a list is an error, never an empty list: a lookup would conclude
    /// that a reply is not at X, and it would be sent twice.
    fn read_list<T>(self, decode: impl Fn(&[u8]) -> Result<Page<T>, String>) -> Result<Answered<Page<T>>, XError> {
        let read = self.read(decode)?;
        if read.answer.is_list {
            return Ok(read);
        }
        Err(XError::unavailable("X's answer has no list"))
    }
}

/// An object that a call created at X.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Its id.
    pub id: XId,
}

/// Whether a call has side effects; if so, a lost response leaves its outcome unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// It only reads.
    Nothing,
    /// It creates or changes data.
    Something,
}

/// X's API on behalf of one account. One instance per account and process.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    url: Url,
    account: XId,
    tokens: Arc<TokenSource>,
    clock: Clock,
    /// Where calls are counted, and the account's name there.
    counted: (Counters, String),
}

impl Client {
    /// Creates the client of a connected account.
    ///
    /// # Errors
    /// When the settings are invalid.
    pub fn new(
        settings: &XSettings,
        account: XId,
        tokens: Arc<dyn TokenStore>,
        http: reqwest::Client,
        clock: Clock,
    ) -> Result<Self, XError> {
        let app = App::new(settings, http.clone(), clock.clone())?;
        let url =
            Url::parse(&settings.url).map_err(|e| XError::Setup(format!("`x.url = \"{}\"`: {e}", settings.url)))?;
        let tokens = Arc::new(TokenSource::new(app, tokens));
        let counted = (Counters::default(), account.to_string());
        Ok(Self { http, url, account, tokens, clock, counted })
    }

    /// Counts the calls, as those of an account with this handle.
    #[must_use]
    pub fn counting(self, counters: &Counters, handle: &str) -> Self {
        Self { counted: (counters.clone(), handle.to_owned()), ..self }
    }

    /// The account this acts for.
    pub fn account(&self) -> &XId {
        &self.account
    }

    /// Waits for a refresh of the tokens in progress, and stores the tokens if they could not be stored before.
    ///
    /// # Errors
    /// When they still cannot be stored.
    pub async fn finish_refresh(&self) -> Result<(), XError> {
        self.tokens.finish().await
    }

    /// The account's own profile.
    pub async fn me(&self) -> Result<Person, XError> {
        let answer = self.get(Operation::Me, "/2/users/me", &[("user.fields", USER_FIELDS)]).await?.answer;
        self.cost(Operation::Me, Operation::Me.price_per_item());
        me(&salvage(&answer))
    }

    /// The account's own posts with ids between `since` and `until`, both exclusive, newest first.
    pub async fn own_posts(
        &self,
        since: Option<&XId>,
        until: Option<&XId>,
        token: Option<&str>,
    ) -> Result<Answered<Page<Post>>, XError> {
        self.timeline(Operation::OwnPosts, "tweets", since, until, token).await
    }

    /// Posts that mention the account with ids between `since` and `until`, both exclusive, newest first.
    pub async fn mentions(
        &self,
        since: Option<&XId>,
        until: Option<&XId>,
        token: Option<&str>,
    ) -> Result<Answered<Page<Post>>, XError> {
        self.timeline(Operation::Mentions, "mentions", since, until, token).await
    }

    /// Posts the account liked, most recently liked first.
    pub async fn liked_posts(&self, token: Option<&str>) -> Result<Answered<Page<Post>>, XError> {
        self.timeline(Operation::Likes, "liked_tweets", None, None, token).await
    }

    async fn timeline(
        &self,
        operation: Operation,
        which: &str,
        since: Option<&XId>,
        until: Option<&XId>,
        token: Option<&str>,
    ) -> Result<Answered<Page<Post>>, XError> {
        let mut query = vec![
            ("max_results", "100"),
            ("post.fields", POST_FIELDS),
            ("expansions", POST_EXPANSIONS),
            ("user.fields", USER_FIELDS),
            ("media.fields", MEDIA_FIELDS),
        ];
        query.extend(since.map(|id| ("since_id", id.as_str())));
        query.extend(until.map(|id| ("until_id", id.as_str())));
        query.extend(token.map(|t| ("pagination_token", t)));
        let answered = self.get(operation, &format!("/2/users/{}/{which}", self.account), &query).await?;
        self.read(operation, answered.read_list(decode_posts))
    }

    /// The account's direct messages, sent and received, newest first.
    pub async fn direct_messages(&self, token: Option<&str>) -> Result<Answered<Page<DirectMessage>>, XError> {
        self.messages(Operation::DirectMessages, "/2/dm_events", token).await
    }

    async fn messages(
        &self,
        operation: Operation,
        path: &str,
        token: Option<&str>,
    ) -> Result<Answered<Page<DirectMessage>>, XError> {
        let mut query = vec![
            ("max_results", "100"),
            ("event_types", "MessageCreate"),
            ("dm_event.fields", DM_FIELDS),
            ("expansions", DM_EXPANSIONS),
            ("user.fields", USER_FIELDS),
            ("media.fields", MEDIA_FIELDS),
        ];
        query.extend(token.map(|t| ("pagination_token", t)));
        self.read(operation, self.get(operation, path, &query).await?.read_list(decode_directs))
    }

    /// The direct messages with one person, newest first. They have a rate limit of their own.
    pub async fn direct_messages_with(
        &self,
        person: &XId,
        token: Option<&str>,
    ) -> Result<Answered<Page<DirectMessage>>, XError> {
        let path = format!("/2/dm_conversations/with/{person}/dm_events");
        self.messages(Operation::DirectMessagesWith, &path, token).await
    }

    /// Posts by id, at most [`MAX_IDS`]. Posts that X does not return are missing, and listed in [`Page::gone`] if X
    /// reports them as not found.
    pub async fn posts_by_ids(&self, ids: &[XId]) -> Result<Answered<Page<Post>>, XError> {
        let ids = ids.iter().take(MAX_IDS).map(XId::as_str).collect::<Vec<_>>().join(",");
        let query = [
            ("ids", ids.as_str()),
            ("post.fields", POST_FIELDS),
            ("expansions", POST_EXPANSIONS),
            ("user.fields", USER_FIELDS),
            ("media.fields", MEDIA_FIELDS),
        ];
        let answered = self.get(Operation::Posts, "/2/tweets", &query).await?;
        self.read(Operation::Posts, answered.read(decode_posts))
    }

    /// Posts a public reply. A [`PublicReply`] can only answer a public comment: see [`crate::desk::Reply`].
    ///
    /// # Errors
    /// When X refuses or cannot be reached. [`XError::AnswerLost`] means that the post may exist.
    pub async fn create_post(&self, reply: &PublicReply) -> Result<Created, XError> {
        let body = json!({
            "text": reply.text(),
            "reply": { "in_reply_to_tweet_id": reply.answers() },
        });
        let created = self.create(Operation::CreatePost, "/2/tweets", &body, "/data/id").await?;
        self.cost(Operation::CreatePost, price_of_post(reply.text()));
        Ok(created)
    }

    /// Sends a direct message.
    ///
    /// # Errors
    /// As [`Client::create_post`].
    pub async fn send_message(&self, reply: &DirectReply) -> Result<Created, XError> {
        let path = format!("/2/dm_conversations/with/{}/messages", reply.to());
        let body = json!({ "text": reply.text() });
        let created = self.create(Operation::SendMessage, &path, &body, "/data/dm_event_id").await?;
        self.cost(Operation::SendMessage, PRICE_OF_MESSAGE);
        Ok(created)
    }

    /// Does something about a post or its author, each named by its id. Doing it again changes nothing.
    ///
    /// # Errors
    /// When X refuses or cannot be reached.
    pub async fn act(&self, what: XAction, on: &XId) -> Result<(), XError> {
        let of = |list: &str| format!("/2/users/{}/{list}", self.account);
        let (method, path, body) = match what {
            XAction::Like => (Method::POST, of("likes"), Some(json!({ "tweet_id": on }))),
            XAction::Hide => (Method::PUT, format!("/2/tweets/{on}/hidden"), Some(json!({ "hidden": true }))),
            XAction::Mute => (Method::POST, of("muting"), Some(json!({ "target_user_id": on }))),
            XAction::Unmute => (Method::DELETE, format!("{}/{on}", of("muting")), None),
            XAction::Block => (Method::POST, of("blocking"), Some(json!({ "target_user_id": on }))),
            XAction::Unblock => (Method::DELETE, format!("{}/{on}", of("blocking")), None),
        };
        let url = self.address(&path)?;
        let request = || {
            let request = self.http.request(method.clone(), url.clone());
            body.iter().fold(request, |request, body| request.json(body))
        };
        // An answer that is lost does not matter, as it is asked again.
        self.call(Operation::Act(what), Sent::Nothing, request).await.map(drop)
    }

    /// The page of a list, whose price is counted.
    fn read<T>(
        &self,
        operation: Operation,
        page: Result<Answered<Page<T>>, XError>,
    ) -> Result<Answered<Page<T>>, XError> {
        if let Ok(page) = &page {
            let items = u64::try_from(page.answer.items.len()).unwrap_or(u64::MAX);
            self.cost(operation, operation.price_per_item().saturating_mul(items));
        }
        page
    }

    fn cost(&self, operation: Operation, micros: u64) {
        let (counters, handle) = &self.counted;
        counters.cost(handle, operation.name(), micros);
    }

    async fn create(&self, operation: Operation, path: &str, body: &Value, id: &str) -> Result<Created, XError> {
        let url = self.address(path)?;
        let answered = self.call(operation, Sent::Something, || self.http.post(url.clone()).json(body)).await?;
        let id = salvage(&answered.answer).pointer(id).and_then(Value::as_str).and_then(|id| id.parse().ok());
        // The call succeeded but the id is unreadable, so the post has to be looked up.
        id.map(|id| Created { id }).ok_or_else(|| XError::AnswerLost("X accepted it but returned no id".to_owned()))
    }

    pub(super) async fn get(
        &self,
        operation: Operation,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Answered<Vec<u8>>, XError> {
        let url = self.address(path)?;
        self.call(operation, Sent::Nothing, || self.http.get(url.clone()).query(query)).await
    }

    pub(super) fn address(&self, path: &str) -> Result<Url, XError> {
        self.url.join(path).map_err(|e| XError::Setup(format!("`x.url` and {path}: {e}")))
    }

    pub(super) const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Makes a call with a valid token; if X rejects the token, once more with a refreshed one.
    pub(super) async fn call(
        &self,
        operation: Operation,
        sent: Sent,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Answered<Vec<u8>>, XError> {
        let token = self.tokens.access(None).await?;
        match self.counted(operation, &token, sent, request()).await {
            Err(XError::Refused(Refusal::Unauthorised(_))) => {
                let other = self.tokens.access(Some(&token)).await?;
                self.counted(operation, &other, sent, request()).await
            }
            answered => answered,
        }
    }

    /// Makes a call with this token, and counts it.
    async fn counted(
        &self,
        operation: Operation,
        token: &str,
        sent: Sent,
        request: RequestBuilder,
    ) -> Result<Answered<Vec<u8>>, XError> {
        let mut limits = Limits::default();
        let answered = self.call_with(token, sent, request, &mut limits).await;
        let outcome = answered.as_ref().map_or_else(XError::word, |_| "ok");
        let (counters, handle) = &self.counted;
        counters.called(handle, operation.name(), outcome, limits.limit, limits.remaining);
        answered
    }

    async fn call_with(
        &self,
        token: &str,
        sent: Sent,
        request: RequestBuilder,
        limits: &mut Limits,
    ) -> Result<Answered<Vec<u8>>, XError> {
        let answer = send(request.bearer_auth(token), sent).await?;
        let (status, now) = (answer.status(), self.clock.now());
        *limits = Limits::read(answer.headers(), now);
        let (limits, asked) = (*limits, retry_after(answer.headers(), now));
        let at = answered_at(answer.headers());
        let body = bounded_body(answer, sent).await?;
        if !status.is_success() {
            // Every response states the next reset, which only matters once no calls are left.
            let used_up = status == StatusCode::TOO_MANY_REQUESTS || limits.remaining == Some(0);
            let error = refusal(status.as_u16(), &body, limits.resets_in.filter(|_| used_up).max(asked));
            return Err(match error {
                // A failing gateway may have forwarded the call first.
                XError::Unavailable { why, .. }
                    if sent == Sent::Something && status != StatusCode::SERVICE_UNAVAILABLE =>
                {
                    XError::AnswerLost(why)
                }
                other => other,
            });
        }
        Ok(Answered { answer: body, limits, at })
    }
}

/// The owner of a newly issued token, and X's current time. Used before the account is stored.
pub async fn whose(
    settings: &XSettings,
    http: &reqwest::Client,
    access: &str,
) -> Result<(Person, Option<Timestamp>), XError> {
    let url = Url::parse(&settings.url)
        .and_then(|url| url.join("/2/users/me"))
        .map_err(|e| XError::Setup(format!("`x.url = \"{}\"`: {e}", settings.url)))?;
    let answer = send(http.get(url).query(&[("user.fields", USER_FIELDS)]).bearer_auth(access), Sent::Nothing).await?;
    let (status, at) = (answer.status(), answered_at(answer.headers()));
    let body = bounded_body(answer, Sent::Nothing).await?;
    if !status.is_success() {
        return Err(refusal(status.as_u16(), &body, None));
    }
    Ok((me(&salvage(&body))?, at))
}

fn me(answer: &Value) -> Result<Person, XError> {
    answer.get("data").and_then(person).ok_or_else(|| XError::unavailable("X's answer about the account has no id"))
}

pub(super) async fn send(request: RequestBuilder, sent: Sent) -> Result<Response, XError> {
    request.send().await.map_err(|error| lost(error, sent))
}

fn lost(error: reqwest::Error, sent: Sent) -> XError {
    let connecting = error.is_connect() || error.is_builder();
    // A URL may contain ids, and the message is clear without it.
    let timed_out = error.is_timeout();
    let why = error_chain(&error.without_url());
    if connecting {
        return XError::NotReached(why);
    }
    let why = match timed_out {
        true => format!("X did not answer within {} s", TOTAL.as_secs()),
        false => format!("the connection to X ended before its answer: {why}"),
    };
    match sent {
        Sent::Something => XError::AnswerLost(why),
        Sent::Nothing => XError::unavailable(why),
    }
}

/// An error and its causes, in one line.
pub(crate) fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Reads a response body of at most `LARGEST` bytes.
pub(super) async fn bounded_body(mut answer: Response, sent: Sent) -> Result<Vec<u8>, XError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| lost(error, sent))? {
        if body.len() + chunk.len() > LARGEST {
            let why = format!("X's answer is longer than {LARGEST} bytes");
            return Err(if sent == Sent::Something { XError::AnswerLost(why) } else { XError::unavailable(why) });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
