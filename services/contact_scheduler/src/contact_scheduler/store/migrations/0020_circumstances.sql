-- What the lender's files said of borrowers that asks for care: who said it is the import, and when it began and ended.
CREATE TABLE circumstance (
    tenant_id uuid NOT NULL,
    circumstance_id uuid NOT NULL,     -- names the suppression at the dispatcher too
    borrower_id uuid NOT NULL,
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 8),
    since timestamptz NOT NULL,
    import_id uuid NOT NULL,
    ended_at timestamptz,              -- when a later file no longer said so
    ended_by uuid,                     -- that import
    PRIMARY KEY (tenant_id, circumstance_id),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX circumstance_in_force ON circumstance (tenant_id, borrower_id, kind) WHERE ended_at IS NULL;
CREATE INDEX circumstance_of_borrower ON circumstance (tenant_id, borrower_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON circumstance TO forbear_scheduler;
