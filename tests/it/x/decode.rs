//! Decoding what X sends: each line of the files in `tests/it/x/decode`, as a post or a direct message.

use std::{fmt::Write, fs};

use serde_json::json;
use twite::{
    desk::{Person, XId},
    x::{
        DirectMessage, Post,
        wire::{decode_direct_line, decode_directs, decode_line, decode_posts},
    },
};

use crate::support::files::each_file;

fn person(person: &Person) -> String {
    let all = [
        ("id", person.id.as_ref().map(ToString::to_string)),
        ("handle", person.handle.clone()),
        ("name", person.name.clone()),
        ("followers", person.followers.map(|n| n.to_string())),
        ("tweets", person.tweets.map(|n| n.to_string())),
        ("verified", person.verified.map(|v| v.to_string())),
        ("verified_type", person.verified_type.map(|v| v.to_string())),
    ];
    all.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?))).collect::<Vec<_>>().join(", ")
}

/// The fields that have a value, one per line.
fn shown(fields: &[(&str, Option<String>)]) -> String {
    fields.iter().filter_map(|(name, value)| Some(format!("  {name}: {}\n", value.as_ref()?))).collect()
}

fn id(id: &Option<XId>) -> Option<String> {
    id.as_ref().map(ToString::to_string)
}

fn post(post: &Post) -> String {
    shown(&[
        ("id", Some(post.id.to_string())),
        ("version", (post.version != post.id).then(|| post.version.to_string())),
        ("text", Some(format!("{:?}", post.text))),
        ("author", Some(post.author.to_string())),
        ("people", (!post.people.is_empty()).then(|| post.people.iter().map(person).collect::<Vec<_>>().join("; "))),
        ("conversation", (post.conversation != post.id).then(|| post.conversation.to_string())),
        ("answers", id(&post.replied_to)),
        ("answers person", id(&post.in_reply_to_user)),
        ("quotes", id(&post.quoted)),
        ("reposts", id(&post.reposted)),
        ("mentions", (!post.mentions.is_empty()).then(|| format!("{:?}", post.mentions))),
        ("facts", Some(serde_json::to_string(&post.facts).unwrap())),
        ("language", post.language.clone()),
        ("made", post.made.map(|at| at.to_string())),
    ])
}

fn direct(message: &DirectMessage) -> String {
    let account: XId = "9".parse().unwrap();
    shown(&[
        ("id", Some(message.id.to_string())),
        ("text", Some(format!("{:?}", message.text))),
        ("sender", Some(message.sender.to_string())),
        ("with", Some(message.with(&account).map_or_else(|| "nobody alone".to_owned(), |id| id.to_string()))),
        (
            "people",
            (!message.people.is_empty()).then(|| message.people.iter().map(person).collect::<Vec<_>>().join("; ")),
        ),
        ("made", message.made.map(|at| at.to_string())),
    ])
}

#[test]
fn lines_are_read() {
    each_file("tests/it/x/decode", "ndjson", |path| {
        let mut all = String::new();
        for line in fs::read_to_string(path).unwrap().lines() {
            let cut: String = line.chars().take(100).collect();
            let read = if path.to_str().unwrap().ends_with(".direct.ndjson") {
                decode_direct_line(line).map(|message| {
                    assert_eq!(decode_direct_line(&message.payload).unwrap(), message, "what is kept reads back");
                    direct(&message)
                })
            } else {
                decode_line(line).map(|read| {
                    assert_eq!(decode_line(&read.payload).unwrap(), read, "what is kept reads back");
                    post(&read)
                })
            };
            match read {
                Ok(read) => write!(all, "{cut}\n{read}\n").unwrap(),
                Err(unreadable) => write!(all, "{cut}\n  unreadable: {unreadable}\n\n").unwrap(),
            }
        }
        insta::assert_snapshot!(all);
    });
}

fn posts(answer: serde_json::Value) -> twite::x::Page<Post> {
    decode_posts(answer.to_string().as_bytes()).unwrap()
}

#[test]
fn a_page_keeps_the_place_of_what_cannot_be_read() {
    let page = posts(json!({
        "data": [
            {"id": "3", "text": "three", "author_id": "71"},
            {"id": 2, "text": "two", "author_id": "71"},
            {"id": "1", "text": "one", "author_id": "72"},
        ],
        "includes": {"users": [{"data": {"id": "71", "username": "ada"}}]},
        "meta": {"result_count": 3, "next_token": "more"},
        "errors": [{"title": "Not Found Error", "value": "4"}],
    }));
    let ids: Vec<_> = page.items.iter().map(|item| item.as_ref().ok().map(|post| post.id.to_string())).collect();
    assert_eq!(ids, [Some("3".to_owned()), None, Some("1".to_owned())]);
    assert_eq!(page.items[0].as_ref().unwrap().people[0].handle.as_deref(), Some("ada"));
    assert!(page.items[1].as_ref().unwrap_err().raw.windows(3).any(|raw| raw == b"two"));
    assert_eq!(page.next.as_deref(), Some("more"));
}

#[test]
fn an_empty_page_has_no_data() {
    let page = posts(json!({"meta": {"result_count": 0}}));
    assert_eq!((page.items.len(), page.next), (0, None));
    let page = decode_directs(br#"{"meta":{"result_count":0}}"#).unwrap();
    assert_eq!((page.items.len(), page.next), (0, None));
}

#[test]
fn joins_and_leaves_are_no_messages() {
    let page = json!({"data": [
        {"id": "3", "event_type": "ParticipantsJoin", "participant_ids": ["71"]},
        {"id": "2", "event_type": "MessageCreate", "text": "hello", "sender_id": "71"},
    ]});
    let page = decode_directs(page.to_string().as_bytes()).unwrap();
    assert_eq!(page.items.len(), 1);
}

#[test]
fn long_and_deep_input_is_bounded() {
    let long = json!({"data": {"id": "1", "text": "é".repeat(1_000_000), "author_id": "71"}}).to_string();
    let read = decode_line(&long).unwrap();
    assert!(read.text.len() <= 200_000 && read.text.starts_with("éé"), "{} bytes", read.text.len());
    let deep = format!(
        "{{\"data\":{{\"id\":\"1\",\"text\":\"deep\",\"author_id\":\"71\",\"x\":{}1{}}}}}",
        "[".repeat(100),
        "]".repeat(100)
    );
    assert_eq!(decode_line(&deep).unwrap().text, "deep");
    let deeper = "[".repeat(100_000);
    assert!(decode_line(&deeper).unwrap_err().reason.contains("not valid JSON"));
}
