-- The most that the contacts of one day may cost, in the unit of the cost settings; absent: no limit.
ALTER TABLE campaign ADD COLUMN budget_a_day double precision CHECK (budget_a_day > 0);
