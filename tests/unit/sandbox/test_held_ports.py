"""A port that a test asked for stays free until its server starts, whatever else runs on the machine."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from forbear_sandbox.child import free_port

TAKE_MANY = """
import socket
taken = [socket.socket() for _ in range(500)]
for one in taken:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in taken))
"""


def test_no_port_is_given_twice_to_us_or_to_another_process() -> None:
    """Two test runs side by side each start a dozen servers at the same moment."""
    ours = {free_port() for _ in range(200)}

    theirs = subprocess.run([sys.executable, "-c", TAKE_MANY], capture_output=True, text=True, check=True).stdout

    assert 200 == len(ours)
    assert not ours & {int(port) for port in theirs.split()}


def test_no_outgoing_connection_starts_at_a_port_that_was_given() -> None:
    """The kernel draws the near end of a connection from the same range."""
    ours = {free_port() for _ in range(200)}

    with socket.create_server(("127.0.0.1", 0), backlog=300) as server:
        connections = [socket.create_connection(server.getsockname()) for _ in range(200)]
        near_ends = {connection.getsockname()[1] for connection in connections}
        for connection in connections:
            connection.close()

    assert not ours & near_ends


def test_a_server_listens_on_its_port_and_again_after_a_restart() -> None:
    """A kill and a restart find the port as they left it, and no second server gets in beside the first."""
    port = free_port()
    for _ in range(2):
        with socket.create_server(("127.0.0.1", port)), pytest.raises(OSError, match="in use"):
            socket.create_server(("127.0.0.1", port)).close()
