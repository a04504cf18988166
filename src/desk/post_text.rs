//! X's rules for the text of a post: link detection, weighted length, and whether two texts are the same post.
//!
//! The numbers are those of version 3 of X's published counting configuration. Text is counted after NFC. Most
//! characters of the Latin, Greek, Cyrillic, Hebrew and Arabic ranges weigh 1, all others 2; an emoji weighs 2 and a
//! link 23, however long they are. Links need no scheme: any name under a top-level domain is a link, even `README.md`.
//! The list of top-level domains is IANA's, from the crate `tld`.

use std::{borrow::Cow, collections::BTreeSet, ops::Range, sync::LazyLock};

use icu_normalizer::ComposingNormalizerBorrowed;
use regex::Regex;

use super::text::fold;

const NFC: ComposingNormalizerBorrowed<'_> = ComposingNormalizerBorrowed::new_nfc();
/// Weighted length of a link.
const LINK: usize = 23;
/// Maximum length of a link with its scheme, in bytes.
const MAX_LINK: usize = 4096;
/// Maximum length of the path of a `t.co` link, in bytes.
const MAX_SHORT: usize = 40;

/// The regexes that find links. A link without a scheme is found in two steps, as X does: first a name of any letters,
/// then its parts of Latin letters.
struct Links {
    /// The character before a link, its scheme, its domain name, and one character after.
    link: Regex,
    /// A domain name of Latin letters, and one character after.
    plain_name: Regex,
    /// Port, path and query.
    rest: Regex,
    /// A `t.co` link: only a query may follow its path.
    short: Regex,
}

#[expect(clippy::unwrap_used, reason = "patterns that are constant, compiled by every test")]
static LINKS: LazyLock<Links> = LazyLock::new(|| {
    // IANA lists internationalised domains in Punycode. X also knows `.onion`.
    let mut domains: Vec<String> = tld::TLD.iter().map(|domain| idna::domain_to_unicode(domain).0).collect();
    domains.push("onion".to_owned());
    // Alternatives match in order, so longer domains come first.
    domains.sort_by_key(|domain| std::cmp::Reverse(domain.len()));
    let domain = format!(r"(?:{}|xn--[-0-9a-z]+)", domains.join("|"));
    let ends = r"(?:[^0-9a-zA-Z@+-]|$)";
    let latin = r"\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{FF}\x{100}-\x{24F}\x{253}\x{254}\x{256}\x{257}\x{259}\x{25B}\x{263}\x{268}\x{26F}\x{272}\x{289}\x{28B}\x{2BB}\x{300}-\x{36F}\x{1E00}-\x{1EFF}";
    let marks = r"\x{202A}-\x{202E}\x{61C}\x{200E}\x{200F}\x{2066}-\x{2069}";
    let never = r"\x{FFFE}\x{FEFF}\x{FFFF}";
    let letter = format!(
        r"[^!'#%&()*+,\\\-./:;<=>?@\[\]^_{{|}}~$\x{{9}}-\x{{D}}\x{{20}}\x{{85}}\x{{A0}}\x{{1680}}\x{{180E}}\x{{2000}}-\x{{200A}}\x{{2028}}\x{{2029}}\x{{202F}}\x{{205F}}\x{{3000}}{never}{marks}]"
    );
    let label = |inside: &str| format!(r"(?:(?:{letter}(?:{inside}|{letter})*)?{letter}\.)");
    let name = format!("{}*{}{domain}", label("[_-]"), label("-"));
    let general = format!(r"[a-z\x{{400}}-\x{{4FF}}0-9!*';:=+,.$/%#\[\]\-\x{{2013}}_~@|&{latin}]");
    let parentheses = format!(r"\((?:{general}+|{general}*\({general}+\){general}*)\)");
    let ending = format!(r"(?:[+\-a-z\x{{400}}-\x{{4FF}}0-9=_#/{latin}]|{parentheses})");
    let path = format!(r"(?:{general}*(?:{parentheses}{general}*)*{ending}|@{general}+/)");
    let query = r"[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/]";
    let pattern = |pattern: String| {
        regex::RegexBuilder::new(&pattern).case_insensitive(true).size_limit(64 << 20).build().unwrap()
    };
    Links {
        link: pattern(format!(
            r"(?P<before>[^A-Za-z0-9@＠$#＃{never}]|[{marks}]|^)(?P<scheme>https?://)?(?P<name>{name}){ends}"
        )),
        plain_name: pattern(format!(r"(?P<name>(?:[-a-z0-9{latin}]+\.)+{domain}){ends}")),
        rest: pattern(format!(r"^(?::[0-9]+)?(?P<path>/{path}*)?(?:\?{query})?")),
        short: pattern(format!(r"^https?://t\.co/(?P<name>[a-z0-9]+)(?:\?{query})?")),
    }
});

/// An emoji, with the variation selector that makes it text if it follows.
#[expect(clippy::unwrap_used, reason = "a pattern that is constant, compiled by every test")]
static EMOJI: LazyLock<Regex> = LazyLock::new(|| {
    // ©, ® and ™ are emoji only with the emoji variation selector.
    let one = r"(?:\p{Emoji_Modifier_Base}\x{FE0F}?\p{Emoji_Modifier}|[©®™]\x{FE0F}|[\p{Emoji}--[0-9\#*©®™]]\x{FE0F}?)";
    Regex::new(&format!(
        r"\p{{Regional_Indicator}}{{2}}|[0-9\#*]\x{{FE0F}}?\x{{20E3}}|\x{{1F3F4}}[\x{{E0020}}-\x{{E007E}}]+\x{{E007F}}|{one}(?:\x{{200D}}{one})*(?P<as_text>\x{{FE0E}})?"
    ))
    .unwrap()
});

/// Byte ranges of the links that X detects in an NFC text, in order.
pub(crate) fn links(text: &str) -> Vec<Range<usize>> {
    let patterns = &*LINKS;
    let mut found = vec![];
    let mut at = 0;
    while text.get(at..).is_some_and(|rest| rest.contains('.'))
        && let Some(link) = patterns.link.captures_at(text, at)
        && let (Some(before), Some(name)) = (link.name("before"), link.name("name"))
    {
        let start = link.name("scheme").map_or(name.start(), |scheme| scheme.start());
        let rest = text.get(name.end()..).and_then(|rest| patterns.rest.captures(rest));
        let end = name.end() + rest.as_ref().and_then(|rest| rest.get(0)).map_or(0, |rest| rest.end());
        at = end;
        if end - start > MAX_LINK {
            continue;
        }
        if link.name("scheme").is_some() {
            let short = text.get(start..end).and_then(|link| patterns.short.captures(link));
            match short.and_then(|short| Some((short.get(0)?.end(), short.name("name")?.len()))) {
                Some((_, length)) if length > MAX_SHORT => {}
                Some((length, _)) => found.push(start..start + length),
                None => found.push(start..end),
            }
            continue;
        }
        if before.as_str().ends_with(['-', '_', '.', '/']) {
            continue;
        }
        let first = found.len();
        let mut from = 0;
        while let Some(plain) =
            patterns.plain_name.captures_at(name.as_str(), from).and_then(|plain| plain.name("name"))
        {
            from = plain.end();
            found.push(name.start() + plain.start()..name.start() + plain.end());
        }
        // A path belongs to the last name.
        if found.len() > first
            && rest.is_some_and(|rest| rest.name("path").is_some())
            && let Some(last) = found.last_mut()
        {
            last.end = end;
        }
    }
    found
}

/// The handles in a text: `@` and 1 to 15 letters, digits or `_`, not inside a word or an email address.
pub(crate) fn handles(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('@').filter_map(|(at, _)| {
        let mut before = text.get(..at)?.chars().rev();
        let is_inside = match before.next() {
            // `.@acme` at the start of a post mentions the account.
            Some('.') => before.next().is_some_and(|c| !c.is_whitespace()),
            Some(c) => c.is_alphanumeric() || matches!(c, '_' | '@' | '/'),
            None => false,
        };
        if is_inside {
            return None;
        }
        let rest = text.get(at + 1..)?;
        let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        let more = rest.get(length..)?.chars().next();
        ((1..=15).contains(&length) && more != Some('@')).then(|| rest.get(..length)).flatten()
    })
}

/// Number of links in a text of X: without those to what the post shows, and without the one to the post that it quotes.
pub fn link_count(text: &str, is_quote: bool) -> usize {
    let text = NFC.normalize(text);
    let paths = links(&text).into_iter().map(|link| text.get(link).map_or(LinkTo::Elsewhere, LinkTo::of));
    let (mut elsewhere, mut posts) = (0_usize, 0_usize);
    for link in paths {
        match link {
            LinkTo::Elsewhere => elsewhere += 1,
            LinkTo::Post => posts += 1,
            LinkTo::Media => {}
        }
    }
    elsewhere + posts.saturating_sub(is_quote.into())
}

/// Number of handles that a text mentions, each once.
pub fn mention_count(text: &str) -> usize {
    handles(text).map(|handle| handle.to_ascii_lowercase()).collect::<BTreeSet<_>>().len()
}

/// What a link in a post is to.
enum LinkTo {
    /// What a post at X shows.
    Media,
    /// A post at X.
    Post,
    Elsewhere,
}

impl LinkTo {
    fn of(link: &str) -> Self {
        let link = link.to_ascii_lowercase();
        let link = link.trim_start_matches("https://").trim_start_matches("http://");
        let link = link.trim_start_matches("www.").trim_start_matches("mobile.");
        if link.starts_with("pic.x.com/") || link.starts_with("pic.twitter.com/") {
            return Self::Media;
        }
        let Some(path) = link.strip_prefix("x.com/").or_else(|| link.strip_prefix("twitter.com/")) else {
            return Self::Elsewhere;
        };
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let mut steps = path.split('/').skip_while(|step| *step != "status").skip(1);
        match (steps.next(), steps.next()) {
            (Some(id), what) if !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()) => match what {
                Some("photo" | "video") => Self::Media,
                _ => Self::Post,
            },
            _ => Self::Elsewhere,
        }
    }
}

/// Weighted length of a text, by X's counting rules.
pub fn weighted_length(text: &str) -> usize {
    let text = NFC.normalize(text);
    let mut length = 0;
    let mut at = 0;
    for link in links(&text) {
        length += weight_without_links(text.get(at..link.start).unwrap_or_default()) + LINK;
        at = link.end;
    }
    length + weight_without_links(text.get(at..).unwrap_or_default())
}

fn weight_without_links(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    let plain = |from: usize, to: usize| text.get(from..to).unwrap_or_default().chars().map(weight).sum::<usize>();
    let mut length = 0;
    let mut at = 0;
    for emoji in EMOJI.captures_iter(text) {
        let Some(whole) = emoji.get(0).filter(|_| emoji.name("as_text").is_none()) else { continue };
        length += plain(at, whole.start()) + 2;
        at = whole.end();
    }
    length + plain(at, text.len())
}

/// Weight of a code point.
fn weight(c: char) -> usize {
    let light = matches!(u32::from(c), 0..=4351 | 8192..=8205 | 8208..=8223 | 8242..=8247);
    if light { 1 } else { 2 }
}

/// Whether `shown`, the text of a post at X, is the text that was `sent`. X shortens links, which come back expanded
/// with a scheme, trims white space, and puts mentions of the people replied to in front.
pub fn is_same_post(sent: &str, shown: &str) -> bool {
    // A scheme can change where a link ends, so texts are compared without link detection first.
    if without_schemes(sent) == without_schemes(shown) {
        return true;
    }
    let (sent, shown) = (pieces(sent), pieces(shown));
    sent.len() == shown.len() && sent.iter().zip(&shown).all(|(sent, shown)| sent.is(shown))
}

/// A text normalised for comparison: case-folded, without leading mentions, and without the schemes and trailing
/// slashes of links.
fn without_schemes(text: &str) -> String {
    let text = NFC.normalize(text);
    let words = without_mentions(&text).split_whitespace().collect::<Vec<_>>().join(" ");
    let words = fold(&words).replace("http://", "").replace("https://", "");
    let mut rest = words.chars().peekable();
    let mut text = String::with_capacity(words.len());
    while let Some(c) = rest.next() {
        if c != '/' || rest.peek().is_some_and(|next| next.is_alphanumeric()) {
            text.push(c);
        }
    }
    text
}

/// A part of a text: words or a link.
#[derive(Debug, PartialEq)]
enum Piece {
    /// Words, folded.
    Words(String),
    /// A link, without its scheme.
    Link(String),
}

impl Piece {
    fn is(&self, other: &Self) -> bool {
        // An unresolved `t.co` link can lead anywhere.
        let short = |piece: &Self| matches!(piece, Self::Link(link) if link.starts_with("t.co/"));
        match (self, other) {
            (Self::Link(_), Self::Link(_)) if short(self) || short(other) => true,
            (one, other) => one == other,
        }
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let text = NFC.normalize(text);
    let mut pieces = vec![];
    let mut at = 0;
    for link in links(&text).into_iter().chain(std::iter::once(text.len()..text.len())) {
        let mut words = text.get(at..link.start).unwrap_or_default();
        if at == 0 {
            words = without_mentions(words);
        }
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        if !words.is_empty() {
            pieces.push(Piece::Words(fold(&words).into_owned()));
        }
        if !link.is_empty() {
            pieces.push(Piece::Link(bare(text.get(link.clone()).unwrap_or_default()).into_owned()));
        }
        at = link.end;
    }
    pieces
}

/// A text without its leading mentions.
fn without_mentions(text: &str) -> &str {
    let text = text.trim_start();
    match text.strip_prefix(['@', '＠']) {
        Some(rest) => {
            let name = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
            let after = rest.get(name..).unwrap_or_default();
            if name > 0 && after.chars().next().is_none_or(char::is_whitespace) {
                without_mentions(after)
            } else {
                text
            }
        }
        None => text,
    }
}

/// A link without its scheme, and with the rest normalised as a URL: case of the host, percent-encoding, empty path.
fn bare(link: &str) -> Cow<'_, str> {
    let schemed = if link.contains("://") { Cow::Borrowed(link) } else { format!("http://{link}").into() };
    match url::Url::parse(&schemed) {
        Ok(url) => {
            let url = url.as_str().split_once("://").map_or("", |(_, rest)| rest);
            url.strip_suffix('/').unwrap_or(url).to_owned().into()
        }
        Err(_) => link.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_counted_as_x_counts() {
        for case in
            include_str!("../../tests/it/desk/post_text/lengths.tsv").lines().filter(|line| !line.starts_with('#'))
        {
            let (length, text) = case.split_once('\t').unwrap();
            let text: String = serde_json::from_str(text).unwrap();
            assert_eq!(weighted_length(&text), length.parse::<usize>().unwrap(), "{text}");
        }
    }

    /// Compares with the lengths of X's own library, if `TWITE_LENGTHS` names a file that
    /// `tests/outside/twitter-text/lengths.js` printed.
    #[test]
    fn texts_are_counted_as_the_library_of_x_counts() {
        let Ok(path) = std::env::var("TWITE_LENGTHS") else { return };
        let lines = std::fs::read_to_string(path).unwrap();
        let mut differ = vec![];
        for line in lines.lines() {
            let (length, text): (usize, String) = serde_json::from_str(line).unwrap();
            if weighted_length(&text) != length {
                differ.push(format!("{text:?}: {} here, {length} there", weighted_length(&text)));
            }
        }
        println!("{} texts, {} differ", lines.lines().count(), differ.len());
        assert!(!lines.is_empty() && differ.is_empty(), "{}", differ.join("\n"));
    }

    #[test]
    fn a_post_is_recognised_whatever_x_made_of_it() {
        for (sent, shown) in [
            ("Please see acme.com/help. Ref 1", "Please see http://acme.com/help. Ref 1"),
            ("Please see acme.com/help. Ref 1", "@mira Please see https://t.co/abc. Ref 1"),
            ("  two \n lines ", "two lines"),
            ("Ｆull e\u{301}", "full é"),
            ("@mira thanks", "@mira @acme thanks"),
            ("ACME.com", "http://acme.com/"),
            ("https://acme.com/ü", "https://acme.com/%C3%BC"),
            ("acme-.com x", "http://acme-.com x"),
            ("acme.com:99999", "http://acme.com:99999"),
            ("acme.com?x", "http://acme.com?x"),
            ("acme.com?x", "http://acme.com/?x"),
            ("\u{FEFF}acme.com", "\u{FEFF}http://acme.com"),
            ("\u{FEFF}acme.com", "http://acme.com"),
            ("-acme.com acme-.com", "-acme.com http://acme-.com"),
        ] {
            assert!(is_same_post(sent, shown), "{sent} {shown}");
        }
        for (sent, shown) in [
            ("Ref 1", "Ref 2"),
            ("see acme.com/a", "see http://acme.com/b"),
            ("see acme.com/a", "see"),
            ("thanks @mira", "thanks"),
        ] {
            assert!(!is_same_post(sent, shown), "{sent} {shown}");
        }
    }

    #[test]
    fn links_are_what_a_person_wrote() {
        for (text, is_quote, links) in [
            ("", false, 0),
            ("see acme.com and https://acme.com/help.", false, 2),
            ("README.md is one at X", false, 1),
            ("mail me@acme.com", false, 0),
            ("look https://x.com/mira/status/12/photo/1", false, 0),
            ("look https://twitter.com/mira/status/12/video/1 acme.com", false, 1),
            ("https://x.com/sven/status/7", false, 1),
            ("this https://x.com/sven/status/7", true, 0),
            ("https://x.com/a/status/1 https://mobile.twitter.com/i/web/status/2?s=20", true, 1),
            ("nothing to see", true, 0),
            ("https://x.com/sven https://x.com/i/lists/status", false, 2),
        ] {
            assert_eq!(link_count(text, is_quote), links, "{text}");
        }
    }

    #[test]
    fn handles_are_counted_once() {
        for (text, mentions) in
            [("@acme @ACME @help hi", 2), ("mail me@acme.com", 0), ("", 0), (".@acme", 1), ("@a_very_long_handle_x", 0)]
        {
            assert_eq!(mention_count(text), mentions, "{text}");
        }
    }

    #[test]
    fn long_texts_take_no_longer_than_they_are() {
        for text in ["次", "a.", "a-", "_.", "a.b/", "@", "(", "http://", "👩‍", "次_.com"] {
            let text = text.repeat(20_000);
            assert!(weighted_length(&text) > 0);
        }
    }
}
