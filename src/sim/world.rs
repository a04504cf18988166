//! State of the simulator: users, posts, direct messages, relations, and the log of clients' writes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    SimError, SimOptions,
    clock::{self, Clock},
    fault::Faults,
    happenings::Happening,
    limits::Limits,
    media::Upload,
    oauth::Credentials,
    push::Push,
    relations::Relations,
    sent::Sent,
    status::Outage,
    text,
};

/// Maximum number of objects of each kind.
pub(super) const MAX_EACH: usize = 500_000;

/// A JSON object.
pub(super) type Fields = Map<String, Value>;

/// The whole state of a simulator, behind one lock.
#[derive(Debug)]
pub(super) struct World {
    pub(super) options: SimOptions,
    pub(super) clock: Clock,
    pub(super) people: BTreeMap<u64, Person>,
    handles: HashMap<String, u64>,
    posts: HashMap<u64, Post>,
    by_author: HashMap<u64, BTreeSet<u64>>,
    mentioning: HashMap<u64, BTreeSet<u64>>,
    pub(super) dms: BTreeMap<u64, Dm>,
    pub(super) relations: Relations,
    pub(super) media: HashMap<String, Value>,
    pub(super) polls: HashMap<String, Value>,
    pub(super) uploads: HashMap<u64, Upload>,
    pub(super) waiting: BTreeMap<(i64, u64), Waiting>,
    pub(super) sent: Vec<Sent>,
    pub(super) credentials: Credentials,
    pub(super) limits: Limits,
    pub(super) faults: Faults,
    pub(super) push: Push,
    /// What X answers to every call instead of processing it.
    pub(super) outage: Option<Outage>,
    pub(super) answered: BTreeMap<String, BTreeMap<u16, u64>>,
    /// Whether the clock was set or advanced explicitly, not only by releasing loaded objects.
    pub(super) clock_set: bool,
    last_id: u64,
    last_other: u64,
    dice: Dice,
}

/// A user of the simulated X.
#[derive(Debug, Clone, Default)]
pub(super) struct Person {
    /// The user object, with the older field names (`tweet_*`, not `post_*`).
    pub(super) fields: Fields,
    pub(super) closed_to_dms: bool,
    pub(super) suspended: bool,
    /// Whether this user's posts may exceed a weighted length of 280.
    pub(super) writes_long: bool,
}

/// A post, with the data by which it is indexed.
#[derive(Debug, Clone)]
pub(super) struct Post {
    pub(super) author: u64,
    /// The post object, with the older field names (`tweet_*`, not `post_*`).
    pub(super) fields: Fields,
    /// The text before escaping and link shortening.
    pub(super) plain: String,
    /// Length of the `@handle ` prefix that X added to the text, in bytes.
    pub(super) named_bytes: usize,
    pub(super) replies_to: Option<u64>,
    pub(super) quotes: Option<u64>,
    pub(super) reposts: Option<u64>,
    /// Known only from the `includes` of a response: can be looked up by id, but is in no timeline.
    pub(super) aside: bool,
}

impl Post {
    /// The text without the `@handle` prefix that X added.
    pub(super) fn own_words(&self) -> &str {
        self.plain.get(self.named_bytes..).unwrap_or(&self.plain)
    }
}

/// A direct message.
#[derive(Debug, Clone)]
pub(super) struct Dm {
    pub(super) from: u64,
    pub(super) conversation: Conversation,
    /// The event object, with the older field names (`tweet_*`, not `post_*`).
    pub(super) fields: Fields,
    pub(super) at: i64,
    /// Members who deleted the message; the others still see it.
    pub(super) gone_for: BTreeSet<u64>,
}

impl Dm {
    pub(super) fn visible_to(&self, person: u64) -> bool {
        self.conversation.members.contains(&person) && !self.gone_for.contains(&person)
    }
}

/// A conversation of direct messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conversation {
    pub(super) id: String,
    pub(super) members: BTreeSet<u64>,
}

impl Conversation {
    /// The conversation of two users; its id joins their ids, the smaller first.
    pub(super) fn of_two(one: u64, other: u64) -> Self {
        Self { id: format!("{}-{}", one.min(other), one.max(other)), members: BTreeSet::from([one, other]) }
    }
}

/// A loaded object that is not released yet.
#[derive(Debug, Clone)]
pub(super) enum Waiting {
    Post(Box<Post>),
    Dm(Box<Dm>),
    Like { by: u64, post: u64 },
}

/// Generator of random strings for tokens and short links; the same seed gives the same sequence.
#[derive(Debug)]
pub(super) struct Dice {
    seed: [u8; 32],
    thrown: u64,
}

impl Dice {
    fn new(seed: Option<u64>) -> Self {
        let mut bytes = [0; 32];
        match seed {
            Some(seed) => bytes = Sha256::digest(seed.to_be_bytes()).into(),
            None => {
                // If the system has no randomness, tokens are guessable, which is acceptable in a simulator.
                let _ = getrandom::fill(&mut bytes);
            }
        }
        Self { seed: bytes, thrown: 0 }
    }

    /// Generates a string of `length` letters and digits.
    pub(super) fn throw(&mut self, length: usize) -> String {
        const SIGNS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut out = String::new();
        while out.len() < length {
            self.thrown += 1;
            let hash = Sha256::new().chain_update(self.seed).chain_update(self.thrown.to_be_bytes()).finalize();
            out.extend(hash.iter().filter_map(|b| SIGNS.get(usize::from(*b) % SIGNS.len())).map(|b| char::from(*b)));
        }
        out.truncate(length);
        out
    }
}

impl World {
    pub(super) fn new(options: SimOptions) -> Self {
        let mut world = Self {
            clock: Clock::Running { ahead: 0 },
            people: BTreeMap::new(),
            handles: HashMap::new(),
            posts: HashMap::new(),
            by_author: HashMap::new(),
            mentioning: HashMap::new(),
            dms: BTreeMap::new(),
            relations: Relations::default(),
            media: HashMap::new(),
            polls: HashMap::new(),
            uploads: HashMap::new(),
            waiting: BTreeMap::new(),
            sent: Vec::new(),
            credentials: Credentials::default(),
            limits: Limits::new(options.rate_limits),
            faults: Faults::default(),
            push: Push::default(),
            outage: None,
            answered: BTreeMap::new(),
            clock_set: false,
            last_id: 0,
            last_other: 0,
            dice: Dice::new(options.seed),
            options,
        };
        world.credentials.open(&world.options);
        world
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.now()
    }

    pub(super) fn secret(&mut self, length: usize) -> String {
        self.dice.throw(length)
    }

    /// A new id for a post or message, greater than all existing ones; it encodes the time, as X's ids do.
    pub(super) fn new_id(&mut self) -> u64 {
        self.last_id = self.id_now().max(self.last_id.saturating_add(1));
        self.last_id
    }

    /// A new id for other objects, from a sequence of its own.
    pub(super) fn other_id(&mut self) -> u64 {
        self.last_other = self.id_now().max(self.last_other.saturating_add(1));
        self.last_other
    }

    fn id_now(&self) -> u64 {
        clock::first_id(self.now())
    }

    // People

    /// Adds a user, or updates the given fields of an existing one. A handle in use moves to this user.
    pub(super) fn know_person(&mut self, id: u64, fields: Fields) -> Result<(), SimError> {
        if self.people.len() >= MAX_EACH && !self.people.contains_key(&id) {
            return Err(SimError::Full("people"));
        }
        let person = self.people.entry(id).or_default();
        let old = handle_of(&person.fields).to_lowercase();
        person.fields.extend(fields);
        person.fields.insert("id".into(), id.to_string().into());
        let new = handle_of(&person.fields).to_lowercase();
        if old != new {
            self.handles.remove(&old);
        }
        if !new.is_empty() {
            self.handles.insert(new, id);
        }
        Ok(())
    }

    pub(super) fn person_named(&self, handle: &str) -> Option<u64> {
        self.handles.get(&handle.trim_start_matches('@').to_lowercase()).copied()
    }

    /// Finds a user by handle or id.
    pub(super) fn find_person(&self, handle_or_id: &str) -> Result<u64, SimError> {
        let by_id = || handle_or_id.parse().ok().filter(|id| self.people.contains_key(id));
        self.person_named(handle_or_id).or_else(by_id).ok_or_else(|| SimError::NoSuchPerson(handle_or_id.into()))
    }

    pub(super) fn handle(&self, id: u64) -> &str {
        self.people.get(&id).map_or("", |p| handle_of(&p.fields))
    }

    // Posts

    pub(super) fn post(&self, id: u64) -> Option<&Post> {
        self.posts.get(&id)
    }

    pub(super) fn find_post(&self, id: &str) -> Result<u64, SimError> {
        let known = id.parse().ok().filter(|id| self.posts.contains_key(id));
        known.ok_or_else(|| SimError::NoSuchPost(id.into()))
    }

    /// Ids of a user's posts, newest first.
    pub(super) fn posts_by(&self, person: u64) -> impl Iterator<Item = u64> + '_ {
        self.by_author.get(&person).into_iter().flat_map(|ids| ids.iter().rev().copied())
    }

    /// Ids of posts that mention a user, newest first.
    pub(super) fn posts_naming(&self, person: u64) -> impl Iterator<Item = u64> + '_ {
        self.mentioning.get(&person).into_iter().flat_map(|ids| ids.iter().rev().copied())
    }

    /// Stores a post and adds it to the timelines, unless it is only referred to.
    pub(super) fn put_post(&mut self, id: u64, post: Post) -> Result<(), SimError> {
        if self.posts.len() >= MAX_EACH {
            return Err(SimError::Full("posts"));
        }
        if !post.aside {
            self.last_id = self.last_id.max(id);
            self.by_author.entry(post.author).or_default().insert(id);
            for person in self.named_in(&post) {
                self.mentioning.entry(person).or_default().insert(id);
            }
        }
        self.posts.insert(id, post);
        Ok(())
    }

    /// Removes a post from the timelines; with `forget`, deletes it.
    pub(super) fn remove_post(&mut self, id: u64, forget: bool) {
        let Some(post) = self.posts.get(&id).cloned() else { return };
        if let Some(own) = self.by_author.get_mut(&post.author) {
            own.remove(&id);
        }
        for person in self.named_in(&post) {
            if let Some(named) = self.mentioning.get_mut(&person) {
                named.remove(&id);
            }
        }
        if forget {
            self.posts.remove(&id);
        }
    }

    pub(super) fn post_mut(&mut self, id: u64) -> Option<&mut Post> {
        self.posts.get_mut(&id)
    }

    /// Posts in timelines: the latest version of each, without those known only from `includes`.
    pub(super) fn live_posts(&self) -> impl Iterator<Item = (u64, &Post)> + '_ {
        self.by_author.values().flatten().filter_map(|id| Some((*id, self.posts.get(id)?)))
    }

    pub(super) fn post_count(&self) -> usize {
        self.posts.len()
    }

    /// Users a post mentions: from its entities, those of its long text, and the handles in its text, since entities of
    /// loaded posts may be incomplete.
    pub(super) fn named_in(&self, post: &Post) -> BTreeSet<u64> {
        let mut named = BTreeSet::new();
        let lists = [post.fields.get("entities"), post.fields.get("note_tweet").and_then(|n| n.get("entities"))];
        let mentions = lists.into_iter().flatten().filter_map(|e| e.get("mentions")?.as_array()).flatten();
        for mention in mentions {
            let id = mention.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
            let name = || self.person_named(mention.get("username")?.as_str()?);
            named.extend(id.or_else(name));
        }
        named.extend(text::handles(&post.plain).into_iter().filter_map(|name| self.person_named(name)));
        named
    }

    /// Rebuilds the index of mentions for a newly created user, whose handle earlier posts may contain.
    pub(super) fn index_mentions_of(&mut self, person: u64) {
        let naming = self.posts.iter().filter(|(_, p)| !p.aside && self.named_in(p).contains(&person));
        let in_timelines = naming.filter(|(id, p)| self.by_author.get(&p.author).is_some_and(|own| own.contains(id)));
        let ids: BTreeSet<u64> = in_timelines.map(|(id, _)| *id).collect();
        self.mentioning.insert(person, ids);
    }

    // Messages

    pub(super) fn put_dm(&mut self, id: u64, dm: Dm) -> Result<(), SimError> {
        if self.dms.len() >= MAX_EACH {
            return Err(SimError::Full("messages"));
        }
        self.last_id = self.last_id.max(id);
        self.dms.insert(id, dm);
        Ok(())
    }

    /// Creates a direct message from unescaped text and media keys, and returns its id.
    pub(super) fn make_dm(
        &mut self,
        from: u64,
        conversation: Conversation,
        plain: &str,
        media: &[String],
    ) -> Result<u64, SimError> {
        let (id, at) = (self.new_id(), self.now());
        let mut text = self.wire(plain);
        for key in media {
            let short = format!("https://t.co/{}", self.secret(10));
            text.attach(key, &short, &format!("https://x.com/messages/media/{id}"));
        }
        let mut fields = dm_fields(id, from, &conversation.id, text, at);
        if !media.is_empty() {
            fields.insert("attachments".into(), json!({"media_keys": media}));
        }
        self.put_dm(id, Dm { from, conversation, fields, at, gone_for: BTreeSet::new() })?;
        self.happened(&Happening::Dm(id));
        Ok(id)
    }

    /// Converts text as written into the form X delivers.
    pub(super) fn wire(&mut self, plain: &str) -> text::Wire {
        let (dice, handles) = (&mut self.dice, &self.handles);
        let person = |name: &str| handles.get(&name.to_lowercase()).map(u64::to_string);
        text::wire(plain, &mut |_| format!("https://t.co/{}", dice.throw(10)), &person)
    }
}

/// The event object of a direct message.
pub(super) fn dm_fields(id: u64, from: u64, conversation: &str, text: text::Wire, at: i64) -> Fields {
    let mut fields = Fields::new();
    let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    put("id", json!(id.to_string()));
    put("event_type", json!("MessageCreate"));
    put("text", json!(text.text));
    put("sender_id", json!(from.to_string()));
    put("dm_conversation_id", json!(conversation));
    put("created_at", json!(clock::written(at)));
    if !text.entities.is_empty() {
        put("entities", Value::Object(text.entities));
    }
    fields
}

fn handle_of(fields: &Fields) -> &str {
    fields.get("username").and_then(Value::as_str).unwrap_or_default()
}
