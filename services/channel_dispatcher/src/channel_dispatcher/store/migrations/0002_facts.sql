-- Facts that the gate was missing: at what kind of address earlier attempts were made (caps at the workplace), and which
-- hours and places the borrower called inconvenient. '' : not known, it then counts as the kind that is asked about.
ALTER TABLE attempt ADD COLUMN address_kind text NOT NULL DEFAULT '';

-- Of the kinds INCONVENIENT_TIME and INCONVENIENT_PLACE alone. Weekdays: bit 0 is Monday; minutes of the local day.
ALTER TABLE suppression ADD COLUMN weekdays smallint NOT NULL DEFAULT 127,
                        ADD COLUMN start_minute smallint NOT NULL DEFAULT 0,
                        ADD COLUMN end_minute smallint NOT NULL DEFAULT 1440,
                        ADD COLUMN place text NOT NULL DEFAULT '';
