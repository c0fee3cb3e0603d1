"""The plan of one campaign for one day, pure: arrays in, rows out. The store reads and writes, `plan_day` orders it."""
