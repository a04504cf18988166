//! The domain.

mod calendars;
