//! Decoding what X delivers by itself: each line of the files in `tests/it/x/pushed`, as events.

use std::fs;

use proptest::prelude::*;
use twite::{
    desk::{Entities, IncomingKind, XId},
    x::{
        transport::push::{Event, MAX_DELIVERY_BYTES, Pushed, decode},
        wire::{decode_direct_line, decode_line},
    },
};

use crate::support::files::each_file;

fn shown(Pushed { account, event }: &Pushed) -> String {
    let text = match event {
        Event::Message(message) => {
            let read = match message.kind {
                IncomingKind::DirectMessage => {
                    let read = decode_direct_line(&message.payload).unwrap();
                    let with = read.with(account).map_or("nobody alone".to_owned(), |id| id.to_string());
                    let people: Vec<_> = read.people.iter().map(|person| person.handle.clone()).collect();
                    format!(
                        "{:?} by {} with {with}, {:?} {people:?} {:?}{}",
                        read.text,
                        read.sender,
                        read.media,
                        read.made,
                        media(&read.entities)
                    )
                }
                IncomingKind::Post | IncomingKind::Like => {
                    let read = decode_line(&message.payload).unwrap();
                    let people: Vec<_> = read.people.iter().map(|person| person.handle.clone()).collect();
                    format!(
                        "{:?} by {} in {} answers {:?} {people:?} {:?} {:?} {:?} mentions {:?}{}",
                        read.text,
                        read.author,
                        read.conversation,
                        read.replied_to.map(|id| id.to_string()),
                        read.facts.media,
                        read.facts.hashtags,
                        read.made,
                        read.mentions,
                        media(&read.entities)
                    )
                }
                IncomingKind::Deleted => String::new(),
            };
            format!("{} {} {read}", message.kind, message.x_id)
        }
        Event::Unreadable(kind, unreadable) => {
            let id = unreadable.id.as_ref().map(XId::to_string);
            format!("unreadable {kind} {id:?}: {}", unreadable.reason)
        }
        Event::Poll(endpoint) => format!("look at {}", endpoint.name()),
        Event::Blocked => "by a blocked person".to_owned(),
        Event::Revoked => "revoked".to_owned(),
    };
    format!("  for {account}: {}\n", text.trim_end())
}

/// The media of a message, a line each.
fn media(entities: &Entities) -> String {
    entities.media.iter().map(|media| format!("\n    {}", serde_json::to_string(media).unwrap())).collect()
}

#[test]
fn deliveries_are_read() {
    each_file("tests/it/x/pushed", "ndjson", |path| {
        let mut all = String::new();
        for line in fs::read_to_string(path).unwrap().lines() {
            let cut: String = line.chars().take(160).collect();
            let read = match decode(line.as_bytes()) {
                Ok(pushed) => pushed.iter().map(shown).collect::<String>(),
                Err(why) => format!("  error: {why}\n"),
            };
            all.push_str(&format!("{cut}\n{}", if read.is_empty() { "  nothing\n".to_owned() } else { read }));
        }
        insta::assert_snapshot!(all);
    });
}

#[test]
fn a_delivery_is_bounded() {
    let large = format!("{{\"data\":{{\"event_type\":\"{}\"}}}}", "x".repeat(MAX_DELIVERY_BYTES));
    assert!(decode(large.as_bytes()).unwrap_err().contains("at most 1048576 are read"));
    // Within that, nothing is left out.
    let tweet = r#"{"id_str":"1900000000000000021","text":"x","user":{"id_str":"5"}},"#.repeat(5_000);
    let many = format!("{{\"for_user_id\":\"9\",\"tweet_create_events\":[{}]}}", tweet.trim_end_matches(','));
    assert_eq!(decode(many.as_bytes()).unwrap().len(), 5_000);
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    /// No delivery makes it panic, however it is cut or changed.
    #[test]
    fn any_delivery_is_read_or_refused(which in 0..32_usize, cut in 0..2_000_usize, at in 0..2_000_usize, byte: u8) {
        let all = ["activity", "account_activity"]
            .map(|name| fs::read_to_string(format!("tests/it/x/pushed/{name}.ndjson")).unwrap())
            .concat();
        let lines: Vec<_> = all.lines().collect();
        let mut line = lines[which % lines.len()].as_bytes().to_vec();
        if let Some(place) = line.get_mut(at) {
            *place = byte;
        }
        line.truncate(line.len().saturating_sub(cut % 7 * (cut / 7)));
        let _ = decode(&line);
    }
}
