//! Timelines of posts: a user's own, mentions, and home; reposts and quotes of a post.

use serde_json::Value;

use super::{
    answer::{Answer, missing, put},
    endpoint::{Outcome, Request},
    page::Page,
    query::Query,
    relations::{self, Relation},
    show::{Asked, Shown, Subject},
    world::{Post, World},
};

/// Maximum number of posts in a timeline of mentions.
const MAX_MENTIONS: usize = 800;
/// Maximum number of posts in a user's own or home timeline.
const MAX_OWN: usize = 3_200;

/// Bounds on the posts of a timeline: ids, and times in milliseconds since 1970.
pub(super) struct Range {
    pub(super) since: Option<u64>,
    pub(super) until: Option<u64>,
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
}

impl Range {
    pub(super) fn read(query: &mut Query<'_>) -> Self {
        let (since, until) = (query.id("since_id"), query.id("until_id"));
        let (start, end) = (query.time("start_time"), query.time("end_time"));
        // Bounds by id take precedence over bounds by time.
        Self { since, until, start: start.filter(|_| since.is_none()), end: end.filter(|_| until.is_none()) }
    }

    pub(super) fn holds(&self, world: &World, id: u64) -> bool {
        let made = || world.made_at(id).unwrap_or(0);
        self.since.is_none_or(|since| id > since)
            && self.until.is_none_or(|until| id < until)
            && self.start.is_none_or(|start| made() >= start)
            && self.end.is_none_or(|end| made() < end)
    }
}

/// `GET /2/users/:id/tweets`
pub(super) fn own(world: &World, request: &Request<'_>) -> Outcome {
    let user = request.path_id(0)?;
    let posts = world.posts_by(user).take(world.reach(MAX_OWN)).collect();
    of_person(world, request, user, 5, posts)
}

/// `GET /2/users/:id/mentions`
pub(super) fn mentions(world: &World, request: &Request<'_>) -> Outcome {
    let user = request.path_id(0)?;
    let posts = world.posts_naming(user).take(world.reach(MAX_MENTIONS)).collect();
    of_person(world, request, user, 5, posts)
}

/// `GET /2/users/:id/timelines/reverse_chronological`
pub(super) fn home(world: &World, request: &Request<'_>) -> Outcome {
    let me = request.own()?;
    let followed = world.relations.by(Relation::Follow, me).map(|(_, user)| user).chain([me]);
    let mut posts: Vec<u64> = followed
        .filter(|user| !world.relations.holds(Relation::Mute, me, *user))
        .flat_map(|user| world.posts_by(user).collect::<Vec<_>>())
        .collect();
    posts.sort_unstable_by(|a, b| b.cmp(a));
    posts.truncate(world.reach(MAX_OWN));
    of_person(world, request, me, 1, posts)
}

/// One page of a timeline, whose `posts` are given newest first.
fn of_person(world: &World, request: &Request<'_>, user: u64, least: usize, posts: Vec<u64>) -> Outcome {
    let mut query = request.query();
    let asked = Asked::read(&mut query, Subject::Post, request.asker.user());
    let page = Page::read(&mut query, &request.call.path, least..=100, if least == 1 { 100 } else { 10 });
    let range = Range::read(&mut query);
    let excluded = excluded(&mut query);
    query.finish()?;
    if !world.people.contains_key(&user) {
        return Ok(Answer::nothing(missing("user", "id", &user.to_string())));
    }
    let kept =
        |id: &u64| range.holds(world, *id) && world.visible_post(*id, asked.viewer).is_some_and(|post| !excluded(post));
    let posts: Vec<u64> = posts.into_iter().filter(kept).collect();
    Ok(show_range(world, &asked, &page, &posts))
}

/// A filter for the posts that the `exclude` parameter leaves out.
fn excluded(query: &mut Query<'_>) -> impl Fn(&Post) -> bool + use<> {
    let words = query.words("exclude", &["replies", "retweets"]);
    move |post| {
        words.iter().any(|word| if word == "replies" { post.replies_to.is_some() } else { post.reposts.is_some() })
    }
}

/// One page of posts, newest first, with `newest_id` and `oldest_id` in `meta`.
pub(super) fn show_range(world: &World, asked: &Asked, page: &Page, posts: &[u64]) -> Answer {
    let cut = page.cut_by(posts, |id| *id);
    let mut meta = cut.meta();
    if let (Some(newest), Some(oldest)) = (cut.items.first(), cut.items.last()) {
        put(&mut meta, "newest_id", newest.to_string());
        put(&mut meta, "oldest_id", oldest.to_string());
    }
    show(world, asked, &cut.items, meta)
}

/// The response with a list of posts.
pub(super) fn show(world: &World, asked: &Asked, posts: &[u64], meta: Value) -> Answer {
    let mut shown = Shown::new(world, asked);
    let data: Vec<Value> = posts.iter().map(|id| shown.post(*id)).collect();
    Answer::json(200, &shown.finish_list(data, Some(meta)))
}

/// `GET /2/tweets/:id/retweeted_by`
pub(super) fn reposted_by(world: &World, request: &Request<'_>) -> Outcome {
    let reposts = world.referring(request.path_id(0)?, |post| post.reposts);
    let people: Vec<(u64, u64)> = reposts.into_iter().filter_map(|id| Some((id, world.post(id)?.author))).collect();
    match missing_post(world, request)? {
        Some(answer) => Ok(answer),
        None => relations::list_people(world, request, 1..=100, &people),
    }
}

/// `GET /2/tweets/:id/retweets`
pub(super) fn reposts(world: &World, request: &Request<'_>) -> Outcome {
    of_post(world, request, 1..=100, 100, |post| post.reposts)
}

/// `GET /2/tweets/:id/quote_tweets`
pub(super) fn quotes(world: &World, request: &Request<'_>) -> Outcome {
    of_post(world, request, 10..=100, 10, |post| post.quotes)
}

fn of_post(
    world: &World,
    request: &Request<'_>,
    sizes: std::ops::RangeInclusive<usize>,
    default: usize,
    reference: fn(&Post) -> Option<u64>,
) -> Outcome {
    let mut query = request.query();
    let asked = Asked::read(&mut query, Subject::Post, request.asker.user());
    let page = Page::read(&mut query, &request.call.path, sizes, default);
    let excluded = excluded(&mut query);
    query.finish()?;
    if let Some(answer) = missing_post(world, request)? {
        return Ok(answer);
    }
    let referring = world.referring(request.path_id(0)?, reference).into_iter();
    let posts: Vec<u64> =
        referring.filter(|id| world.visible_post(*id, asked.viewer).is_some_and(|post| !excluded(post))).collect();
    let cut = page.cut_by(&posts, |id| *id);
    Ok(show(world, &asked, &cut.items, cut.meta()))
}

/// X's response if the post in the path does not exist.
fn missing_post(world: &World, request: &Request<'_>) -> Result<Option<Answer>, Answer> {
    if world.visible_post(request.path_id(0)?, request.asker.user()).is_some() {
        return Ok(None);
    }
    request.query().finish()?;
    Ok(Some(Answer::nothing(missing("tweet", "id", request.path(0)))))
}

impl World {
    /// Maximum length of a timeline: `posts`, or unlimited if timelines are not truncated.
    fn reach(&self, posts: usize) -> usize {
        if self.options.short_timelines { posts } else { usize::MAX }
    }

    /// Ids of the posts whose `reference` is the post `to`, newest first.
    fn referring(&self, to: u64, reference: fn(&Post) -> Option<u64>) -> Vec<u64> {
        let mut found: Vec<u64> =
            self.live_posts().filter(|(_, post)| reference(post) == Some(to)).map(|(id, _)| id).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        found
    }
}
