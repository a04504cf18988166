//! Rules of five kinds: 30 % test channel and followers; 20 % a verified requester, followers and a status; 20 % a tag
//! and a channel; 20 % a word in the text and a number; 10 % are nested, with `or` and `not`.

use twite::desk::{Channel, Status};

use crate::{
    condition::{Condition, Number},
    random::{Random, Zipf, power_of_two},
    tickets::{CHANNELS, Names, Spread},
};

/// How often rules match.
#[derive(Debug)]
pub struct Density {
    /// The threshold for followers lies between these powers of two.
    followers: (f64, f64),
    /// The same for rules that also test for a verified requester.
    verified_followers: (f64, f64),
    /// Whether rules with a tag allow several channels.
    many_channels: bool,
    /// The threshold for likes beside a word, as powers of two.
    likes: (f64, f64),
    /// Largest threshold for replies beside a word; 0 means that likes are tested instead.
    replies: usize,
}

pub const SPARSE: Density = Density {
    followers: (15.5, 20.0),
    verified_followers: (13.0, 19.0),
    many_channels: false,
    likes: (3.0, 8.0),
    replies: 4,
};

pub const DENSE: Density = Density {
    followers: (9.5, 18.5),
    verified_followers: (6.0, 14.0),
    many_channels: true,
    likes: (0.0, 2.0),
    replies: 2,
};

#[derive(Debug, Clone, Copy)]
enum Kind {
    Channel,
    Verified,
    Tag,
    Word,
    Nested,
}

/// The kinds of ten rules.
const KINDS: [Kind; 10] = [
    Kind::Channel,
    Kind::Channel,
    Kind::Channel,
    Kind::Verified,
    Kind::Verified,
    Kind::Tag,
    Kind::Tag,
    Kind::Word,
    Kind::Word,
    Kind::Nested,
];

pub fn conditions(names: &Names, count: usize, density: &Density) -> Vec<Condition> {
    let mut make = Make {
        random: Random::new(0x6669_7665),
        names,
        density,
        spread: Spread::new(),
        needles: Zipf::new(names.words.all.len() - names.words.topics, 14.0),
    };
    let mut kinds = KINDS;
    let mut rules = vec![];
    while rules.len() < count {
        // Every ten rules have the same mixture, in random order.
        for at in (1..kinds.len()).rev() {
            kinds.swap(at, make.random.below(at + 1));
        }
        rules.extend(kinds.map(|kind| make.rule(kind)));
    }
    rules.truncate(count);
    rules
}

struct Make<'a> {
    random: Random,
    names: &'a Names,
    density: &'a Density,
    spread: Spread,
    needles: Zipf,
}

impl Make<'_> {
    fn rule(&mut self, kind: Kind) -> Condition {
        match kind {
            Kind::Channel => Condition::All(vec![self.channel(), self.followers(self.density.followers)]),
            Kind::Verified => {
                let followers = self.followers(self.density.verified_followers);
                Condition::All(vec![Condition::Verified, followers, self.status()])
            }
            Kind::Tag => Condition::All(vec![self.tag(), self.channels()]),
            Kind::Word => Condition::All(vec![self.contains(), self.number()]),
            Kind::Nested => self.nested(),
        }
    }

    /// `(A or B) and not C and D`, in three variants.
    fn nested(&mut self) -> Condition {
        let (either, but) = match self.random.below(3) {
            0 => (vec![self.tag(), self.contains()], Condition::Verified),
            1 => (vec![self.contains(), self.contains()], self.channel()),
            _ => {
                let verified = Condition::All(vec![Condition::Verified, self.followers(self.density.followers)]);
                (vec![self.tag(), verified], Condition::Any(vec![self.status(), self.tag()]))
            }
        };
        let also = if self.density.many_channels { self.channels() } else { self.number() };
        Condition::All(vec![Condition::Any(either), Condition::Not(Box::new(but)), also])
    }

    fn channel(&mut self) -> Condition {
        Condition::ChannelIs(self.random.weighted(CHANNELS))
    }

    fn channels(&mut self) -> Condition {
        if !self.density.many_channels {
            return self.channel();
        }
        let some: &[Channel] =
            *self.random.pick(&[&[Channel::Twitter, Channel::TwitterDm], &[Channel::Twitter, Channel::Email]]);
        Condition::ChannelIn(some.to_vec())
    }

    fn followers(&mut self, between: (f64, f64)) -> Condition {
        Condition::AtLeast(Number::Followers, self.power(between))
    }

    fn power(&mut self, (from, to): (f64, f64)) -> i64 {
        power_of_two(from + (to - from) * self.random.unit()) as i64
    }

    fn status(&mut self) -> Condition {
        match self.random.below(3) {
            0 => Condition::StatusIs(*self.random.pick(&[Status::New, Status::Open, Status::Pending])),
            1 => Condition::StatusBelow(Status::Pending),
            _ => Condition::StatusBelow(Status::Solved),
        }
    }

    fn tag(&mut self) -> Condition {
        Condition::HasTag(self.names.tags[self.spread.tags.draw(&mut self.random)].clone())
    }

    fn contains(&mut self) -> Condition {
        let rank = self.names.words.topics + self.needles.draw(&mut self.random);
        Condition::Contains(self.names.words.all[rank].clone())
    }

    fn number(&mut self) -> Condition {
        match self.random.below(3) {
            0 => Condition::AtLeast(Number::Replies, 1 + self.random.below(self.density.replies) as i64),
            1 => Condition::AtLeast(Number::Likes, self.power(self.density.likes)),
            _ => self.followers(self.density.followers),
        }
    }
}
