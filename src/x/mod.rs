//! X: client, OAuth, posts to events, replies, text rules, and the simulator.
