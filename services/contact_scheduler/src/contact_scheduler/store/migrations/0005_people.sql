-- A console session is that of a person: whose key opened it, and what the key may do.
ALTER TABLE console_session
    ADD COLUMN key_name text NOT NULL DEFAULT '',
    ADD COLUMN scopes text[] NOT NULL DEFAULT '{read}';
