//! The Account Activity API: subscriptions of users to a webhook, and their events in the shape of version 1.1.

use serde_json::{Value, json};

use super::{
    answer::Answer,
    classic,
    endpoint::{Outcome, Request},
    happenings::Happening,
    payloads,
    push::Event,
    relations::Relation,
    webhooks::named,
    world::{Fields, World},
};

/// `POST /2/account_activity/webhooks/:webhook_id/subscriptions/all`
pub(super) fn subscribe(world: &mut World, request: &Request<'_>) -> Outcome {
    let (id, me) = (named(world, request)?, request.me());
    if let Some(webhook) = world.push.webhooks.get_mut(&id) {
        webhook.subscribers.insert(me);
    }
    Ok(Answer::json(200, &json!({"data": {"subscribed": true}})))
}

/// `GET /2/account_activity/webhooks/:webhook_id/subscriptions/all`
pub(super) fn subscribed(world: &World, request: &Request<'_>) -> Outcome {
    request.query().finish()?;
    let id = named(world, request)?;
    let subscribed = world.push.webhooks.get(&id).is_some_and(|webhook| webhook.subscribers.contains(&request.me()));
    Ok(Answer::json(200, &json!({"data": {"subscribed": subscribed}})))
}

/// `GET /2/account_activity/webhooks/:webhook_id/subscriptions/all/list`
pub(super) fn list(world: &World, request: &Request<'_>) -> Outcome {
    request.query().finish()?;
    let id = named(world, request)?;
    let Some(webhook) = world.push.webhooks.get(&id) else { return Err(Answer::not_found()) };
    let users: Vec<Value> = webhook.subscribers.iter().map(|user| json!({"user_id": user.to_string()})).collect();
    let data = json!({
        "application_id": webhook.client,
        "webhook_id": id.to_string(),
        "webhook_url": webhook.url,
        "subscriptions": users,
    });
    Ok(Answer::json(200, &json!({ "data": data })))
}

/// `GET /2/account_activity/subscriptions/count`
pub(super) fn count(world: &World, request: &Request<'_>) -> Outcome {
    request.query().finish()?;
    let client = world.sender(request.call).0;
    let own = world.push.webhooks.values().filter(|webhook| webhook.client == client);
    let count = own.map(|webhook| webhook.subscribers.len()).sum::<usize>().to_string();
    let data = json!({
        "account_name": client,
        "provisioned_count": "15",
        "subscriptions_count_all": count,
        "subscriptions_count_direct_messages": "0",
    });
    Ok(Answer::json(200, &json!({ "data": data })))
}

/// `DELETE /2/account_activity/webhooks/:webhook_id/subscriptions/:user_id/all`
pub(super) fn unsubscribe(world: &mut World, request: &Request<'_>) -> Outcome {
    let (id, user) = (named(world, request)?, request.path_id(1)?);
    if let Some(webhook) = world.push.webhooks.get_mut(&id) {
        webhook.subscribers.remove(&user);
    }
    Ok(Answer::json(200, &json!({"data": {"subscribed": false}})))
}

impl World {
    /// Delivers a happening to the webhooks to which the users that it concerns are subscribed.
    pub(super) fn account_activity(&mut self, happening: &Happening) {
        let pairs: Vec<(u64, u64, String)> = self
            .push
            .webhooks
            .iter()
            .flat_map(|(id, webhook)| webhook.subscribers.iter().map(|user| (*id, *user, webhook.client.clone())))
            .collect();
        for (webhook, user, client) in pairs {
            let of_other_app = matches!(happening, Happening::Revoke { client: revoked, .. } if *revoked != client);
            let Some(body) = self.account_event(happening, user).filter(|_| !of_other_app) else { continue };
            if let (Happening::Revoke { .. }, Some(webhook)) = (happening, self.push.webhooks.get_mut(&webhook)) {
                webhook.subscribers.remove(&user);
            }
            self.push(Event { at: self.now(), client, webhook: Some(webhook), body });
        }
    }

    /// The payload for a subscribed user; `None` if the happening does not concern the user.
    fn account_event(&self, happening: &Happening, user: u64) -> Option<Value> {
        let for_user = user.to_string();
        let now = self.now();
        match happening {
            Happening::Post(id) => {
                let post = self.post(*id)?;
                let by = |id: Option<u64>| id.and_then(|id| self.post(id)).is_some_and(|post| post.author == user);
                let concerned = post.author == user
                    || post.reposts.is_none() && self.named_in(post).contains(&user)
                    || by(post.replies_to)
                    || by(post.quotes)
                    || by(post.reposts);
                (concerned && self.may_see(post.author, Some(user))).then(|| {
                    let blocked = self.relations.holds(Relation::Block, user, post.author);
                    let events = [classic::post(self, *id, now)];
                    json!({"for_user_id": for_user, "user_has_blocked": blocked, "tweet_create_events": events})
                })
            }
            Happening::Delete { id, author } => (*author == user).then(|| {
                let status = json!({"id": id.to_string(), "user_id": for_user});
                let event = json!({"status": status, "timestamp_ms": now.to_string()});
                json!({"for_user_id": for_user, "tweet_delete_events": [event]})
            }),
            Happening::Like { by, post } => {
                let author = self.post(*post)?.author;
                (*by == user || author == user).then(|| {
                    let event = classic::like(self, *by, *post, now);
                    json!({"for_user_id": for_user, "favorite_events": [event]})
                })
            }
            Happening::Dm(id) => {
                let dm = self.dms.get(id)?;
                dm.conversation.members.contains(&user).then(|| {
                    let members = dm.conversation.members.iter();
                    let users: Fields =
                        members.map(|member| (member.to_string(), classic::dm_user(self, *member))).collect();
                    let events = [payloads::dm_object(self, *id)];
                    json!({"for_user_id": for_user, "direct_message_events": events, "users": users})
                })
            }
            Happening::Revoke { user: revoking, client } => (*revoking == user).then(|| {
                let date = super::clock::written(now);
                let revoke = json!({
                    "date_time": date,
                    "target": {"app_id": client},
                    "source": {"user_id": for_user},
                });
                json!({"user_event": {"revoke": revoke}})
            }),
            Happening::Follow { .. } | Happening::Chat { .. } => None,
        }
    }
}
