//! In any order of events, private messages are never quoted in public, and a private message is answered by a private
//! message to the same person.

use crate::support::{inside, simulator};
use proptest::{prelude::*, test_runner::Config};
use twite::sim::{NewPerson, NewPost, SentKind};

/// Rules that repeat everything they know wherever they can.
const RULES: &str = r#"
trigger "Say it all" {
  then
    reply "{{ticket.requester.handle}} says {{ticket.latest_comment | truncate: 60}} and {{comment.text | truncate: 60}}"
    note "{{ticket.description}}"
}

trigger "Close some" {
  on updated
  when comments >= 6
  then set status to closed
}
"#;
const LIMITS: &str = "[limits]\nreplies_per_person_per_hour = 1000\nreplies_per_account_per_hour = 100000\n";
const PEOPLE: &[&str] = &["ada", "kim", "mira"];
const SECRET: &str = "secret";

#[derive(Debug, Clone)]
enum Step {
    Mention { by: usize },
    ReplyToLast { by: usize, mention: bool },
    Direct { by: usize },
    DirectFromDesk { to: usize },
    PostFromDesk,
    Like,
    Edit,
    Delete,
}

fn step() -> impl Strategy<Value = Step> {
    let person = 0..PEOPLE.len();
    prop_oneof![
        3 => person.clone().prop_map(|by| Step::Mention { by }),
        3 => (person.clone(), any::<bool>()).prop_map(|(by, mention)| Step::ReplyToLast { by, mention }),
        4 => person.clone().prop_map(|by| Step::Direct { by }),
        1 => person.prop_map(|to| Step::DirectFromDesk { to }),
        1 => Just(Step::PostFromDesk),
        1 => Just(Step::Like),
        1 => Just(Step::Edit),
        1 => Just(Step::Delete),
    ]
}

async fn play(steps: &[Step]) {
    let directory = tempfile::tempdir().unwrap();
    let sim = simulator().await;
    for person in PEOPLE {
        sim.make_user(&NewPerson::named(*person)).unwrap();
    }
    let (daemon, accounts) = inside::daemon(directory.path(), &sim, &["acme"], RULES, LIMITS).await;
    let mut posts: Vec<String> = Vec::new();
    for (n, step) in steps.iter().enumerate() {
        let post = |by: &str, text: String, in_reply_to: Option<String>| {
            sim.post(&NewPost { by: by.into(), text, in_reply_to, ..NewPost::default() })
        };
        // Some steps are impossible in some states; the simulator refuses them as X would.
        match step {
            Step::Mention { by } => posts.extend(post(PEOPLE[*by], format!("@acme help {n}"), None)),
            Step::ReplyToLast { by, mention } => {
                let text = if *mention { format!("@acme more {n}") } else { format!("more {n}") };
                posts.extend(post(PEOPLE[*by], text, posts.last().cloned()));
            }
            Step::Direct { by } => {
                let _ = sim.dm(PEOPLE[*by], "acme", &format!("{SECRET} {n} of {}", PEOPLE[*by]));
            }
            Step::DirectFromDesk { to } => {
                let _ = sim.dm("acme", PEOPLE[*to], &format!("{SECRET} answer {n}"));
            }
            Step::PostFromDesk => posts.extend(post("acme", format!("we are here {n}"), posts.last().cloned())),
            Step::Like => {
                let _ = posts.last().map(|p| sim.like("acme", p));
            }
            Step::Edit => {
                posts.extend(posts.last().map(|p| sim.edit(p, &format!("@acme edited {n}"))).into_iter().flatten())
            }
            Step::Delete => {
                let _ = posts.pop().map(|p| sim.delete(&p));
            }
        }
        if n % 3 == 0 {
            daemon.run_until_idle().await.unwrap();
        }
    }
    daemon.run_until_idle().await.unwrap();
    let sent = sim.sent();
    for sent in &sent {
        let text = sent.text.as_deref().unwrap_or_default();
        match sent.kind {
            SentKind::Post => assert!(!text.contains(SECRET), "in public: {text}"),
            SentKind::Dm => {
                let to = sent.to.as_deref().unwrap_or_default();
                let owner =
                    PEOPLE.iter().find(|p| text.starts_with(&format!("{p} says"))).expect("every reply starts so");
                let me = sim.connect(owner).unwrap().user_id;
                assert_eq!(to, me, "a private answer for {owner} went to somebody else");
            }
            other => panic!("the daemon never does this: {other:?}"),
        }
        assert_eq!(sent.author_id, accounts[0].as_str());
    }
    // Without any private reply, the test would prove nothing.
    if steps.iter().any(|s| matches!(s, Step::Direct { .. })) {
        assert!(sent.iter().any(|s| s.kind == SentKind::Dm), "private messages are answered");
    }
    daemon.store().close().await;
    sim.stop().await;
}

proptest! {
    #![proptest_config(Config { cases: 24, ..Config::default() })]

    #[test]
    fn nothing_private_gets_out(steps in prop::collection::vec(step(), 1..24)) {
        tokio::runtime::Runtime::new().unwrap().block_on(play(&steps));
    }
}
