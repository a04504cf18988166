//! Link detection in post text by X's published rules (twitter-text 3): URLs with a scheme, and bare domains under an
//! existing top-level domain. Independent of Twite's own link detection, so that it can reveal errors in that.

use std::ops::Range;

/// Maximum length of the path of a t.co link, in characters.
const MAX_SLUG: usize = 40;

/// Maximum length of a label that is searched for a top-level domain, in bytes.
const MAX_LABEL_BYTES: usize = 256;

/// Byte ranges of the links in a text, in order.
pub(super) fn links(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while let Some(start) = next_host(text, at) {
        let host = host_at(text, start);
        at = start + host.len();
        if let Some(link) = link_of(text, start, host) {
            at = link.end;
            found.push(link);
        }
    }
    found
}

/// Byte offset of the next host character.
fn next_host(text: &str, from: usize) -> Option<usize> {
    text.get(from..)?.char_indices().find(|(_, c)| is_host(*c)).map(|(at, _)| from + at)
}

/// The run of labels and dots that starts at byte `start`.
fn host_at(text: &str, start: usize) -> &str {
    let rest = text.get(start..).unwrap_or_default();
    let mut end = 0;
    for (at, c) in rest.char_indices() {
        let next = rest.get(at + c.len_utf8()..).and_then(|rest| rest.chars().next());
        // A dot must be followed by a host character; dashes and underscores need not be.
        let joins = match c {
            '.' => next.is_some_and(is_host),
            '-' | '_' => true,
            c => is_host(c),
        };
        if !joins {
            break;
        }
        end = at + c.len_utf8();
    }
    rest.get(..end).unwrap_or_default()
}

/// Byte range of the link whose host is in this run, if any.
fn link_of(text: &str, start: usize, run: &str) -> Option<Range<usize>> {
    let before = text.get(..start)?;
    let scheme = ["https://", "http://"].into_iter().find(|scheme| {
        before
            .len()
            .checked_sub(scheme.len())
            .and_then(|at| before.get(at..))
            .is_some_and(|s| s.eq_ignore_ascii_case(scheme))
    });
    let start_of_all = start - scheme.map_or(0, str::len);
    let preceding = text.get(..start_of_all)?.chars().next_back();
    let host = run.get(..domain_end(text, start, run)?)?;
    // The label before the top-level domain must not contain an underscore.
    if host.rsplit('.').nth(1)?.contains('_') {
        return None;
    }
    let host_end = start + host.len();
    if scheme.is_some() {
        if preceding.is_some_and(forbids_link) {
            return None;
        }
        if host.eq_ignore_ascii_case("t.co") {
            let slug = text.get(host_end..)?.strip_prefix('/')?;
            let length = slug.bytes().take_while(u8::is_ascii_alphanumeric).count();
            let end = host_end + 1 + length;
            let end = if slug.get(length..)?.starts_with('?') { tail_end(text, end) } else { end };
            return (length <= MAX_SLUG).then_some(start_of_all..end);
        }
        return Some(start_of_all..tail_end(text, host_end));
    }
    // Without a scheme, the link starts at the first of the Latin letters directly before the top-level domain.
    let plain_at = plain_start(host)?;
    let preceded_badly = |c: char| forbids_link(c) || matches!(c, '-' | '_' | '.' | '/');
    if plain_at == 0 && preceding.is_some_and(preceded_badly) {
        return None;
    }
    Some(start + plain_at..tail_end(text, host_end))
}

/// Byte offset in `run` at which the host ends: after the top-level domain at the start of a label, the last if several
/// labels start with one. No ASCII letter or digit, `@`, `+` or `-` may follow it.
fn domain_end(text: &str, start: usize, run: &str) -> Option<usize> {
    let labels = run.split('.').scan(0, |at, label| {
        let here = *at;
        *at += label.len() + 1;
        Some((here, label))
    });
    let ends = labels.skip(1).filter(|(_, label)| label.len() <= MAX_LABEL_BYTES).filter_map(|(at, label)| {
        let mut beginnings = label.char_indices().rev().map(|(last, c)| at + last + c.len_utf8());
        beginnings.find(|end| {
            let after = text.get(start + end..).and_then(|rest| rest.chars().next());
            let goes_on = after.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '@' | '+' | '-'));
            !goes_on && is_top_level(run.get(at..*end).unwrap_or_default())
        })
    });
    ends.last()
}

/// Whether a top-level domain exists, according to the public suffix list.
fn is_top_level(domain: &str) -> bool {
    let domain = domain.to_lowercase();
    let listed = |name: &str| psl::suffix(name.as_bytes()).is_some_and(|suffix| suffix.typ() == Some(psl::Type::Icann));
    // Some top-level domains are listed only as a wildcard, such as `*.ck`.
    !domain.is_empty() && (listed(&domain) || listed(&format!("a.{domain}")))
}

/// Byte offset of the run of Latin letters, digits, dashes and dots before the top-level domain; `None` if it is empty.
fn plain_start(host: &str) -> Option<usize> {
    let (name, _) = host.rsplit_once('.')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.') || matches!(c, '\u{c0}'..='\u{24f}');
    let start = name.char_indices().rev().take_while(|(_, c)| plain(*c)).last().map(|(at, _)| at)?;
    let dots = name.get(start..)?.bytes().take_while(|b| *b == b'.').count();
    (start + dots < name.len()).then_some(start + dots)
}

/// Byte offset at which a link ends: after the port, path and query that follow its host.
fn tail_end(text: &str, host_end: usize) -> usize {
    let rest = |at: usize| text.get(at..).unwrap_or_default();
    let mut end = host_end;
    if let Some(port) = rest(end).strip_prefix(':') {
        let digits = port.bytes().take_while(u8::is_ascii_digit).count();
        end += if digits > 0 { 1 + digits } else { 0 };
    }
    if rest(end).starts_with('/') {
        end += path_length(rest(end)).max(1);
    }
    if let Some(query) = rest(end).strip_prefix('?') {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "!?*'@();:&=+$/%#[]-_.,~|".contains(c);
        let closes = |c: char| c.is_ascii_alphanumeric() || "-_&=#/".contains(c);
        let whole = query.char_indices().take_while(|(_, c)| allowed(*c));
        end += whole.filter(|(_, c)| closes(*c)).last().map_or(0, |(at, c)| 1 + at + c.len_utf8());
    }
    end
}

/// Length in bytes of the path at the start of `text`, with balanced parentheses and without trailing punctuation.
fn path_length(text: &str) -> usize {
    let letter = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '\u{c0}'..='\u{24f}' if c != '×' && c != '÷')
            || matches!(c, '\u{400}'..='\u{4ff}')
    };
    let allowed = |c: char| letter(c) || "!*';:=+,.$/%#[]-–_~@|&".contains(c);
    let closes = |c: char| letter(c) || "+-=_#/".contains(c);
    let (mut end, mut at) = (0, 0);
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        if c == '(' {
            let Some(pair) = pair_length(text.get(at..).unwrap_or_default(), &allowed, 2) else { break };
            at += pair;
            end = at;
            continue;
        }
        if !allowed(c) {
            break;
        }
        at += c.len_utf8();
        if closes(c) {
            end = at;
        }
    }
    end
}

/// Length in bytes of the parenthesised group at the start of `text`; groups may be nested `depth` levels deep.
fn pair_length(text: &str, allowed: &dyn Fn(char) -> bool, depth: usize) -> Option<usize> {
    let mut at = 1;
    loop {
        let c = text.get(at..)?.chars().next()?;
        match c {
            ')' => return (at > 1).then_some(at + 1),
            '(' if depth > 1 => at += pair_length(text.get(at..)?, allowed, depth - 1)?,
            c if allowed(c) => at += c.len_utf8(),
            _ => return None,
        }
    }
}

/// Whether a character can be in a label: not white space, a control or directional character, or ASCII punctuation.
fn is_host(c: char) -> bool {
    !(c.is_whitespace() || c.is_ascii_punctuation() || c.is_control() || is_direction(c) || c == '\u{feff}')
}

fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}')
}

/// Whether no link can start directly after this character.
fn forbids_link(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '@' | '＠' | '$' | '#' | '＃' | '\u{202a}'..='\u{202e}')
}

#[cfg(test)]
mod tests {
    use super::links;

    #[test]
    fn links_are_those_of_x() {
        // A text, and the links expected in it.
        for (text, expected) in [
            ("see acme.com/help.", &["acme.com/help"] as &[&str]),
            ("bit.ly/abc t.me/acme acme.ai", &["bit.ly/abc", "t.me/acme", "acme.ai"]),
            ("acme.support/help foo.py acme.shop", &["acme.support/help", "foo.py", "acme.shop"]),
            ("virtual.host.conf a.b 3.14 e.g. v1.2.3", &["virtual.host"]),
            ("me@acme.com @acme.com #tag.com $x.com", &[]),
            ("john.co@acme.com", &[]),
            ("ftp://acme.com http://1.2.3.4/x http://localhost/", &[]),
            ("次acme.com acme.comです", &["acme.com", "acme.com"]),
            ("https://müller.de/ä müller.de", &["https://müller.de/ä", "müller.de"]),
            ("HTTPS://Acme.COM:8080/a?b=c&d=(e)!", &["HTTPS://Acme.COM:8080/a?b=c&d=(e"]),
            ("(acme.com/a_(b)) “acme.com”", &["acme.com/a_(b)", "acme.com"]),
            ("https://t.co/abcDEF123-x https://t.co/abc/d", &["https://t.co/abcDEF123", "https://t.co/abc"]),
            ("-acme.com _acme.com /acme.com ..acme.com", &[]),
            ("foo_bar.com https://foo_bar.com https://foo_bar.acme.com", &["https://foo_bar.acme.com"]),
            ("acme.com,acme.org;acme.net", &["acme.com", "acme.org", "acme.net"]),
            ("acme.co.uk/x acme.みんな xn--fsq.com", &["acme.co.uk/x", "acme.みんな", "xn--fsq.com"]),
            ("acme.com?q=1 acme.com/?q=1#top", &["acme.com?q=1", "acme.com/?q=1#top"]),
            ("a.ck https://t.co/abc?x あacme.みんなを", &["a.ck", "https://t.co/abc?x", "acme.みんな"]),
        ] {
            let found: Vec<&str> = links(text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
