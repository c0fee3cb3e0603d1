-- What people wrote whom nobody knows: looked for by its age, and forgotten.
CREATE INDEX event_of_stranger ON event (processed_at)
    WHERE attempt_id IS NULL AND tenant_id IS NULL AND body <> '' AND processed_at IS NOT NULL;
