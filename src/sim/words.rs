//! X's two vocabularies, `tweet` and `post`, with the fields and expansions of each.

/// A vocabulary. X is renaming tweets to posts, and responds in the vocabulary that the request used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    Tweet,
    Post,
}

/// Pairs of older and newer names.
const RENAMED: &[(&str, &str)] = &[
    ("referenced_tweets", "referenced_posts"),
    ("edit_history_tweet_ids", "edit_history_post_ids"),
    ("note_tweet", "note_post"),
    ("pinned_tweet_id", "pinned_post_id"),
    ("most_recent_tweet_id", "most_recent_post_id"),
    ("retweet_count", "repost_count"),
    ("tweet_count", "post_count"),
    ("total_tweet_count", "total_post_count"),
    ("tweets", "posts"),
];

/// The older name of a field; other names are returned unchanged.
pub(super) fn old_word(name: &str) -> &str {
    RENAMED.iter().find(|(_, new)| *new == name).map_or(name, |(old, _)| old)
}

fn new_word(name: &str) -> &str {
    RENAMED.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| new)
}

impl Words {
    pub(super) fn say(self, name: &str) -> &str {
        if self == Words::Post { new_word(name) } else { name }
    }
}

pub(super) const POST_FIELDS: &[&str] = &[
    "article",
    "attachments",
    "card_uri",
    "community_id",
    "context_annotations",
    "conversation_id",
    "created_at",
    "display_text_range",
    "edit_controls",
    "entities",
    "geo",
    "id",
    "lang",
    "media_metadata",
    "non_public_metrics",
    "organic_metrics",
    "possibly_sensitive",
    "promoted_metrics",
    "public_metrics",
    "reply_settings",
    "scopes",
    "source",
    "text",
    "withheld",
];
/// Post fields that exist in only one of the vocabularies.
pub(super) const TWEET_ONLY: &[&str] =
    &["author_id", "edit_history_tweet_ids", "in_reply_to_user_id", "note_tweet", "referenced_tweets"];
pub(super) const POST_ONLY: &[&str] = &[
    "article_title",
    "matched_media_notes",
    "note_post",
    "note_request_suggestions",
    "paid_partnership",
    "suggested_source_links",
    "suggested_source_links_with_counts",
];
pub(super) const USER_FIELDS: &[&str] = &[
    "affiliation",
    "confirmed_email",
    "connection_status",
    "created_at",
    "description",
    "entities",
    "id",
    "is_identity_verified",
    "location",
    "name",
    "parody",
    "profile_banner_url",
    "profile_image_url",
    "protected",
    "public_metrics",
    "receives_your_dm",
    "subscription",
    "subscription_type",
    "url",
    "username",
    "verified",
    "verified_followers_count",
    "verified_type",
    "withheld",
];
pub(super) const TWEET_USER_ONLY: &[&str] = &["most_recent_tweet_id", "pinned_tweet_id"];
pub(super) const POST_USER_ONLY: &[&str] = &["active_follower_count", "subscriber_count", "subscribes_to_you"];
pub(super) const DM_FIELDS: &[&str] =
    &["attachments", "created_at", "dm_conversation_id", "entities", "event_type", "id", "text"];
pub(super) const TWEET_DM_ONLY: &[&str] = &["participant_ids", "referenced_tweets", "sender_id"];
pub(super) const MEDIA_FIELDS: &[&str] = &[
    "alt_text",
    "duration_ms",
    "height",
    "media_key",
    "non_public_metrics",
    "organic_metrics",
    "preview_image_url",
    "promoted_metrics",
    "public_metrics",
    "type",
    "url",
    "variants",
    "width",
];
pub(super) const POLL_FIELDS: &[&str] = &["duration_minutes", "end_datetime", "id", "options", "voting_status"];
pub(super) const PLACE_FIELDS: &[&str] =
    &["contained_within", "country", "country_code", "full_name", "geo", "id", "name", "place_type"];

pub(super) const POST_EXPANSIONS: &[&str] = &[
    "article.cover_media",
    "article.media_entities",
    "attachments.media_keys",
    "attachments.media_source_tweet",
    "attachments.poll_ids",
    "author_id",
    "entities.mentions.username",
    "geo.place_id",
    "in_reply_to_user_id",
    "username",
];
pub(super) const TWEET_POST_EXPANSIONS: &[&str] = &[
    "edit_history_tweet_ids",
    "entities.note.mentions.username",
    "referenced_tweets.id",
    "referenced_tweets.id.author_id",
];
pub(super) const NEW_POST_EXPANSIONS: &[&str] = &["edit_history_post_ids", "referenced_posts"];
pub(super) const DM_EXPANSIONS: &[&str] = &["attachments.media_keys", "participant_ids", "sender_id"];
