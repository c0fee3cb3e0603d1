"""Packs of rules, one TOML file per jurisdiction; dropping in a file adds it."""
