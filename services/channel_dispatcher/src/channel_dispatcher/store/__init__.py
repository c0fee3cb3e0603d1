"""SQL of the dispatcher: one file per aggregate, and numbered migrations."""
