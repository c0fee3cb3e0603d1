"""Migrations of the dispatcher on a database that is full of what releases before have written."""

from __future__ import annotations

from importlib import resources

import pytest

from tests.kit.databases import Database

pytestmark = pytest.mark.needs_postgres
TENANT = "11111111-1111-4111-8111-111111111111"
CELL = "'reminder.gentle', '+12125550100', 'en/30'"


def migrate_between(database: Database, first: int, last: int) -> None:
    """Apply the migrations of these numbers."""
    folder = resources.files("channel_dispatcher.store.migrations")
    scripts = sorted((one for one in folder.iterdir() if one.name.endswith(".sql")), key=lambda one: one.name)
    for script in scripts[first - 1 : last]:
        database.run_sql("SET search_path TO dispatcher;" + script.read_text(encoding="utf-8"))


def throw(database: Database, *switches: str) -> None:
    """Throw switches as a release before did: nothing kept two replicas from throwing the same."""
    columns = "tenant_id, channel, template, sender, segment, is_slow, reason, source, thrown_at"
    values = ", ".join(f"({one}, 'opted_out', 'brake', '2026-11-28T09:00:00Z')" for one in switches)
    database.run_sql(f"INSERT INTO dispatcher.kill_switch ({columns}) VALUES {values}")


def test_a_switch_that_two_dispatchers_threw_stands_once_after_the_upgrade(empty_database: Database) -> None:
    """The first of each kind stays in force, whatever is narrowed or not; another level or scope is no twin."""
    slow, stopped = f"'{TENANT}', NULL, {CELL}, true", f"'{TENANT}', NULL, {CELL}, false"
    everything, one_channel = "NULL, NULL, NULL, NULL, NULL, false", "NULL, 1, NULL, NULL, NULL, false"
    migrate_between(empty_database, 1, 11)
    throw(empty_database, slow, slow, stopped, everything, everything, one_channel, slow)
    migrate_between(empty_database, 12, 99)

    standing = empty_database.run_sql(
        "SELECT kill_switch_id FROM dispatcher.kill_switch WHERE lifted_at IS NULL ORDER BY 1"
    )
    assert ["1", "3", "4", "6"] == standing.split()


def test_what_the_brake_counted_and_was_told_is_kept_over_the_upgrade(empty_database: Database) -> None:
    """Counts and tolerances of a tenant stand under no campaign; a replica of the release before can still count."""
    migrate_between(empty_database, 1, 11)
    empty_database.run_sql(
        f"INSERT INTO dispatcher.brake_cell VALUES ('{TENANT}', {CELL}, 100, 7, 1, 0, 0, 0, 0);"
        f"INSERT INTO dispatcher.brake_tolerance VALUES ('{TENANT}', 'opted_out', 0.02, 'cautious', now())"
    )
    migrate_between(empty_database, 12, 99)
    key = "(tenant_id, template, sender, segment)"
    empty_database.run_sql(
        f"INSERT INTO dispatcher.brake_cell {key} VALUES ('{TENANT}', {CELL}) ON CONFLICT {key} DO NOTHING"
    )

    counted = empty_database.run_sql("SELECT sent, opted_out, campaign_id FROM dispatcher.brake_count")
    tolerated = empty_database.run_sql("SELECT tolerated, campaign_id FROM dispatcher.brake_tolerance")
    assert ["100|7|00000000-0000-0000-0000-000000000000"] == counted.split()
    assert ["0.02|00000000-0000-0000-0000-000000000000"] == tolerated.split()
