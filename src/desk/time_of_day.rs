//! The time on the clock.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use super::moment::NoMoment;

/// A time of day, to the minute: `18:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// Midnight.
    pub const FIRST: Self = Self(0);
    /// The last minute of the day.
    pub const LAST: Self = Self(24 * 60 - 1);

    /// A time by the clock; `None` if there is no such time.
    pub fn new(hour: u8, minute: u8) -> Option<Self> {
        (hour < 24 && minute < 60).then(|| Self(u16::from(hour) * 60 + u16::from(minute)))
    }

    /// Minutes after midnight.
    pub fn minutes(self) -> u16 {
        self.0
    }
}

impl FromStr for TimeOfDay {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, NoMoment> {
        let number = |digits: &str, least: usize| {
            let plain = (least..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse::<u8>().ok().filter(|_| plain)
        };
        let parts = text.split_once(':').and_then(|(hour, minute)| Some((number(hour, 1)?, number(minute, 2)?)));
        match parts {
            Some((24.., _)) => Err(NoMoment::Time("hours range from 00 to 23")),
            Some((_, 60..)) => Err(NoMoment::Time("minutes range from 00 to 59")),
            Some((hour, minute)) => Ok(Self(u16::from(hour) * 60 + u16::from(minute))),
            None => Err(NoMoment::Form("it needs hours and minutes, as `18:00`")),
        }
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_time_of_day_says_why() {
        for (text, why) in [
            ("24:00", "hours range from 00 to 23"),
            ("18:60", "minutes range from 00 to 59"),
            ("18:00:30", "it needs hours and minutes, as `18:00`"),
            ("18:5", "it needs hours and minutes, as `18:00`"),
            ("+1:00", "it needs hours and minutes, as `18:00`"),
            ("6:00pm", "it needs hours and minutes, as `18:00`"),
            ("", "it needs hours and minutes, as `18:00`"),
        ] {
            assert_eq!(text.parse::<TimeOfDay>().unwrap_err().to_string(), why, "{text}");
        }
        assert_eq!("9:05".parse(), Ok(TimeOfDay(545)));
        assert_eq!(TimeOfDay::LAST.to_string(), "23:59");
    }
}
