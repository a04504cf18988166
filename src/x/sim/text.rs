//! Texts as X delivers them: escaped once, links shortened, entities counted in code points.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};
use unicode_segmentation::UnicodeSegmentation;

use crate::x::text::weighted_length;

/// How long X makes every link.
const LINK_LENGTH: usize = 23;
/// The most weighted characters an ordinary post takes.
pub(super) const LONGEST_POST: usize = 280;

/// A text in the form it has on the wire.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Wire {
    /// With `&`, `<` and `>` escaped, and links shortened.
    pub(super) text: String,
    /// Where in that text there are mentions, links and tags; offsets count code points.
    pub(super) entities: Map<String, Value>,
}

#[expect(clippy::unwrap_used, reason = "a pattern that is constant, compiled by every test")]
static MARKS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?P<url>https?://[^\s<>"]+)|[@＠](?P<at>[A-Za-z0-9_]{1,15})|[#＃](?P<hash>[\p{L}\p{M}\p{N}_]+)|\$(?P<cash>[A-Za-z]{1,6})"#,
    )
    .unwrap()
});

/// A mark in a plain text: bytes `start..end`.
struct Mark<'a> {
    start: usize,
    end: usize,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Link(&'a str),
    Mention(&'a str),
    Hashtag(&'a str),
    Cashtag(&'a str),
}

fn marks(plain: &str) -> impl Iterator<Item = Mark<'_>> {
    MARKS.captures_iter(plain).filter_map(|found| {
        let whole = found.get(0)?;
        let (start, mut end) = (whole.start(), whole.end());
        let before = plain.get(..start)?.chars().next_back();
        let after = plain.get(end..)?.chars().next();
        let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let kind = if let Some(url) = found.name("url") {
            let url = url.as_str().trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', ')', ']', '}', '…']);
            end = start + url.len();
            Kind::Link(url)
        } else if let Some(name) = found.name("at") {
            if word(before) || word(after) || matches!(before, Some('@' | '&')) || after == Some('@') {
                return None;
            }
            Kind::Mention(name.as_str())
        } else if let Some(tag) = found.name("hash") {
            if word(before) || before == Some('&') || tag.as_str().chars().all(char::is_numeric) {
                return None;
            }
            Kind::Hashtag(tag.as_str())
        } else {
            if word(before) || word(after) {
                return None;
            }
            Kind::Cashtag(found.name("cash")?.as_str())
        };
        Some(Mark { start, end, kind })
    })
}

/// The handles a text names, without `@`.
pub(super) fn handles(plain: &str) -> Vec<&str> {
    marks(plain).filter_map(|m| if let Kind::Mention(name) = m.kind { Some(name) } else { None }).collect()
}

/// Puts a text as people write it into the form X delivers. `shorten` makes the short form of a link,
/// `person` tells the id behind a handle; handles of nobody are no mentions.
pub(super) fn wire(
    plain: &str,
    shorten: &mut dyn FnMut(&str) -> String,
    person: &dyn Fn(&str) -> Option<String>,
) -> Wire {
    let mut out = Wire::default();
    let mut length = 0;
    let mut done = 0;
    let put = |text: &mut String, length: &mut usize, piece: &str| {
        let piece = escape(piece);
        *length += piece.chars().count();
        text.push_str(&piece);
    };
    let mut lists: [(&str, Vec<Value>); 4] =
        [("mentions", vec![]), ("urls", vec![]), ("hashtags", vec![]), ("cashtags", vec![])];
    let [mentions, urls, hashtags, cashtags] = &mut lists;
    for mark in marks(plain) {
        put(&mut out.text, &mut length, plain.get(done..mark.start).unwrap_or_default());
        let (start, whole) = (length, plain.get(mark.start..mark.end).unwrap_or_default());
        match mark.kind {
            Kind::Link(url) => {
                let short = shorten(url);
                put(&mut out.text, &mut length, &short);
                let shown = url.split_once("://").map_or(url, |(_, rest)| rest);
                let display: String = if shown.chars().count() > 30 {
                    shown.chars().take(29).chain(['…']).collect()
                } else {
                    shown.into()
                };
                urls.1.push(json!({
                    "start": start, "end": length, "url": short, "expanded_url": url, "display_url": display,
                }));
            }
            Kind::Mention(name) => {
                put(&mut out.text, &mut length, whole);
                if let Some(id) = person(name) {
                    mentions.1.push(json!({"start": start, "end": length, "username": name, "id": id}));
                }
            }
            Kind::Hashtag(tag) => {
                put(&mut out.text, &mut length, whole);
                hashtags.1.push(json!({"start": start, "end": length, "tag": tag}));
            }
            Kind::Cashtag(tag) => {
                put(&mut out.text, &mut length, whole);
                cashtags.1.push(json!({"start": start, "end": length, "tag": tag}));
            }
        }
        done = mark.end;
    }
    put(&mut out.text, &mut length, plain.get(done..).unwrap_or_default());
    for (name, list) in lists {
        if !list.is_empty() {
            out.entities.insert(name.into(), Value::Array(list));
        }
    }
    out
}

/// The three characters X escapes in texts.
pub(super) fn escape(plain: &str) -> String {
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Takes back what [`escape`] did, once.
pub(super) fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// The beginning of a long text that X still shows in `text`; what follows the cut is an ellipsis and a link.
pub(super) fn cut(plain: &str) -> &str {
    let room = LONGEST_POST - LINK_LENGTH - 3;
    let (mut length, mut end) = (0, 0);
    for word in plain.split_word_bounds() {
        length += weighted_length(word);
        if length > room {
            break;
        }
        end += word.len();
    }
    plain.get(..end).unwrap_or_default().trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_wire(plain: &str) -> Wire {
        wire(plain, &mut |_| "https://t.co/0123456789".into(), &|name| (name == "Acme").then(|| "7".into()))
    }

    #[test]
    fn offsets_count_code_points_of_the_escaped_text() {
        let wire = in_wire("👩‍👩‍👧 a<b & @Acme see https://example.com/a?b=c&d=e, #über!");
        assert_eq!(wire.text, "👩‍👩‍👧 a&lt;b &amp; @Acme see https://t.co/0123456789, #über!");
        let chars: Vec<char> = wire.text.chars().collect();
        let piece = |list: &str| {
            let entity = &wire.entities[list][0];
            let at = |key: &str| usize::try_from(entity[key].as_u64().unwrap()).unwrap();
            chars[at("start")..at("end")].iter().collect::<String>()
        };
        assert_eq!(piece("mentions"), "@Acme");
        assert_eq!(piece("urls"), "https://t.co/0123456789");
        assert_eq!(piece("hashtags"), "#über");
        assert_eq!(wire.entities["urls"][0]["expanded_url"], "https://example.com/a?b=c&d=e");
    }

    #[test]
    fn what_looks_like_a_mention_but_is_none() {
        for text in ["mail me@Acme.example", "@Acme_support_people_x", "@@Acme", "@Nobody"] {
            assert!(in_wire(text).entities.is_empty(), "{text}");
        }
    }

    #[test]
    fn escaping_is_undone_once() {
        assert_eq!(escape("&lt;"), "&amp;lt;");
        assert_eq!(unescape("&amp;lt;"), "&lt;");
    }
}
