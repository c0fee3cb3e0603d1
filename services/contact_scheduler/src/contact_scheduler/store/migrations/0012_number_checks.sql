-- When a tenant last knew that a mobile number had not been given to somebody else (12 CFR 1006.6(d)(5)).
ALTER TABLE contact_point ADD COLUMN checked_on date;
