-- Regional unemployment by month, as a tenant loads it; percent of the labour force. `month` is its first day.

CREATE TABLE unemployment (
    tenant_id uuid NOT NULL,
    region text NOT NULL,
    month date NOT NULL,
    percent real NOT NULL,
    PRIMARY KEY (tenant_id, region, month)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON unemployment TO forbear_scheduler;
