//! Every endpoint the simulator speaks, as one table: path, rights, limits, parameters.

/// What an endpoint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Me,
    UserById,
    UserByName,
    UserPosts,
    Mentions,
    Liked,
    DmEvents,
    DmEvent,
    DmWith,
    DmConversation,
    Posts,
    Post,
    CreatePost,
    DeletePost,
    SendDm,
    Like,
    Unlike,
}

/// One line of the table.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) act: Act,
    pub(super) method: &'static str,
    /// As X's documentation writes it: a part that begins with a colon stands for any text.
    pub(super) path: &'static str,
    /// The OAuth 2 scopes a user's token needs.
    pub(super) scopes: &'static [&'static str],
    /// Requests in 15 minutes, for each user.
    pub(super) user_limit: u32,
    /// Requests in 15 minutes with the app's own token; `None` where X refuses such tokens.
    pub(super) app_limit: Option<u32>,
    /// Requests in 24 hours: for each user, for all users of the app.
    pub(super) day: (Option<u32>, Option<u32>),
    /// Query parameters, in groups.
    pub(super) parameters: &'static [&'static [&'static str]],
}

const READ: &[&str] = &["tweet.read", "users.read"];
const READ_LIKES: &[&str] = &["like.read", "tweet.read", "users.read"];
const WRITE_LIKES: &[&str] = &["like.write", "tweet.read", "users.read"];
const WRITE: &[&str] = &["tweet.read", "tweet.write", "users.read"];
const READ_DM: &[&str] = &["dm.read", "tweet.read", "users.read"];
const WRITE_DM: &[&str] = &["dm.write", "tweet.read", "users.read"];

const POST: &[&str] =
    &["tweet.fields", "post.fields", "user.fields", "media.fields", "poll.fields", "place.fields", "expansions"];
const USER: &[&str] = &["tweet.fields", "post.fields", "user.fields", "expansions"];
const DM: &[&str] = &["dm_event.fields", "tweet.fields", "post.fields", "user.fields", "media.fields", "expansions"];
const PAGE: &[&str] = &["max_results", "pagination_token"];
const DM_PAGE: &[&str] = &["max_results", "pagination_token", "event_types"];
const RANGE: &[&str] = &["since_id", "until_id", "start_time", "end_time"];

/// All of them; the first that fits a request is meant.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    get(Act::Me, "/2/users/me", READ, 75, None, &[USER]),
    get(Act::UserByName, "/2/users/by/username/:username", READ, 900, Some(300), &[USER]),
    get(Act::UserById, "/2/users/:id", READ, 900, Some(300), &[USER]),
    get(Act::UserPosts, "/2/users/:id/tweets", READ, 900, Some(10_000), &[POST, PAGE, RANGE, &["exclude"]]),
    get(Act::Mentions, "/2/users/:id/mentions", READ, 300, Some(450), &[POST, PAGE, RANGE]),
    get(Act::Liked, "/2/users/:id/liked_tweets", READ_LIKES, 75, None, &[POST, PAGE]),
    get(Act::DmEvents, "/2/dm_events", READ_DM, 15, None, &[DM, DM_PAGE]),
    get(Act::DmEvent, "/2/dm_events/:event_id", READ_DM, 15, None, &[DM]),
    get(Act::DmWith, "/2/dm_conversations/with/:participant_id/dm_events", READ_DM, 15, None, &[DM, DM_PAGE]),
    get(Act::DmConversation, "/2/dm_conversations/:id/dm_events", READ_DM, 15, None, &[DM, DM_PAGE]),
    get(Act::Posts, "/2/tweets", READ, 5_000, Some(3_500), &[POST, &["ids"]]),
    get(Act::Post, "/2/tweets/:id", READ, 900, Some(450), &[POST]),
    change(Act::CreatePost, "POST", "/2/tweets", WRITE, 100, (None, Some(10_000))),
    change(Act::DeletePost, "DELETE", "/2/tweets/:id", WRITE, 50, (None, None)),
    change(
        Act::SendDm,
        "POST",
        "/2/dm_conversations/with/:participant_id/messages",
        WRITE_DM,
        15,
        (Some(1_440), Some(1_440)),
    ),
    change(Act::Like, "POST", "/2/users/:id/likes", WRITE_LIKES, 50, (Some(1_000), None)),
    change(Act::Unlike, "DELETE", "/2/users/:id/likes/:tweet_id", WRITE_LIKES, 50, (Some(1_000), None)),
];

const fn get(
    act: Act,
    path: &'static str,
    scopes: &'static [&'static str],
    user_limit: u32,
    app_limit: Option<u32>,
    parameters: &'static [&'static [&'static str]],
) -> Endpoint {
    Endpoint { act, method: "GET", path, scopes, user_limit, app_limit, day: (None, None), parameters }
}

const fn change(
    act: Act,
    method: &'static str,
    path: &'static str,
    scopes: &'static [&'static str],
    user_limit: u32,
    day: (Option<u32>, Option<u32>),
) -> Endpoint {
    Endpoint { act, method, path, scopes, user_limit, app_limit: None, day, parameters: &[] }
}

impl Endpoint {
    /// The endpoint a request means, and the text its path holds where the table has a colon.
    pub(super) fn find(method: &str, path: &str) -> Option<(&'static Endpoint, Vec<String>)> {
        ENDPOINTS.iter().find_map(|e| (e.method == method).then(|| e.captures(path)).flatten().map(|found| (e, found)))
    }

    /// `GET /2/users/:id/mentions`: the name faults and limits go by.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_fits_is_meant() {
        let named = |method: &str, path: &str| Endpoint::find(method, path).map(|(e, found)| (e.act, found));
        assert_eq!(named("GET", "/2/users/me"), Some((Act::Me, vec![])));
        assert_eq!(named("GET", "/2/users/12"), Some((Act::UserById, vec!["12".into()])));
        assert_eq!(named("DELETE", "/2/users/1/likes/2"), Some((Act::Unlike, vec!["1".into(), "2".into()])));
        assert_eq!(named("GET", "/2/tweets"), Some((Act::Posts, vec![])));
        assert_eq!(named("GET", "/2/tweets/"), None);
        assert_eq!(named("PUT", "/2/tweets"), None);
    }
}
