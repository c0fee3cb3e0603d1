"""The advisory locks of the dispatcher: first key of the two-key form, so that they never meet anybody else's.

Order: GATE, then BORROWER (tried, never waited for), then rows, then LEDGER last; whoever keeps it cannot deadlock.
"""

GATE = 0x46420001  # shared by claims, exclusive for suppressions: none starts while suppressions come into force
BORROWER = 0x46420002  # second key: bucket of the borrower; two claims never judge one borrower at the same time
LEDGER = 0x46420003  # held from the append to the commit: the sequence has no gaps and no branches
ALIVE = 0x46420004  # second key: number of a process, held by its session while it lives

BORROWER_BUCKETS = 1 << 20
"""Two borrowers seldom share a bucket; if they do, one of them waits for the next pass. A batch takes one lock for each
borrower in it: with many replicas raise the server's max_locks_per_transaction."""


def borrower_bucket(borrower: bytes) -> int:
    """Return the second key of a borrower's lock."""
    return int.from_bytes(borrower[:4], "big") % BORROWER_BUCKETS
