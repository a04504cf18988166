//! What X says of a message besides its text, as rules read it.

use crate::support::{inside, owner::OwnerReads as _, simulator};
use twite::{
    desk::{Ticket, TicketId},
    sim::{NewPerson, NewPost},
};

const RULES: &str = r#"
trigger "Opened" { on created when post.links > 1 and post.is_quote and post.media has photo then add tags opened }
trigger "Said" {
  on updated
  when comment.by_requester and comment.links is 1 and comment.mentions is 2 and not comment.is_quote
  then add tags linked
}
trigger "Shown" { on updated when comment.media has any of (photo, video) then add tags shown }
trigger "Quoted" { on updated when comment.is_quote and comment.links is 0 then add tags quoted }
trigger "Short" { on updated when comment.length < 12 then add tags short }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn rules_read_them_of_the_post_that_opened_the_ticket_and_of_what_was_said_since() {
    let (sim, directory) = (simulator().await, tempfile::tempdir().unwrap());
    for person in ["mira", "sven"] {
        sim.make_user(&NewPerson::named(person)).unwrap();
    }
    let (daemon, _) = inside::daemon(directory.path(), &sim, &["acme"], RULES, "").await;
    let post = |text: &str, answers: Option<&String>, quotes: Option<&String>, media| {
        let (in_reply_to, quotes) = (answers.cloned(), quotes.cloned());
        sim.post(&NewPost { by: "mira".into(), text: text.into(), in_reply_to, quotes, media }).unwrap()
    };
    let ticket = |id| {
        let daemon = daemon.clone();
        async move {
            daemon.run_until_idle().await.unwrap();
            let ticket: Ticket = daemon.store().ticket(TicketId(id)).await.unwrap().unwrap();
            ticket
        }
    };
    let quoted = sim.post(&NewPost { by: "sven".into(), text: "news".into(), ..NewPost::default() }).unwrap();
    let first = post("@acme see https://northwind.com/x and northwind.org", None, Some(&quoted), true);
    let opened = ticket(1).await;
    assert!(opened.tags.contains("opened"), "{:?} {:?}", opened.description, opened.post);
    assert_eq!((opened.post.links, opened.post.mentions), (Some(2), Some(1)));
    assert!(opened.post.length.is_some_and(|length| length > 50) && opened.post.has_media);

    post("@acme @sven look at https://northwind.net", Some(&first), None, false);
    assert!(ticket(1).await.tags.contains("linked"));
    post("@acme this", Some(&first), None, true);
    assert!(ticket(1).await.tags.contains("shown"));
    post("@acme and this", Some(&first), Some(&quoted), false);
    assert!(ticket(1).await.tags.contains("quoted"));
    assert!(!ticket(1).await.tags.contains("short"));
    post("@acme why", Some(&first), None, false);
    let last = ticket(1).await;
    assert!(last.tags.contains("short"));
    assert_eq!(last.post, opened.post, "it is what the ticket was opened with");
}

/// A post without the handle, which becomes known later, has what X said of it.
#[tokio::test(flavor = "multi_thread")]
async fn they_are_kept_with_a_post_that_joins_later() {
    let (sim, directory) = (simulator().await, tempfile::tempdir().unwrap());
    sim.make_user(&NewPerson::named("mira")).unwrap();
    let (daemon, _) = inside::daemon(directory.path(), &sim, &["acme"], RULES, "").await;
    let root = sim.post(&NewPost { by: "mira".into(), text: "a picture".into(), media: true, ..NewPost::default() });
    let root = root.unwrap();
    let mention = NewPost {
        by: "mira".into(),
        text: "@acme see above".into(),
        in_reply_to: Some(root.clone()),
        ..NewPost::default()
    };
    sim.post(&mention).unwrap();
    daemon.run_until_idle().await.unwrap();
    let comments = daemon.store().comments(TicketId(1)).await.unwrap();
    assert_eq!(comments.len(), 2, "the post above is theirs: {comments:?}");
    let mut tx = daemon.store().begin().await.unwrap();
    let kept = tx.post(&root.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(kept.facts.media.len(), 1);
}
