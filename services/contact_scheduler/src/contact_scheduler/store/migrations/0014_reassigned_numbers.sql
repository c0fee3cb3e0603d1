-- What a database of reassigned numbers answered: whether a number was disconnected for good since a date. Kept beside the
-- points, so that the next import of a borrower loses no answer.
CREATE TABLE number_check (
    tenant_id uuid NOT NULL,
    address_key text NOT NULL,         -- keyed hash of the number (forbear_domain.model.address_key)
    since date NOT NULL,               -- the date that was asked about
    checked_on date NOT NULL,
    answer smallint NOT NULL,          -- 1 yes: it is somebody else's, 2 no, 3 no data
    recipient bytea NOT NULL,          -- wire fields of Recipient: when it was checked
    recorded_by text NOT NULL,         -- name of the API key
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, address_key, since, checked_on, answer)
);
GRANT SELECT, INSERT, DELETE ON number_check TO forbear_scheduler;
