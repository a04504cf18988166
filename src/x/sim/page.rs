//! Pages: opaque tokens that say where a walk goes on, so that what arrives meanwhile moves nothing.

use std::ops::RangeInclusive;

use sha2::{Digest, Sha256};

use super::query::Query;

/// Which page of a list is asked for.
#[derive(Debug)]
pub(super) struct Page {
    size: usize,
    from: Option<Turn>,
    path: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Turn {
    /// What comes after this key in a list that begins with the greatest.
    Older(u64),
    /// What comes before it.
    Newer(u64),
}

/// One page of a list.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) keys: Vec<u64>,
    pub(super) next: Option<String>,
    pub(super) previous: Option<String>,
}

impl Page {
    pub(super) fn read(query: &mut Query<'_>, path: &str, sizes: RangeInclusive<usize>, default: usize) -> Self {
        let size = query.number("max_results", sizes, default);
        let from = query.text("pagination_token").and_then(|token| {
            let turn = read_token(token, path);
            if turn.is_none() {
                query.fault("pagination_token", token, "is not valid");
            }
            turn
        });
        Self { size, from, path: path.into() }
    }

    /// Cuts the page out of the whole list, which begins with the greatest key.
    pub(super) fn cut(&self, keys: &[u64]) -> Cut {
        let (start, end) = match self.from {
            None => (0, self.size),
            Some(Turn::Older(last)) => {
                let start = keys.partition_point(|key| *key >= last);
                (start, start.saturating_add(self.size))
            }
            Some(Turn::Newer(first)) => {
                let end = keys.partition_point(|key| *key > first);
                (end.saturating_sub(self.size), end)
            }
        };
        let page: Vec<u64> = keys.get(start..end.min(keys.len())).unwrap_or_default().to_vec();
        let next = page.last().filter(|_| end < keys.len()).map(|last| self.token(Turn::Older(*last)));
        let previous = page.first().filter(|_| start > 0).map(|first| self.token(Turn::Newer(*first)));
        Cut { keys: page, next, previous }
    }

    fn token(&self, turn: Turn) -> String {
        let (sign, key) = match turn {
            Turn::Older(key) => ('n', key),
            Turn::Newer(key) => ('b', key),
        };
        format!("{}{sign}{key:016x}", seal(&self.path))
    }
}

/// Tokens hold for one list only.
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
