//! Rules as on a large desk: forty brands, twelve languages, and a rule added whenever a ticket was misrouted.
//!
//! Most route by a word or phrase and a channel; many by a tag and a language; some escalate by bands of followers; a
//! few match everything, and a few are nested.

use twite::desk::{Channel, Priority, Status, text};

use crate::{
    condition::{Condition, Number},
    random::{Random, Zipf},
    tickets::{LANGUAGES, Names, Spread},
    words::BEYOND_ASCII,
};

/// Bounds of the bands of followers.
const BANDS: &[i64] = &[0, 500, 1_000, 5_000, 10_000, 50_000, 100_000, 1_000_000];

pub fn conditions(names: &Names, count: usize) -> Vec<Condition> {
    let mut make = Make {
        random: Random::new(0x7265_616c),
        names,
        spread: Spread::new(),
        needles: Zipf::new(names.words.all.len() - names.words.topics, 60.0),
    };
    (0..count).map(|n| make.rule(n)).collect()
}

struct Make<'a> {
    random: Random,
    names: &'a Names,
    spread: Spread,
    needles: Zipf,
}

impl Make<'_> {
    fn rule(&mut self, n: usize) -> Condition {
        // A catch-all: one each time the number of rules grows tenfold.
        if matches!(n, 5 | 50 | 500 | 5_000 | 50_000) {
            return self.catch_all(n);
        }
        match self.random.below(100) {
            0..45 => self.by_words(),
            45..63 => self.by_tag(),
            63..78 => self.by_audience(),
            78..84 => self.verified(),
            84..90 => self.by_brand(),
            90..92 => self.by_priority(),
            _ => self.nested(),
        }
    }

    fn catch_all(&mut self, n: usize) -> Condition {
        match n {
            5 => Condition::StatusBelow(Status::Solved),
            50 => Condition::ChannelIs(Channel::Email),
            500 => Condition::Not(Box::new(Condition::LanguageIs("en".to_owned()))),
            _ => Condition::All(vec![Condition::ChannelIs(Channel::TwitterDm), Condition::StatusIs(Status::New)]),
        }
    }

    /// `comment.text contains "late" and channel in (twitter, twitter_dm)`, mostly for one brand or language.
    fn by_words(&mut self) -> Condition {
        let mut parts = vec![self.contains()];
        if self.random.chance(0.2) {
            parts.push(self.contains());
        }
        parts.push(self.channels());
        match self.random.below(10) {
            0..5 => parts.push(self.brand()),
            5..8 => parts.push(self.language()),
            _ => {}
        }
        Condition::All(parts)
    }

    /// `tags has refund_3 and language is "de"`
    fn by_tag(&mut self) -> Condition {
        let mut parts = vec![self.tag(), self.language()];
        if self.random.chance(0.3) {
            parts.push(Condition::StatusBelow(Status::Pending));
        }
        Condition::All(parts)
    }

    /// `followers >= 5_000 and followers < 10_000 and status < solved`, with another predicate.
    fn by_audience(&mut self) -> Condition {
        let at = self.random.below(BANDS.len());
        let mut parts = vec![Condition::AtLeast(Number::Followers, BANDS[at])];
        parts.extend(BANDS.get(at + 1).map(|below| Condition::Less(Number::Followers, *below)));
        parts.push(Condition::StatusBelow(Status::Solved));
        parts.push(self.brand());
        parts.push(match self.random.below(3) {
            0 => self.tag(),
            1 => self.contains(),
            _ => Condition::All(vec![self.language(), self.channels()]),
        });
        Condition::All(parts)
    }

    fn verified(&mut self) -> Condition {
        let least = *self.random.pick(&BANDS[2..]);
        let mut parts =
            vec![Condition::Verified, Condition::AtLeast(Number::Followers, least), self.brand(), self.language()];
        if self.random.chance(0.3) {
            parts.push(Condition::AtLeast(Number::Likes, 10));
        }
        Condition::All(parts)
    }

    fn by_brand(&mut self) -> Condition {
        let about = if self.random.chance(0.5) { self.tag() } else { self.contains() };
        Condition::All(vec![self.brand(), self.channels(), Condition::StatusIs(Status::New), about])
    }

    /// Tests a priority that other rules set.
    fn by_priority(&mut self) -> Condition {
        let priority = *self.random.pick(&[Priority::High, Priority::Urgent]);
        Condition::All(vec![Condition::PriorityIs(priority), self.brand(), self.language()])
    }

    /// `(contains A or contains B or tags has C) and not (verified or tags has D) and brand is E`
    fn nested(&mut self) -> Condition {
        let mut either = vec![self.contains(), self.contains()];
        if self.random.chance(0.5) {
            either.push(self.tag());
        }
        let but = if self.random.chance(0.5) {
            Condition::Any(vec![Condition::Verified, self.tag()])
        } else {
            Condition::All(vec![Condition::Equals(Number::Replies, 0), self.tag()])
        };
        Condition::All(vec![Condition::Any(either), Condition::Not(Box::new(but)), self.brand()])
    }

    fn channels(&mut self) -> Condition {
        let sets: [&[Channel]; 5] = [
            &[Channel::Twitter],
            &[Channel::TwitterDm],
            &[Channel::Twitter, Channel::TwitterDm],
            &[Channel::Twitter, Channel::TwitterDm, Channel::TwitterLike],
            &[Channel::Email, Channel::Web],
        ];
        match *self.random.pick(&sets) {
            [one] => Condition::ChannelIs(*one),
            some => Condition::ChannelIn(some.to_vec()),
        }
    }

    fn brand(&mut self) -> Condition {
        Condition::BrandIs(self.names.brands[self.spread.brands.draw(&mut self.random)].clone())
    }

    /// A language, mostly other than the most frequent one.
    fn language(&mut self) -> Condition {
        let others = if self.random.chance(0.8) { &LANGUAGES[1..] } else { LANGUAGES };
        Condition::LanguageIs(self.random.weighted(others).to_owned())
    }

    fn tag(&mut self) -> Condition {
        Condition::HasTag(self.names.tags[self.spread.tags.draw(&mut self.random)].clone())
    }

    /// A word, or in one of five cases a phrase; now and then a word beyond ASCII.
    fn contains(&mut self) -> Condition {
        let words = &self.names.words;
        let needle = match self.random.below(100) {
            0..2 => *self.random.pick(BEYOND_ASCII),
            2..20 => self.random.pick(&words.phrases),
            _ => &words.all[words.topics + self.needles.draw(&mut self.random)],
        };
        Condition::Contains(text::fold(needle).into_owned())
    }
}
