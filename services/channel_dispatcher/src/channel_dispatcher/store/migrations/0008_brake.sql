-- The brake watches cells: one template, by one sender, to one segment of borrowers, for each tenant.

ALTER TABLE attempt
    ADD COLUMN template text NOT NULL DEFAULT '',
    ADD COLUMN segment text NOT NULL DEFAULT '';
ALTER TABLE kill_switch
    ADD COLUMN is_slow boolean NOT NULL DEFAULT false;  -- nine of ten contacts of the cell wait, the tenth goes

CREATE TABLE brake_cell (
    tenant_id uuid NOT NULL,
    template text NOT NULL,
    sender text NOT NULL,
    segment text NOT NULL,
    sent bigint NOT NULL DEFAULT 0,
    opted_out bigint NOT NULL DEFAULT 0,
    complained bigint NOT NULL DEFAULT 0,
    wrong_party bigint NOT NULL DEFAULT 0,
    filtered bigint NOT NULL DEFAULT 0,
    rung bigint NOT NULL DEFAULT 0,  -- calls of which it is known who answered, if anybody
    unanswered bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, template, sender, segment)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON brake_cell TO forbear_dispatcher;
