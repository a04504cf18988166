//! Decodes the text of a message together with what X marks in it, and the media shown with it.
//!
//! X gives places in code points of the text as it is sent, with HTML escapes. So a text is cut first, its parts are
//! unescaped once, and the places are counted again in the result. An entity that is not what the text has at its place
//! is dropped; the others and the text stay.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::desk::{Entity, EntityKind, Media, MediaKind};

/// Maximum length of a stored text, in bytes; X's own limit is 25,000 characters.
const MAX_TEXT_BYTES: usize = 200_000;
/// Maximum number of entities stored with a text.
const MAX_ENTITIES: usize = 500;
/// Maximum number of media stored with a message; X shows at most four.
const MAX_MEDIA: usize = 16;
/// Maximum length of a URL, in bytes. A longer link stays short.
const MAX_URL_BYTES: usize = 4096;
/// Maximum length of a description of media, in bytes; X's own limit is 1,000 characters.
const MAX_ALT_BYTES: usize = 4000;
/// Maximum length of a handle, media key or display form, in bytes.
const MAX_WORD_BYTES: usize = 300;
/// Maximum width and height of media, in pixels.
const MAX_PIXELS: u64 = 100_000;

/// A text as its author wrote it, with what X marks in it.
#[derive(Debug, Default)]
pub(super) struct Marked {
    pub(super) text: String,
    pub(super) entities: Vec<Entity>,
}

/// An entity at its place in the text as X sends it, and how the stored text shows it.
struct Found {
    start: usize,
    end: usize,
    shown: String,
    /// `None` for a link that is removed from the text.
    kind: Option<EntityKind>,
}

impl Marked {
    /// Decodes a text: expands its short links and decodes X's three HTML escapes once. `is_hidden` says which links
    /// are removed from the text.
    pub(super) fn read(raw: &str, entities: Option<&Value>, is_hidden: impl Fn(&Value) -> bool) -> Self {
        let characters: Vec<char> = raw.chars().collect();
        let mut found: Vec<Found> = entities.map_or_else(Vec::new, |all| found(&characters, all, is_hidden));
        // The sort is stable: of several at one place, the first of X's list is kept.
        found.sort_by_key(|found| (found.start, found.end));
        let mut marked = Self { text: String::with_capacity(raw.len()), entities: vec![] };
        let (mut at, mut length) = (0, 0);
        for Found { start, end, shown, kind } in found {
            if start < at {
                continue;
            }
            length += marked.push(&unescaped(&characters, at, start));
            let start = length;
            length += marked.push(&shown);
            at = end;
            if let Some(kind) = kind.filter(|_| marked.entities.len() < MAX_ENTITIES) {
                marked.entities.push(Entity { start, end: length, kind });
            }
        }
        marked.push(&unescaped(&characters, at, characters.len()));
        if marked.text.len() > MAX_TEXT_BYTES {
            marked.text.truncate(marked.text.floor_char_boundary(MAX_TEXT_BYTES));
            let length = marked.text.chars().count();
            marked.entities.retain(|entity| entity.end <= length);
        }
        marked
    }

    /// Appends to the text and returns the number of code points.
    fn push(&mut self, part: &str) -> usize {
        self.text.push_str(part);
        part.chars().count()
    }

    /// Removes white space around the text.
    pub(super) fn trim(&mut self) {
        let before = self.text.chars().take_while(|c| c.is_whitespace()).count();
        self.text = self.text.trim().to_owned();
        let length = self.text.chars().count();
        self.entities.retain_mut(|entity| {
            let place = entity.start.checked_sub(before).zip(entity.end.checked_sub(before));
            let Some((start, end)) = place.filter(|(_, end)| *end <= length) else { return false };
            (entity.start, entity.end) = (start, end);
            true
        });
    }
}

/// The entities of all kinds that are what the text has at their places.
fn found(text: &[char], entities: &Value, is_hidden: impl Fn(&Value) -> bool) -> Vec<Found> {
    let all = |name: &str| entities.get(name).and_then(Value::as_array).into_iter().flatten();
    let mut found = vec![];
    for name in ["mentions", "user_mentions"] {
        found.extend(all(name).filter_map(|mention| {
            let handle = word(mention, &["username", "screen_name"])?;
            let id = word(mention, &["id", "id_str"]).and_then(|id| id.parse().ok());
            signed(text, mention, ['@', '＠'], handle, EntityKind::Mention { handle: handle.to_owned(), id })
        }));
    }
    found.extend(all("hashtags").filter_map(|hashtag| {
        let tag = word(hashtag, &["tag", "text"])?;
        signed(text, hashtag, ['#', '＃'], tag, EntityKind::Hashtag { tag: tag.to_owned() })
    }));
    for name in ["cashtags", "symbols"] {
        found.extend(all(name).filter_map(|cashtag| {
            let tag = word(cashtag, &["tag", "text"])?;
            signed(text, cashtag, ['$', '＄'], tag, EntityKind::Cashtag { tag: tag.to_owned() })
        }));
    }
    // In the older API, links to media are in a list of their own.
    for name in ["urls", "media"] {
        found.extend(all(name).filter_map(|url| link(text, url, is_hidden(url))));
    }
    found
}

/// The range of an entity in the text: `start` and `end`, or `indices` in the older API.
fn place(entity: &Value) -> Option<(usize, usize)> {
    let at = |value: Option<&Value>| usize::try_from(value?.as_u64()?).ok();
    let (old, new) = (|n: usize| at(entity.pointer(&format!("/indices/{n}"))), |name: &str| at(entity.get(name)));
    let (start, end) = (new("start").or_else(|| old(0))?, new("end").or_else(|| old(1))?);
    (start < end).then_some((start, end))
}

/// An entity that is a sign and a word.
fn signed(text: &[char], entity: &Value, signs: [char; 2], word: &str, kind: EntityKind) -> Option<Found> {
    let (start, end) = place(entity)?;
    let (sign, written) = text.get(start..end)?.split_first()?;
    let written: String = written.iter().collect();
    let is_there = signs.contains(sign)
        && !word.is_empty()
        && !word.contains(['&', '<', '>'])
        && written.to_lowercase() == word.to_lowercase();
    is_there.then(|| Found { start, end, shown: format!("{sign}{written}"), kind: Some(kind) })
}

fn link(text: &[char], entity: &Value, is_hidden: bool) -> Option<Found> {
    let (start, end) = place(entity)?;
    let here: String = text.get(start..end)?.iter().collect();
    let url = unescape(&here);
    let named = entity.get("url")?.as_str()?;
    if named != here && named != url {
        return None;
    }
    if is_hidden {
        return Some(Found { start, end, shown: String::new(), kind: None });
    }
    let expanded = ["unwound_url", "expanded_url"].into_iter().find_map(|name| web_url(entity.get(name)))?;
    let kind = EntityKind::Link {
        url,
        display: word(entity, &["display_url"]).map(str::to_owned),
        expanded: expanded.clone(),
        media: word(entity, &["media_key"]).map(str::to_owned),
    };
    Some(Found { start, end, shown: expanded, kind: Some(kind) })
}

/// The first of these members that is a short string.
fn word<'v>(value: &'v Value, names: &[&str]) -> Option<&'v str> {
    names.iter().find_map(|name| value.get(name)?.as_str()).filter(|word| word.len() <= MAX_WORD_BYTES)
}

/// An `http` or `https` URL without white space and control characters.
fn web_url(value: Option<&Value>) -> Option<String> {
    let url = value?.as_str()?;
    let is_web = ["http://", "https://"]
        .iter()
        .any(|scheme| url.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme)));
    let is_clean = !url.contains(|c: char| c.is_whitespace() || c.is_control());
    (is_web && is_clean && url.len() <= MAX_URL_BYTES).then(|| url.to_owned())
}

fn unescaped(text: &[char], start: usize, end: usize) -> String {
    unescape(&text.get(start..end).unwrap_or_default().iter().collect::<String>())
}

/// Decodes X's HTML escapes once: `&amp;lt;` becomes `&lt;`.
pub(super) fn unescape(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let escapes = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>')];
        match escapes.iter().find(|(escape, _)| after.starts_with(escape)) {
            Some((escape, c)) => {
                out.push(*c);
                rest = after.strip_prefix(escape).unwrap_or_default();
            }
            None => {
                out.push('&');
                rest = after.strip_prefix('&').unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

/// The keys of the media attached to a message.
pub(super) fn media_keys(data: &Value) -> Vec<&str> {
    let keys = data.pointer("/attachments/media_keys").and_then(Value::as_array);
    keys.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// What a media key stands for: the type is in `includes`, and encoded as a number at the start of the key.
pub(super) fn media_kind(key: &str, included: &BTreeMap<String, Value>) -> Option<MediaKind> {
    match (included.get(key).and_then(|media| media.get("type")?.as_str()), key.split('_').next()) {
        (Some(name), _) => kind_of(name),
        (None, Some("3")) => Some(MediaKind::Photo),
        (None, Some("7" | "13")) => Some(MediaKind::Video),
        (None, Some("16")) => Some(MediaKind::Gif),
        _ => None,
    }
}

fn kind_of(name: &str) -> Option<MediaKind> {
    match name {
        "photo" => Some(MediaKind::Photo),
        "video" => Some(MediaKind::Video),
        "animated_gif" => Some(MediaKind::Gif),
        _ => None,
    }
}

/// The media shown with a message: those attached, of which `includes` has the details; or, in the older API, those
/// inside the message itself.
pub(super) fn media(data: &Value, included: &BTreeMap<String, Value>) -> Vec<Media> {
    let attached = media_keys(data).into_iter().filter_map(|key| {
        let kind = media_kind(key, included)?;
        Some(one(kind, Some(key), included.get(key).unwrap_or(&Value::Null)))
    });
    let inside = ["/extended_entities/media", "/extended_tweet/extended_entities/media", "/entities/media"];
    let inside = inside.iter().find_map(|place| data.pointer(place)?.as_array()).into_iter().flatten();
    let inside = inside.chain(data.pointer("/attachment/media"));
    let inside = inside.filter_map(|media| Some(one(kind_of(media.get("type")?.as_str()?)?, None, media)));
    let mut all: Vec<Media> = vec![];
    for media in attached {
        if all.len() < MAX_MEDIA && !all.iter().any(|known| known.key == media.key) {
            all.push(media);
        }
    }
    if all.is_empty() {
        all.extend(inside.take(MAX_MEDIA));
    }
    all
}

fn one(kind: MediaKind, key: Option<&str>, details: &Value) -> Media {
    let picture = web_url(details.get("media_url_https"));
    // In the older API, `url` is the short link to the post.
    let file = if picture.is_some() { None } else { web_url(details.get("url")) };
    let (url, preview) = match kind {
        MediaKind::Photo => (file.or(picture), None),
        MediaKind::Video | MediaKind::Gif => {
            (file.or_else(|| best_variant(details)), web_url(details.get("preview_image_url")).or(picture))
        }
    };
    let number = |places: &[&str]| places.iter().find_map(|place| details.pointer(place)?.as_u64());
    let pixels = |places: &[&str]| {
        number(places).filter(|pixels| (1..=MAX_PIXELS).contains(pixels)).and_then(|pixels| u32::try_from(pixels).ok())
    };
    let alt = ["alt_text", "ext_alt_text"].iter().find_map(|name| details.get(name)?.as_str());
    Media {
        kind,
        key: key.or_else(|| word(details, &["media_key"])).filter(|key| key.len() <= MAX_WORD_BYTES).map(str::to_owned),
        url,
        preview,
        alt: alt
            .and_then(|alt| alt.get(..alt.floor_char_boundary(MAX_ALT_BYTES)))
            .filter(|alt| !alt.is_empty())
            .map(str::to_owned),
        width: pixels(&["/width", "/original_info/width"]),
        height: pixels(&["/height", "/original_info/height"]),
        duration_ms: number(&["/duration_ms", "/video_info/duration_millis"]),
    }
}

/// The URL of the MP4 with the highest bit rate.
fn best_variant(details: &Value) -> Option<String> {
    let all = ["/variants", "/video_info/variants"].iter().find_map(|place| details.pointer(place)?.as_array())?;
    let rate = |variant: &&Value| ["bit_rate", "bitrate"].iter().find_map(|name| variant.get(name)?.as_u64());
    let is_mp4 = |variant: &&Value| variant.get("content_type").and_then(Value::as_str) == Some("video/mp4");
    all.iter().filter(is_mp4).max_by_key(rate).and_then(|variant| web_url(variant.get("url")))
}
