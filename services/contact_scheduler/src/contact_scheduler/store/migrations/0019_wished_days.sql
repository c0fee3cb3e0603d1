-- The days of the week that the borrower asked for, bit 0 for Monday; absent: any day.
ALTER TABLE borrower ADD COLUMN wished_days smallint CHECK (wished_days BETWEEN 1 AND 127);
