"""PostgreSQL: one file per aggregate, plain SQL, no decisions."""
