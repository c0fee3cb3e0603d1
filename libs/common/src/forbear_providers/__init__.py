"""The outside world: one file per provider, both directions, behind one contract. No service, no database, no law."""
