//! Endpoints that look up users.

use super::{
    answer::{Answer, missing, suspended},
    endpoint::{Outcome, Request},
    show::{Asked, Shown, Subject},
    world::World,
};

/// Maximum number of users in one lookup.
const MAX_NAMED: usize = 100;

/// `GET /2/users/me`
pub(super) fn me(world: &World, request: &Request<'_>) -> Outcome {
    one(world, request, "id", |_, _| Some(request.me()))
}

/// `GET /2/users/:id`
pub(super) fn by_id(world: &World, request: &Request<'_>) -> Outcome {
    let id = request.path_id(0)?;
    one(world, request, "id", |_, _| Some(id))
}

/// `GET /2/users/by/username/:username`
pub(super) fn by_name(world: &World, request: &Request<'_>) -> Outcome {
    let mut query = request.query();
    query.read_handle("username", request.path(0));
    query.finish()?;
    one(world, request, "username", World::person_named)
}

/// `GET /2/users?ids=`
pub(super) fn by_ids(world: &World, request: &Request<'_>) -> Outcome {
    let mut query = request.query();
    let asked = Asked::read(&mut query, Subject::User, request.asker.user());
    let ids = query.ids("ids", MAX_NAMED);
    query.finish()?;
    let named = ids.into_iter().map(|id| (id.to_string(), Some(id)));
    Ok(several(world, &asked, "ids", named))
}

/// `GET /2/users/by?usernames=`
pub(super) fn by_names(world: &World, request: &Request<'_>) -> Outcome {
    let mut query = request.query();
    let asked = Asked::read(&mut query, Subject::User, request.asker.user());
    let handles = query.handles("usernames", MAX_NAMED);
    query.finish()?;
    let named = handles.into_iter().map(|handle| (handle.to_owned(), world.person_named(handle)));
    Ok(several(world, &asked, "usernames", named))
}

fn one(world: &World, request: &Request<'_>, parameter: &str, find: impl Fn(&World, &str) -> Option<u64>) -> Outcome {
    let mut query = request.query();
    let asked = Asked::read(&mut query, Subject::User, request.asker.user());
    query.finish()?;
    let value = request.path(0);
    let Some(id) = find(world, value).filter(|id| world.people.contains_key(id)) else {
        return Ok(Answer::nothing(missing("user", parameter, value)));
    };
    if world.is_suspended(id) {
        return Ok(Answer::nothing(suspended(parameter, value)));
    }
    let mut shown = Shown::new(world, &asked);
    let data = shown.user(id);
    Ok(Answer::json(200, &shown.finish(Some(data), None)))
}

fn several(
    world: &World,
    asked: &Asked,
    parameter: &str,
    named: impl Iterator<Item = (String, Option<u64>)>,
) -> Answer {
    let mut shown = Shown::new(world, asked);
    let mut data = Vec::new();
    for (value, id) in named {
        match id.filter(|id| world.people.contains_key(id)) {
            Some(id) if world.is_suspended(id) => shown.miss(suspended(parameter, &value)),
            Some(id) => data.push(shown.user(id)),
            None => shown.miss(missing("user", parameter, &value)),
        }
    }
    Answer::json(200, &shown.finish_list(data, None))
}
