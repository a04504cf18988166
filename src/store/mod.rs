//! sqlx on SQLite: tickets, people, comments, accounts, audit, inbox, outbox, cursors, rule set versions.
