-- The share of borrowers whom a campaign leaves alone by lot, to tell what contact brings, and what the lot said.
ALTER TABLE campaign ADD COLUMN left_alone_share double precision NOT NULL DEFAULT 0 CHECK (left_alone_share BETWEEN 0 AND 0.2);
CREATE TABLE contact_lot (
    tenant_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    borrower_id uuid NOT NULL,
    drawn_at timestamptz NOT NULL,     -- the plan at which a first contact was possible
    is_left_alone boolean NOT NULL,
    share double precision NOT NULL,   -- probability of being left alone
    PRIMARY KEY (tenant_id, campaign_id, borrower_id)
);
CREATE INDEX contact_lot_of_borrower ON contact_lot (tenant_id, borrower_id) WHERE is_left_alone;
GRANT SELECT, INSERT, DELETE ON contact_lot TO forbear_scheduler;
