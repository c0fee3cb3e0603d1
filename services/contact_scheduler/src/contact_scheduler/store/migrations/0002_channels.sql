-- What the plan must know of the law at the address: which address a point is, and which channels are closed for good.

-- `address_key` is a keyed hash (forbear_domain.model.address_key); `address_kind` a position in AddressKind of the law.
ALTER TABLE contact_point ADD COLUMN address_key text NOT NULL DEFAULT '',
                          ADD COLUMN address_kind smallint NOT NULL DEFAULT 0;
UPDATE contact_point SET address_kind = 2 WHERE channel = 2;
ALTER TABLE contact ADD COLUMN address_kind smallint;  -- null: not known, counts as every kind

-- A channel that the dispatcher or a provider says is closed: opted out, somebody else's, or dead. It holds for that
-- address: with another one the channel is open again.
CREATE TABLE channel_bar (
    tenant_id uuid NOT NULL,
    borrower_id uuid NOT NULL,
    channel smallint NOT NULL,
    address_key text NOT NULL,
    reason text NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, borrower_id, channel)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON channel_bar TO forbear_scheduler;

CREATE INDEX response_conversed ON response (tenant_id, event_at) WHERE kind = 13;
