//! Endpoints for direct messages: reading, sending, and group conversations.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    answer::{Answer, missing, wrong},
    body::{self, Shape, at},
    endpoint::{Outcome, Request},
    page::Page,
    query::parse_id,
    relations::Relation,
    sent::SentKind,
    show::{Asked, Shown, Subject},
    world::{Conversation, Dm, World},
};

/// How far back messages can be read, in milliseconds; enforced only if the clock was set by hand.
const DM_LIFE: i64 = 30 * 24 * 60 * 60 * 1000;
/// Maximum length of a direct message, in characters.
const MAX_DM_CHARS: usize = 10_000;
const EVENT_TYPES: &[&str] = &["MessageCreate", "ParticipantsJoin", "ParticipantsLeave"];

pub(super) const MESSAGE: Shape = Shape::Object(&[
    ("text", false, Shape::Text { min: 1, max: usize::MAX }),
    ("attachments", false, Shape::List { of: &ATTACHMENT, min: 0, max: usize::MAX }),
]);
const ATTACHMENT: Shape = Shape::Object(&[("media_id", true, Shape::Id)]);
pub(super) const CONVERSATION: Shape = Shape::Object(&[
    ("conversation_type", true, Shape::Enum(&["Group"])),
    ("participant_ids", true, Shape::List { of: &Shape::Id, min: 2, max: 49 }),
    ("message", true, MESSAGE),
]);

/// `GET /2/dm_events`
pub(super) fn all(world: &World, request: &Request<'_>) -> Outcome {
    list(world, request, |_| true)
}

/// `GET /2/dm_conversations/with/:participant_id/dm_events`
pub(super) fn with(world: &World, request: &Request<'_>) -> Outcome {
    let conversation = Conversation::of_two(request.me(), request.path_id(0)?);
    list(world, request, |dm| dm.conversation.id == conversation.id)
}

/// `GET /2/dm_conversations/:id/dm_events`
pub(super) fn conversation(world: &World, request: &Request<'_>) -> Outcome {
    let id = conversation_id(request)?;
    list(world, request, |dm| dm.conversation.id == id)
}

/// `GET /2/dm_events/:event_id`
pub(super) fn by_id(world: &World, request: &Request<'_>) -> Outcome {
    let mut query = request.query();
    let asked = Asked::read(&mut query, Subject::Dm, request.asker.user());
    query.finish()?;
    let id = request.path_id(0)?;
    if !world.dms.get(&id).is_some_and(|dm| dm.visible_to(request.me())) {
        return Ok(Answer::nothing(missing("dm_event", "event_id", request.path(0))));
    }
    let mut shown = Shown::new(world, &asked);
    let data = shown.dm(id);
    Ok(Answer::json(200, &shown.finish(Some(data), None)))
}

fn list(world: &World, request: &Request<'_>, fits: impl Fn(&Dm) -> bool) -> Outcome {
    let mut query = request.query();
    let asked = Asked::read(&mut query, Subject::Dm, request.asker.user());
    if let Some(token) = query.text("pagination_token").filter(|token| token.len() < 16) {
        query.fault("pagination_token", token, "is shorter than 16 characters");
    }
    let page = Page::read(&mut query, &request.call.path, 1..=100, 100);
    let kinds = query.words("event_types", EVENT_TYPES);
    query.finish()?;
    let oldest = if world.clock_set { world.now() - DM_LIFE } else { i64::MIN };
    let messages = kinds.is_empty() || kinds.iter().any(|kind| kind == "MessageCreate");
    let mine = |dm: &Dm| messages && dm.at >= oldest && dm.visible_to(request.me()) && fits(dm);
    let ids: Vec<u64> = world.dms.iter().rev().filter(|(_, dm)| mine(dm)).map(|(id, _)| *id).collect();
    let cut = page.cut_by(&ids, |id| *id);
    let mut shown = Shown::new(world, &asked);
    let data: Vec<Value> = cut.items.iter().map(|id| shown.dm(*id)).collect();
    Ok(Answer::json(200, &shown.finish_list(data, Some(cut.meta()))))
}

fn conversation_id<'r>(request: &'r Request<'_>) -> Result<&'r str, Answer> {
    let id = request.path(0);
    let well_made = match id.split_once('-') {
        Some((one, other)) => parse_id(one).is_some() && parse_id(other).is_some(),
        None => id.len() >= 15 && parse_id(id).is_some(),
    };
    let pattern = "does not match ^([0-9]{1,19}-[0-9]{1,19}|[0-9]{15,19})$";
    if well_made { Ok(id) } else { Err(Answer::invalid(vec![wrong("id", id, pattern)])) }
}

/// `POST /2/dm_conversations/with/:participant_id/messages`
pub(super) fn send_to(world: &mut World, request: &Request<'_>) -> Outcome {
    let (to, message) = (request.path_id(0)?, request.body()?);
    send(world, request.me(), Conversation::of_two(request.me(), to), &message)
}

/// `POST /2/dm_conversations/:dm_conversation_id/messages`
pub(super) fn send_in(world: &mut World, request: &Request<'_>) -> Outcome {
    let (id, me, message) = (conversation_id(request)?, request.me(), request.body()?);
    let two = id.split_once('-').and_then(|(one, other)| Some(Conversation::of_two(parse_id(one)?, parse_id(other)?)));
    let known = || world.dms.values().find(|dm| dm.conversation.id == id).map(|dm| dm.conversation.clone());
    match two.or_else(known) {
        Some(conversation) if conversation.members.contains(&me) => send(world, me, conversation, &message),
        _ => Err(Answer::dm_closed()),
    }
}

/// `POST /2/dm_conversations`
pub(super) fn open(world: &mut World, request: &Request<'_>) -> Outcome {
    let (me, body) = (request.me(), request.body()?);
    let mut members: BTreeSet<u64> = body::ids(at(&body, "/participant_ids")).into_iter().collect();
    members.insert(me);
    let id = world.new_id().to_string();
    send(world, me, Conversation { id, members }, at(&body, "/message"))
}

fn send(world: &mut World, me: u64, conversation: Conversation, message: &Value) -> Outcome {
    let attachments = at(message, "/attachments").as_array().map(Vec::as_slice).unwrap_or_default();
    if attachments.len() > 1 {
        return Err(Answer::invalid_body("A message takes at most one attachment"));
    }
    let plain = at(message, "/text").as_str().unwrap_or_default();
    if plain.is_empty() && attachments.is_empty() {
        return Err(Answer::invalid_body("A message needs a text or an attachment"));
    }
    let media = world.attach(me, attachments.iter().filter_map(|a| body::id(at(a, "/media_id"))))?;
    if plain.chars().count() > MAX_DM_CHARS {
        return Err(Answer::dm_too_long());
    }
    let others = || conversation.members.iter().copied().filter(|member| *member != me);
    if others().any(|other| world.relations.holds(Relation::Block, other, me)) {
        return Err(Answer::dm_blocked());
    }
    if others().any(|other| world.people.get(&other).is_none_or(|person| person.closed_to_dms || person.suspended)) {
        return Err(Answer::dm_closed());
    }
    let to = others().next().filter(|_| conversation.members.len() <= 2);
    let conversation_id = conversation.id.clone();
    let id = world.make_dm(me, conversation, plain, &media).map_err(|_| Answer::full())?;
    let mut sent = world.sent_by(me, SentKind::Dm, id);
    sent.text = Some(plain.to_owned());
    sent.to = to.map(|to| to.to_string());
    sent.conversation = Some(conversation_id.clone());
    world.note(sent);
    let data = json!({"dm_conversation_id": conversation_id, "dm_event_id": id.to_string()});
    let place = format!("https://api.twitter.com/2/dm_events/\"{id}\"");
    Ok(Answer::json(201, &json!({"data": data})).with("location", place))
}

/// `DELETE /2/dm_events/:event_id`: hides the message from the user who deletes it; other members still see it.
pub(super) fn delete(world: &mut World, request: &Request<'_>) -> Outcome {
    let (id, me) = (request.path_id(0)?, request.me());
    let Some(dm) = world.dms.get_mut(&id).filter(|dm| dm.visible_to(me)) else {
        return Ok(Answer::nothing(missing("dm_event", "event_id", request.path(0))));
    };
    dm.gone_for.insert(me);
    let sent = world.sent_by(me, SentKind::DeleteDm, id);
    world.note(sent);
    Ok(Answer::json(200, &json!({"data": {"deleted": true}})))
}
