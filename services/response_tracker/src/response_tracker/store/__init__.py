"""PostgreSQL as the tracker sees it: one file per aggregate, plain SQL."""
