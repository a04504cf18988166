//! Post text in the form the X API delivers: `&`, `<` and `>` escaped, links shortened, entity offsets in code points.
//! Also X's weighted length, which limits the length of a post.

use std::sync::LazyLock;

use icu_normalizer::ComposingNormalizerBorrowed;
use regex::Regex;
use serde_json::{Map, Value, json};
use unicode_segmentation::UnicodeSegmentation;

use super::links::links;

/// Length of a shortened link in characters, and the weight of any link.
const LINK_LENGTH: usize = 23;
/// Maximum weighted length of an ordinary post.
pub(super) const MAX_POST_WEIGHT: usize = 280;
/// Maximum number of characters of a link's path in `display_url`.
const MAX_DISPLAYED_PATH: usize = 15;

/// A text in the form X delivers, with its entities.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Wire {
    /// With `&`, `<` and `>` escaped, and links shortened.
    pub(super) text: String,
    /// The mentions, links, hashtags and cashtags in that text; offsets count code points.
    pub(super) entities: Map<String, Value>,
}

impl Wire {
    /// Appends the short link of an attached medium, as X does for each.
    pub(super) fn attach(&mut self, key: &str, short: &str, expanded: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        let start = self.text.chars().count();
        self.text.push_str(short);
        let entity = json!({
            "start": start, "end": start + short.len(), "url": short, "media_key": key,
            "expanded_url": expanded,
            "display_url": format!("pic.x.com/{}", short.trim_start_matches("https://t.co/")),
        });
        if let Value::Array(urls) = self.entities.entry("urls").or_insert_with(|| json!([])) {
            urls.push(entity);
        }
    }
}

#[expect(clippy::unwrap_used, reason = "a pattern that is constant, compiled by every test")]
static MARKS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[@＠](?P<at>[A-Za-z0-9_]{1,15})|[#＃](?P<hash>[\p{L}\p{M}\p{N}_]+)|\$(?P<cash>[A-Za-z]{1,6})").unwrap()
});
#[expect(clippy::unwrap_used, reason = "a pattern that is constant, compiled by every test")]
static EMOJI: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[\p{Extended_Pictographic}\p{Regional_Indicator}]|^[0-9#*]\x{FE0F}?\x{20E3}").unwrap()
});

/// Weighted length: a link counts 23, an emoji of any number of code points 2, any other code point 1 or 2.
pub(super) fn weighted_length(plain: &str) -> usize {
    let plain = ComposingNormalizerBorrowed::new_nfc().normalize(plain);
    let (mut weight, mut done) = (0, 0);
    for link in links(&plain) {
        weight += weight_of(plain.get(done..link.start).unwrap_or_default()) + LINK_LENGTH;
        done = link.end;
    }
    weight + weight_of(plain.get(done..).unwrap_or_default())
}

fn weight_of(plain: &str) -> usize {
    let of_char =
        |c: char| if matches!(u32::from(c), 0..=4351 | 8192..=8205 | 8208..=8223 | 8242..=8247) { 1 } else { 2 };
    let of_grapheme = |grapheme: &str| {
        let composed = grapheme.chars().nth(1).is_some();
        if composed && EMOJI.is_match(grapheme) { 2 } else { grapheme.chars().map(of_char).sum() }
    };
    plain.graphemes(true).map(of_grapheme).sum()
}

/// A link, mention, hashtag or cashtag in a plain text, at bytes `start..end`.
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

/// All marks in order, without those inside a link.
fn marks(plain: &str) -> Vec<Mark<'_>> {
    let links = links(plain);
    let inside = |at: usize| links.iter().any(|link| link.contains(&at));
    let others = MARKS.captures_iter(plain).filter_map(|found| {
        let whole = found.get(0)?;
        let (start, end) = (whole.start(), whole.end());
        let before = plain.get(..start)?.chars().next_back();
        let after = plain.get(end..)?.chars().next();
        let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let kind = if let Some(name) = found.name("at") {
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
        (!inside(start)).then_some(Mark { start, end, kind })
    });
    let mut marks: Vec<Mark<'_>> = others.collect();
    for link in &links {
        let text = plain.get(link.clone()).unwrap_or_default();
        marks.push(Mark { start: link.start, end: link.end, kind: Kind::Link(text) });
    }
    marks.sort_by_key(|mark| mark.start);
    marks
}

/// The handles that a text mentions, without `@`.
pub(super) fn handles(plain: &str) -> Vec<&str> {
    let named = marks(plain).into_iter();
    named.filter_map(|mark| if let Kind::Mention(name) = mark.kind { Some(name) } else { None }).collect()
}

/// The hashtags (`#`) or cashtags (`$`) in a text, without their sign.
pub(super) fn tags(plain: &str, sign: char) -> Vec<&str> {
    let marks = marks(plain).into_iter();
    let tags = marks.filter_map(|mark| match mark.kind {
        Kind::Hashtag(tag) if sign == '#' => Some(tag),
        Kind::Cashtag(tag) if sign == '$' => Some(tag),
        _ => None,
    });
    tags.collect()
}

/// Converts text as written into the form X delivers. `shorten` returns the short URL of a link, `person` the user id
/// of a handle; a handle without one is not a mention.
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
                urls.1.push(json!({
                    "start": start, "end": length, "url": short, "expanded_url": expanded(url), "display_url": displayed(url),
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

/// The `expanded_url` of a link: with a scheme.
fn expanded(url: &str) -> String {
    if has_scheme(url) { url.to_owned() } else { format!("http://{url}") }
}

/// The `display_url` of a link: without scheme and `www.`, its path truncated.
fn displayed(url: &str) -> String {
    let bare = if has_scheme(url) { url.split_once("://").map_or(url, |(_, rest)| rest) } else { url };
    let bare = bare.strip_prefix("www.").unwrap_or(bare);
    let host = bare.find(['/', '?']).unwrap_or(bare.len());
    let path = bare.get(host..).unwrap_or_default();
    if path == "/" {
        return bare.trim_end_matches('/').to_owned();
    }
    let cut: String = path.chars().take(MAX_DISPLAYED_PATH).collect();
    let more = if cut.len() < path.len() { "…" } else { "" };
    format!("{}{cut}{more}", bare.get(..host).unwrap_or_default())
}

fn has_scheme(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https"))
}

/// Escapes `&`, `<` and `>`, as X does in texts.
pub(super) fn escape(plain: &str) -> String {
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Reverses [`escape`] once.
pub(super) fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// The part of a long text that X still delivers in `text`; X appends an ellipsis and a link.
pub(super) fn cut(plain: &str) -> &str {
    let room = MAX_POST_WEIGHT - LINK_LENGTH - 3;
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
