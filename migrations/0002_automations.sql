-- Time passing: tickets that are put off, and when a ticket must be looked at next.

ALTER TABLE ticket ADD COLUMN snoozed BIGINT;
-- The whole minute on which an automation can come to hold, or cease to; none where none ever can.
ALTER TABLE ticket ADD COLUMN look_at BIGINT;
-- The latest minute on which it was looked at.
ALTER TABLE ticket ADD COLUMN looked BIGINT NOT NULL DEFAULT 0;
-- The ticket that this one was merged into.
ALTER TABLE ticket ADD COLUMN merged_into BIGINT REFERENCES ticket (id);
CREATE INDEX ticket_by_look ON ticket (look_at) WHERE look_at IS NOT NULL;

-- The automations whose conditions held when a ticket was last looked at: they do not fire again.
CREATE TABLE holding (
  ticket      BIGINT NOT NULL REFERENCES ticket (id),
  automation  TEXT NOT NULL,
  PRIMARY KEY (ticket, automation)
);

-- For reports, which are mostly about a period.
CREATE INDEX ticket_by_created ON ticket (created);

-- How far something that takes its time has come.
CREATE TABLE progress (
  name   TEXT PRIMARY KEY,
  value  TEXT NOT NULL
);

-- Whose turn it is in a group: the higher, the later an agent was chosen.
CREATE TABLE turn (
  group_name  TEXT NOT NULL,
  agent       TEXT NOT NULL,
  taken       BIGINT NOT NULL,
  PRIMARY KEY (group_name, agent)
);
CREATE INDEX ticket_by_assignee ON ticket (assignee, status) WHERE assignee IS NOT NULL;
CREATE INDEX ticket_by_person ON ticket (key_account, key_person);
