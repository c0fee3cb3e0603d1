"""Child processes that never outlive us: started with a log file, stopped with a signal, gone when we are gone.

On Linux the kernel ends the child when its parent dies (`setpriv --pdeathsig`), so that even `kill -9` of a demo or a
test run leaves nothing behind. The kernel watches the *thread* that started the child: start children from a thread
that lives as long as they should. Elsewhere an exit handler stops them, which does not survive `kill -9`.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

LOG_TAIL_LINES = 15
KILL_TIMEOUT_S = 10.0
HELD_PORTS_MAX = 400  # far more than one run of everything needs, far fewer than the files a process may open

_held_ports: deque[socket.socket] = deque()


class ChildError(RuntimeError):
    """A child process did not start, or ended by itself."""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on, and that nobody else is given while we hold it.

    A port that was merely looked up may be taken, before its server starts, by another test run or as the near end of
    somebody's connection. So we stay bound to it, without listening. Binding comes before the permission to share:
    a later search then skips the port, while a server, which asks for its port by number, may share it.
    """
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if len(_held_ports) == HELD_PORTS_MAX:
        _held_ports.popleft().close()
    _held_ports.append(holder)
    port: int = holder.getsockname()[1]
    return port


class Child:
    """One child process: `start`, `stop` or `kill`, then `start` again."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log_path: Path,
        *,
        env: Mapping[str, str] | None = None,
        end_signal: signal.Signals = signal.SIGTERM,
        prefix: Sequence[str] = (),
    ) -> None:
        """Describe the process; nothing is started yet.

        `end_signal` asks it to end: in `stop`, and from the kernel when we die. `prefix` is a command that runs
        `command` in another way, such as `unshare ...`.
        """
        self.name = name
        self.log_path = log_path
        self._command = [*prefix, *_tied_to_parent(end_signal), *command]
        self._env = dict(env) if env is not None else None
        self._end_signal = end_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self.is_running else None

    @property
    def is_running(self) -> bool:
        """Whether the process runs now."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How the last run ended: None while it runs or before it started, negative for a signal."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start the process in a session of its own, so that Ctrl-C reaches us and not it."""
        if self.is_running:
            raise ChildError(f"{self.name} runs already")
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._env, start_new_session=True
            )
        if not _has_setpriv():
            atexit.register(self.kill, signal.SIGKILL)

    def stop(self, grace_s: float = 15.0) -> int | None:
        """Ask it to end, kill it after `grace_s`, and return its exit code."""
        if self._process is None:
            return None
        if self.is_running:
            self._process.send_signal(self._end_signal)
        try:
            return self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            return self.kill(signal.SIGKILL)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int | None:
        """Send a signal; after SIGKILL wait until it is gone and return its exit code."""
        if self._process is None or not self.is_running:
            return self.exit_code
        self._process.send_signal(number)
        return self._process.wait(KILL_TIMEOUT_S) if number == signal.SIGKILL else None

    def log_tail(self, lines: int = LOG_TAIL_LINES) -> str:
        """Return the last lines of the log, for an error message."""
        if not self.log_path.exists():
            return "(no log)"
        return "\n".join(self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def plain_user_prefix() -> list[str]:
    """Return the command prefix under which a server that refuses root agrees to start; empty when we are not root.

    A user namespace that maps us to a plain user is enough: files stay ours, no account is made, nothing is chmod-ed.
    Raises ChildError when we are root and neither namespaces nor `setpriv` are there.
    """
    if os.geteuid() != 0:
        return []
    unshare = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    if shutil.which("unshare") and subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode == 0:
        return [*unshare, "--"]
    if _has_setpriv():
        return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
    raise ChildError("PostgreSQL does not run as root here: run as a plain user, or install util-linux")


def gives_files_away(prefix: Sequence[str]) -> bool:
    """Return whether the prefix changes to another account, which must then own the server's files."""
    return bool(prefix) and prefix[0] == "setpriv"


def _has_setpriv() -> bool:
    return sys.platform == "linux" and shutil.which("setpriv") is not None


def _tied_to_parent(number: signal.Signals) -> list[str]:
    return ["setpriv", "--pdeathsig", number.name.removeprefix("SIG"), "--"] if _has_setpriv() else []
