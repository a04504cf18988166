-- Every post of an account is looked for among what was sent.
CREATE INDEX outbox_by_x_id ON outbox (x_id) WHERE x_id IS NOT NULL;
