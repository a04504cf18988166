//! Why a message to an account makes no ticket.

use super::words::words;

words! {
    /// Why a message to an account makes no ticket.
    NotCaptured, ordered: false {
        /// The account does not capture mentions.
        MentionsOff = "mentions_off",
        /// The account does not capture direct messages.
        DirectMessagesOff = "direct_messages_off",
        /// It was written before the time from which the account captures.
        Earlier = "before_capture_from",
    }
}
