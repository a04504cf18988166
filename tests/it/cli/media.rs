//! `twite ticket media`, and media in `twite ticket show`.

use serde_json::json;
use twite::x::wire::decode_line;

use super::ticket::{json as shown, twite};
use crate::support::{database, inside, simulator};

#[tokio::test(flavor = "multi_thread")]
async fn media_are_shown_and_only_those_of_x_are_saved() {
    let (sim, directory) = (simulator().await, tempfile::tempdir().unwrap());
    let (daemon, ids) = inside::daemon(directory.path(), &sim, &["acme"], "", "").await;
    let post = json!({
        "data": {"id": "1990000000000000001", "author_id": "71", "text": "@acme look", "attachments": {"media_keys": ["3_1"]}},
        "includes": {"media": [{"media_key": "3_1", "type": "photo", "url": "https://elsewhere.example/a.jpg", "alt_text": "a \u{202e}parcel"}]},
    });
    daemon.app().feed(&ids[0], vec![decode_line(&post.to_string()).unwrap()]).await.unwrap();
    daemon.run_until_idle().await.unwrap();
    daemon.store().close().await;
    let database = database::path_at(&directory.path().join("twite.db")).await;
    let to = directory.path().to_str().unwrap();
    let rules = directory.path().join("rules");
    let rules = ["--rules", rules.to_str().unwrap()];

    let ticket = shown(&database, &[&["ticket", "show", "1"][..], &rules].concat());
    assert_eq!(ticket["comments"][0]["entities"]["media"][0]["key"], "3_1", "{ticket}");
    let (_, text, _) = twite(&database, &[&["ticket", "show", "1"][..], &rules].concat());
    assert!(text.contains("photo https://elsewhere.example/a.jpg \"a \\u{202e}parcel\""), "{text}");
    let (status, out, errors) = twite(&database, &[&["ticket", "media", "1", "--to", to][..], &rules].concat());
    assert_eq!((status, &*out), (1, ""), "{errors}");
    assert!(errors.contains("only media at pbs.twimg.com"), "{errors}");
    let (status, _, errors) = twite(&database, &[&["ticket", "media", "1", "999"][..], &rules].concat());
    assert_eq!(status, 2, "{errors}");
}
