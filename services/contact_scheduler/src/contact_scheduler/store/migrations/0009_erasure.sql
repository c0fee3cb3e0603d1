-- Borrowers who are erased: what was asked, by whom, and when the evidence of the dispatcher is readable no more.
CREATE TABLE erasure (
    tenant_id uuid NOT NULL,
    borrower_id uuid NOT NULL,
    asked_by text NOT NULL,            -- name of the API key
    asked_at timestamptz NOT NULL,
    handed_over_at timestamptz,        -- null: the dispatcher does not know yet
    evidence_until timestamptz,        -- until when law keeps the evidence; null: none was kept
    PRIMARY KEY (tenant_id, borrower_id)
);
CREATE INDEX erasure_to_hand_over ON erasure (asked_at) WHERE handed_over_at IS NULL;
GRANT SELECT, INSERT, UPDATE (handed_over_at, evidence_until) ON erasure TO forbear_scheduler;
