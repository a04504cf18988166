//! API version 1.1: `account/verify_credentials`, which clients still use.

use serde_json::{Value, json};

use super::{
    answer::Answer,
    endpoint::{Outcome, Request},
    world::World,
};

/// `GET /1.1/account/verify_credentials.json`
pub(super) fn verify_credentials(world: &World, request: &Request<'_>) -> Outcome {
    let email = request.call.parameter("include_email") == Some("true");
    let me = request.me();
    let Some(person) = world.people.get(&me) else { return Err(Answer::unauthorized()) };
    let text = |name: &str| person.fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let count = |name: &str| person.fields.get("public_metrics").and_then(|m| m.get(name)?.as_u64()).unwrap_or(0);
    let flag = |name: &str| person.fields.get(name).and_then(Value::as_bool).unwrap_or(false);
    let created: Option<jiff::Timestamp> = text("created_at").parse().ok();
    let mut user = json!({
        "id": me,
        "id_str": me.to_string(),
        "name": text("name"),
        "screen_name": text("username"),
        "location": text("location"),
        "description": text("description"),
        "url": null,
        "entities": {"description": {"urls": []}},
        "protected": flag("protected"),
        "followers_count": count("followers_count"),
        "friends_count": count("following_count"),
        "listed_count": count("listed_count"),
        "created_at": created.unwrap_or_default().strftime("%a %b %d %H:%M:%S +0000 %Y").to_string(),
        "favourites_count": count("like_count"),
        "utc_offset": null,
        "time_zone": null,
        "geo_enabled": false,
        "verified": flag("verified"),
        "statuses_count": count("tweet_count"),
        "lang": null,
        "contributors_enabled": false,
        "is_translator": false,
        "profile_image_url_https": "https://abs.twimg.com/sticky/default_profile_images/default_profile_normal.png",
        "default_profile": true,
        "default_profile_image": true,
        "suspended": false,
        "needs_phone_verification": false,
    });
    if let (true, Value::Object(user)) = (email, &mut user) {
        user.insert("email".into(), format!("{}@example.com", text("username")).into());
    }
    Ok(Answer::json(200, &user))
}
