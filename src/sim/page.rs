//! Pagination with opaque tokens. A token holds the key of an item, so that new items do not shift the pages.

use std::ops::RangeInclusive;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{answer::put, query::Query};

/// The requested page of a list.
#[derive(Debug)]
pub(super) struct Page {
    size: usize,
    from: Option<Turn>,
    path: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Turn {
    /// Items after this key; lists are in descending order of their keys.
    Older(u64),
    /// Items before this key.
    Newer(u64),
}

/// One page of a list.
#[derive(Debug)]
pub(super) struct Cut<T> {
    pub(super) items: Vec<T>,
    next: Option<String>,
    previous: Option<String>,
}

impl Page {
    /// Reads `max_results`, and `pagination_token` or its synonym `next_token`.
    pub(super) fn read(query: &mut Query<'_>, path: &str, sizes: RangeInclusive<usize>, default: usize) -> Self {
        let size = query.number("max_results", sizes, default);
        let token = ["pagination_token", "next_token"].into_iter().find_map(|name| Some((name, query.text(name)?)));
        let from = token.and_then(|(name, token)| {
            let turn = read_token(token, path);
            if turn.is_none() {
                query.fault(name, token, "is not valid");
            }
            turn
        });
        Self { size, from, path: path.into() }
    }

    /// Extracts the page from the whole list, which is in descending order of its keys.
    pub(super) fn cut_by<T: Copy>(&self, list: &[T], key: impl Fn(&T) -> u64) -> Cut<T> {
        let (start, end) = match self.from {
            None => (0, self.size),
            Some(Turn::Older(last)) => {
                let start = list.partition_point(|item| key(item) >= last);
                (start, start.saturating_add(self.size))
            }
            Some(Turn::Newer(first)) => {
                let end = list.partition_point(|item| key(item) > first);
                (end.saturating_sub(self.size), end)
            }
        };
        let items: Vec<T> = list.get(start..end.min(list.len())).unwrap_or_default().to_vec();
        let next = items.last().filter(|_| end < list.len()).map(|last| self.token(Turn::Older(key(last))));
        let previous = items.first().filter(|_| start > 0).map(|first| self.token(Turn::Newer(key(first))));
        Cut { items, next, previous }
    }

    fn token(&self, turn: Turn) -> String {
        let (sign, key) = match turn {
            Turn::Older(key) => ('n', key),
            Turn::Newer(key) => ('b', key),
        };
        format!("{}{sign}{key:016x}", seal(&self.path))
    }
}

impl<T> Cut<T> {
    /// The `meta` object of the response: item count and page tokens.
    pub(super) fn meta(&self) -> Value {
        let mut meta = json!({"result_count": self.items.len()});
        for (name, token) in [("next_token", &self.next), ("previous_token", &self.previous)] {
            if let Some(token) = token {
                put(&mut meta, name, token.as_str());
            }
        }
        meta
    }
}

/// Prefix of a page token, which makes it valid for one path only.
fn seal(path: &str) -> String {
    Sha256::digest(path.as_bytes()).iter().take(6).map(|b| format!("{b:02x}")).collect()
}

fn read_token(token: &str, path: &str) -> Option<Turn> {
    let rest = token.strip_prefix(&seal(path))?;
    let key = u64::from_str_radix(rest.get(1..)?, 16).ok()?;
    match rest.chars().next()? {
        'n' => Some(Turn::Older(key)),
        'b' => Some(Turn::Newer(key)),
        _ => None,
    }
}
