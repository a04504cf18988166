//! Incoming tickets, each with its event.

use jiff::Timestamp;
use twite::desk::{
    Actor, Author, Channel, Event, EventComment, EventKind, Person, PostFacts, Priority, Status, Ticket, TicketId, text,
};

use crate::{
    random::{Random, Zipf},
    words::{BEYOND_ASCII, Words},
};

/// Shortest text, in bytes; it ends with the word that reaches this length.
const MIN_TEXT_BYTES: usize = 200;
/// Number of tags.
const TAGS: usize = 500;
/// Number of the desk's brands.
const BRANDS: usize = 40;

pub const LANGUAGES: &[(&str, u32)] = &[
    ("en", 60),
    ("de", 8),
    ("fr", 7),
    ("es", 7),
    ("nl", 4),
    ("sv", 3),
    ("it", 3),
    ("pl", 3),
    ("pt", 2),
    ("ja", 1),
    ("da", 1),
    ("fi", 1),
];

pub const CHANNELS: &[(Channel, u32)] = &[
    (Channel::Twitter, 50),
    (Channel::TwitterDm, 20),
    (Channel::TwitterLike, 5),
    (Channel::Email, 15),
    (Channel::Web, 7),
    (Channel::Api, 3),
];

/// A ticket, its event, and the time.
#[derive(Debug, Clone)]
pub struct Case {
    pub ticket: Ticket,
    pub event: Event,
    pub now: Timestamp,
}

impl Case {
    /// The text of the event.
    pub fn text(&self) -> &str {
        self.event.comment.as_ref().map_or("", |comment| &comment.text)
    }
}

/// Names of tags, brands and the like, and words.
#[derive(Debug)]
pub struct Names {
    pub words: Words,
    pub tags: Vec<String>,
    pub brands: Vec<String>,
}

impl Names {
    pub fn new() -> Self {
        let words = Words::new();
        let tags = (0..TAGS).map(|n| format!("{}_{n}", words.all[words.topics + n % 200].replace('-', "_"))).collect();
        let brands = (0..BRANDS).map(|n| format!("Acme {n}")).collect();
        Self { words, tags, brands }
    }
}

/// Distributions of tags and brands: some are frequent, none is on every ticket.
#[derive(Debug)]
pub struct Spread {
    pub tags: Zipf,
    pub brands: Zipf,
}

impl Spread {
    pub fn new() -> Self {
        Self { tags: Zipf::new(TAGS, 100.0), brands: Zipf::new(BRANDS, 5.0) }
    }
}

/// A random number of followers.
pub fn followers(random: &mut Random) -> i64 {
    random.log_normal(300.0, 2.9)
}

/// `count` tickets. `fresh` ones have just been created; many of the others have been worked on.
pub fn tickets(names: &Names, seed: u64, count: usize, fresh: bool) -> Vec<Case> {
    let mut random = Random::new(seed);
    let (spread, words) = (Spread::new(), Zipf::new(names.words.all.len(), 0.0));
    (0..count).map(|n| case(names, &spread, &words, &mut random, n, fresh)).collect()
}

fn case(names: &Names, spread: &Spread, words: &Zipf, random: &mut Random, n: usize, fresh: bool) -> Case {
    let now = Timestamp::constant(1_767_600_000, 0);
    let text = written(&names.words, words, random);
    let channel = random.weighted(CHANNELS);
    let status: &[_] = if fresh {
        &[(Status::New, 92), (Status::Open, 8)]
    } else {
        &[(Status::New, 55), (Status::Open, 22), (Status::Pending, 11), (Status::Hold, 4), (Status::Solved, 8)]
    };
    let priority = random.weighted(&[
        (None, 70),
        (Some(Priority::Low), 5),
        (Some(Priority::Normal), 12),
        (Some(Priority::High), 9),
        (Some(Priority::Urgent), 4),
    ]);
    let count =
        |random: &mut Random, most: usize| if fresh { 0 } else { random.below(most) * random.below(most) / most };
    let ticket = Ticket {
        id: TicketId(i64::try_from(n).unwrap_or(i64::MAX)),
        channel,
        brand: Some(names.brands[spread.brands.draw(random)].clone()),
        status: random.weighted(status),
        priority,
        subject: text::headline(&text, 80),
        description: text.clone(),
        tags: (0..random.below(7)).map(|_| names.tags[spread.tags.draw(random)].clone()).collect(),
        requester: Person {
            handle: Some(format!("person_{n}")),
            followers: Some(followers(random)),
            verified: Some(random.chance(0.08)),
            ..Person::default()
        },
        language: Some(random.weighted(LANGUAGES).to_owned()),
        post: PostFacts { likes: Some(random.log_normal(1.0, 2.0)), ..PostFacts::default() },
        replies: count(random, 6) as i64,
        reopens: count(random, 4) as i64,
        comments: 1,
        created: now,
        updated: now,
        requester_updated: Some(now),
        latest_comment: Some(text.clone()),
        latest_public_comment: Some(text.clone()),
        ..Ticket::default()
    };
    let comment = EventComment::new(Author::Requester, channel != Channel::TwitterDm, text);
    let event = Event {
        kind: EventKind::Created,
        via: channel.into(),
        actor: Actor::Person,
        comment: Some(comment),
        cause: None,
        fired_before: vec![],
        volumes: vec![],
    };
    Case { ticket, event, now }
}

/// A random text: sentences, some in capitals; one text in thirty has characters beyond ASCII.
fn written(words: &Words, zipf: &Zipf, random: &mut Random) -> String {
    let beyond = random.chance(1.0 / 30.0);
    let phrase = random.chance(0.5).then(|| (20 + random.below(MIN_TEXT_BYTES - 40), random.pick(&words.phrases)));
    let mut text = String::with_capacity(MIN_TEXT_BYTES + 20);
    let mut starts = true;
    while text.len() < MIN_TEXT_BYTES {
        let word = match phrase {
            Some((at, phrase)) if text.len() <= at && at < text.len() + 6 => phrase,
            _ if beyond && random.chance(0.1) => *random.pick(BEYOND_ASCII),
            _ => words.all[zipf.draw(random)].as_str(),
        };
        if !text.is_empty() {
            text.push(' ');
        }
        if random.chance(0.03) {
            text.push_str(&word.to_uppercase());
        } else if starts {
            let mut letters = word.chars();
            text.extend(letters.next().into_iter().flat_map(char::to_uppercase).chain(letters));
        } else {
            text.push_str(word);
        }
        starts = random.chance(0.1);
        if starts {
            text.push(*random.pick(&['.', '.', '!', '?', ',']));
        }
    }
    text
}
