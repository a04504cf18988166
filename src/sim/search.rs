//! Recent search: X's query language, the posts that match a query, and their counts by minute, hour or day.

use serde_json::{Value, json};

use super::{
    answer::Answer,
    clock,
    endpoint::{Outcome, Request},
    page::Page,
    query::{Query, parse_id},
    show::{Asked, Subject},
    text,
    timelines::{self, Range},
    words::Words,
    world::{Post, World},
};

/// Maximum length of a query of a self-serve app, in characters.
const MAX_QUERY_CHARS: usize = 512;
/// Maximum nesting depth of groups and negations.
const MAX_DEPTH: usize = 16;
/// How far back recent search reaches, in milliseconds; enforced only if the clock was set by hand.
const RECENT_MILLIS: i64 = 7 * 24 * 60 * 60 * 1000;
/// Minimum time between `end_time` and the request, in milliseconds.
const SEARCH_DELAY_MILLIS: i64 = 10_000;

/// `GET /2/tweets/search/recent`
pub(super) fn recent(world: &World, request: &Request<'_>) -> Outcome {
    let mut query = request.query();
    let asked = Asked::read(&mut query, Subject::Post, request.asker.user());
    query.words("sort_order", &["recency", "relevancy"]);
    let page = Page::read(&mut query, &request.call.path, 10..=100, 10);
    let posts = world.search(&mut query);
    query.finish()?;
    let posts: Vec<u64> = posts.into_iter().map(|(id, _)| id).collect();
    Ok(timelines::show_range(world, &asked, &page, &posts))
}

/// `GET /2/tweets/counts/recent`
pub(super) fn counts(world: &World, request: &Request<'_>) -> Outcome {
    let mut query = request.query();
    let words = if query.sent("search_count.fields") { Words::Post } else { Words::Tweet };
    let length = match query.words("granularity", &["minute", "hour", "day"]).first().map(String::as_str) {
        Some("minute") => 60_000,
        Some("day") => 24 * 60 * 60 * 1000,
        _ => 60 * 60 * 1000,
    };
    let (start, end) = (query.time("start_time"), query.time("end_time"));
    let posts = world.search(&mut query);
    query.finish()?;
    let (start, end) = (start.unwrap_or(world.now() - RECENT_MILLIS), end.unwrap_or(world.now()));
    let (mut buckets, mut from, mut total) = (Vec::new(), start, 0);
    while from < end {
        let to = ((from / length + 1) * length).min(end);
        let count = posts.iter().filter(|(_, at)| (from..to).contains(at)).count();
        total += count;
        buckets
            .push(json!({"start": clock::written(from), "end": clock::written(to), words.say("tweet_count"): count}));
        from = to;
    }
    Ok(Answer::json(200, &json!({"data": buckets, "meta": {words.say("total_tweet_count"): total}})))
}

impl World {
    /// Posts that match a request's `query` and range, newest first, with their creation times in milliseconds.
    fn search(&self, query: &mut Query<'_>) -> Vec<(u64, i64)> {
        let range = Range::read(query);
        let oldest = if self.clock_set { self.now() - RECENT_MILLIS } else { i64::MIN };
        for (name, time) in [("start_time", range.start), ("end_time", range.end)] {
            let sent = query.text(name).unwrap_or_default();
            if time.is_some_and(|time| time < oldest) {
                query.fault(name, sent, &format!("must be on or after {}", clock::written(oldest)));
            } else if name == "end_time" && time.is_some_and(|time| time > self.now() - SEARCH_DELAY_MILLIS) {
                query.fault(name, sent, "must be a minimum of 10 seconds prior to the request time");
            }
        }
        let Some(sent) = query.text("query").filter(|text| !text.is_empty()) else {
            query.fault("query", "", "can not be empty");
            return Vec::new();
        };
        let expression = match parse(sent) {
            Ok(expression) => expression,
            Err(why) => {
                query.push(json!({"parameters": {"query": [sent]}, "message": why}));
                return Vec::new();
            }
        };
        let made = |id: u64| self.made_at(id).unwrap_or(0);
        let fits = |id: &u64, post: &Post| range.holds(self, *id) && made(*id) >= oldest && expression.fits(self, post);
        let mut found: Vec<(u64, i64)> = self
            .live_posts()
            .filter(|(id, post)| self.may_see(post.author, None) && fits(id, post))
            .map(|(id, _)| (id, made(id)))
            .collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        found
    }
}

/// A parsed query.
#[derive(Debug, PartialEq)]
enum Expr {
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Not(Box<Expr>),
    /// Consecutive words.
    Phrase(Vec<String>),
    Hashtag(String),
    Cashtag(String),
    /// The handle of a mentioned user.
    Mention(String),
    From(String),
    To(String),
    RepostsOf(String),
    Conversation(u64),
    RepliesTo(u64),
    Quotes(u64),
    Url(String),
    Lang(String),
    Is(String),
    Has(String),
}

const IS: &[&str] = &["retweet", "reply", "quote", "verified", "nullcast"];
const HAS: &[&str] = &["links", "media", "images", "videos", "video_link", "mentions", "hashtags", "cashtags", "geo"];

/// Parses a query. The error is a message in X's format.
fn parse(query: &str) -> Result<Expr, String> {
    let failed = |why: String| format!("There were errors processing your request: {why}");
    let length = query.chars().count();
    if length > MAX_QUERY_CHARS {
        return Err(failed(format!(
            "Rule length is {length} characters, longer than the maximum of {MAX_QUERY_CHARS}"
        )));
    }
    let mut parser = Parser { query, at: 0 };
    let expression = parser.any(0).and_then(|expression| match parser.peek() {
        None => Ok(expression),
        Some(c) => Err(format!("no viable alternative at character '{c}' (at position {})", parser.position())),
    });
    let expression = expression.map_err(failed)?;
    if expression.stands_alone() {
        return Ok(expression);
    }
    Err(failed("Rule must contain at least one positive, non-stopword clause".into()))
}

struct Parser<'a> {
    query: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.query.get(self.at..).unwrap_or_default()
    }

    /// Skips white space and returns the next character without consuming it.
    fn peek(&mut self) -> Option<char> {
        self.at += self.rest().len() - self.rest().trim_start().len();
        self.rest().chars().next()
    }

    /// Position in the query, in characters and counting from one, for error messages.
    fn position(&self) -> usize {
        self.query.get(..self.at).unwrap_or_default().chars().count() + 1
    }

    fn takes_or(&mut self) -> bool {
        self.peek();
        let or = self
            .rest()
            .strip_prefix("OR")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_whitespace() || c == '('));
        self.at += if or { 2 } else { 0 };
        or
    }

    fn any(&mut self, depth: usize) -> Result<Expr, String> {
        let mut parts = vec![self.all(depth)?];
        while self.takes_or() {
            parts.push(self.all(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::Any(parts) })
    }

    fn all(&mut self, depth: usize) -> Result<Expr, String> {
        let mut parts = Vec::new();
        loop {
            let before = self.at;
            if self.peek().is_none_or(|c| c == ')') || self.takes_or() {
                self.at = before;
                break;
            }
            parts.push(self.one(depth)?);
        }
        match parts.len() {
            0 => Err(format!("missing a clause (at position {})", self.position())),
            1 => Ok(parts.remove(0)),
            _ => Ok(Expr::All(parts)),
        }
    }

    fn one(&mut self, depth: usize) -> Result<Expr, String> {
        if depth > MAX_DEPTH {
            return Err(format!("groups are nested too deeply (at position {})", self.position()));
        }
        match self.peek() {
            Some('-') => {
                self.at += 1;
                Ok(Expr::Not(Box::new(self.one(depth + 1)?)))
            }
            Some('(') => {
                self.at += 1;
                let inner = self.any(depth + 1)?;
                if self.peek() != Some(')') {
                    return Err(format!("missing ')' (at position {})", self.position()));
                }
                self.at += 1;
                Ok(inner)
            }
            _ => self.term(),
        }
    }

    fn quoted(&mut self) -> Result<&'a str, String> {
        let (begun, rest) = (self.position(), self.rest().get(1..).unwrap_or_default());
        let end = rest.find('"').ok_or_else(|| format!("missing closing quote (at position {begun})"))?;
        self.at += end + 2;
        Ok(rest.get(..end).unwrap_or_default())
    }

    fn word(&mut self, stops: &[char]) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || stops.contains(&c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn term(&mut self) -> Result<Expr, String> {
        let begun = self.position();
        if self.peek() == Some('"') {
            return Ok(Expr::Phrase(words(self.quoted()?)));
        }
        let name = self.word(&['(', ')', ':', '"']);
        if !self.rest().starts_with(':') {
            let signed = |sign: char| name.strip_prefix(sign).filter(|rest| !rest.is_empty());
            return match (signed('#'), signed('$'), signed('@')) {
                (Some(tag), ..) => Ok(Expr::Hashtag(tag.to_lowercase())),
                (_, Some(tag), _) => Ok(Expr::Cashtag(tag.to_lowercase())),
                (.., Some(handle)) => Ok(Expr::Mention(handle.to_lowercase())),
                _ if words(name).is_empty() => {
                    Err(format!("no viable alternative at input '{name}' (at position {begun})"))
                }
                _ => Ok(Expr::Phrase(words(name))),
            };
        }
        self.at += 1;
        let value = if self.rest().starts_with('"') { self.quoted()? } else { self.word(&['(', ')']) };
        let handle = || value.trim_start_matches('@').to_lowercase();
        let bad = || format!("'{value}' is not a valid value for operator '{name}' (at position {begun})");
        let id = || parse_id(value).ok_or_else(bad);
        if value.is_empty() {
            return Err(bad());
        }
        let known = |list: &[&str]| if list.contains(&value) { Ok(value.to_owned()) } else { Err(bad()) };
        Ok(match name {
            "from" => Expr::From(handle()),
            "to" => Expr::To(handle()),
            "retweets_of" => Expr::RepostsOf(handle()),
            "conversation_id" => Expr::Conversation(id()?),
            "in_reply_to_tweet_id" => Expr::RepliesTo(id()?),
            "quotes_of_tweet_id" => Expr::Quotes(id()?),
            "url" => Expr::Url(value.to_lowercase()),
            "lang" => Expr::Lang(value.to_lowercase()),
            "is" => Expr::Is(known(IS)?),
            "has" => Expr::Has(known(HAS)?),
            _ => {
                return Err(format!(
                    "Reference to invalid operator '{name}'. Operator is not available in current product or product \
                     packaging (at position {begun})"
                ));
            }
        })
    }
}

impl Expr {
    /// Whether X accepts this as a whole query: `is:`, `has:`, `lang:` and negated clauses only narrow another clause.
    fn stands_alone(&self) -> bool {
        match self {
            Self::Any(parts) => parts.iter().all(Self::stands_alone),
            Self::All(parts) => parts.iter().any(Self::stands_alone),
            Self::Not(_) | Self::Is(_) | Self::Has(_) | Self::Lang(_) => false,
            _ => true,
        }
    }

    fn fits(&self, world: &World, post: &Post) -> bool {
        let is = |id: u64, handle: &str| world.handle(id).eq_ignore_ascii_case(handle) || parse_id(handle) == Some(id);
        let text = |name: &str| post.fields.get(name).and_then(Value::as_str).unwrap_or_default();
        match self {
            Self::All(parts) => parts.iter().all(|part| part.fits(world, post)),
            Self::Any(parts) => parts.iter().any(|part| part.fits(world, post)),
            Self::Not(part) => !part.fits(world, post),
            Self::Phrase(phrase) => {
                let said = words(&post.plain);
                phrase.is_empty() || said.windows(phrase.len()).any(|window| window == phrase.as_slice())
            }
            Self::Hashtag(tag) => text::tags(&post.plain, '#').iter().any(|t| t.to_lowercase() == *tag),
            Self::Cashtag(tag) => text::tags(&post.plain, '$').iter().any(|t| t.to_lowercase() == *tag),
            Self::Mention(handle) => world.named_in(post).into_iter().any(|id| is(id, handle)),
            Self::From(handle) => is(post.author, handle),
            Self::To(handle) => parse_id(text("in_reply_to_user_id")).is_some_and(|id| is(id, handle)),
            Self::RepostsOf(handle) => {
                post.reposts.and_then(|id| world.post(id)).is_some_and(|original| is(original.author, handle))
            }
            Self::Conversation(id) => parse_id(text("conversation_id")) == Some(*id),
            Self::RepliesTo(id) => post.replies_to == Some(*id),
            Self::Quotes(id) => post.quotes == Some(*id),
            Self::Url(part) => urls(post).iter().any(|url| url.to_lowercase().contains(part)),
            Self::Lang(lang) => text("lang") == lang,
            Self::Is(what) => match what.as_str() {
                "retweet" => post.reposts.is_some(),
                "reply" => post.replies_to.is_some(),
                "quote" => post.quotes.is_some(),
                "verified" => {
                    world.people.get(&post.author).is_some_and(|p| p.fields.get("verified") == Some(&json!(true)))
                }
                _ => false,
            },
            Self::Has(what) => match what.as_str() {
                "links" => !urls(post).is_empty(),
                "media" => !media(world, post, "").is_empty(),
                "images" => !media(world, post, "photo").is_empty(),
                "videos" | "video_link" => !media(world, post, "video").is_empty(),
                "mentions" => !world.named_in(post).is_empty(),
                "hashtags" => !text::tags(&post.plain, '#').is_empty(),
                "cashtags" => !text::tags(&post.plain, '$').is_empty(),
                _ => post.fields.contains_key("geo"),
            },
        }
    }
}

/// The words of a text, in lower case.
fn words(text: &str) -> Vec<String> {
    let split = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    split.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// The links of a post, before shortening.
fn urls(post: &Post) -> Vec<&str> {
    let lists = [post.fields.get("entities"), post.fields.get("note_tweet").and_then(|note| note.get("entities"))];
    let urls = lists.into_iter().flatten().filter_map(|entities| entities.get("urls")?.as_array()).flatten();
    urls.filter_map(|url| url.get("expanded_url")?.as_str()).collect()
}

/// Media keys of a post, of one kind, or of all kinds if `kind` is empty.
fn media<'a>(world: &'a World, post: &'a Post, kind: &str) -> Vec<&'a str> {
    let keys = post.fields.get("attachments").and_then(|a| a.get("media_keys")?.as_array()).into_iter().flatten();
    let of_kind = |key: &&str| {
        kind.is_empty() || world.media.get(*key).and_then(|media| media.get("type")?.as_str()) == Some(kind)
    };
    keys.filter_map(Value::as_str).filter(of_kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn and_binds_closer_than_or() {
        let phrase = |word: &str| Expr::Phrase(vec![word.into()]);
        assert_eq!(
            parse("a b OR -c d"),
            Ok(Expr::Any(vec![
                Expr::All(vec![phrase("a"), phrase("b")]),
                Expr::All(vec![Expr::Not(Box::new(phrase("c"))), phrase("d")]),
            ]))
        );
        assert_eq!(parse("(from:Acme)"), Ok(Expr::From("acme".into())));
        assert_eq!(parse("\"Two Words\""), Ok(Expr::Phrase(vec!["two".into(), "words".into()])));
        assert_eq!(parse("ORDER"), Ok(phrase("order")));
    }

    #[test]
    fn what_is_wrong_with_a_query_is_said() {
        for (query, says) in [
            ("is:reply", "at least one positive"),
            ("-from:acme", "at least one positive"),
            ("a OR has:links", "at least one positive"),
            ("(a", "missing ')' (at position 3)"),
            ("a)", "no viable alternative at character ')'"),
            ("\"a", "missing closing quote"),
            ("near:here", "invalid operator 'near'"),
            ("conversation_id:x", "'x' is not a valid value"),
            ("from:", "not a valid value"),
            ("OR a", "missing a clause"),
            ("!!", "no viable alternative"),
            (&"x".repeat(513), "longer than the maximum of 512"),
            (&"(".repeat(500), "nested too deeply"),
        ] {
            let error = parse(query).unwrap_err();
            assert!(error.contains(says), "{query}: {error}");
        }
    }
}
