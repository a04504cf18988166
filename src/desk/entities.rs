//! What X marks in the text of a post or direct message, and the media that it shows.

use serde::{Deserialize, Serialize};

use super::{MediaKind, XId};

/// What X marks in a text, and the media shown with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entities {
    /// What is marked in the text, in order; no two overlap.
    pub in_text: Vec<Entity>,
    /// Photos, videos and GIFs, in X's order.
    pub media: Vec<Media>,
}

impl Entities {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.in_text.is_empty() && self.media.is_empty()
    }
}

/// A marked part of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// Where it starts in the stored text, in code points.
    pub start: usize,
    /// Where it ends, exclusive.
    pub end: usize,
    /// What is marked.
    #[serde(flatten)]
    pub kind: EntityKind,
}

/// What is marked in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EntityKind {
    /// `@handle`.
    Mention {
        /// The handle, without `@`.
        handle: String,
        /// The person's id, if X gives it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<XId>,
    },
    /// `#tag`.
    Hashtag {
        /// The tag as written, without `#`.
        tag: String,
    },
    /// `$TAG`.
    Cashtag {
        /// The symbol as written, without `$`.
        tag: String,
    },
    /// A link. The stored text has its expanded form.
    Link {
        /// X's short form, `https://t.co/…`.
        url: String,
        /// The form that X's clients show, such as `acme.example/retur…`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        display: Option<String>,
        /// Where it leads: an `http` or `https` URL.
        expanded: String,
        /// The key of the media that it leads to, if these are shown with the message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        media: Option<String>,
    },
}

impl Entity {
    /// The marked part of the text; `None` if this is not the text's.
    pub fn of<'t>(&self, text: &'t str) -> Option<&'t str> {
        let byte = |place: usize| text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(place);
        text.get(byte(self.start)?..byte(self.end)?)
    }
}

/// A photo, video or GIF. Only the reference is stored; `x::media` fetches the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// What it is.
    pub kind: MediaKind,
    /// X's key for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The file: the photo, or the best MP4 of a video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A still picture of a video or GIF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<String>,
    /// Its description by the author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt: Option<String>,
    /// Width in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Duration in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}
