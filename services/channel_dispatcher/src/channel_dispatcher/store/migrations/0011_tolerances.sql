-- What a tenant tolerates before the brake acts, where it is not what the brake begins with.

CREATE TABLE brake_tolerance (
    tenant_id uuid NOT NULL,
    signal text NOT NULL,  -- a signal of brake.py
    tolerated double precision NOT NULL,  -- share of contacts
    reason text NOT NULL,
    set_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, signal)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON brake_tolerance TO forbear_dispatcher;
