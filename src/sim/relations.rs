//! Relations from users to users and posts: follow, block, mute, like and bookmark.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::{
    answer::{Answer, missing},
    body::{self, Shape, at},
    endpoint::{Outcome, Request},
    happenings::Happening,
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
pub(super) enum Relation {
    Like,
    Bookmark,
    Follow,
    Block,
    Mute,
}

/// All relations, indexed from both ends.
#[derive(Debug, Default)]
pub(super) struct Relations {
    last: u64,
    orders: HashMap<(Relation, u64, u64), u64>,
    by: BTreeMap<(Relation, u64, u64), u64>,
    to: BTreeMap<(Relation, u64, u64), u64>,
}

impl Relations {
    /// Adds a relation; `false` if it already exists or the maximum number is reached.
    pub(super) fn put(&mut self, relation: Relation, by: u64, to: u64) -> bool {
        if self.orders.len() >= MAX_EACH || self.orders.contains_key(&(relation, by, to)) {
            return false;
        }
        self.last += 1;
        self.orders.insert((relation, by, to), self.last);
        self.by.insert((relation, by, self.last), to);
        self.to.insert((relation, to, self.last), by);
        true
    }

    pub(super) fn remove(&mut self, relation: Relation, by: u64, to: u64) -> bool {
        let Some(order) = self.orders.remove(&(relation, by, to)) else { return false };
        self.by.remove(&(relation, by, order));
        self.to.remove(&(relation, to, order));
        true
    }

    pub(super) fn holds(&self, relation: Relation, by: u64, to: u64) -> bool {
        self.orders.contains_key(&(relation, by, to))
    }

    /// Targets of `by`'s relations of a kind, latest first, as pairs of sequence number and target id.
    pub(super) fn by(&self, relation: Relation, by: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.by.range((relation, by, 0)..=(relation, by, u64::MAX)).rev().map(|((.., order), to)| (*order, *to))
    }

    /// The relations between two users, as values of X's `connection_status`.
    pub(super) fn between(&self, me: u64, other: u64) -> Vec<&'static str> {
        let says = |holds: bool, word| holds.then_some(word);
        [
            says(self.holds(Relation::Follow, me, other), "following"),
            says(self.holds(Relation::Follow, other, me), "followed_by"),
            says(self.holds(Relation::Block, me, other), "blocking"),
            says(self.holds(Relation::Mute, me, other), "muting"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Users that have a relation of a kind to `to`, latest first, as pairs of sequence number and user id.
    pub(super) fn to(&self, relation: Relation, to: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.to.range((relation, to, 0)..=(relation, to, u64::MAX)).rev().map(|((.., order), by)| (*order, *by))
    }
}

impl World {
    /// Adds a relation, which takes effect as an event; `false` if it already exists.
    pub(super) fn relate(&mut self, relation: Relation, by: u64, to: u64) -> bool {
        let new = self.relations.put(relation, by, to);
        match relation {
            Relation::Like if new => self.happened(&Happening::Like { by, post: to }),
            Relation::Follow if new => self.happened(&Happening::Follow { by, to, ends: false }),
            _ => {}
        }
        new
    }

    /// Removes a relation.
    pub(super) fn unrelate(&mut self, relation: Relation, by: u64, to: u64) {
        if self.relations.remove(relation, by, to) && relation == Relation::Follow {
            self.happened(&Happening::Follow { by, to, ends: true });
        }
    }
}

/// `GET /2/users/:id/followers`
pub(super) fn followers(world: &World, request: &Request<'_>) -> Outcome {
    people(world, request, request.path_id(0)?, |id| world.relations.to(Relation::Follow, id).collect())
}

/// `GET /2/users/:id/following`
pub(super) fn following(world: &World, request: &Request<'_>) -> Outcome {
    people(world, request, request.path_id(0)?, |id| world.relations.by(Relation::Follow, id).collect())
}

/// `GET /2/users/:id/blocking`
pub(super) fn blocking(world: &World, request: &Request<'_>) -> Outcome {
    people(world, request, request.own()?, |id| world.relations.by(Relation::Block, id).collect())
}

/// `GET /2/users/:id/muting`
pub(super) fn muting(world: &World, request: &Request<'_>) -> Outcome {
    people(world, request, request.own()?, |id| world.relations.by(Relation::Mute, id).collect())
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
    if world.visible_post(post, request.asker.user()).is_none() {
        request.query().finish()?;
        return Ok(Answer::nothing(missing("tweet", "id", request.path(0))));
    }
    let likes: Vec<(u64, u64)> = world.relations.to(Relation::Like, post).collect();
    list_people(world, request, 1..=100, &likes)
}

/// `GET /2/users/:id/liked_tweets`
pub(super) fn liked_posts(world: &World, request: &Request<'_>) -> Outcome {
    let by = request.path_id(0)?;
    if !world.people.contains_key(&by) {
        request.query().finish()?;
        return Ok(Answer::nothing(missing("user", "id", request.path(0))));
    }
    posts(world, request, Relation::Like, by, 5)
}

/// `GET /2/users/:id/bookmarks`
pub(super) fn bookmarks(world: &World, request: &Request<'_>) -> Outcome {
    posts(world, request, Relation::Bookmark, request.own()?, 1)
}

/// One page of the posts that a user has liked or bookmarked, latest like or bookmark first.
fn posts(world: &World, request: &Request<'_>, relation: Relation, by: u64, least: usize) -> Outcome {
    let mut query = request.query();
    let asked = Asked::read(&mut query, Subject::Post, request.asker.user());
    let page = Page::read(&mut query, &request.call.path, least..=100, 100);
    query.finish()?;
    let tied: Vec<(u64, u64)> = world
        .relations
        .by(relation, by)
        .filter(|(_, post)| world.visible_post(*post, asked.viewer).is_some())
        .collect();
    let cut = page.cut_by(&tied, |(order, _)| *order);
    let posts: Vec<u64> = cut.items.iter().map(|(_, post)| *post).collect();
    Ok(timelines::show(world, &asked, &posts, cut.meta()))
}

/// `POST /2/users/:id/likes`
pub(super) fn like(world: &mut World, request: &Request<'_>) -> Outcome {
    to_post(world, request, Relation::Like, Some(SentKind::Like), "liked")
}

/// `DELETE /2/users/:id/likes/:tweet_id`
pub(super) fn unlike(world: &mut World, request: &Request<'_>) -> Outcome {
    end(world, request, Relation::Like, Some(SentKind::Unlike), "liked")
}

/// `POST /2/users/:id/bookmarks`
pub(super) fn bookmark(world: &mut World, request: &Request<'_>) -> Outcome {
    to_post(world, request, Relation::Bookmark, None, "bookmarked")
}

/// `DELETE /2/users/:id/bookmarks/:tweet_id`
pub(super) fn unbookmark(world: &mut World, request: &Request<'_>) -> Outcome {
    end(world, request, Relation::Bookmark, None, "bookmarked")
}

/// `POST /2/users/:id/following`
pub(super) fn follow(world: &mut World, request: &Request<'_>) -> Outcome {
    to_person(world, request, Relation::Follow, json!({"following": true, "pending_follow": false}))
}

/// `DELETE /2/users/:source_user_id/following/:target_user_id`
pub(super) fn unfollow(world: &mut World, request: &Request<'_>) -> Outcome {
    end(world, request, Relation::Follow, None, "following")
}

/// `POST /2/users/:id/blocking`
pub(super) fn block(world: &mut World, request: &Request<'_>) -> Outcome {
    to_person(world, request, Relation::Block, json!({"blocking": true}))
}

/// `DELETE /2/users/:source_user_id/blocking/:target_user_id`
pub(super) fn unblock(world: &mut World, request: &Request<'_>) -> Outcome {
    end(world, request, Relation::Block, None, "blocking")
}

/// `POST /2/users/:id/muting`
pub(super) fn mute(world: &mut World, request: &Request<'_>) -> Outcome {
    to_person(world, request, Relation::Mute, json!({"muting": true}))
}

/// `DELETE /2/users/:source_user_id/muting/:target_user_id`
pub(super) fn unmute(world: &mut World, request: &Request<'_>) -> Outcome {
    end(world, request, Relation::Mute, None, "muting")
}

fn to_post(
    world: &mut World,
    request: &Request<'_>,
    relation: Relation,
    sent: Option<SentKind>,
    says: &str,
) -> Outcome {
    let me = request.own()?;
    let post = body::id(at(&request.body()?, "/tweet_id")).unwrap_or_default();
    if world.visible_post(post, Some(me)).is_none() {
        let verb = if relation == Relation::Like { "like" } else { "bookmark" };
        let detail = format!("You are not allowed to {verb} a Tweet that is deleted or not visible to you.");
        return Err(Answer::forbidden(&detail));
    }
    if let (true, Some(kind)) = (world.relate(relation, me, post), sent) {
        let sent = world.sent_by(me, kind, post);
        world.note(sent);
    }
    Ok(Answer::json(200, &json!({"data": {says: true}})))
}

fn to_person(world: &mut World, request: &Request<'_>, relation: Relation, data: Value) -> Outcome {
    let me = request.own()?;
    let target = body::id(at(&request.body()?, "/target_user_id")).unwrap_or_default();
    if target == me || !world.people.contains_key(&target) {
        return Ok(Answer::nothing(missing("user", "target_user_id", &target.to_string())));
    }
    if relation == Relation::Follow && world.relations.holds(Relation::Block, target, me) {
        return Err(Answer::forbidden("You have been blocked from following this account at the request of the user."));
    }
    world.relate(relation, me, target);
    if relation == Relation::Block {
        // A block removes the follows between two users in both directions.
        world.relations.remove(Relation::Follow, me, target);
        world.relations.remove(Relation::Follow, target, me);
    }
    Ok(Answer::json(200, &json!({"data": data})))
}

fn end(world: &mut World, request: &Request<'_>, relation: Relation, sent: Option<SentKind>, says: &str) -> Outcome {
    let (me, other) = (request.own()?, request.path_id(1)?);
    world.unrelate(relation, me, other);
    if let Some(kind) = sent {
        let sent = world.sent_by(me, kind, other);
        world.note(sent);
    }
    Ok(Answer::json(200, &json!({"data": {says: false}})))
}
