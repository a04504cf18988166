//! Entities from X to the comment, and what an edit and a deletion make of them.

use serde_json::json;
use twite::{
    desk::{Comment, EntityKind, Incoming, TicketId, Transport},
    sim::{NewPerson, NewPost},
    x::wire::decode_line,
};

use crate::support::{inside, owner::OwnerReads as _, simulator};

/// The parts of a comment's text that are marked.
fn marked(comment: &Comment) -> Vec<&str> {
    comment.entities.in_text.iter().map(|entity| entity.of(&comment.text).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_has_the_entities_of_its_post() {
    let (sim, directory) = (simulator().await, tempfile::tempdir().unwrap());
    sim.make_user(&NewPerson::named("ana")).unwrap();
    let (daemon, _) = inside::daemon(directory.path(), &sim, &["acme"], "", "").await;
    let text = "<b> & 🇩🇪 @acme #Spät https://acme.com/a?b&c";
    let post = NewPost { by: "ana".into(), text: text.into(), media: true, ..NewPost::default() };
    let post = sim.post(&post).unwrap();
    daemon.run_until_idle().await.unwrap();
    let comments = daemon.store().comments(TicketId(1)).await.unwrap();
    let [comment] = &*comments else { panic!("{comments:#?}") };
    let parts = marked(comment);
    assert_eq!(parts.get(..3), Some(&["@acme", "#Spät", "https://acme.com/a?b&c"][..]), "{comment:#?}");
    let [media] = &*comment.entities.media else { panic!("{comment:#?}") };
    assert_eq!((media.width, media.height), (Some(1200), Some(675)));
    assert!(media.url.as_ref().is_some_and(|url| url.starts_with("https://pbs.twimg.com/")), "{media:?}");
    let EntityKind::Mention { id: Some(_), .. } = &comment.entities.in_text[0].kind else { panic!("{comment:#?}") };

    let author = comment.author_id.clone();
    let edited = json!({"data": {
        "id": "9000000000000000000", "edit_history_post_ids": [post, "9000000000000000000"], "author_id": author, "text": "&amp; now #gone @acme",
        "entities": {"hashtags": [{"start": 10, "end": 15, "tag": "gone"}]},
    }});
    let edited = decode_line(&edited.to_string()).unwrap();
    let account = daemon.store().accounts().await.unwrap()[0].id.clone();
    daemon.app().feed(&account, vec![edited]).await.unwrap();
    while daemon.take_next().await.unwrap() {}
    let comments = daemon.store().comments(TicketId(1)).await.unwrap();
    assert_eq!((&*comments[0].text, marked(&comments[0])), ("& now #gone @acme", vec!["#gone"]));
    assert!(comments[0].entities.media.is_empty());

    let gone = Incoming::deleted(post.parse().unwrap());
    daemon.store().accept(&account, Transport::Lookup, &[gone], None, daemon.clock().now()).await.unwrap();
    while daemon.take_next().await.unwrap() {}
    let comments = daemon.store().comments(TicketId(1)).await.unwrap();
    assert!(comments[0].deleted && comments[0].entities.is_empty(), "{comments:#?}");

    let dm = sim.dm("ana", "acme", "#private & https://acme.com/x").unwrap();
    daemon.run_until_idle().await.unwrap();
    let comments = daemon.store().comments(TicketId(2)).await.unwrap();
    assert_eq!(comments[0].source.x_id().map(ToString::to_string), Some(dm));
    assert!(marked(&comments[0]).contains(&"https://acme.com/x"), "{comments:#?}");
    daemon.store().close().await;
}
