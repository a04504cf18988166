//! Tests of `desk`.

mod calendars;
