//! All endpoints of the simulator in one table: path, scopes, rate limits, parameters, body and handler.

use serde_json::Value;

use super::{
    SimError, account_activity,
    answer::{Answer, wrong},
    body::{self, Shape},
    media, messages,
    oauth::Asker,
    people, posts,
    query::{Call, Query, parse_id},
    relations, search, stream, subscriptions, timelines, v1, webhooks,
    world::World,
};

/// The response to a request; `Err` if it is refused.
pub(super) type Outcome = Result<Answer, Answer>;

/// The function that handles an endpoint's requests.
#[derive(Debug, Clone, Copy)]
pub(super) enum Handler {
    Read(fn(&World, &Request<'_>) -> Outcome),
    Change(fn(&mut World, &Request<'_>) -> Outcome),
}

/// One row of the table.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) method: &'static str,
    /// In the notation of X's documentation: a segment that starts with a colon is a parameter.
    pub(super) path: &'static str,
    pub(super) handler: Handler,
    /// The OAuth 2 scopes that a user's token must have.
    pub(super) scopes: &'static [&'static str],
    /// Maximum number of requests in 15 minutes per user.
    pub(super) user_limit: u32,
    /// Maximum number of requests in 15 minutes with an app-only token; `None` if X rejects such tokens.
    pub(super) app_limit: Option<u32>,
    /// Whether X rejects users' tokens.
    pub(super) app_only: bool,
    /// Maximum number of requests in 24 hours: per user, and over all users of the app.
    pub(super) day: (Option<u32>, Option<u32>),
    /// Names of the query parameters, in groups that endpoints share.
    pub(super) parameters: &'static [&'static [&'static str]],
    /// The schema of the JSON body.
    pub(super) body: Option<&'static Shape>,
}

const READ: &[&str] = &["tweet.read", "users.read"];
const READ_LIKES: &[&str] = &["like.read", "tweet.read", "users.read"];
const WRITE_LIKES: &[&str] = &["like.write", "tweet.read", "users.read"];
const READ_FOLLOWS: &[&str] = &["follows.read", "tweet.read", "users.read"];
const WRITE_FOLLOWS: &[&str] = &["follows.write", "tweet.read", "users.read"];
const READ_BLOCKS: &[&str] = &["block.read", "tweet.read", "users.read"];
const WRITE_BLOCKS: &[&str] = &["block.write", "tweet.read", "users.read"];
const READ_MUTES: &[&str] = &["mute.read", "tweet.read", "users.read"];
const WRITE_MUTES: &[&str] = &["mute.write", "tweet.read", "users.read"];
const READ_BOOKMARKS: &[&str] = &["bookmark.read", "tweet.read", "users.read"];
const WRITE_BOOKMARKS: &[&str] = &["bookmark.write", "tweet.read", "users.read"];
const WRITE: &[&str] = &["tweet.read", "tweet.write", "users.read"];
const MODERATE: &[&str] = &["tweet.moderate.write", "tweet.read", "users.read"];
const READ_DM: &[&str] = &["dm.read", "tweet.read", "users.read"];
const WRITE_DM: &[&str] = &["dm.write", "tweet.read", "users.read"];
const DELETE_DM: &[&str] = &["dm.read", "dm.write"];
const MEDIA: &[&str] = &["media.write"];
const ALL_ACTIVITY: &[&str] = &["dm.read", "dm.write", "tweet.read", "users.read"];
const READ_ACTIVITY: &[&str] = &["like.read", "tweet.read"];

const POST: &[&str] =
    &["tweet.fields", "post.fields", "user.fields", "media.fields", "poll.fields", "place.fields", "expansions"];
const USER: &[&str] = &["tweet.fields", "post.fields", "user.fields", "expansions"];
const DM: &[&str] = &["dm_event.fields", "tweet.fields", "post.fields", "user.fields", "media.fields", "expansions"];
const PAGE: &[&str] = &["max_results", "pagination_token"];
const DM_PAGE: &[&str] = &["max_results", "pagination_token", "event_types"];
const RANGE: &[&str] = &["since_id", "until_id", "start_time", "end_time"];
const EXCLUDE: &[&str] = &["exclude"];

/// All endpoints; the first that matches a request handles it.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    get("/2/users", people::by_ids, READ, 900, Some(300), &[USER, &["ids"]]),
    get("/2/users/me", people::me, READ, 75, None, &[USER]),
    get("/2/users/by", people::by_names, READ, 900, Some(300), &[USER, &["usernames"]]),
    get("/2/users/by/username/:username", people::by_name, READ, 900, Some(300), &[USER]),
    get("/2/users/:id", people::by_id, READ, 900, Some(300), &[USER]),
    get("/2/users/:id/followers", relations::followers, READ_FOLLOWS, 300, Some(300), &[USER, PAGE]),
    get("/2/users/:id/following", relations::following, READ_FOLLOWS, 300, Some(300), &[USER, PAGE]),
    get("/2/users/:id/blocking", relations::blocking, READ_BLOCKS, 15, None, &[USER, PAGE]),
    get("/2/users/:id/muting", relations::muting, READ_MUTES, 15, None, &[USER, PAGE]),
    get("/2/users/:id/tweets", timelines::own, READ, 900, Some(10_000), &[POST, PAGE, RANGE, EXCLUDE]),
    get("/2/users/:id/mentions", timelines::mentions, READ, 300, Some(450), &[POST, PAGE, RANGE]),
    get(
        "/2/users/:id/timelines/reverse_chronological",
        timelines::home,
        READ,
        180,
        None,
        &[POST, PAGE, RANGE, EXCLUDE],
    ),
    get("/2/users/:id/liked_tweets", relations::liked_posts, READ_LIKES, 75, None, &[POST, PAGE]),
    get("/2/users/:id/bookmarks", relations::bookmarks, READ_BOOKMARKS, 180, None, &[POST, PAGE]),
    get("/2/dm_events", messages::all, READ_DM, 15, None, &[DM, DM_PAGE]),
    get("/2/dm_events/:event_id", messages::by_id, READ_DM, 15, None, &[DM]),
    get("/2/dm_conversations/with/:participant_id/dm_events", messages::with, READ_DM, 15, None, &[DM, DM_PAGE]),
    get("/2/dm_conversations/:id/dm_events", messages::conversation, READ_DM, 15, None, &[DM, DM_PAGE]),
    get("/2/tweets", posts::by_ids, READ, 5_000, Some(3_500), &[POST, &["ids"]]),
    get(
        "/2/tweets/search/recent",
        search::recent,
        READ,
        300,
        Some(450),
        &[POST, RANGE, &["query", "max_results", "next_token", "pagination_token", "sort_order"]],
    ),
    get(
        "/2/tweets/counts/recent",
        search::counts,
        &[],
        300,
        Some(300),
        &[RANGE, &["query", "next_token", "pagination_token", "granularity", "search_count.fields"]],
    ),
    get("/2/tweets/:id", posts::by_id, READ, 900, Some(450), &[POST]),
    get("/2/tweets/:id/liking_users", relations::liking_people, READ_LIKES, 75, None, &[USER, PAGE]),
    get("/2/tweets/:id/retweeted_by", timelines::reposted_by, READ, 75, Some(75), &[USER, PAGE]),
    get("/2/tweets/:id/retweets", timelines::reposts, READ, 75, Some(75), &[POST, PAGE]),
    get("/2/tweets/:id/quote_tweets", timelines::quotes, READ, 75, Some(75), &[POST, PAGE, EXCLUDE]),
    post("/2/tweets", posts::create, WRITE, 100, (None, Some(10_000)), &posts::NEW_POST),
    delete("/2/tweets/:id", posts::delete, WRITE, 50),
    put("/2/tweets/:tweet_id/hidden", posts::hide, MODERATE, 50, &posts::HIDDEN),
    post("/2/users/:id/retweets", posts::repost, WRITE, 50, (None, None), &relations::OF_POST),
    delete("/2/users/:id/retweets/:source_tweet_id", posts::unrepost, WRITE, 50),
    post(
        "/2/dm_conversations/with/:participant_id/messages",
        messages::send_to,
        WRITE_DM,
        15,
        (Some(1_440), Some(1_440)),
        &messages::MESSAGE,
    ),
    post(
        "/2/dm_conversations/:dm_conversation_id/messages",
        messages::send_in,
        WRITE_DM,
        15,
        (Some(1_440), Some(1_440)),
        &messages::MESSAGE,
    ),
    post("/2/dm_conversations", messages::open, WRITE_DM, 15, (Some(1_440), Some(1_440)), &messages::CONVERSATION),
    delete("/2/dm_events/:event_id", messages::delete, DELETE_DM, 300),
    post("/2/users/:id/likes", relations::like, WRITE_LIKES, 50, (Some(1_000), None), &relations::OF_POST),
    delete("/2/users/:id/likes/:tweet_id", relations::unlike, WRITE_LIKES, 50),
    post("/2/users/:id/bookmarks", relations::bookmark, WRITE_BOOKMARKS, 50, (None, None), &relations::OF_POST),
    delete("/2/users/:id/bookmarks/:tweet_id", relations::unbookmark, WRITE_BOOKMARKS, 50),
    post("/2/users/:id/following", relations::follow, WRITE_FOLLOWS, 50, (Some(400), None), &relations::OF_USER),
    delete("/2/users/:source_user_id/following/:target_user_id", relations::unfollow, WRITE_FOLLOWS, 50),
    post("/2/users/:id/blocking", relations::block, WRITE_BLOCKS, 50, (None, None), &relations::OF_USER),
    delete("/2/users/:source_user_id/blocking/:target_user_id", relations::unblock, WRITE_BLOCKS, 50),
    post("/2/users/:id/muting", relations::mute, WRITE_MUTES, 50, (None, None), &relations::OF_USER),
    delete("/2/users/:source_user_id/muting/:target_user_id", relations::unmute, WRITE_MUTES, 50),
    upload("POST", "/2/media/upload", media::upload, 500, &[]),
    upload("GET", "/2/media/upload", media::status, 1_000, &[&["media_id", "command"]]),
    post("/2/media/upload/initialize", media::initialize, MEDIA, 1_875, (None, None), &media::INITIALIZE),
    upload("POST", "/2/media/upload/:id/append", media::append, 1_875, &[]),
    upload("POST", "/2/media/upload/:id/finalize", media::finalize, 1_875, &[]),
    post("/2/media/metadata", media::describe, MEDIA, 500, (None, None), &media::METADATA),
    get("/2/activity/subscriptions", subscriptions::list, READ_ACTIVITY, 500, Some(500), &[PAGE, &["user_id"]]),
    post("/2/activity/subscriptions", subscriptions::create, &[], 500, (None, None), &subscriptions::NEW).for_apps(500),
    delete("/2/activity/subscriptions", subscriptions::delete_several, &[], 500).with(&[&["ids"]]).for_apps_only(500),
    put("/2/activity/subscriptions/:subscription_id", subscriptions::update, &[], 500, &subscriptions::CHANGED)
        .for_apps(500),
    delete("/2/activity/subscriptions/:subscription_id", subscriptions::delete, &[], 500).for_apps(500),
    change("GET", "/2/activity/stream", stream::open, &[], 450)
        .with(&[&["backfill_minutes", "start_time", "end_time"]])
        .for_apps_only(450),
    get("/2/webhooks", webhooks::list, &[], 450, Some(450), &[&["webhook_config.fields"]]),
    post("/2/webhooks", webhooks::create, &[], 450, (None, None), &webhooks::NEW).for_apps(450),
    post("/2/webhooks/replay", webhooks::replay, &[], 100, (None, None), &webhooks::REPLAY).for_apps_only(100),
    change("PUT", "/2/webhooks/:webhook_id", webhooks::check, &[], 450).for_apps(450),
    delete("/2/webhooks/:webhook_id", webhooks::delete, &[], 450).for_apps(450),
    get("/2/account_activity/subscriptions/count", account_activity::count, &[], 500, None, &[]).for_apps_only(500),
    change(
        "POST",
        "/2/account_activity/webhooks/:webhook_id/subscriptions/all",
        account_activity::subscribe,
        ALL_ACTIVITY,
        500,
    ),
    get(
        "/2/account_activity/webhooks/:webhook_id/subscriptions/all",
        account_activity::subscribed,
        ALL_ACTIVITY,
        500,
        None,
        &[],
    ),
    get("/2/account_activity/webhooks/:webhook_id/subscriptions/all/list", account_activity::list, &[], 500, None, &[])
        .for_apps_only(500),
    delete(
        "/2/account_activity/webhooks/:webhook_id/subscriptions/:user_id/all",
        account_activity::unsubscribe,
        &[],
        500,
    )
    .for_apps_only(500),
    get("/1.1/account/verify_credentials.json", v1::verify_credentials, READ, 75, None, &[]),
    upload("POST", "/1.1/media/upload.json", media::v1_upload, 615, &[]),
    upload("GET", "/1.1/media/upload.json", media::v1_upload, 615, &[]),
    upload("POST", "/1.1/media/metadata/create.json", media::v1_describe, 615, &[]),
];

/// The OAuth endpoints, which issue and revoke tokens. They need no access token and have no rate limits.
pub(super) const SIGN_IN: &[&str] = &[
    "GET /i/oauth2/authorize",
    "POST /i/oauth2/authorize",
    "GET /2/oauth2/authorize",
    "POST /2/oauth2/authorize",
    "POST /2/oauth2/token",
    "POST /2/oauth2/revoke",
    "POST /oauth2/token",
    "POST /oauth2/invalidate_token",
];

/// Names of all endpoints, including those of OAuth.
pub(super) fn names() -> impl Iterator<Item = String> {
    ENDPOINTS.iter().map(Endpoint::name).chain(SIGN_IN.iter().map(|name| (*name).to_owned()))
}

/// The error for an unknown endpoint name, with the most similar names as suggestions.
pub(super) fn unknown(given: &str) -> SimError {
    let (wanted, most) = (shape(given), 2 + given.len() / 8);
    let method_given = given.contains(' ');
    let mut near: Vec<(usize, String)> = names()
        .filter_map(|name| {
            let shape = shape(&name);
            let path = shape.split_once(' ').map_or("", |(_, path)| path);
            let away = strsim::osa_distance(&wanted, if method_given { &shape } else { path });
            (away <= most).then_some((away, format!("`{name}`")))
        })
        .collect();
    near.sort();
    let nearest = near.first().map_or(0, |(away, _)| *away);
    let near: Vec<String> = near.into_iter().filter(|(away, _)| *away == nearest).map(|(_, name)| name).collect();
    let meant = match near.as_slice() {
        [] => "one is named by its method and path, as `GET /2/users/:id/mentions`".to_owned(),
        near => format!("did you mean {}?", near.join(" or ")),
    };
    SimError::Command(format!("there is no endpoint `{given}`: {meant}"))
}

/// A name with its parameters normalised: `get /2/users/:id` and `GET /2/users/12` have the same shape.
fn shape(name: &str) -> String {
    let (method, path) = name.split_once(' ').unwrap_or(("", name));
    let plain = |part: &str| match part.starts_with(':') || !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
    {
        // `2` is the version of the API, not an id.
        true if part != "2" => ":".to_owned(),
        _ => part.to_owned(),
    };
    let path = path.split('/').map(plain).collect::<Vec<_>>().join("/");
    if method.is_empty() { path } else { format!("{} {path}", method.to_uppercase()) }
}

const fn get(
    path: &'static str,
    handler: fn(&World, &Request<'_>) -> Outcome,
    scopes: &'static [&'static str],
    user_limit: u32,
    app_limit: Option<u32>,
    parameters: &'static [&'static [&'static str]],
) -> Endpoint {
    let handler = Handler::Read(handler);
    Endpoint {
        method: "GET",
        path,
        handler,
        scopes,
        user_limit,
        app_limit,
        app_only: false,
        day: (None, None),
        parameters,
        body: None,
    }
}

const fn post(
    path: &'static str,
    handler: fn(&mut World, &Request<'_>) -> Outcome,
    scopes: &'static [&'static str],
    user_limit: u32,
    day: (Option<u32>, Option<u32>),
    body: &'static Shape,
) -> Endpoint {
    Endpoint { day, body: Some(body), ..change("POST", path, handler, scopes, user_limit) }
}

const fn put(
    path: &'static str,
    handler: fn(&mut World, &Request<'_>) -> Outcome,
    scopes: &'static [&'static str],
    user_limit: u32,
    body: &'static Shape,
) -> Endpoint {
    Endpoint { body: Some(body), ..change("PUT", path, handler, scopes, user_limit) }
}

const fn delete(
    path: &'static str,
    handler: fn(&mut World, &Request<'_>) -> Outcome,
    scopes: &'static [&'static str],
    user_limit: u32,
) -> Endpoint {
    change("DELETE", path, handler, scopes, user_limit)
}

/// A media upload endpoint. It has no body schema, because bodies can be multipart forms or JSON.
const fn upload(
    method: &'static str,
    path: &'static str,
    handler: fn(&mut World, &Request<'_>) -> Outcome,
    user_limit: u32,
    parameters: &'static [&'static [&'static str]],
) -> Endpoint {
    Endpoint { parameters, ..change(method, path, handler, MEDIA, user_limit) }
}

const fn change(
    method: &'static str,
    path: &'static str,
    handler: fn(&mut World, &Request<'_>) -> Outcome,
    scopes: &'static [&'static str],
    user_limit: u32,
) -> Endpoint {
    Endpoint {
        method,
        path,
        handler: Handler::Change(handler),
        scopes,
        user_limit,
        app_limit: None,
        app_only: false,
        day: (None, None),
        parameters: &[],
        body: None,
    }
}

impl Endpoint {
    /// Accepts app-only tokens too.
    const fn for_apps(self, limit: u32) -> Self {
        Self { app_limit: Some(limit), ..self }
    }

    /// Accepts app-only tokens and no others.
    const fn for_apps_only(self, limit: u32) -> Self {
        Self { app_limit: Some(limit), app_only: true, ..self }
    }

    const fn with(self, parameters: &'static [&'static [&'static str]]) -> Self {
        Self { parameters, ..self }
    }

    /// The endpoint that matches a request, and the values of its path parameters.
    pub(super) fn find(method: &str, path: &str) -> Option<(&'static Endpoint, Vec<String>)> {
        ENDPOINTS.iter().find_map(|e| (e.method == method).then(|| e.captures(path)).flatten().map(|found| (e, found)))
    }

    /// The name used in faults and limits, such as `GET /2/users/:id/mentions`.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn captures(&self, path: &str) -> Option<Vec<String>> {
        let mut found = Vec::new();
        let mut parts = path.split('/');
        for wanted in self.path.split('/') {
            let part = parts.next()?;
            match wanted.starts_with(':') {
                true if !part.is_empty() => found.push(part.to_owned()),
                true => return None,
                false if wanted == part => {}
                false => return None,
            }
        }
        parts.next().is_none().then_some(found)
    }
}

/// A request to an endpoint by an authenticated user or app.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) call: &'a Call,
    pub(super) endpoint: &'static Endpoint,
    pub(super) captured: Vec<String>,
    pub(super) asker: Asker,
}

impl<'a> Request<'a> {
    /// The query parameters; unknown and repeated ones are recorded as errors.
    pub(super) fn query(&self) -> Query<'a> {
        Query::new(self.call, self.endpoint)
    }

    /// The value of the path parameter with index `at`.
    pub(super) fn path(&self, at: usize) -> &str {
        self.captured.get(at).map(String::as_str).unwrap_or_default()
    }

    /// The name of the path parameter with index `at`.
    fn path_name(&self, at: usize) -> &'static str {
        self.endpoint.path.split('/').filter_map(|part| part.strip_prefix(':')).nth(at).unwrap_or("id")
    }

    /// The path parameter with index `at`, parsed as an id.
    pub(super) fn path_id(&self, at: usize) -> Result<u64, Answer> {
        let text = self.path(at);
        let refusal = || Answer::invalid(vec![wrong(self.path_name(at), text, "does not match ^[0-9]{1,19}$")]);
        parse_id(text).ok_or_else(refusal)
    }

    /// Id of the authenticated user; 0, which no user has, for an app-only token.
    pub(super) fn me(&self) -> u64 {
        self.asker.user().unwrap_or_default()
    }

    /// Id of the user in the path, who must be the authenticated user.
    pub(super) fn own(&self) -> Result<u64, Answer> {
        let me = self.me();
        if self.path_id(0)? == me {
            return Ok(me);
        }
        let why = format!("must be the same as the authenticating user [{me}]");
        Err(Answer::invalid(vec![wrong(self.path_name(0), self.path(0), &why)]))
    }

    /// Parses the JSON body and validates it against the endpoint's schema.
    pub(super) fn body(&self) -> Result<Value, Answer> {
        body::read(&self.call.body, self.endpoint.body.unwrap_or(&Shape::Any))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_fits_is_meant() {
        let named = |method: &str, path: &str| Endpoint::find(method, path).map(|(e, found)| (e.path, found));
        assert_eq!(named("GET", "/2/users/me"), Some(("/2/users/me", vec![])));
        assert_eq!(named("GET", "/2/users/by"), Some(("/2/users/by", vec![])));
        assert_eq!(named("GET", "/2/users/12"), Some(("/2/users/:id", vec!["12".into()])));
        let unlike = "/2/users/:id/likes/:tweet_id";
        assert_eq!(named("DELETE", "/2/users/1/likes/2"), Some((unlike, vec!["1".into(), "2".into()])));
        assert_eq!(named("GET", "/2/tweets"), Some(("/2/tweets", vec![])));
        assert_eq!(named("GET", "/2/tweets/"), None);
        assert_eq!(named("PUT", "/2/tweets"), None);
    }

    /// docs/simulator.md lists the names in backticks in the first column of its table.
    #[test]
    fn the_page_names_every_call_as_faults_and_limits_take_it() {
        let page = include_str!("../../docs/simulator.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
        let mut told: Vec<&str> = rows
            .flat_map(|cell| cell.trim_end_matches('|').split('`'))
            .filter(|piece| {
                piece.split_once(' ').is_some_and(|(method, path)| {
                    method.bytes().all(|b| b.is_ascii_uppercase()) && path.starts_with('/')
                })
            })
            .collect();
        let mut there: Vec<String> = names().collect();
        told.sort_unstable();
        there.sort_unstable();
        assert_eq!(told, there);
    }

    #[test]
    fn a_name_that_is_none_is_told_with_those_that_may_be_meant() {
        for (given, meant) in [
            ("POST /2/tweet", "did you mean `POST /2/tweets`?"),
            ("post /2/tweets", "did you mean `POST /2/tweets`?"),
            ("/2/tweets", "did you mean `GET /2/tweets` or `POST /2/tweets`?"),
            ("GET /2/users/:user_id/mentions", "did you mean `GET /2/users/:id/mentions`?"),
            ("GET /2/users/1234/mentions", "did you mean `GET /2/users/:id/mentions`?"),
            (
                "POST /2/dm_conversations/with/:id/messages",
                "did you mean `POST /2/dm_conversations/with/:participant_id/messages`?",
            ),
            ("GET", "one is named by its method and path, as `GET /2/users/:id/mentions`"),
            ("", "one is named by its method and path, as `GET /2/users/:id/mentions`"),
        ] {
            assert_eq!(unknown(given).to_string(), format!("there is no endpoint `{given}`: {meant}"));
        }
    }

    #[test]
    fn no_endpoint_hides_behind_an_earlier_one() {
        for endpoint in ENDPOINTS {
            let found = Endpoint::find(endpoint.method, &endpoint.path.replace(':', "")).map(|(e, _)| e.path);
            assert_eq!(found, Some(endpoint.path));
        }
    }
}
