"""One stack that several files look at from different sides, and the logs of every stack when a test fails."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.kit import stack_kit
from tests.kit.stack_kit import Scene

BORROWERS = 100


@pytest.fixture(scope="session")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A campaign that goes on from test to test, with services that log all they can.

    Files that use it are in the group "tour". A test takes its own day of the campaign, and leaves all parts running.
    """
    chatty = {f"FORBEAR_{service}_LOG_LEVEL": "debug" for service in ("SCHEDULER", "DISPATCHER", "TRACKER")}
    with stack_kit.open_scene(tmp_path_factory.mktemp("tour"), BORROWERS, env=chatty) as made:
        yield made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the logs."""
    report = yield
    if report.failed:
        report.sections += [section for stack in stack_kit.running for section in stack_kit.log_tails(stack)]
    return report
