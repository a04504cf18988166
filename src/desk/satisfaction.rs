//! How satisfied a requester is: being asked, and how an answer is recognised.

use jiff::Timestamp;
use serde::Deserialize;

use super::{Author, EventComment, Person, RatedBy, Rating, Satisfaction, Ticket, text::fold};

/// The words that are a rating when they are the whole message of somebody who was asked, with their declared ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RatingWords {
    /// Further words for good, such as those of other languages.
    pub good: Vec<String>,
    /// Further words for bad.
    pub bad: Vec<String>,
}

/// What becomes of a question to rate the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// It waits to be delivered.
    Waits,
    /// It is not delivered.
    Fails,
    /// It was delivered at this time, or may have been.
    Arrives(Timestamp),
}

impl RatingWords {
    /// The words that always count.
    pub const ALWAYS: [(Rating, [&str; 2]); 2] = [(Rating::Good, ["good", "👍"]), (Rating::Bad, ["bad", "👎"])];

    /// The rating that a whole message is, if it is one.
    pub fn rating(&self, message: &str) -> Option<Rating> {
        let said = plain(message);
        let is_declared = |words: &[String]| words.iter().any(|word| plain(word) == said);
        let [(good, goods), (bad, bads)] = Self::ALWAYS;
        match &*said {
            "" => None,
            said if goods.contains(&said) || is_declared(&self.good) => Some(good),
            said if bads.contains(&said) || is_declared(&self.bad) => Some(bad),
            _ => None,
        }
    }
}

/// A message as ratings are compared: folded, without mentions, skin tones, and full stops and exclamation marks around it.
pub fn plain(message: &str) -> String {
    let is_tone = |c: char| matches!(c, '\u{1F3FB}'..='\u{1F3FF}' | '\u{FE0E}' | '\u{FE0F}');
    let words = message.split_whitespace().filter(|word| !word.starts_with('@')).collect::<Vec<_>>().join(" ");
    let words: String = words.chars().filter(|c| !is_tone(*c)).collect();
    fold(words.trim_matches(|c: char| matches!(c, '.' | '!') || c.is_whitespace())).into_owned()
}

impl From<Rating> for Satisfaction {
    fn from(rating: Rating) -> Self {
        match rating {
            Rating::Good => Self::Good,
            Rating::Bad => Self::Bad,
        }
    }
}

impl Satisfaction {
    /// The rating, if it is one.
    pub const fn rating(self) -> Option<Rating> {
        match self {
            Self::Asking | Self::Undelivered | Self::Offered => None,
            Self::Good => Some(Rating::Good),
            Self::Bad => Some(Rating::Bad),
        }
    }

    /// Whether it only follows from what becomes of a question: rules and agents cannot set it.
    pub const fn is_of_delivery(self) -> bool {
        matches!(self, Self::Asking | Self::Undelivered)
    }
}

impl Ticket {
    /// Sets what the requester thinks of the help, with the times, who said it, and the requester's last rating. A comment
    /// that came with another rating is dropped. Without a value, the requester can be asked again.
    pub fn set_satisfaction(&mut self, to: Option<Satisfaction>, by: RatedBy, now: Timestamp) {
        if self.satisfaction == to {
            return;
        }
        self.satisfaction = to;
        self.satisfaction_comment = None;
        let rating = to.and_then(Satisfaction::rating);
        (self.satisfaction_rated, self.satisfaction_by) = (rating.map(|_| now), rating.map(|_| by));
        match rating {
            Some(rating) => self.requester.rate(rating, now),
            None => self.satisfaction_offered = (to == Some(Satisfaction::Offered)).then_some(now),
        }
    }

    /// Records what became of a question to the requester. Whoever was asked stays asked, and a rating is kept.
    pub fn follow_question(&mut self, question: Question) {
        match (question, self.satisfaction) {
            (Question::Waits, None | Some(Satisfaction::Undelivered)) => self.satisfaction = Some(Satisfaction::Asking),
            (Question::Fails, Some(Satisfaction::Asking)) => self.satisfaction = Some(Satisfaction::Undelivered),
            (Question::Arrives(at), None | Some(Satisfaction::Asking | Satisfaction::Undelivered)) => {
                // X's clock may differ from that of this machine.
                let at = at.max(self.created);
                self.set_satisfaction(Some(Satisfaction::Offered), RatedBy::Rule, at);
                self.updated = self.updated.max(at);
            }
            _ => {}
        }
    }

    /// Corrects who rated it since `before`.
    pub fn rated_by(&mut self, before: &Self, by: RatedBy) {
        if self.satisfaction != before.satisfaction && self.satisfaction_by.is_some() {
            self.satisfaction_by = Some(by);
        }
    }

    /// Records whose a rating is: one that was just set, or the same as before.
    pub fn confirm_rating(&mut self, rating: Rating, by: RatedBy, now: Timestamp) {
        let is_same = self.satisfaction.and_then(Satisfaction::rating) == Some(rating);
        if is_same && self.satisfaction_by != Some(by) {
            (self.satisfaction_by, self.satisfaction_rated) = (Some(by), Some(now));
        }
    }

    /// The rating that a comment made at this time is: the whole message of a requester who was asked before.
    pub fn rating_in(&self, comment: &EventComment, made: Timestamp, words: &RatingWords) -> Option<Rating> {
        let was_asked = self.satisfaction == Some(Satisfaction::Offered)
            && self.satisfaction_offered.is_some_and(|offered| offered <= made);
        (was_asked && comment.author == Author::Requester).then(|| words.rating(&comment.text)).flatten()
    }

    /// Adds a comment that is a rating. It changes no status and waits for no answer.
    pub fn add_rating(&mut self, comment: &EventComment, rating: Rating, made: Timestamp, is_latest: bool) {
        self.comments = self.comments.saturating_add(1);
        self.updated = self.updated.max(made);
        if is_latest {
            self.latest_comment = Some(comment.text.clone());
            self.latest_public_comment = Some(comment.text.clone());
        }
        self.set_satisfaction(Some(rating.into()), RatedBy::Requester, made);
    }

    /// Takes over the satisfaction of a ticket that is merged into this one, if it says more: a rating rather than a
    /// question, a question that was delivered rather than one that was not, and of two ratings the later.
    pub(super) fn take_over_satisfaction(&mut self, other: &mut Self) {
        let rank = |satisfaction| match satisfaction {
            Satisfaction::Undelivered => 0,
            Satisfaction::Asking => 1,
            Satisfaction::Offered => 2,
            Satisfaction::Good | Satisfaction::Bad => 3,
        };
        let says = |ticket: &Self| (ticket.satisfaction.map(rank), ticket.satisfaction_rated);
        if says(self) < says(other) {
            self.satisfaction = other.satisfaction.take();
            self.satisfaction_comment = other.satisfaction_comment.take();
            self.satisfaction_offered = other.satisfaction_offered.take();
            self.satisfaction_rated = other.satisfaction_rated.take();
            self.satisfaction_by = other.satisfaction_by.take();
        }
    }
}

impl Person {
    /// Keeps a rating as the person's last, unless a later one is known.
    pub fn rate(&mut self, rating: Rating, at: Timestamp) {
        if self.satisfaction_rated <= Some(at) {
            (self.satisfaction, self.satisfaction_rated) = (Some(rating), Some(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::Status;

    fn second(n: i64) -> Timestamp {
        Timestamp::from_second(n).unwrap()
    }

    fn message(text: &str) -> EventComment {
        EventComment::new(Author::Requester, true, text)
    }

    #[test]
    fn only_a_whole_message_is_a_rating() {
        let words = RatingWords { good: vec!["Sehr gut".into()], bad: vec!["schlecht".into()] };
        for (text, rating) in [
            ("good", Some(Rating::Good)),
            ("@acme @help Good!", Some(Rating::Good)),
            (" GOOD. ", Some(Rating::Good)),
            ("👍🏽", Some(Rating::Good)),
            ("@acme sehr\n GUT", Some(Rating::Good)),
            ("bad", Some(Rating::Bad)),
            ("👎\u{FE0F}", Some(Rating::Bad)),
            ("Schlecht!!", Some(Rating::Bad)),
            ("not good", None),
            ("good, but late", None),
            ("good or bad?", None),
            ("goods", None),
            ("gut", None),
            ("👍👍", None),
            ("@good", None),
            ("", None),
            ("!", None),
        ] {
            assert_eq!(words.rating(text), rating, "{text:?}");
        }
    }

    #[test]
    fn a_rating_answers_the_question_and_opens_nothing() {
        let mut ticket = Ticket::default();
        ticket.add_comment(&message("help"), second(1));
        ticket.set_status(Status::Solved, second(2));
        ticket.set_satisfaction(Some(Satisfaction::Offered), RatedBy::Rule, second(3));
        let words = RatingWords::default();
        assert_eq!(ticket.rating_in(&message("good"), second(2), &words), None, "written before it was asked");
        let agent = EventComment { author: Author::Agent, ..message("good") };
        assert_eq!(ticket.rating_in(&agent, second(4), &words), None, "not the requester");
        let rating = ticket.rating_in(&message("good"), second(4), &words).unwrap();
        let waited = (ticket.waiting_since, ticket.requester_updated);
        ticket.add_rating(&message("good"), rating, second(4), true);
        assert_eq!((ticket.status, ticket.reopens, ticket.comments), (Status::Solved, 0, 2));
        assert_eq!((ticket.waiting_since, ticket.requester_updated), waited);
        assert_eq!((ticket.satisfaction, ticket.satisfaction_by), (Some(Satisfaction::Good), Some(RatedBy::Requester)));
        assert_eq!((ticket.satisfaction_offered, ticket.satisfaction_rated), (Some(second(3)), Some(second(4))));
        assert_eq!(ticket.rating_in(&message("bad"), second(5), &words), None, "answered already");
    }

    #[test]
    fn a_question_counts_from_its_delivery() {
        use Satisfaction::{Asking, Good, Offered, Undelivered};
        let (waits, fails, arrives) = (Question::Waits, Question::Fails, Question::Arrives(second(9)));
        for (before, question, after) in [
            (None, waits, Some(Asking)),
            (None, fails, None),
            (None, arrives, Some(Offered)),
            (Some(Asking), waits, Some(Asking)),
            (Some(Asking), fails, Some(Undelivered)),
            (Some(Asking), arrives, Some(Offered)),
            (Some(Undelivered), waits, Some(Asking)),
            (Some(Undelivered), arrives, Some(Offered)),
            (Some(Offered), fails, Some(Offered)),
            (Some(Good), arrives, Some(Good)),
        ] {
            let mut ticket = Ticket::default();
            ticket.set_satisfaction(before, RatedBy::Rule, second(1));
            ticket.follow_question(question);
            assert_eq!(ticket.satisfaction, after, "{before:?} {question:?}");
            let asked = if before == Some(Offered) { second(1) } else { second(9) };
            assert_eq!(
                ticket.satisfaction_offered,
                (after == Some(Offered)).then_some(asked),
                "{before:?} {question:?}"
            );
            let message = message("good");
            assert_eq!(
                ticket.rating_in(&message, second(9), &RatingWords::default()).is_some(),
                after == Some(Offered),
                "only who was asked answers"
            );
        }
    }

    #[test]
    fn the_last_rating_of_a_person_is_the_latest() {
        let mut person = Person::default();
        person.rate(Rating::Good, second(5));
        person.rate(Rating::Bad, second(3));
        assert_eq!((person.satisfaction, person.satisfaction_rated), (Some(Rating::Good), Some(second(5))));
    }

    #[test]
    fn without_a_value_it_was_never_asked() {
        let mut ticket = Ticket::default();
        ticket.set_satisfaction(Some(Satisfaction::Offered), RatedBy::Rule, second(1));
        ticket.set_satisfaction(Some(Satisfaction::Bad), RatedBy::Rule, second(2));
        ticket.satisfaction_comment = Some("slow".into());
        ticket.set_satisfaction(None, RatedBy::Rule, second(3));
        assert_eq!(Ticket { requester: Person::default(), ..ticket.clone() }, Ticket::default());
        assert_eq!(ticket.requester.satisfaction, Some(Rating::Bad), "the person said so");
    }
}
