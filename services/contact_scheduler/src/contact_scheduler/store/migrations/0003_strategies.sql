-- Which strategy decides, and the record of how it came to. Rows are facts: they are added, never changed.

CREATE TABLE strategy (
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    coefficients bytea NOT NULL,       -- float64, one for each term of the model
    origin text NOT NULL,              -- who made it, from what
    learned_until timestamptz,         -- its maker saw our outcomes up to here; null: none of them
    proposed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

CREATE TABLE strategy_decision (
    tenant_id uuid NOT NULL,
    number integer NOT NULL,
    decided_at timestamptz NOT NULL,   -- the tick
    move text NOT NULL,                -- released, widened, rolled_back, refused
    strategy text NOT NULL,
    against text NOT NULL,
    share real NOT NULL,
    reason text NOT NULL,
    evidence jsonb NOT NULL,           -- what the logs said
    PRIMARY KEY (tenant_id, number)
);

CREATE INDEX contact_drawn ON contact (tenant_id, sent_at) WHERE arm IN (2, 3) AND state = 1;

GRANT SELECT, INSERT, UPDATE, DELETE ON strategy, strategy_decision TO forbear_scheduler;
