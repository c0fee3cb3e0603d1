-- Borrowers who are erased: from when on, whether it is done, and when it is looked at again for what came late.
CREATE TABLE erasure (
    borrower_id uuid NOT NULL,
    tenant_id   uuid NOT NULL,
    erase_at    timestamptz NOT NULL,         -- until then law keeps the evidence
    erased_at   timestamptz,
    next_at     timestamptz,                  -- null: nothing is left to do
    PRIMARY KEY (borrower_id, tenant_id)
);
CREATE INDEX erasure_due ON erasure (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX event_by_attempt ON event (attempt_id) WHERE attempt_id IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON erasure TO forbear_tracker;
GRANT DELETE ON preference TO forbear_tracker;
