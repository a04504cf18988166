-- Times are milliseconds since 1970, UTC. Ids of X are text, ordered by (length, text). Yes/no is 0 or 1.
-- Columns that end in `_folded` hold the form in which texts are compared.
-- `migrations/postgres` lays out the same for PostgreSQL; a test compares the two.

-- A person's `source_id`, which is a ticket's `key_person` and a comment's `author_id` too, is the user id at X or a mail address:
-- digits, or what has an `@`.
CREATE TABLE person (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,
  source_id        TEXT UNIQUE,
  handle           TEXT,
  handle_folded    TEXT,
  name             TEXT,
  name_folded      TEXT,
  email            TEXT,
  email_folded     TEXT,
  language         TEXT,
  language_folded  TEXT,
  location         TEXT,
  location_folded  TEXT,
  joined           BIGINT,
  followers        BIGINT,
  following        BIGINT,
  tweets           BIGINT,
  listed           BIGINT,
  verified         BIGINT,
  verified_type    TEXT,
  -- What the desk keeps about the person; tags and declared fields are in tables of their own.
  organisation     TEXT,
  note             TEXT,
  note_folded      TEXT,
  -- The person's tickets without those that were merged into others, and those of them that are not solved.
  -- Every write of a ticket keeps both.
  tickets          BIGINT NOT NULL DEFAULT 0,
  unsolved_tickets BIGINT NOT NULL DEFAULT 0,
  -- When the third-, fifth- and tenth-last of these was opened.
  third_last_ticket BIGINT,
  fifth_last_ticket BIGINT,
  tenth_last_ticket BIGINT,
  -- The last rating on any ticket, and when that was.
  satisfaction       TEXT,
  satisfaction_rated BIGINT,
  -- Raised when what the desk keeps changes, without tags, which are added and removed one by one.
  version          BIGINT NOT NULL DEFAULT 1
);

CREATE INDEX person_by_handle ON person (handle_folded);
CREATE INDEX person_by_email ON person (email_folded);

CREATE TABLE person_tag (
  person  BIGINT NOT NULL REFERENCES person (id),
  tag     TEXT NOT NULL,
  PRIMARY KEY (person, tag)
);
CREATE INDEX person_tag_by_tag ON person_tag (tag, person);

-- As `ticket_field`.
CREATE TABLE person_field (
  person  BIGINT NOT NULL REFERENCES person (id),
  name    TEXT NOT NULL,
  kind    TEXT NOT NULL,
  number  BIGINT,
  text    TEXT,
  folded  TEXT,
  PRIMARY KEY (person, name)
);

-- What agents changed about a person by hand; what rules changed is in the decisions on the person's tickets.
CREATE TABLE person_change (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  person   BIGINT NOT NULL REFERENCES person (id),
  made     BIGINT NOT NULL,
  actor    TEXT NOT NULL,
  -- JSON: each field with its value before and after.
  changes  TEXT NOT NULL
);
CREATE INDEX person_change_by_person ON person_change (person, id);

-- Connected accounts. Tokens are sealed with the key of the installation.
CREATE TABLE account (
  x_id          TEXT PRIMARY KEY,
  -- What `twite.toml`, rules and tickets call it. What X calls it is in `person`.
  handle        TEXT NOT NULL,
  -- 1 where a command added it while `twite.toml` did not declare it.
  added         BIGINT NOT NULL DEFAULT 0,
  state         TEXT NOT NULL,
  state_why     TEXT,
  -- Who brought it into its state, and when, if somebody did.
  state_by      TEXT,
  state_at      BIGINT,
  connected_at  BIGINT NOT NULL,
  capture_from  BIGINT,
  tokens        BLOB,
  -- What the tokens grant, separated by spaces; empty where X did not say.
  scopes        TEXT NOT NULL DEFAULT '',
  -- Grows whenever somebody connects it, so that the daemon uses the new tokens at once.
  times_connected BIGINT NOT NULL DEFAULT 1
);

-- The settings of accounts that `twite.toml` does not write.
CREATE TABLE account_switch (
  account   TEXT NOT NULL REFERENCES account (x_id),
  name      TEXT NOT NULL,
  is_on     BIGINT NOT NULL,
  actor     TEXT NOT NULL,
  set_at    BIGINT NOT NULL,
  PRIMARY KEY (account, name)
);

-- Sign-ins at X whose browser X redirects to the daemon's `/x/callback`. They expire within minutes, and are removed an hour
-- later.
CREATE TABLE sign_in (
  -- The SHA-256 of the `state` in the redirect, in base64.
  state_hash  TEXT PRIMARY KEY,
  -- The PKCE verifier, sealed with the key of the installation, until the sign-in is taken up.
  verifier    BLOB,
  redirect    TEXT NOT NULL,
  -- The account that gets new tokens; otherwise one is added: that with this handle, or whichever signs in.
  account     TEXT,
  handle      TEXT,
  actor       TEXT NOT NULL,
  made        BIGINT NOT NULL,
  expires     BIGINT NOT NULL,
  -- JSON: how it ended.
  outcome     TEXT
);

CREATE TABLE ticket (
  id                     INTEGER PRIMARY KEY AUTOINCREMENT,
  -- The account's id, the conversation and the person make a ticket; of those, at most one is not closed.
  key_account            TEXT,
  key_conversation       TEXT,
  key_person             TEXT,
  opened_by              TEXT,
  closed                 BIGINT,
  not_imported           BIGINT NOT NULL DEFAULT 0,
  -- Every write of a field raises it, also where a message, a delivery or a merge writes counts and texts. Links and the
  -- requester's profile are no fields of the ticket; what the desk keeps about the requester is.
  version                BIGINT NOT NULL DEFAULT 1,
  requester              BIGINT NOT NULL REFERENCES person (id),
  channel                TEXT NOT NULL,
  account                TEXT,
  brand                  TEXT,
  status                 TEXT NOT NULL,
  priority               TEXT,
  type                   TEXT,
  subject                TEXT NOT NULL,
  subject_folded         TEXT NOT NULL,
  description            TEXT NOT NULL,
  description_folded     TEXT NOT NULL,
  group_name             TEXT,
  assignee               TEXT,
  problem                BIGINT,
  problem_solved         BIGINT,
  language               TEXT,
  language_folded        TEXT,
  post_likes             BIGINT,
  post_reposts           BIGINT,
  post_replies           BIGINT,
  post_has_media         BIGINT NOT NULL,
  post_is_reply          BIGINT NOT NULL,
  post_is_quote          BIGINT NOT NULL,
  post_links             BIGINT,
  post_mentions          BIGINT,
  post_length            BIGINT,
  replies                BIGINT NOT NULL,
  reopens                BIGINT NOT NULL,
  agent_touches          BIGINT NOT NULL,
  comments               BIGINT NOT NULL,
  created                BIGINT NOT NULL,
  previous_ticket        BIGINT,
  updated                BIGINT NOT NULL,
  status_changed         BIGINT NOT NULL,
  solved                 BIGINT,
  assigned               BIGINT,
  due                    BIGINT,
  requester_updated      BIGINT,
  first_reply            BIGINT,
  last_reply             BIGINT,
  last_replier           TEXT,
  waiting_since          BIGINT,
  -- What follows from the rules: the agreement that applies, its next breach, and the dates of its targets.
  sla                    TEXT,
  breach                 BIGINT,
  first_reply_due        BIGINT,
  next_reply_due         BIGINT,
  update_due             BIGINT,
  solve_due              BIGINT,
  satisfaction           TEXT,
  satisfaction_comment   TEXT,
  satisfaction_comment_folded TEXT,
  satisfaction_offered   BIGINT,
  satisfaction_rated     BIGINT,
  satisfaction_by        TEXT,
  latest_comment         TEXT,
  latest_public_comment  TEXT,
  snoozed                BIGINT,
  -- The whole minute on which an automation can come to hold, or cease to; none where none ever can.
  next_check_at              BIGINT,
  -- The latest minute on which it was looked at.
  last_check             BIGINT NOT NULL DEFAULT 0,
  -- The ticket that this one was merged into.
  merged_into            BIGINT REFERENCES ticket (id)
);
CREATE INDEX ticket_by_key ON ticket (key_account, key_conversation, key_person);
CREATE INDEX ticket_by_status ON ticket (status, updated);
CREATE INDEX ticket_by_requester ON ticket (requester, created);
CREATE INDEX ticket_by_assignee ON ticket (assignee, status) WHERE assignee IS NOT NULL;
CREATE INDEX ticket_by_problem ON ticket (problem) WHERE problem IS NOT NULL;
CREATE INDEX ticket_by_person ON ticket (key_account, key_person);
CREATE INDEX ticket_by_breach ON ticket (breach) WHERE breach IS NOT NULL;
CREATE INDEX ticket_by_next_check ON ticket (next_check_at) WHERE next_check_at IS NOT NULL;
-- For reports, which are mostly about a period.
CREATE INDEX ticket_by_created ON ticket (created);

-- The automations whose conditions held when a ticket was last looked at: they do not fire again.
CREATE TABLE active_automation (
  ticket      BIGINT NOT NULL REFERENCES ticket (id),
  automation  TEXT NOT NULL,
  -- How often one that repeats has fired since its condition came to hold, and when it last did.
  times       BIGINT,
  last        BIGINT,
  PRIMARY KEY (ticket, automation)
);

-- States that automations have brought tickets into since somebody did something to them. One that comes back within the hour
-- is a loop, and is marked: automations are stopped on that ticket.
CREATE TABLE automation_state (
  ticket   BIGINT NOT NULL REFERENCES ticket (id),
  state    TEXT NOT NULL,
  at       BIGINT NOT NULL,
  rules    TEXT NOT NULL,
  -- The automations that fired, as JSON; of a loop, all of them.
  fired    TEXT NOT NULL,
  stopped  BIGINT NOT NULL,
  PRIMARY KEY (ticket, state)
);
CREATE INDEX automation_stopped ON automation_state (ticket) WHERE stopped = 1;

-- How far something that takes its time has come.
CREATE TABLE progress (
  name   TEXT PRIMARY KEY,
  value  TEXT NOT NULL
);

-- The random id of this database, made once: what leaves it is told apart by it from what leaves others. One row.
CREATE TABLE identity (
  id  TEXT NOT NULL
);

-- Which daemon works on this database. One row, which stays when the work is let go.
CREATE TABLE lease (
  name      TEXT PRIMARY KEY,
  -- One higher with each holder: what a transaction of an earlier holder is refused by.
  fence     BIGINT NOT NULL,
  -- One higher with each renewal: what a waiter watches.
  beat      BIGINT NOT NULL,
  host      TEXT NOT NULL,
  pid       BIGINT NOT NULL,
  process   TEXT NOT NULL,
  since     BIGINT NOT NULL,
  renewed   BIGINT NOT NULL,
  released  BIGINT
);

-- Whose turn it is in a group: the higher, the later an agent was chosen.
CREATE TABLE round_robin (
  group_name  TEXT NOT NULL,
  agent       TEXT NOT NULL,
  taken       BIGINT NOT NULL,
  PRIMARY KEY (group_name, agent)
);

-- Agents who are away. One with an end stays after it until the agent is away again.
CREATE TABLE absence (
  agent  TEXT PRIMARY KEY,
  since  BIGINT NOT NULL,
  -- None is until somebody says so.
  until  BIGINT,
  actor  TEXT NOT NULL
);

CREATE TABLE ticket_tag (
  ticket  BIGINT NOT NULL REFERENCES ticket (id),
  tag     TEXT NOT NULL,
  PRIMARY KEY (ticket, tag)
);
CREATE INDEX ticket_tag_by_tag ON ticket_tag (tag, ticket);

CREATE TABLE ticket_hashtag (
  ticket  BIGINT NOT NULL REFERENCES ticket (id),
  tag     TEXT NOT NULL,
  PRIMARY KEY (ticket, tag)
);

CREATE TABLE ticket_media (
  ticket  BIGINT NOT NULL REFERENCES ticket (id),
  tag     TEXT NOT NULL,
  PRIMARY KEY (ticket, tag)
);

-- The agents who follow a ticket.
CREATE TABLE ticket_watcher (
  ticket  BIGINT NOT NULL REFERENCES ticket (id),
  agent   TEXT NOT NULL,
  PRIMARY KEY (ticket, agent)
);
CREATE INDEX ticket_watcher_by_agent ON ticket_watcher (agent, ticket);

-- The statuses that a ticket had before the current one, in order, with the times at which each began and ended.
CREATE TABLE past_status (
  ticket  BIGINT NOT NULL REFERENCES ticket (id),
  place   BIGINT NOT NULL,
  status  TEXT NOT NULL,
  began   BIGINT NOT NULL,
  ended   BIGINT NOT NULL,
  PRIMARY KEY (ticket, place)
);

-- Declared fields: a number (yes/no among them), or a text with its fold.
CREATE TABLE ticket_field (
  ticket  BIGINT NOT NULL REFERENCES ticket (id),
  name    TEXT NOT NULL,
  kind    TEXT NOT NULL,
  number  BIGINT,
  text    TEXT,
  folded  TEXT,
  PRIMARY KEY (ticket, name)
);

-- The version of a ticket at which a field that agents can set last changed; none where it never did since it was opened.
CREATE TABLE field_version (
  ticket   BIGINT NOT NULL REFERENCES ticket (id),
  field    TEXT NOT NULL,
  version  BIGINT NOT NULL,
  PRIMARY KEY (ticket, field)
);

CREATE TABLE ticket_link (
  one    BIGINT NOT NULL REFERENCES ticket (id),
  other  BIGINT NOT NULL REFERENCES ticket (id),
  why    TEXT NOT NULL,
  PRIMARY KEY (one, other),
  CHECK (one < other)
);
CREATE INDEX ticket_link_by_other ON ticket_link (other);

-- Every post and message that is known, whether or not it is on a ticket.
CREATE TABLE post (
  x_id              TEXT PRIMARY KEY,
  version           TEXT NOT NULL,
  author            TEXT NOT NULL,
  conversation      TEXT NOT NULL,
  -- The post above; the person X names as answered; the person it answers as far as that is settled.
  replied_to        TEXT,
  in_reply_to_user  TEXT,
  answers           TEXT,
  -- For a direct message, the other side.
  direct_with       TEXT,
  text              TEXT NOT NULL,
  -- What is known besides the text, as JSON; nothing where there is nothing.
  facts             TEXT,
  made              BIGINT NOT NULL,
  deleted           BIGINT NOT NULL DEFAULT 0,
  -- Whether the post above is known or was asked for: there is nothing left to find there.
  asked             BIGINT NOT NULL,
  -- When X was last seen to have it.
  checked           BIGINT NOT NULL
);
CREATE INDEX post_to_ask ON post (conversation) WHERE asked = 0;
CREATE INDEX post_by_checked ON post (checked) WHERE deleted = 0 AND direct_with IS NULL;
CREATE INDEX post_by_conversation ON post (conversation, author);
CREATE INDEX post_by_parent ON post (replied_to, author);

-- The later versions of edited posts. X gives each an id, and what answers one names it; they are one post, under its first id.
CREATE TABLE post_version (
  version  TEXT PRIMARY KEY,
  post     TEXT NOT NULL
);
CREATE INDEX post_version_by_post ON post_version (post);

-- Posts and messages that X says are deleted: those that come later than that are stored without their text.
CREATE TABLE deletion (
  x_id  TEXT PRIMARY KEY,
  -- When X said so: it is kept for as long as X may still list the post or message.
  at    BIGINT NOT NULL
);

-- Posts and messages to an account that made no ticket when they were read. Those that are on a ticket since then are passed over.
CREATE TABLE uncaptured (
  account    TEXT NOT NULL REFERENCES account (x_id),
  -- The post or message, by the id of its first version.
  post       TEXT NOT NULL,
  reason     TEXT NOT NULL,
  -- When it was read; what is older than the settings say is deleted, with the post.
  since      BIGINT NOT NULL,
  -- What was known of it then and does not follow from the post.
  likes      BIGINT,
  reposts    BIGINT,
  replies    BIGINT,
  has_media  BIGINT NOT NULL,
  PRIMARY KEY (account, post)
);
CREATE INDEX uncaptured_by_since ON uncaptured (since, post, account);
CREATE INDEX uncaptured_by_account ON uncaptured (account, since, post);
CREATE INDEX uncaptured_by_post ON uncaptured (post);

CREATE TABLE comment (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  ticket     BIGINT NOT NULL REFERENCES ticket (id),
  kind       TEXT NOT NULL,
  x_id       TEXT,
  with_id    TEXT,
  author     TEXT NOT NULL,
  -- `agent:Maya`, `rule:Thank you`, `person`, `system` or `owner`; so in outbox and decision.
  actor      TEXT NOT NULL,
  author_id  TEXT,
  text       TEXT NOT NULL,
  version    BIGINT NOT NULL DEFAULT 1,
  deleted    BIGINT NOT NULL DEFAULT 0,
  made       BIGINT NOT NULL,
  delivery   TEXT NOT NULL,
  -- What a requester who was asked rates by it: such a comment waits for no answer.
  rating     TEXT,
  UNIQUE (ticket, x_id)
);
CREATE INDEX comment_by_x_id ON comment (x_id);

-- What a comment said before it was edited.
CREATE TABLE comment_version (
  comment  BIGINT NOT NULL REFERENCES comment (id),
  version  BIGINT NOT NULL,
  text     TEXT NOT NULL,
  PRIMARY KEY (comment, version)
);

-- Messages as they came. Unique by account, kind, id and version: the same message is taken in once.
CREATE TABLE inbox (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  account   TEXT NOT NULL,
  kind      TEXT NOT NULL,
  x_id      TEXT NOT NULL,
  version   TEXT NOT NULL,
  -- How it came.
  transport TEXT NOT NULL,
  payload   TEXT NOT NULL,
  -- What came and cannot be read, byte for byte.
  raw       BLOB,
  received  BIGINT NOT NULL,
  state     TEXT NOT NULL,
  reason    TEXT,
  UNIQUE (account, kind, x_id, version)
);
CREATE INDEX inbox_by_state ON inbox (state, id);

-- How far each of X's endpoints was read, as JSON, and why one stands still.
CREATE TABLE polling (
  account   TEXT NOT NULL,
  endpoint  TEXT NOT NULL,
  position  TEXT,
  -- Why it is not read now, since when, and when X is asked next.
  stalled   TEXT,
  since     BIGINT,
  next      BIGINT,
  -- Whether X's rate limit is the reason.
  throttled BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (account, endpoint)
);

-- What X showed no more when an endpoint was read, so that it may be missing here: what lies between two ids.
CREATE TABLE gap (
  account   TEXT NOT NULL,
  endpoint  TEXT NOT NULL,
  known     TEXT NOT NULL,
  lowest    TEXT NOT NULL,
  -- When somebody acknowledged it, and who; it is no longer listed then.
  acknowledged     BIGINT,
  acknowledged_by  TEXT,
  PRIMARY KEY (account, endpoint, known)
);

-- What an account cannot do for the time being: `send`, read an endpoint, or anything, as its `grant` is dead. From the first
-- call that fails to the first that works.
CREATE TABLE pause (
  account   TEXT NOT NULL REFERENCES account (x_id),
  what      TEXT NOT NULL,
  reason    TEXT NOT NULL,
  since     BIGINT NOT NULL,
  failures  BIGINT NOT NULL,
  -- When the next call tries whether it is over.
  retry_at  BIGINT NOT NULL,
  -- Whether the admins have been told.
  told      BIGINT NOT NULL,
  PRIMARY KEY (account, what)
);

-- Destinations of the outbox that fail, from the first attempt that fails to the first that works.
CREATE TABLE failing (
  destination TEXT NOT NULL PRIMARY KEY,
  reason      TEXT NOT NULL,
  since       BIGINT NOT NULL,
  failures    BIGINT NOT NULL,
  -- When the next attempt is made.
  retry_at    BIGINT NOT NULL
);

-- What is to be sent, each under its own key. States: waiting, sending, sent, refused, unknown, withdrawn.
CREATE TABLE outbox (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  key            TEXT NOT NULL UNIQUE,
  -- None where it is about an account.
  ticket         BIGINT REFERENCES ticket (id),
  rule           TEXT,
  actor          TEXT NOT NULL,
  kind           TEXT NOT NULL,
  effect         TEXT NOT NULL,
  -- The handle of the account from which a reply is sent; none where no account may, and for what is no reply.
  account        TEXT,
  -- `posts/acme`, `messages/acme`, `webhook/crm`, `mail`, or `desk` for what took effect at once.
  destination    TEXT NOT NULL,
  -- The comment that a reply answers, and the key of the part of the same reply before it.
  answers        BIGINT REFERENCES comment (id),
  follows        TEXT,
  -- The comment that shows a reply on its ticket.
  shown          BIGINT REFERENCES comment (id),
  state          TEXT NOT NULL,
  -- When it was asked for, and before when it is not sent.
  made           BIGINT NOT NULL,
  due            BIGINT NOT NULL,
  -- Sending and looking up have their own counts: how often it was sent, and how often it was looked up since.
  sends          BIGINT NOT NULL DEFAULT 0,
  lookups        BIGINT NOT NULL DEFAULT 0,
  first_send     BIGINT,
  -- Whether the last send may have arrived, and after how many sends that was so.
  possibly_sent  BIGINT NOT NULL DEFAULT 0,
  answers_lost   BIGINT NOT NULL DEFAULT 0,
  sent           BIGINT,
  x_id           TEXT,
  -- Why it is not sent: a kind, and the words.
  reason_kind    TEXT,
  reason         TEXT
);
CREATE INDEX outbox_by_state ON outbox (state, destination, due);
CREATE INDEX outbox_by_ticket ON outbox (ticket, id);
-- Every post of an account is looked for among what was sent.
CREATE INDEX outbox_by_x_id ON outbox (x_id) WHERE x_id IS NOT NULL;
CREATE INDEX outbox_by_shown ON outbox (shown) WHERE shown IS NOT NULL;

-- What agents did with it by hand.
CREATE TABLE intervention (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  item    BIGINT NOT NULL REFERENCES outbox (id),
  made    BIGINT NOT NULL,
  -- `withdraw` or `resend`.
  act     TEXT NOT NULL,
  actor   TEXT NOT NULL,
  reason  TEXT,
  -- The state it was in, and whether an earlier send may have arrived.
  was     TEXT NOT NULL,
  possibly_sent  BIGINT NOT NULL
);
CREATE INDEX intervention_by_item ON intervention (item, id);

-- The rule sets that ever decided, with the files they were made of.
CREATE TABLE rules_version (
  hash    TEXT PRIMARY KEY,
  loaded  BIGINT NOT NULL,
  files   TEXT NOT NULL
);

-- Which of them are live, and how their files stand: one row, written by the daemon that works.
CREATE TABLE live_rules (
  name          TEXT PRIMARY KEY,
  hash          TEXT NOT NULL REFERENCES rules_version (hash),
  commit_id     TEXT,
  since         BIGINT NOT NULL,
  -- Whether commits go live, and not files as they are.
  follows_commit BOOLEAN NOT NULL,
  -- Since when the files cannot go live, and why.
  broken_since  BIGINT,
  broken        TEXT,
  -- JSON: the settings that are used when the daemon starts again.
  restart       TEXT NOT NULL
);

-- The audit: every run, with all it takes to run it again.
CREATE TABLE decision (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  ticket    BIGINT NOT NULL REFERENCES ticket (id),
  made      BIGINT NOT NULL,
  -- Who caused the event; stays where the text of a deleted post took the rest along.
  actor     TEXT NOT NULL,
  rules     TEXT NOT NULL REFERENCES rules_version (hash),
  commit_id TEXT,
  -- All three go with the text of a deleted post.
  before    TEXT,
  event     TEXT,
  decision  TEXT
);
CREATE INDEX decision_by_ticket ON decision (ticket, id);

CREATE TABLE fired (
  decision  BIGINT NOT NULL REFERENCES decision (id),
  place     BIGINT NOT NULL,
  rule      TEXT NOT NULL,
  shadow    BIGINT NOT NULL,
  PRIMARY KEY (decision, place)
);
CREATE INDEX fired_by_rule ON fired (rule);

-- When rules with a cap fired: what `at most … per …` counts. The account is empty where the ticket has none.
CREATE TABLE firing (
  rule     TEXT NOT NULL,
  shadow   BIGINT NOT NULL,
  at       BIGINT NOT NULL,
  ticket   BIGINT NOT NULL REFERENCES ticket (id),
  account  TEXT NOT NULL
);
CREATE INDEX firing_by_rule ON firing (rule, shadow, at);
CREATE INDEX firing_by_account ON firing (rule, shadow, account, at);
CREATE INDEX firing_by_ticket ON firing (ticket, rule, shadow, at);

-- Volumes that last: the ticket with which each started, and the whole minute on which it ends unless more are counted.
CREATE TABLE volume (
  title    TEXT PRIMARY KEY,
  ticket   BIGINT NOT NULL REFERENCES ticket (id),
  since    BIGINT NOT NULL,
  ends_at  BIGINT NOT NULL
);
CREATE INDEX volume_by_end ON volume (ends_at);

-- When volumes last counted a ticket. What is too old to matter is deleted.
CREATE TABLE volume_ticket (
  volume  TEXT NOT NULL,
  ticket  BIGINT NOT NULL REFERENCES ticket (id),
  at      BIGINT NOT NULL,
  PRIMARY KEY (volume, ticket)
);
CREATE INDEX volume_ticket_by_at ON volume_ticket (volume, at);

-- What caps held back.
CREATE TABLE held_back (
  ticket  BIGINT NOT NULL REFERENCES ticket (id),
  rule    TEXT NOT NULL,
  at      BIGINT NOT NULL
);
CREATE INDEX held_back_by_at ON held_back (at);
