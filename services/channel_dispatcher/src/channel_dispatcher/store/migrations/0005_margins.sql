-- The slowest of the latest deliveries tell how long before the end of the lawful hours a message must die.
CREATE INDEX receipt_delivered ON receipt (event_at DESC) WHERE state = 2;
