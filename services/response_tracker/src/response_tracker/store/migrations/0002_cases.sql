-- Cases are claimed and closed by named people; what each of them did is kept beside the case and in the ledger.
ALTER TABLE hand_over
    ADD COLUMN claimed_by text,
    ADD COLUMN claimed_at timestamptz,
    ADD COLUMN outcome text;                  -- how it was closed: forbear.tracker.v1.CaseOutcome in lower case, or null
CREATE INDEX hand_over_by_borrower ON hand_over (tenant_id, borrower_id, opened_at);
CREATE INDEX hand_over_by_reason ON hand_over (reason, due_at) WHERE closed_at IS NULL;

-- What a person did about a case. The id is the request's, so that a repeat changes nothing.
CREATE TABLE case_act (
    id          uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL,
    case_id     uuid NOT NULL REFERENCES hand_over,
    borrower_id uuid NOT NULL,
    act         text NOT NULL,                -- response_tracker.cases.Act
    person      text NOT NULL,
    at          timestamptz NOT NULL,
    note        text NOT NULL,
    detail      text NOT NULL,                -- template, basis or outcome; empty where there is none
    salt        bytea NOT NULL                -- of the note's commitment in the ledger; erased with the note
);
CREATE INDEX case_act_by_borrower ON case_act (tenant_id, borrower_id, at);

-- The ledger holds a commitment to the words; without the salt nobody can tell what they were.
ALTER TABLE message ADD COLUMN salt bytea;

GRANT SELECT, INSERT, UPDATE ON case_act TO forbear_tracker;
