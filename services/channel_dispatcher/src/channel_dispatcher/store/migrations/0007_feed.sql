-- When the tracker last said that every suppression it has taken is in force here, on the database's own clock: simulated
-- time does not count. One row; without it, or when it is old, nothing is sent.
CREATE TABLE suppression_feed (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    heard_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON suppression_feed TO forbear_dispatcher;
