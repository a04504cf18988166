//! The same messages give the same tickets, in whatever order and however often they arrive.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::owner::OwnerReads as _;
use crate::support::{inside, simulator};
use jiff::Timestamp;
use proptest::{prelude::*, test_runner::Config};
use twite::{
    desk::{Author, Comment, Spell, TicketId},
    sim::{NewPerson, SimHandle},
    x::{Post, wire::decode_line},
};

const CONVERSATIONS: &str = include_str!("../../../examples/conversations/northwind.ndjson");

/// What identifies tickets in any order: account, person, description, comments, the tickets they are linked with, their
/// statuses with the times at which they began, and since when an answer is waited for.
type Tickets = BTreeSet<(
    String,
    String,
    String,
    Vec<String>,
    BTreeSet<(String, String, Vec<String>)>,
    Vec<Spell>,
    Option<Timestamp>,
)>;

/// Reference: when the first of the requester's comments after the last answer was made.
fn waiting_since(comments: &[Comment]) -> Option<Timestamp> {
    let of = |author| comments.iter().filter(move |comment| comment.author == author);
    let answered = of(Author::Agent).map(|comment| comment.made).max();
    of(Author::Requester).map(|comment| comment.made).filter(|made| Some(*made) > answered).min()
}

async fn tickets(sim: &SimHandle, accounts: &[&str], posts: Vec<Post>) -> Tickets {
    tickets_in_parts(sim, accounts, posts, usize::MAX).await
}

/// The same, taking in this many posts at a time.
async fn tickets_in_parts(sim: &SimHandle, accounts: &[&str], posts: Vec<Post>, at_once: usize) -> Tickets {
    let directory = tempfile::tempdir().unwrap();
    let (daemon, ids) = inside::daemon(directory.path(), sim, accounts, "", "").await;
    // An edited post is as old as the version that arrived first.
    let is_edited = posts.iter().any(|post| post.version != post.id || post.versions.len() > 1);
    let timeless = |spell: Spell| Spell { since: Timestamp::UNIX_EPOCH, until: None, ..spell };
    for posts in posts.chunks(at_once) {
        daemon.feed(&ids[0], posts.to_vec()).await.unwrap();
        while daemon.take_next().await.unwrap() {}
    }
    let store = daemon.store();
    let mut plain = BTreeMap::new();
    for id in 1..=store.counts().await.unwrap().tickets {
        let id = TicketId(id);
        let ticket = store.ticket(id).await.unwrap().unwrap();
        let comments = store.comments(id).await.unwrap();
        let waiting = waiting_since(&comments);
        let comments: Vec<_> = comments.iter().filter_map(|c| c.source.x_id()).map(ToString::to_string).collect();
        assert_eq!(i64::try_from(comments.len()).unwrap(), ticket.comments, "the count of comments");
        // A merged ticket's comments have moved to the other ticket.
        if comments.is_empty() && store.links(id).await.unwrap().iter().any(|(_, why)| why == "merged") {
            continue;
        }
        assert_eq!(ticket.waiting_since, waiting, "{id:?}: {comments:?}");
        plain.insert(
            id,
            (
                ticket.account.clone().unwrap(),
                ticket.requester.id.clone().unwrap().to_string(),
                ticket.description.clone(),
                comments,
                ticket.spells().map(|spell| if is_edited { timeless(spell) } else { spell }).collect::<Vec<_>>(),
                ticket.waiting_since.filter(|_| !is_edited),
            ),
        );
    }
    let mut tickets = Tickets::new();
    for (id, (account, person, description, comments, spells, waiting)) in &plain {
        let links = store.links(*id).await.unwrap();
        let links = links.iter().filter_map(|(other, _)| {
            let (account, person, _, comments, ..) = plain.get(other)?;
            Some((account.clone(), person.clone(), comments.clone()))
        });
        let (account, person, description) = (account.clone(), person.clone(), description.clone());
        tickets.insert((account, person, description, comments.clone(), links.collect(), spells.clone(), *waiting));
    }
    assert_eq!(tickets.len(), plain.len(), "no two tickets are the same");
    store.close().await;
    tickets
}

async fn sim_with(accounts: &[(&str, &str)]) -> SimHandle {
    let sim = simulator().await;
    for (handle, id) in accounts {
        sim.make_user(&NewPerson { id: Some((*id).to_owned()), ..NewPerson::named(*handle) }).unwrap();
    }
    sim
}

fn examples() -> Vec<Post> {
    CONVERSATIONS.lines().filter(|line| line.starts_with("{\"data\"")).map(|line| decode_line(line).unwrap()).collect()
}

const NORTHWIND: &[(&str, &str)] =
    &[("NorthwindHelp", "1480000000000007919"), ("NorthwindRail", "1480000000000015838")];
const HANDLES: &[&str] = &["NorthwindHelp", "NorthwindRail"];

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_in_any_order() {
    let sim = sim_with(NORTHWIND).await;
    let straight = tickets(&sim, HANDLES, examples()).await;
    assert_eq!(straight.len(), 22, "so many people, conversations and accounts are in the examples");
    let mut posts = examples();
    posts.reverse();
    assert_eq!(tickets(&sim, HANDLES, posts).await, straight, "reversed");
    let mut posts = examples();
    posts.sort_by_key(|p| p.id.as_str().bytes().rev().collect::<Vec<_>>());
    assert_eq!(tickets(&sim, HANDLES, posts).await, straight, "shuffled");
    let mut posts = examples();
    posts.extend(examples().into_iter().rev());
    assert_eq!(tickets(&sim, HANDLES, posts).await, straight, "twice");
    sim.stop().await;
}

/// A generated post: its author, the earlier post it replies to, and whom it mentions.
#[derive(Debug, Clone)]
struct Made {
    author: usize,
    above: Option<usize>,
    mentions: Vec<usize>,
    names_person: bool,
    /// Number of edits, and whether each version lists the later ones.
    edits: usize,
    knows_later: bool,
    /// The version of the parent post that it replies to.
    names: prop::sample::Index,
}

const EVERYBODY: &[(&str, &str)] =
    &[("acme", "1001"), ("acmebike", "1002"), ("ada", "1003"), ("kim", "1004"), ("mira", "1005")];

fn conversation(most_edits: usize) -> impl Strategy<Value = Vec<Made>> {
    let made = (
        0..EVERYBODY.len(),
        any::<prop::sample::Index>(),
        0..4_u8,
        prop::collection::vec(0..EVERYBODY.len(), 0..3),
        any::<bool>(),
        (0..=most_edits, any::<bool>(), any::<prop::sample::Index>()),
    );
    prop::collection::vec(made, 1..14).prop_map(|made| {
        made.into_iter()
            .enumerate()
            .map(|(n, (author, above, kind, mentions, names_person, (edits, knows_later, names)))| Made {
                author,
                above: (n > 0 && kind > 0).then(|| above.index(n)),
                mentions,
                names_person,
                edits,
                knows_later,
                names,
            })
            .collect()
    })
}

/// The posts as X returns them: each version has its own id, and a version that starts a conversation starts its own.
fn written(made: &[Made]) -> Vec<Post> {
    let id = |n: usize, version: usize| (9_000_000_000_000_000_000_u64 / 8 + (n * 10 + version) as u64).to_string();
    let named = |n: usize| made[n].above.map(|above| (above, made[n].names.index(made[above].edits + 1)));
    // The version of the conversation's first post that the chain of replies leads to.
    let root = |n: usize, version: usize| {
        let (mut n, mut version) = (n, version);
        while let Some(above) = named(n) {
            (n, version) = above;
        }
        id(n, version)
    };
    let mut posts = vec![];
    for (n, post) in made.iter().enumerate() {
        for version in 0..=post.edits {
            let mut text = format!("post {n} for the {version} time");
            for mention in &post.mentions {
                text = format!("@{} {text}", EVERYBODY[*mention].0);
            }
            let known = if post.knows_later { post.edits } else { version };
            let history: Vec<_> = (0..=known).map(|version| id(n, version)).collect();
            let mut data = serde_json::json!({
                "id": id(n, version), "text": text, "author_id": EVERYBODY[post.author].1,
                "conversation_id": root(n, version), "edit_history_tweet_ids": history,
                "created_at": format!("2026-01-05T12:{n:02}:{version:02}.000Z"),
            });
            if let Some((above, version)) = named(n) {
                data["referenced_tweets"] = serde_json::json!([{"type": "replied_to", "id": id(above, version)}]);
                if post.names_person {
                    data["in_reply_to_user_id"] = EVERYBODY[made[above].author].1.into();
                }
            }
            posts.push(decode_line(&serde_json::json!({ "data": data }).to_string()).unwrap());
        }
    }
    posts
}

/// A post as X returns it, with small numbers for ids.
fn post(n: u64, text: &str, author: &str, conversation: u64, above: Option<u64>, history: &[u64]) -> Post {
    let id = |n: u64| (1_990_000_000_000_000_000 + n).to_string();
    let mut data = serde_json::json!({
        "id": id(n), "text": text, "author_id": author, "conversation_id": id(conversation),
        "edit_history_tweet_ids": history.iter().map(|n| id(*n)).collect::<Vec<_>>(),
    });
    if let Some(above) = above {
        data["referenced_tweets"] = serde_json::json!([{"type": "replied_to", "id": id(above)}]);
    }
    decode_line(&serde_json::json!({ "data": data }).to_string()).unwrap()
}

/// Posts of @mira, whose post is edited once, and of @acme: each version starts its own conversation, and replies
/// belong to the conversation of the version they answer.
fn edited() -> Vec<Post> {
    vec![
        post(1, "@acme teh parcel", "1005", 1, None, &[1, 2]),
        post(2, "@acme the parcel", "1005", 2, None, &[1, 2]),
        post(3, "@mira looking into it", "1001", 2, Some(2), &[3]),
        post(4, "@acme thanks!", "1005", 2, Some(3), &[4]),
    ]
}

/// Four posts in each of their orders.
fn orders(posts: impl Fn() -> Vec<Post>) -> impl Iterator<Item = Vec<Post>> {
    (0..24).map(move |n| {
        let (mut posts, mut left) = (posts(), n);
        let sizes = (1..=posts.len()).rev();
        sizes
            .map(|size| {
                let at = left % size;
                left /= size;
                posts.remove(at)
            })
            .collect()
    })
}

/// @mira writes, @acme answers, and @mira writes twice. It is the first of these two that waits.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_waited_for_since_the_same_time_in_any_order() {
    let posts = || {
        let lines = [
            r#""author_id": "1005", "text": "@acme hello""#,
            r#""author_id": "1001", "text": "@mira yes?", "referenced_tweets": [{"type": "replied_to", "id": "20"}]"#,
            r#""author_id": "1005", "text": "@acme where is it?", "referenced_tweets": [{"type": "replied_to", "id": "21"}]"#,
            r#""author_id": "1005", "text": "@acme anybody?", "referenced_tweets": [{"type": "replied_to", "id": "22"}]"#,
        ];
        let lines = lines.iter().enumerate().map(|(n, rest)| {
            format!(r#"{{"data": {{"id": "2{n}", "conversation_id": "20", "created_at": "2026-01-05T12:0{n}:00Z", {rest}}}}}"#)
        });
        lines.map(|line| decode_line(&line).unwrap()).collect()
    };
    let sim = sim_with(EVERYBODY).await;
    for order in orders(posts) {
        let order_of = format!("{:?}", order.iter().map(|post| post.id.as_str()).collect::<Vec<_>>());
        let tickets = tickets_in_parts(&sim, &["acme"], order, 1).await;
        let waiting: Vec<_> = tickets.iter().map(|ticket| ticket.6.map(|since| since.to_string())).collect();
        assert_eq!(waiting, [Some("2026-01-05T12:02:00Z".to_owned())], "{order_of}");
    }
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_post_is_one_in_any_order() {
    let sim = sim_with(EVERYBODY).await;
    for (n, order) in orders(edited).enumerate() {
        let tickets = tickets_in_parts(&sim, &["acme"], order, 1).await;
        let shape: Vec<_> = tickets.iter().map(|(_, _, text, comments, ..)| (text.as_str(), comments.len())).collect();
        assert_eq!(shape, [("@acme the parcel", 3)], "order {n}");
    }
    sim.stop().await;
}

/// Two versions of @mira's first post start two conversations. In the second, she writes to both accounts.
#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_is_merged_takes_its_comments_and_links_with_it() {
    let sim = sim_with(EVERYBODY).await;
    let posts = || {
        vec![
            post(1, "teh parcel", "1005", 1, None, &[1, 2]),
            post(2, "the parcel", "1005", 2, None, &[1, 2]),
            post(3, "@acme where is it?", "1005", 1, Some(1), &[3]),
            post(4, "@acme @acmebike anybody?", "1005", 2, Some(2), &[4]),
        ]
    };
    let straight = tickets(&sim, &["acme", "acmebike"], posts()).await;
    let shape: Vec<_> = straight
        .iter()
        .map(|(account, _, _, comments, links, ..)| (account.as_str(), comments.len(), links.len()))
        .collect();
    assert_eq!(shape, [("acme", 3, 1), ("acmebike", 3, 1)]);
    // The later ticket, which is the one that is merged, arrives first or last.
    for order in [[3, 2, 1, 0], [2, 3, 0, 1], [3, 2, 0, 1]] {
        let shuffled = order.iter().map(|n| posts().swap_remove(*n)).collect();
        assert_eq!(tickets_in_parts(&sim, &["acme", "acmebike"], shuffled, 1).await, straight, "{order:?}");
    }
    sim.stop().await;
}

proptest! {
    #![proptest_config(Config { cases: 32, ..Config::default() })]

    #[test]
    fn any_conversation_in_any_order(
        (posts, shuffled) in (0..3_usize).prop_flat_map(conversation).prop_flat_map(|made| {
            let posts = written(&made);
            (Just(posts.clone()), Just(posts).prop_shuffle())
        }),
        at_once in 1..5_usize,
    ) {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let sim = sim_with(EVERYBODY).await;
            let straight = tickets(&sim, &["acme", "acmebike"], posts).await;
            let other = tickets_in_parts(&sim, &["acme", "acmebike"], shuffled, at_once).await;
            sim.stop().await;
            assert_eq!(straight, other);
        });
    }
}
