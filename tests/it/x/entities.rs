//! Entities: places in texts with escapes, emoji and combining marks, in both vocabularies.

use proptest::prelude::*;
use serde_json::{Value, json};
use twite::{
    desk::{Entity, EntityKind, MediaKind},
    x::wire::{decode_direct_line, decode_line},
};

/// A part of a generated text: as X sends it, as it is stored, and the entity that it is.
#[derive(Debug, Clone)]
struct Part {
    sent: String,
    stored: String,
    entity: Option<(&'static str, Value)>,
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn words() -> impl Strategy<Value = Part> {
    let pieces = [
        "a",
        "&",
        "<",
        ">",
        "&amp;",
        "&lt;",
        "é",
        "e\u{301}",
        "👩‍👩‍👧",
        "🇩🇪",
        "𝒳",
        "日本",
        "\n",
        " ",
        "\u{200f}",
        "@",
        "#",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..6).prop_map(|pieces| {
        let stored = pieces.concat();
        Part { sent: escape(&stored), stored, entity: None }
    })
}

fn marked() -> impl Strategy<Value = Part> {
    let signed = |sign: &'static str, list: &'static str, member: &'static str, words: &'static [&'static str]| {
        prop::sample::select(words).prop_map(move |word| {
            let text = format!("{sign}{word}");
            Part { sent: text.clone(), stored: text, entity: Some((list, json!({ member: word }))) }
        })
    };
    prop_oneof![
        signed("@", "mentions", "username", &["acme", "Ada_L"]),
        signed("＠", "mentions", "username", &["acme"]),
        signed("#", "hashtags", "tag", &["Spät", "日本", "e\u{301}te\u{301}"]),
        signed("$", "cashtags", "tag", &["ACME"]),
        prop::sample::select(vec!["https://acme.example/?a=1&b=<", "http://ü.example/é"]).prop_map(|expanded| Part {
            sent: "https://t.co/AbC123".into(),
            stored: expanded.into(),
            entity: Some((
                "urls",
                json!({"url": "https://t.co/AbC123", "expanded_url": expanded, "display_url": "acme…"})
            )),
        }),
    ]
}

/// The text as sent, as stored, and the entities of all parts, in the newer or the older vocabulary.
fn assemble(parts: &[Part], older: bool) -> (String, String, Value, usize) {
    let (mut sent, mut stored, mut entities, mut count) = (String::new(), String::new(), json!({}), 0);
    for part in parts {
        let start = sent.chars().count();
        sent.push_str(&part.sent);
        stored.push_str(&part.stored);
        let Some((list, entity)) = &part.entity else { continue };
        let (mut list, mut entity, end) = (*list, entity.clone(), sent.chars().count());
        if older {
            list = match list {
                "mentions" => "user_mentions",
                "cashtags" => "symbols",
                other => other,
            };
            for (old, new) in [("username", "screen_name"), ("tag", "text")] {
                if let Some(word) = entity.as_object_mut().unwrap().remove(old) {
                    entity[new] = word;
                }
            }
            entity["indices"] = json!([start, end]);
        } else {
            (entity["start"], entity["end"]) = (start.into(), end.into());
        }
        if entities[list].is_null() {
            entities[list] = json!([]);
        }
        entities[list].as_array_mut().unwrap().push(entity);
        count += 1;
    }
    (sent, stored, entities, count)
}

/// What an entity says that the text has at its place.
fn says(entity: &Entity) -> String {
    match &entity.kind {
        EntityKind::Mention { handle, .. } => format!("@{handle}"),
        EntityKind::Hashtag { tag } => format!("#{tag}"),
        EntityKind::Cashtag { tag } => format!("${tag}"),
        EntityKind::Link { expanded, .. } => expanded.clone(),
    }
}

fn check(text: &str, entities: &[Entity]) {
    let mut at = 0;
    for entity in entities {
        let there = entity.of(text).unwrap().replace('＠', "@").replace('＃', "#").replace('＄', "$");
        assert_eq!(there.to_lowercase(), says(entity).to_lowercase(), "{entity:?} of {text:?}");
        assert!(at <= entity.start && entity.start < entity.end, "{entity:?} of {text:?}");
        at = entity.end;
    }
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    prop::collection::vec(prop_oneof![words(), marked()], 1..12)
}

proptest! {
    #[test]
    fn an_entity_is_what_the_stored_text_has_at_its_place(parts in parts(), older: bool, long: bool) {
        let (sent, stored, entities, count) = assemble(&parts, older);
        let mut data = json!({"id": "3", "author_id": "4"});
        let short = json!({"text": sent.chars().take(5).collect::<String>(), "entities": {"mentions": []}});
        let (text, of) = match (long, older) {
            (false, _) => ("text", &mut data),
            (true, false) => { data["text"] = short["text"].clone(); data["entities"] = short["entities"].clone(); data["note_tweet"] = json!({}); ("text", &mut data["note_tweet"]) }
            (true, true) => { data["text"] = short["text"].clone(); data["extended_tweet"] = json!({}); ("full_text", &mut data["extended_tweet"]) }
        };
        (of[text], of["entities"]) = (sent.clone().into(), entities.clone());
        let post = decode_line(&json!({"data": data}).to_string()).unwrap();
        if count > 0 {
            prop_assert_eq!(&post.text, &stored);
            prop_assert_eq!(post.entities.in_text.len(), count);
        }
        check(&post.text, &post.entities.in_text);

        let message = json!({"data": {"id": "3", "sender_id": "4", "text": sent, "entities": entities}});
        let message = decode_direct_line(&message.to_string()).unwrap();
        if count > 0 {
            prop_assert_eq!(&message.text, stored.trim());
            prop_assert_eq!(message.entities.in_text.len(), count);
        }
        check(&message.text, &message.entities.in_text);
    }

    #[test]
    fn hostile_entities_are_dropped_one_by_one(
        parts in parts(),
        wrong in prop::collection::vec((0..5_usize, -3..40_i64, -3..40_i64, prop::sample::select(vec!["acme", "", "&", "amp;", "https://t.co/AbC123"])), 0..30),
    ) {
        let (sent, _, mut entities, _) = assemble(&parts, false);
        for (kind, start, end, word) in wrong {
            let list = ["mentions", "hashtags", "cashtags", "urls", "media"][kind];
            if entities[list].is_null() {
                entities[list] = json!([]);
            }
            let wrong = json!({"start": start, "end": end, "username": word, "tag": word, "url": word, "expanded_url": word});
            entities[list].as_array_mut().unwrap().insert(0, wrong);
        }
        let post = json!({"data": {"id": "3", "author_id": "4", "text": sent, "entities": entities}});
        let post = decode_line(&post.to_string()).unwrap();
        check(&post.text, &post.entities.in_text);
    }
}

#[test]
fn thousands_of_entities_are_bounded() {
    let text = "@acme ".repeat(3000);
    let mentions: Vec<_> = (0..3000).map(|n| json!({"start": n * 6, "end": n * 6 + 5, "username": "acme"})).collect();
    let media: Vec<_> = (0..3000).map(|n| format!("3_{n}")).collect();
    let data = json!({"id": "3", "author_id": "4", "text": text, "entities": {"mentions": mentions}, "attachments": {"media_keys": media}});
    let post = decode_line(&json!({"data": data}).to_string()).unwrap();
    assert_eq!((post.text, post.entities.in_text.len(), post.entities.media.len()), (text, 500, 16));
}

#[test]
fn only_web_links_are_expanded() {
    for expanded in ["javascript:alert(1)", "https://acme.example/a b", "file:///etc/passwd", ""] {
        let url = json!({"start": 4, "end": 18, "url": "https://t.co/1", "expanded_url": expanded});
        let data = json!({"id": "3", "author_id": "4", "text": "see https://t.co/1", "entities": {"urls": [url]}});
        let post = decode_line(&json!({"data": data}).to_string()).unwrap();
        assert_eq!((&*post.text, post.entities.in_text.len()), ("see https://t.co/1", 0), "{expanded:?}");
    }
}

#[test]
fn media_have_their_details_in_both_vocabularies() {
    let line = json!({
        "data": {"id": "3", "author_id": "4", "text": "look", "attachments": {"media_keys": ["3_1", "7_2", "16_3", "9_9"]}},
        "includes": {"media": [
            {"media_key": "3_1", "type": "photo", "url": "https://pbs.twimg.com/media/a.jpg", "alt_text": "a parcel & a dog", "width": 1200, "height": 675},
            {"media_key": "7_2", "type": "video", "preview_image_url": "https://pbs.twimg.com/b.jpg", "duration_ms": 71292, "width": -1, "height": 1e30, "variants": [
                {"bit_rate": 1, "content_type": "video/mp4", "url": "https://video.twimg.com/low.mp4"},
                {"bit_rate": 2, "content_type": "video/mp4", "url": "https://video.twimg.com/high.mp4"},
                {"content_type": "application/x-mpegURL", "url": "https://video.twimg.com/list.m3u8"},
            ]},
        ]},
    });
    let post = decode_line(&line.to_string()).unwrap();
    let [photo, video, gif] = &*post.entities.media else { panic!("{:?}", post.entities.media) };
    assert_eq!((photo.kind, photo.width, photo.height), (MediaKind::Photo, Some(1200), Some(675)));
    assert_eq!(photo.alt.as_deref(), Some("a parcel & a dog"));
    assert_eq!(photo.url.as_deref(), Some("https://pbs.twimg.com/media/a.jpg"));
    assert_eq!((video.kind, video.width, video.height, video.duration_ms), (MediaKind::Video, None, None, Some(71292)));
    assert_eq!(video.url.as_deref(), Some("https://video.twimg.com/high.mp4"));
    assert_eq!(video.preview.as_deref(), Some("https://pbs.twimg.com/b.jpg"));
    assert_eq!((gif.kind, &gif.url), (MediaKind::Gif, &None), "only its key is known");
    assert_eq!(decode_line(&post.payload).unwrap(), post, "what is kept reads back");

    let older = json!({"data": {"id": "3", "author_id": "4", "text": "look https://t.co/9", "extended_entities": {"media": [
        {"id_str": "5", "type": "animated_gif", "url": "https://t.co/9", "media_url_https": "https://pbs.twimg.com/c.jpg",
         "ext_alt_text": "a dog", "original_info": {"width": 3, "height": 4},
         "video_info": {"variants": [{"bitrate": 0, "content_type": "video/mp4", "url": "https://video.twimg.com/c.mp4"}]}},
    ]}}});
    let post = decode_line(&older.to_string()).unwrap();
    let [gif] = &*post.entities.media else { panic!("{:?}", post.entities.media) };
    assert_eq!((gif.kind, gif.alt.as_deref(), gif.width), (MediaKind::Gif, Some("a dog"), Some(3)));
    assert_eq!(gif.url.as_deref(), Some("https://video.twimg.com/c.mp4"));
    assert_eq!(gif.preview.as_deref(), Some("https://pbs.twimg.com/c.jpg"));
}
