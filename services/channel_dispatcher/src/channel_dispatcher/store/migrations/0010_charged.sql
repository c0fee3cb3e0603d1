-- What an attempt was charged to, so that limits of a quarter of an hour and more can be restored when Redis is lost.

ALTER TABLE attempt
    ADD COLUMN charged text[];  -- names of such windows; null: claimed by an older dispatcher, which did not say
CREATE INDEX attempt_charged ON attempt (claimed_at) WHERE charged IS DISTINCT FROM '{}';
