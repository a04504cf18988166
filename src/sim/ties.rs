//! Relations from users to users and posts: follow, block, mute, like and bookmark.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::{
    answer::{Answer, missing},
    body::{self, Shape, at},
    endpoint::{Outcome, Request},
    page::Page,
    sent::SentKind,
    show::{Asked, Shown, Subject},
    timelines,
    world::{MAX_EACH, World},
};

pub(super) const OF_POST: Shape = Shape::Object(&[("tweet_id", true, Shape::Id)]);
pub(super) const OF_USER: Shape = Shape::Object(&[("target_user_id", true, Shape::Id)]);

/// A kind of relation from a user to a user or post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Tie {
    Like,
    Bookmark,
    Follow,
    Block,
    Mute,
}

/// All relations, indexed from both ends.
#[derive(Debug, Default)]
pub(super) struct Ties {
    last: u64,
    orders: HashMap<(Tie, u64, u64), u64>,
    by: BTreeMap<(Tie, u64, u64), u64>,
    to: BTreeMap<(Tie, u64, u64), u64>,
}

impl Ties {
    /// Adds a relation; `false` if it already exists or the maximum number is reached.
    pub(super) fn put(&mut self, tie: Tie, by: u64, to: u64) -> bool {
        if self.orders.len() >= MAX_EACH || self.orders.contains_key(&(tie, by, to)) {
            return false;
        }
        self.last += 1;
        self.orders.insert((tie, by, to), self.last);
        self.by.insert((tie, by, self.last), to);
        self.to.insert((tie, to, self.last), by);
        true
    }

    pub(super) fn remove(&mut self, tie: Tie, by: u64, to: u64) -> bool {
        let Some(order) = self.orders.remove(&(tie, by, to)) else { return false };
        self.by.remove(&(tie, by, order));
        self.to.remove(&(tie, to, order));
        true
    }

    pub(super) fn holds(&self, tie: Tie, by: u64, to: u64) -> bool {
        self.orders.contains_key(&(tie, by, to))
    }

    /// Targets of `by`'s relations of a kind, latest first, as pairs of sequence number and target id.
    pub(super) fn by(&self, tie: Tie, by: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.by.range((tie, by, 0)..=(tie, by, u64::MAX)).rev().map(|((.., order), to)| (*order, *to))
    }

    /// The relations between two users, as values of X's `connection_status`.
    pub(super) fn between(&self, me: u64, other: u64) -> Vec<&'static str> {
        let says = |holds: bool, word| holds.then_some(word);
        [
            says(self.holds(Tie::Follow, me, other), "following"),
            says(self.holds(Tie::Follow, other, me), "followed_by"),
            says(self.holds(Tie::Block, me, other), "blocking"),
            says(self.holds(Tie::Mute, me, other), "muting"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Users that have a relation of a kind to `to`, latest first, as pairs of sequence number and user id.
    pub(super) fn to(&self, tie: Tie, to: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.to.range((tie, to, 0)..=(tie, to, u64::MAX)).rev().map(|((.., order), by)| (*order, *by))
    }
}

/// `GET /2/users/:id/followers`
pub(super) fn followers(world: &World, request: &Request<'_>) -> Outcome {
    people(world, request, request.path_id(0)?, |id| world.ties.to(Tie::Follow, id).collect())
}

/// `GET /2/users/:id/following`
pub(super) fn following(world: &World, request: &Request<'_>) -> Outcome {
    people(world, request, request.path_id(0)?, |id| world.ties.by(Tie::Follow, id).collect())
}

/// `GET /2/users/:id/blocking`
pub(super) fn blocking(world: &World, request: &Request<'_>) -> Outcome {
    people(world, request, request.own()?, |id| world.ties.by(Tie::Block, id).collect())
}

/// `GET /2/users/:id/muting`
pub(super) fn muting(world: &World, request: &Request<'_>) -> Outcome {
    people(world, request, request.own()?, |id| world.ties.by(Tie::Mute, id).collect())
}

/// One page of the users that are related to the user `of`.
fn people(world: &World, request: &Request<'_>, of: u64, tied: impl Fn(u64) -> Vec<(u64, u64)>) -> Outcome {
    if !world.people.contains_key(&of) {
        request.query().finish()?;
        return Ok(Answer::nothing(missing("user", "id", &of.to_string())));
    }
    list_people(world, request, 1..=1_000, &tied(of))
}

/// One page of users, given as pairs of sort key and user id.
pub(super) fn list_people(
    world: &World,
    request: &Request<'_>,
    sizes: std::ops::RangeInclusive<usize>,
    tied: &[(u64, u64)],
) -> Outcome {
    let mut query = request.query();
    let asked = Asked::read(&mut query, Subject::User, request.asker.user());
    let page = Page::read(&mut query, &request.call.path, sizes, 100);
    query.finish()?;
    let tied: Vec<(u64, u64)> = tied.iter().copied().filter(|(_, id)| world.people.contains_key(id)).collect();
    let cut = page.cut_by(&tied, |(order, _)| *order);
    let mut shown = Shown::new(world, &asked);
    let data: Vec<Value> = cut.items.iter().map(|(_, id)| shown.user(*id)).collect();
    let meta = cut.meta();
    Ok(Answer::json(200, &shown.finish_list(data, Some(meta))))
}

/// `GET /2/tweets/:id/liking_users`
pub(super) fn liking_people(world: &World, request: &Request<'_>) -> Outcome {
    let post = request.path_id(0)?;
    if world.post(post).is_none() {
        request.query().finish()?;
        return Ok(Answer::nothing(missing("tweet", "id", request.path(0))));
    }
    let likes: Vec<(u64, u64)> = world.ties.to(Tie::Like, post).collect();
    list_people(world, request, 1..=100, &likes)
}

/// `GET /2/users/:id/liked_tweets`
pub(super) fn liked_posts(world: &World, request: &Request<'_>) -> Outcome {
    let by = request.path_id(0)?;
    if !world.people.contains_key(&by) {
        request.query().finish()?;
        return Ok(Answer::nothing(missing("user", "id", request.path(0))));
    }
    posts(world, request, Tie::Like, by, 5)
}

/// `GET /2/users/:id/bookmarks`
pub(super) fn bookmarks(world: &World, request: &Request<'_>) -> Outcome {
    posts(world, request, Tie::Bookmark, request.own()?, 1)
}

/// One page of the posts that a user has liked or bookmarked, latest like or bookmark first.
fn posts(world: &World, request: &Request<'_>, tie: Tie, by: u64, least: usize) -> Outcome {
    let mut query = request.query();
    let asked = Asked::read(&mut query, Subject::Post, request.asker.user());
    let page = Page::read(&mut query, &request.call.path, least..=100, 100);
    query.finish()?;
    let tied: Vec<(u64, u64)> = world.ties.by(tie, by).filter(|(_, post)| world.post(*post).is_some()).collect();
    let cut = page.cut_by(&tied, |(order, _)| *order);
    let posts: Vec<u64> = cut.items.iter().map(|(_, post)| *post).collect();
    Ok(timelines::show(world, &asked, &posts, cut.meta()))
}

/// `POST /2/users/:id/likes`
pub(super) fn like(world: &mut World, request: &Request<'_>) -> Outcome {
    to_post(world, request, Tie::Like, Some(SentKind::Like), "liked")
}

/// `DELETE /2/users/:id/likes/:tweet_id`
pub(super) fn unlike(world: &mut World, request: &Request<'_>) -> Outcome {
    end(world, request, Tie::Like, Some(SentKind::Unlike), "liked")
}

/// `POST /2/users/:id/bookmarks`
pub(super) fn bookmark(world: &mut World, request: &Request<'_>) -> Outcome {
    to_post(world, request, Tie::Bookmark, None, "bookmarked")
}

/// `DELETE /2/users/:id/bookmarks/:tweet_id`
pub(super) fn unbookmark(world: &mut World, request: &Request<'_>) -> Outcome {
    end(world, request, Tie::Bookmark, None, "bookmarked")
}

/// `POST /2/users/:id/following`
pub(super) fn follow(world: &mut World, request: &Request<'_>) -> Outcome {
    to_person(world, request, Tie::Follow, json!({"following": true, "pending_follow": false}))
}

/// `DELETE /2/users/:source_user_id/following/:target_user_id`
pub(super) fn unfollow(world: &mut World, request: &Request<'_>) -> Outcome {
    end(world, request, Tie::Follow, None, "following")
}

/// `POST /2/users/:id/blocking`
pub(super) fn block(world: &mut World, request: &Request<'_>) -> Outcome {
    to_person(world, request, Tie::Block, json!({"blocking": true}))
}

/// `DELETE /2/users/:source_user_id/blocking/:target_user_id`
pub(super) fn unblock(world: &mut World, request: &Request<'_>) -> Outcome {
    end(world, request, Tie::Block, None, "blocking")
}

/// `POST /2/users/:id/muting`
pub(super) fn mute(world: &mut World, request: &Request<'_>) -> Outcome {
    to_person(world, request, Tie::Mute, json!({"muting": true}))
}

/// `DELETE /2/users/:source_user_id/muting/:target_user_id`
pub(super) fn unmute(world: &mut World, request: &Request<'_>) -> Outcome {
    end(world, request, Tie::Mute, None, "muting")
}

fn to_post(world: &mut World, request: &Request<'_>, tie: Tie, sent: Option<SentKind>, says: &str) -> Outcome {
    let me = request.own()?;
    let post = body::id(at(&request.body()?, "/tweet_id")).unwrap_or_default();
    if world.post(post).is_none() {
        let verb = if tie == Tie::Like { "like" } else { "bookmark" };
        let detail = format!("You are not allowed to {verb} a Tweet that is deleted or not visible to you.");
        return Err(Answer::forbidden(&detail));
    }
    if let (true, Some(kind)) = (world.ties.put(tie, me, post), sent) {
        let sent = world.sent_by(me, kind, post);
        world.note(sent);
    }
    Ok(Answer::json(200, &json!({"data": {says: true}})))
}

fn to_person(world: &mut World, request: &Request<'_>, tie: Tie, data: Value) -> Outcome {
    let me = request.own()?;
    let target = body::id(at(&request.body()?, "/target_user_id")).unwrap_or_default();
    if target == me || !world.people.contains_key(&target) {
        return Ok(Answer::nothing(missing("user", "target_user_id", &target.to_string())));
    }
    if tie == Tie::Follow && world.ties.holds(Tie::Block, target, me) {
        return Err(Answer::forbidden("You have been blocked from following this account at the request of the user."));
    }
    world.ties.put(tie, me, target);
    if tie == Tie::Block {
        // A block removes the follows between two users in both directions.
        world.ties.remove(Tie::Follow, me, target);
        world.ties.remove(Tie::Follow, target, me);
    }
    Ok(Answer::json(200, &json!({"data": data})))
}

fn end(world: &mut World, request: &Request<'_>, tie: Tie, sent: Option<SentKind>, says: &str) -> Outcome {
    let (me, other) = (request.own()?, request.path_id(1)?);
    world.ties.remove(tie, me, other);
    if let Some(kind) = sent {
        let sent = world.sent_by(me, kind, other);
        world.note(sent);
    }
    Ok(Answer::json(200, &json!({"data": {says: false}})))
}
