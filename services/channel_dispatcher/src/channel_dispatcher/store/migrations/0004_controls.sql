-- What people change while the dispatcher runs: switches of finer scope, and limits.

ALTER TABLE kill_switch
    ADD COLUMN provider text,  -- null: every account at a provider
    ADD COLUMN template text,  -- template, sender and segment together name the cell that the brake stopped
    ADD COLUMN sender text,
    ADD COLUMN segment text,
    ADD COLUMN source text NOT NULL DEFAULT 'person',  -- person or brake
    ADD CONSTRAINT kill_switch_cell CHECK ((template IS NULL) = (sender IS NULL) AND (sender IS NULL) = (segment IS NULL)),
    ADD CONSTRAINT kill_switch_provider CHECK (provider IS NULL OR coalesce(tenant_id, campaign_id) IS NULL);

-- Limits beside those of the settings; one of the same scope, key and length takes the place of theirs.
CREATE TABLE rate_limit (
    rate_limit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope text NOT NULL,  -- account, sender, domain, network, tenant or campaign
    key text NOT NULL,
    length_s integer NOT NULL,
    tokens bigint NOT NULL,  -- SMS parts, mails or calls in any stretch of that length
    growth double precision NOT NULL DEFAULT 1,  -- a day, from start_at on: the warm-up of a new domain
    tokens_max bigint,  -- where growth ends: the limit then holds no longer
    start_at timestamptz NOT NULL,
    reason text NOT NULL,
    lifted_at timestamptz
);
CREATE UNIQUE INDEX rate_limit_in_force ON rate_limit (scope, key, length_s) WHERE lifted_at IS NULL;

GRANT SELECT, INSERT, UPDATE ON rate_limit TO forbear_dispatcher;
