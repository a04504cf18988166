//! The operations of X's API that Twite uses, with their prices.

use crate::desk::{XAction, post_text};

/// An operation of X's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// The account's own profile.
    Me,
    /// Posts that mention the account.
    Mentions,
    /// The account's own posts.
    OwnPosts,
    /// Posts the account liked.
    Likes,
    /// The account's direct messages.
    DirectMessages,
    /// The direct messages with one person.
    DirectMessagesWith,
    /// Posts by id.
    Posts,
    /// A new post.
    CreatePost,
    /// A new direct message.
    SendMessage,
    /// An action on a post or its author.
    Act(XAction),
    /// The subscriptions to events of the account.
    Subscriptions,
    /// A new subscription.
    Subscribe,
    /// The end of a subscription.
    Unsubscribe,
}

impl Operation {
    /// Method and path, as in X's documentation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Me => "GET /2/users/me",
            Self::Mentions => "GET /2/users/:id/mentions",
            Self::OwnPosts => "GET /2/users/:id/tweets",
            Self::Likes => "GET /2/users/:id/liked_tweets",
            Self::DirectMessages => "GET /2/dm_events",
            Self::DirectMessagesWith => "GET /2/dm_conversations/with/:participant_id/dm_events",
            Self::Posts => "GET /2/tweets",
            Self::CreatePost => "POST /2/tweets",
            Self::SendMessage => "POST /2/dm_conversations/with/:participant_id/messages",
            Self::Subscriptions => "GET /2/activity/subscriptions",
            Self::Subscribe => "POST /2/activity/subscriptions",
            Self::Unsubscribe => "DELETE /2/activity/subscriptions/:id",
            Self::Act(XAction::Like) => "POST /2/users/:id/likes",
            Self::Act(XAction::Hide) => "PUT /2/tweets/:id/hidden",
            Self::Act(XAction::Mute) => "POST /2/users/:id/muting",
            Self::Act(XAction::Unmute) => "DELETE /2/users/:source_user_id/muting/:target_user_id",
            Self::Act(XAction::Block) => "POST /2/users/:id/blocking",
            Self::Act(XAction::Unblock) => "DELETE /2/users/:source_user_id/blocking/:target_user_id",
        }
    }

    /// What reading one item costs at most, in millionths of a dollar: X's list prices of September 2026. An app that
    /// belongs to the account itself pays less for mentions, and what is read twice on a day is charged once. What X
    /// publishes no price for costs nothing here.
    pub const fn price_per_item(self) -> u64 {
        match self {
            Self::Mentions | Self::OwnPosts | Self::Posts => 5_000,
            Self::Likes => 1_000,
            Self::DirectMessages | Self::DirectMessagesWith | Self::Me => 10_000,
            Self::CreatePost
            | Self::SendMessage
            | Self::Act(_)
            | Self::Subscriptions
            | Self::Subscribe
            | Self::Unsubscribe => 0,
        }
    }
}

/// What sending a public reply costs at most, in millionths of a dollar.
pub fn price_of_post(text: &str) -> u64 {
    if post_text::link_count(text, false) > 0 { 200_000 } else { 15_000 }
}

/// What sending a direct message costs, in millionths of a dollar.
pub const PRICE_OF_MESSAGE: u64 = 15_000;
