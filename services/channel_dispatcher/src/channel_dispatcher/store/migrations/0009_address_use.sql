-- Whose debts an address was last meant to hear of, so that two borrowers on one phone or mailbox are noticed at the gate.

CREATE TABLE address_use (
    tenant_id uuid NOT NULL,
    address_key text NOT NULL,
    borrower_id uuid NOT NULL,         -- who was to be reached there last, permitted or not
    used_at timestamptz NOT NULL,
    shared_at timestamptz,             -- when two borrowers last met there
    PRIMARY KEY (tenant_id, address_key)
) WITH (fillfactor = 80);              -- no other index, and room in the page: a use costs no entry of an index
GRANT SELECT, INSERT, UPDATE, DELETE ON address_use TO forbear_dispatcher;
