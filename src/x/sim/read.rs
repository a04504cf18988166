//! The endpoints that read.

use serde_json::{Value, json};

use super::{
    answer::{Answer, missing, put},
    clock,
    endpoint::{Act, Endpoint},
    oauth::Asker,
    page::{Cut, Page},
    query::{Call, Query},
    show::{Asked, Shown, Subject},
    world::{Dm, World, conversation},
};

/// How far back the mentions timeline reaches, in posts, and somebody's own.
const MENTIONS: usize = 800;
const TIMELINE: usize = 3_200;
/// How far back messages reach where the clock was set by hand, in milliseconds.
const DM_LIFE: i64 = 30 * 24 * 60 * 60 * 1000;
const EVENT_TYPES: &[&str] = &["MessageCreate", "ParticipantsJoin", "ParticipantsLeave"];

/// Which posts of a timeline are asked for.
struct Range {
    since: Option<u64>,
    until: Option<u64>,
    start: Option<i64>,
    end: Option<i64>,
}

impl Range {
    fn read(query: &mut Query<'_>) -> Self {
        let (since, until) = (query.id("since_id"), query.id("until_id"));
        let (start, end) = (query.time("start_time"), query.time("end_time"));
        // Ids win over times.
        Self { since, until, start: start.filter(|_| since.is_none()), end: end.filter(|_| until.is_none()) }
    }

    fn holds(&self, world: &World, id: u64) -> bool {
        let made = || world.made_at(id).unwrap_or(0);
        self.since.is_none_or(|since| id > since)
            && self.until.is_none_or(|until| id < until)
            && self.start.is_none_or(|start| made() >= start)
            && self.end.is_none_or(|end| made() < end)
    }
}

impl World {
    /// Answers a request that changes nothing.
    pub(super) fn read(
        &self,
        call: &Call,
        endpoint: &Endpoint,
        found: &[String],
        asker: Asker,
    ) -> Result<Answer, Answer> {
        let mut query = Query::new(call, endpoint);
        let captured = found.first().map(String::as_str).unwrap_or_default();
        let subject = match endpoint.act {
            Act::Me | Act::UserById | Act::UserByName => Subject::User,
            Act::DmEvents | Act::DmEvent | Act::DmWith | Act::DmConversation => Subject::Dm,
            _ => Subject::Post,
        };
        let asked = Asked::read(&mut query, subject, asker.user());
        let me = asker.user().unwrap_or_default();
        match endpoint.act {
            Act::Me => {
                query.finish()?;
                self.show_one_user(&asked, Some(me), "id", &me.to_string())
            }
            Act::UserById => {
                let id = query.read_id("id", captured);
                query.finish()?;
                self.show_one_user(&asked, id, "id", captured)
            }
            Act::UserByName => {
                let named = captured.len() <= 15 && captured.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                if !named {
                    query.fault("username", captured, "does not match ^[A-Za-z0-9_]{1,15}$");
                }
                query.finish()?;
                self.show_one_user(&asked, self.person_named(captured), "username", captured)
            }
            Act::UserPosts | Act::Mentions => self.timeline(call, endpoint, query, &asked, captured),
            Act::Liked => self.liked(call, query, &asked, captured),
            Act::Posts => {
                let ids = query.ids("ids", 100);
                query.finish()?;
                let mut shown = Shown::new(self, &asked);
                let mut data = Vec::new();
                for id in ids {
                    match self.post(id) {
                        Some(_) => data.push(shown.post(id)),
                        None => shown.miss(missing("tweet", "ids", &id.to_string())),
                    }
                }
                let data = (!data.is_empty()).then_some(Value::Array(data));
                Ok(Answer::json(200, &shown.finish(data, None)))
            }
            Act::Post => {
                let id = query.read_id("id", captured);
                query.finish()?;
                let Some(id) = id.filter(|id| self.post(*id).is_some()) else {
                    return Ok(Answer::nothing(missing("tweet", "id", captured)));
                };
                let mut shown = Shown::new(self, &asked);
                let data = shown.post(id);
                Ok(Answer::json(200, &shown.finish(Some(data), None)))
            }
            Act::DmEvent => {
                let id = query.read_id("event_id", captured);
                query.finish()?;
                let visible = |dm: &Dm| dm.from == me || dm.to == me;
                let Some(id) = id.filter(|id| self.dms.get(id).is_some_and(visible)) else {
                    return Ok(Answer::nothing(missing("dm_event", "event_id", captured)));
                };
                let mut shown = Shown::new(self, &asked);
                let data = shown.dm(id);
                Ok(Answer::json(200, &shown.finish(Some(data), None)))
            }
            Act::DmEvents => self.messages(call, query, &asked, &|dm| dm.from == me || dm.to == me),
            Act::DmWith => {
                let other = query.read_id("participant_id", captured).unwrap_or_default();
                self.messages(call, query, &asked, &|dm| {
                    (dm.from, dm.to) == (me, other) || (dm.from, dm.to) == (other, me)
                })
            }
            Act::DmConversation => {
                let well_made = match captured.split_once('-') {
                    Some((one, other)) => query.read_id("id", one).and(query.read_id("id", other)).is_some(),
                    None => query.read_id("id", captured).is_some(),
                };
                self.messages(call, query, &asked, &|dm| {
                    well_made && (dm.from == me || dm.to == me) && conversation(dm.from, dm.to) == captured
                })
            }
            _ => Err(Answer::not_found()),
        }
    }

    fn show_one_user(&self, asked: &Asked, id: Option<u64>, parameter: &str, value: &str) -> Result<Answer, Answer> {
        let Some(id) = id.filter(|id| self.people.contains_key(id)) else {
            return Ok(Answer::nothing(missing("user", parameter, value)));
        };
        let mut shown = Shown::new(self, asked);
        let data = shown.user(id);
        Ok(Answer::json(200, &shown.finish(Some(data), None)))
    }

    fn timeline(
        &self,
        call: &Call,
        endpoint: &Endpoint,
        mut query: Query<'_>,
        asked: &Asked,
        user: &str,
    ) -> Result<Answer, Answer> {
        let page = Page::read(&mut query, &call.path, 5..=100, 10);
        let range = Range::read(&mut query);
        let exclude = query.words("exclude", &["replies", "retweets"]);
        let id = query.read_id("id", user);
        query.finish()?;
        let Some(id) = id.filter(|id| self.people.contains_key(id)) else {
            return Ok(Answer::nothing(missing("user", "id", user)));
        };
        let excluded = |post: u64| {
            let post = self.post(post);
            post.is_none_or(|p| {
                exclude.iter().any(|what| match what.as_str() {
                    "replies" => p.replies_to.is_some(),
                    _ => p.reposts.is_some(),
                })
            })
        };
        let reach = |most: usize| if self.options.short_timelines { most } else { usize::MAX };
        let ids: Vec<u64> = match endpoint.act {
            Act::Mentions => self.posts_naming(id).take(reach(MENTIONS)).collect(),
            _ => self.posts_by(id).take(reach(TIMELINE)).collect(),
        };
        let ids: Vec<u64> = ids.into_iter().filter(|post| range.holds(self, *post) && !excluded(*post)).collect();
        Ok(self.list_posts(asked, page.cut(&ids), |id| id, true))
    }

    fn liked(&self, call: &Call, mut query: Query<'_>, asked: &Asked, user: &str) -> Result<Answer, Answer> {
        let page = Page::read(&mut query, &call.path, 5..=100, 100);
        let id = query.read_id("id", user);
        query.finish()?;
        let Some(id) = id.filter(|id| self.people.contains_key(id)) else {
            return Ok(Answer::nothing(missing("user", "id", user)));
        };
        let likes = self.liked_by(id);
        let places: Vec<u64> = likes.iter().map(|(place, _)| *place).collect();
        let post_at = |place: u64| likes.iter().find(|(p, _)| *p == place).map_or(0, |(_, post)| *post);
        Ok(self.list_posts(asked, page.cut(&places), post_at, false))
    }

    /// A page of posts; `post` tells the post behind a key of the page.
    fn list_posts(&self, asked: &Asked, cut: Cut, post: impl Fn(u64) -> u64, ends: bool) -> Answer {
        let mut shown = Shown::new(self, asked);
        let ids: Vec<u64> = cut.keys.iter().map(|key| post(*key)).collect();
        let data: Vec<Value> = ids.iter().map(|id| shown.post(*id)).collect();
        let mut meta = json!({"result_count": data.len()});
        if let (true, Some(newest), Some(oldest)) = (ends, ids.first(), ids.last()) {
            put(&mut meta, "newest_id", newest.to_string());
            put(&mut meta, "oldest_id", oldest.to_string());
        }
        turn(&mut meta, cut);
        let data = (!data.is_empty()).then_some(Value::Array(data));
        Answer::json(200, &shown.finish(data, Some(meta)))
    }

    fn messages(
        &self,
        call: &Call,
        mut query: Query<'_>,
        asked: &Asked,
        fits: &dyn Fn(&Dm) -> bool,
    ) -> Result<Answer, Answer> {
        if let Some(token) = query.text("pagination_token").filter(|token| token.len() < 16) {
            query.fault("pagination_token", token, "is shorter than 16 characters");
        }
        let page = Page::read(&mut query, &call.path, 1..=100, 100);
        let kinds = query.words("event_types", EVENT_TYPES);
        query.finish()?;
        let oldest = if self.clock_set { self.now() - DM_LIFE } else { i64::MIN };
        let messages = kinds.is_empty() || kinds.iter().any(|kind| kind == "MessageCreate");
        let all = self.dms.iter().rev().filter(|(_, dm)| messages && dm.at >= oldest && fits(dm));
        let cut = page.cut(&all.map(|(id, _)| *id).collect::<Vec<_>>());
        let mut shown = Shown::new(self, asked);
        let data: Vec<Value> = cut.keys.iter().map(|id| shown.dm(*id)).collect();
        let mut meta = json!({"result_count": data.len()});
        turn(&mut meta, cut);
        let data = (!data.is_empty()).then_some(Value::Array(data));
        Ok(Answer::json(200, &shown.finish(data, Some(meta))))
    }

    /// The time as HTTP writes it, for the `date` header.
    pub(super) fn http_date(&self) -> String {
        let time = jiff::Timestamp::from_millisecond(self.now()).unwrap_or_default();
        time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// The time by the simulator's clock, as X writes it.
    pub(super) fn written_now(&self) -> String {
        clock::written(self.now())
    }
}

fn turn(meta: &mut Value, cut: Cut) {
    if let Some(token) = cut.next {
        put(meta, "next_token", token);
    }
    if let Some(token) = cut.previous {
        put(meta, "previous_token", token);
    }
}
