//! Many messages of five accounts over all transports, while X and the network fail and the daemon is killed: each is on
//! one ticket of each account it is for, once.
//!
//! `cargo test --test it -- --ignored --nocapture daemon::soak` runs it at length, and prints what `docs/reliability.md`
//! shows. `SOAK_MESSAGES` and `SOAK_SEED` change it.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    net::TcpListener,
    time::Duration,
};

use tokio::time::{Instant, sleep};
use twite::sim::{Cut, Disconnect, Disturbance, Fault, NewPerson, NewPost, SimHandle};

use crate::support::{Served, TestDesk, database::DirectConnection};

const RULES: &str = "trigger \"Tag\" { on created then add tags seen }\n";
/// The accounts, each with how it receives.
const ACCOUNTS: [(&str, &str); 5] =
    [("lists", "poll"), ("queue", "poll"), ("river", "stream"), ("brook", "stream"), ("phone", "webhook")];
const PEOPLE: u64 = 200;
/// Messages that may wait to be taken in. X lists the last 800 mentions of an account only.
const MAX_WAITING: usize = 1_000;
/// What has not arrived after this time is lost. It only ends a run that would hang.
const MAX_SILENCE: Duration = Duration::from_secs(240);

/// Random numbers that a seed repeats (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }
}

/// What should be there: each message with its account, and the conversations of people with accounts.
#[derive(Default)]
struct Expected {
    comments: BTreeSet<(String, String)>,
    tickets: BTreeSet<(String, String, String)>,
}

struct Soak {
    desk: TestDesk,
    random: Random,
    expected: Expected,
    /// Posts by people that can be answered: their id, conversation, author, and the account.
    said: Vec<(String, String, u64, usize)>,
}

/// A desk with the five accounts. `polls` are the settings of its polls.
async fn desk(polls: &str) -> TestDesk {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut extra = format!("url = \"http://127.0.0.1:{port}\"\n[web]\nlisten = \"127.0.0.1:{port}\"\n");
    for (handle, transport) in ACCOUNTS {
        extra.push_str(&format!("[[account]]\nhandle = \"{handle}\"\ntransport = \"{transport}\"\n"));
    }
    let desk = TestDesk::new(&ACCOUNTS.map(|(handle, _)| handle), RULES, &extra).await;
    let toml = desk.rules().join("twite.toml");
    let written = fs::read_to_string(&toml).unwrap().replace("poll_seconds = 1\n", polls);
    fs::write(toml, written).unwrap();
    for n in 0..PEOPLE {
        desk.sim.make_user(&NewPerson::named(format!("person{n}"))).unwrap();
    }
    desk
}

/// Waits until the stream and the webhook work for all accounts that use them.
async fn working(desk: &TestDesk) {
    for (handle, transport) in ACCOUNTS.iter().filter(|(_, transport)| *transport != "poll") {
        desk.logged(&format!("@{handle}: the {transport} works")).await;
    }
}

async fn database(desk: &TestDesk) -> DirectConnection {
    DirectConnection::at(&desk.rules().join("twite.db")).await
}

/// Each comment that is a message, as account and id at X.
async fn comments(database: &mut DirectConnection) -> Vec<(String, String)> {
    let found = database
        .texts("SELECT t.account || ' ' || c.x_id FROM comment c JOIN ticket t ON t.id = c.ticket WHERE c.x_id IS NOT NULL")
        .await;
    found.iter().map(|line| line.split_once(' ').unwrap()).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

async fn count(database: &mut DirectConnection, what: &str) -> usize {
    database.texts(format!("SELECT CAST(count(*) AS TEXT) FROM {what}")).await[0].parse().unwrap()
}

/// Resident memory of a process, in MiB.
fn memory(served: &Served) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", served.pid())).unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    resident.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() / 1024
}

impl Soak {
    fn sim(&self) -> &SimHandle {
        &self.desk.sim
    }

    fn expect(&mut self, account: usize, id: &str, conversation: &str, person: u64) {
        let handle = ACCOUNTS[account].0.to_owned();
        self.expected.comments.insert((handle.clone(), id.to_owned()));
        self.expected.tickets.insert((handle, conversation.to_owned(), format!("person{person}")));
    }

    /// The next message: a post, also to two accounts, an answer by a person or by the account, or a direct message.
    fn say(&mut self, n: usize) {
        let (kind, person) = (self.random.below(100), self.random.below(PEOPLE));
        let account = self.random.below(5) as usize;
        let handle = ACCOUNTS[account].0;
        match kind {
            0..15 => {
                let id = self.sim().dm(&format!("person{person}"), handle, &format!("message {n}")).unwrap();
                self.expect(account, &id, "direct", person);
            }
            15..40 if !self.said.is_empty() => {
                let (above, conversation, person, account) = self.random.of(&self.said).clone();
                let (handle, is_own) = (ACCOUNTS[account].0, kind < 25);
                let (by, text) = match is_own {
                    true => (handle.to_owned(), format!("@person{person} answer {n}")),
                    false => (format!("person{person}"), format!("@{handle} more {n}")),
                };
                let post = NewPost { by, text, in_reply_to: Some(above), ..NewPost::default() };
                let id = self.sim().post(&post).unwrap();
                self.expect(account, &id, &conversation, person);
            }
            _ => {
                let other = (account + 1) % 5;
                let to_two = kind >= 95;
                let also = if to_two { format!(" @{}", ACCOUNTS[other].0) } else { String::new() };
                let post = NewPost {
                    by: format!("person{person}"),
                    text: format!("@{handle}{also} question {n}"),
                    ..NewPost::default()
                };
                let id = self.sim().post(&post).unwrap();
                self.expect(account, &id, &id, person);
                if to_two {
                    self.expect(other, &id, &id, person);
                } else {
                    self.said.push((id.clone(), id, person, account));
                }
            }
        }
    }

    /// Something fails.
    fn fail(&mut self, served: &mut Served) {
        let endpoints = [
            "GET /2/users/:id/mentions",
            "GET /2/users/:id/tweets",
            "GET /2/dm_events",
            "GET /2/activity/*",
            "POST /2/activity/*",
            "GET /2/webhooks",
            "POST /2/webhooks/replay",
            "GET /2/tweets",
        ];
        // One failure at a time: what is called rarely would meet all of them.
        self.sim().clear_faults();
        let endpoint = *self.random.of(&endpoints);
        let times = 1 + self.random.below(3) as u32;
        let fault = Fault::on(endpoint).times(times);
        let few = 1 + self.random.below(5) as u32;
        match self.random.below(10) {
            0 => self.sim().fault(fault.answer(500, "")).unwrap(),
            1 => self.sim().fault(fault.answer(503, "{\"title\":\"Service Unavailable\"}")).unwrap(),
            // Without a header that says when to come back.
            2 => self.sim().fault(fault.answer(429, "")).unwrap(),
            3 => self.sim().fault(fault.delay_ms(1_000)).unwrap(),
            4 => self.sim().fault(fault.cut(Cut::Before)).unwrap(),
            5 => self.sim().fault(fault.cut(Cut::After)).unwrap(),
            6 => self.sim().disturb(Disturbance { withhold: few, duplicate: few, reorder: few }),
            7 => {
                let how = *self.random.of(&[Disconnect::Close, Disconnect::Cut, Disconnect::Operational]);
                self.sim().disconnect_streams(how);
            }
            8 => self.sim().order_webhooks(false, true),
            _ => {
                served.kill();
                *served = self.desk.serve();
            }
        }
    }
}

/// Says this many messages while something fails every `fail_every` of them, and checks that each is there.
async fn soak(messages: usize, fail_every: usize, seed: u64) {
    let began = Instant::now();
    let desk = desk("poll_seconds = 1\nbackup_poll_seconds = 20\n").await;
    let mut served = desk.serve();
    working(&desk).await;
    let mut soak = Soak { desk, random: Random(seed), expected: Expected::default(), said: vec![] };
    let mut database = database(&soak.desk).await;
    let (mut faults, mut sizes) = (0, vec![]);
    for n in 0..messages {
        soak.say(n);
        sleep(Duration::from_millis(soak.random.below(20))).await;
        if n % fail_every == fail_every - 1 {
            soak.fail(&mut served);
            faults += 1;
        }
        if n % 100 == 99 {
            let waits = Instant::now();
            while count(&mut database, "comment WHERE x_id IS NOT NULL").await + MAX_WAITING
                < soak.expected.comments.len()
            {
                assert!(waits.elapsed() < MAX_SILENCE, "what was said does not arrive");
                sleep(Duration::from_millis(100)).await;
            }
        }
        if n % (messages / 10).max(1) == 0 {
            sizes.push(memory(&served));
        }
    }
    soak.sim().clear_faults();
    soak.sim().disturb(Disturbance::default());
    let expected = &soak.expected;
    let (mut last, mut since) = (0, Instant::now());
    while last < expected.comments.len() && since.elapsed() < MAX_SILENCE {
        sleep(Duration::from_millis(200)).await;
        let now = count(&mut database, "comment WHERE x_id IS NOT NULL").await;
        if now > last {
            (last, since) = (now, Instant::now());
        }
    }
    soak.desk.quiet().await;

    let found = comments(&mut database).await;
    let mut times: BTreeMap<_, usize> = BTreeMap::new();
    for comment in &found {
        *times.entry(comment.clone()).or_default() += 1;
    }
    let missing: Vec<_> = expected.comments.iter().filter(|comment| !times.contains_key(*comment)).collect();
    assert!(missing.is_empty(), "{} messages are lost: {:?}", missing.len(), &missing[..missing.len().min(10)]);
    let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{} messages are there more than once: {:?}", twice.len(), &twice[..twice.len().min(10)]);
    let others: Vec<_> = times.keys().filter(|comment| !expected.comments.contains(*comment)).collect();
    assert!(others.is_empty(), "{} messages are on tickets of others: {:?}", others.len(), others.first());
    assert_eq!(count(&mut database, "ticket").await, expected.tickets.len(), "a ticket for each conversation");
    assert_eq!(count(&mut database, "inbox WHERE state = 'set_aside'").await, 0);
    let by_transport = database
        .texts(
            "SELECT transport || ' ' || count(*) FROM inbox WHERE state = 'done' GROUP BY transport ORDER BY transport",
        )
        .await;
    println!(
        "{messages} messages, {} comments on {} tickets; {faults} faults; {} s; first by: {}; memory in MiB after each \
         tenth: {sizes:?}",
        expected.comments.len(),
        expected.tickets.len(),
        began.elapsed().as_secs(),
        by_transport.join(", ")
    );
}

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_whatever_fails() {
    soak(600, 60, number("SOAK_SEED", 1)).await;
}

// Ten minutes are too long for every run of the suite, which has the short one above.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes many minutes"]
async fn nothing_is_lost_or_doubled_of_very_many() {
    let messages = number("SOAK_MESSAGES", 50_000) as usize;
    soak(messages, 250, number("SOAK_SEED", 1)).await;
}

/// How long it takes from a post to its ticket, rules applied, with the settings that are the default. It measures, so it is
/// for a quiet machine, and asserts nothing of time.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn how_long_it_takes_from_a_post_to_its_ticket() {
    let desk = desk("").await;
    let _served = desk.serve();
    working(&desk).await;
    desk.quiet().await;
    let mut database = database(&desk).await;
    let (mut random, mut waiting, mut taken) = (Random(1), BTreeMap::new(), BTreeMap::<_, Vec<Duration>>::new());
    let messages = number("SOAK_MESSAGES", 1_500) as usize;
    let (mut n, mut next, mut known) = (0, Instant::now(), 0_u64);
    while n < messages || !waiting.is_empty() {
        if n < messages && Instant::now() >= next {
            let (handle, transport) = ACCOUNTS[n % 5];
            let (by, text) = (format!("person{}", random.below(PEOPLE)), format!("@{handle} question {n}"));
            let id = desk.sim.post(&NewPost { by, text, ..NewPost::default() }).unwrap();
            waiting.insert(id, (transport, Instant::now()));
            next = Instant::now() + Duration::from_millis(random.below(400));
            n += 1;
        }
        let new = database
            .texts(format!("SELECT id || ' ' || x_id FROM comment WHERE id > {known} AND x_id IS NOT NULL ORDER BY id"))
            .await;
        for line in new {
            let (id, x_id) = line.split_once(' ').unwrap();
            known = id.parse().unwrap();
            if let Some((transport, said)) = waiting.remove(x_id) {
                taken.entry(transport).or_default().push(said.elapsed());
            }
        }
        sleep(Duration::from_millis(10)).await;
    }
    for (transport, mut times) in taken {
        times.sort();
        let at = |hundredth: usize| times[(times.len() * hundredth / 100).min(times.len() - 1)].as_secs_f64();
        println!("{transport}: {} posts, median {:.2} s, 99th percentile {:.2} s", times.len(), at(50), at(99));
    }
}
