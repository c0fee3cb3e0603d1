"""The whole of Forbear on one machine: servers, world and services as child processes, for demos and end-to-end tests.

    with Stack(Path("run"), seed=1, portfolio=path) as stack:
        stack.world.run_until(...)
        stack.kill("channel-dispatcher")
        stack.restart("channel-dispatcher")

Everything listens on 127.0.0.1, logs to files in the run directory and dies with this process. Start it from the main
thread (see `child`). Nothing here knows what the services do: only how they are started.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep
from urllib.error import URLError
from urllib.request import urlopen

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from forbear_sandbox.child import Child, ChildError, free_port
from forbear_sandbox.servers import SMALL_DISK, EmbeddedPostgres, EmbeddedValkey
from forbear_sandbox.world_client import WorldClient

SERVICES = ("response-tracker", "channel-dispatcher", "contact-scheduler")
START = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)  # a Monday, before the first plan of the day
ROLES_SQL = Path(__file__).parents[3] / "deploy" / "sql" / "roles.sql"
READY_TIMEOUT_S = 180.0
POLL_S = 0.05
SENDERS = ("+18005550100", "+18005550101", "+18005550102")
PAYMENT_URL = "https://pay.example.com/harbor"
ACCOUNT_SID = "AC" + "5" * 32
# The limits of the wire are those of real time; in a stepped month they must not shape what happens.
NO_LIMIT = str(1_000_000)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens on 127.0.0.1."""

    scheduler_http: int
    scheduler_rpc: int
    scheduler_admin: int
    dispatcher_rpc: int
    dispatcher_admin: int
    tracker_http: int
    tracker_rpc: int
    tracker_admin: int
    tracker_smtp: int
    twilio: int
    smtp: int
    clock: int
    control: int

    @classmethod
    def fixed(cls) -> Ports:
        """Return the ports that the documentation names."""
        return cls(8080, 9080, 9180, 9081, 9181, 8082, 9082, 9182, 2526, 8090, 8025, 8091, 8092)

    @classmethod
    def free(cls) -> Ports:
        """Return ports that nobody listens on."""
        return cls(*(free_port() for _ in cls.__slots__))


@dataclass(slots=True)
class Options:
    """How to start. `env` goes to every service; what a service alone gets is named by its prefix anyway."""

    seed: int = 1
    start: datetime | None = START  # None: the machine's clock
    portfolio: Path | None = None
    ports: Ports = field(default_factory=Ports.free)
    brand: str = "Harbor Home Loans"
    tenant: str = "demo"
    is_durable: bool = True
    disk_mib: int | None = None  # the size of the disk that the tables lie on, for a test that fills it
    receipts: str = "final"
    env: Mapping[str, str] = field(default_factory=dict)


class Stack:
    """Starts, stops, kills and restarts the parts by name: the services, "world", "postgres" and "valkey"."""

    def __init__(self, run_dir: Path, options: Options | None = None) -> None:
        self.run_dir = run_dir.resolve()
        self.options = options or Options()
        self.ports = self.options.ports
        disk_mib = self.options.disk_mib
        self.postgres = EmbeddedPostgres(self.run_dir, is_durable=self.options.is_durable, disk_mib=disk_mib)
        self.valkey = EmbeddedValkey(self.run_dir, is_durable=self.options.is_durable)
        self.world = WorldClient(f"http://127.0.0.1:{self.ports.control}")
        self.api_key = ""
        # Made from the seed, not drawn: links and signatures are then the same in every run of a seed.
        self._secrets = {name: _secret(name, self.options.seed) for name in ("twilio", "links")}
        self._children: dict[str, Child] = {}

    @property
    def scheduler_url(self) -> str:
        """Base URL of the campaign API and the console."""
        return f"http://127.0.0.1:{self.ports.scheduler_http}"

    @property
    def tracker_url(self) -> str:
        """Base URL of webhooks and self-service pages."""
        return f"http://127.0.0.1:{self.ports.tracker_http}"

    def __enter__(self) -> Stack:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Stack:
        """Start everything on empty databases, make the tenant, and return when all is ready."""
        self._clear()
        self._write_signing_key()
        self._begin("world")  # first: the services ask it for the time
        self.postgres.start()
        self.valkey.start()
        where = "" if self.options.disk_mib is None else f" TABLESPACE {SMALL_DISK}"
        self.postgres.run_sql(f"CREATE DATABASE forbear{where}")
        self.postgres.run_sql(ROLES_SQL.read_text(encoding="utf-8"), "forbear")
        self.wait_ready("world")
        self._begin(*SERVICES)
        self.api_key = self.add_tenant(self.options.tenant, self.options.brand)
        self.world.report_payments_to(self.scheduler_url, self.api_key)
        self.wait_ready(*SERVICES)
        return self

    def stop(self) -> None:
        """Stop the services first, so that they can finish, then the world and the servers."""
        for name in (*reversed(SERVICES), "world"):
            if name in self._children:
                self._children[name].stop()
        self.valkey.stop()
        self.postgres.stop()

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a part; after SIGKILL it is gone when this returns."""
        if name == "postgres":
            self.postgres.kill(number)
        elif name == "valkey":
            self.valkey.kill(number)
        else:
            self._children[name].kill(number)

    def restart(self, name: str, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Start a part that is down, or stop and start one that runs, and return when it is ready."""
        if name in ("postgres", "valkey"):
            server = self.postgres if name == "postgres" else self.valkey
            server.stop()
            server.start()
            return
        self._children[name].stop()
        self._children[name].start()
        self.wait_ready(name, timeout_s=timeout_s)

    def is_running(self, name: str) -> bool:
        """Return whether a part runs."""
        if name in ("postgres", "valkey"):
            return self.postgres.is_running if name == "postgres" else self.valkey.is_running
        return self._children[name].is_running

    def exit_code(self, name: str) -> int | None:
        """Return how a process ended: None while it runs, negative for a signal."""
        return self._children[name].exit_code

    def wait_ready(self, *names: str, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Return when all the named processes say that they are ready. Raises ChildError with the log otherwise."""
        deadline = monotonic() + timeout_s
        for name in names:
            while not _answers(self._ready_url(name)):
                child = self._children[name]
                if not child.is_running or monotonic() > deadline:
                    state = f"ended with {child.exit_code}" if not child.is_running else "is not ready"
                    raise ChildError(f"{name} {state}; the end of {child.log_path}:\n{child.log_tail()}")
                sleep(POLL_S)

    def log_path(self, name: str) -> Path:
        """Return the log file of a part."""
        return self.run_dir / f"{name}.log"

    def database_url(self, role: str = "postgres") -> str:
        """Return the URL of the database as seen by a role."""
        return self.postgres.url("forbear", role)

    def select(self, sql: str) -> list[list[str]]:
        """Return rows of the database as texts, as the superuser sees them."""
        return [line.split("|") for line in self.postgres.run_sql(sql, "forbear").splitlines()]

    def environment(self, service: str) -> dict[str, str]:
        """Return the environment that a service is started with."""
        part = service.rpartition("-")[2]
        prefix, ports = f"FORBEAR_{part.upper()}_", self.ports
        own = {
            "DATABASE_URL": self.database_url(f"forbear_{part}"),
            "MIGRATION_DATABASE_URL": self.database_url(f"forbear_{part}_owner"),
            "CLOCK": "system" if self.options.start is None else f"simulated://127.0.0.1:{ports.clock}",
            "SCHEDULER_TARGET": f"127.0.0.1:{ports.scheduler_rpc}",
            "DISPATCHER_TARGET": f"127.0.0.1:{ports.dispatcher_rpc}",
            "TRACKER_TARGET": f"127.0.0.1:{ports.tracker_rpc}",
            "TWILIO_AUTH_TOKEN": self._secrets["twilio"],
            "LINK_SECRET": self._secrets["links"],
            **getattr(self, f"_{part}_settings")(),
        }
        return {**os.environ, **{prefix + name: value for name, value in own.items()}, **self.options.env}

    def _scheduler_settings(self) -> dict[str, str]:
        ports = self.ports
        return {
            "RPC_LISTEN": f"127.0.0.1:{ports.scheduler_rpc}",
            "ADMIN_LISTEN": f"127.0.0.1:{ports.scheduler_admin}",
            "HTTP_LISTEN": f"127.0.0.1:{ports.scheduler_http}",
            "SEED": str(self.options.seed),
        }

    def _dispatcher_settings(self) -> dict[str, str]:
        ports = self.ports
        limits = ("SMS_PER_SENDER_S", "SMS_PER_ACCOUNT_S", "EMAIL_PER_S", "VOICE_PER_S", "TENANT_PER_S")
        return {
            "RPC_LISTEN": f"127.0.0.1:{ports.dispatcher_rpc}",
            "ADMIN_LISTEN": f"127.0.0.1:{ports.dispatcher_admin}",
            "REDIS_URL": self.valkey.url,
            "CALLBACK_URL": self.tracker_url,
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_BASE_URL": f"http://127.0.0.1:{ports.twilio}",
            "SMS_SENDERS": ",".join(SENDERS),
            "VOICE_SENDERS": SENDERS[0],
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(ports.smtp),
            "SMTP_STARTTLS": "false",
            "SMTP_SENDER": "care@example.com",
            "REPLY_DOMAIN": "reply.example.com",
            "SIGNING_KEY_FILE": str(self._signing_key_path),
            **{f"LIMIT_{name}": NO_LIMIT for name in limits},
        }

    def _tracker_settings(self) -> dict[str, str]:
        ports = self.ports
        return {
            "RPC_LISTEN": f"127.0.0.1:{ports.tracker_rpc}",
            "ADMIN_LISTEN": f"127.0.0.1:{ports.tracker_admin}",
            "HTTP_LISTEN": f"127.0.0.1:{ports.tracker_http}",
            "SMTP_LISTEN": f"127.0.0.1:{ports.tracker_smtp}",
            "PUBLIC_URL": self.tracker_url,
        }

    @property
    def _signing_key_path(self) -> Path:
        return self.run_dir / "signing-key.pem"

    def _clear(self) -> None:
        """Empty the run directory, if it is one: a folder of somebody's own must not be lost to a wrong option."""
        if self.run_dir.is_dir() and any(self.run_dir.iterdir()) and not self._signing_key_path.exists():
            raise ChildError(f"{self.run_dir} holds files of another kind; name a folder that is empty or not there")
        shutil.rmtree(self.run_dir, ignore_errors=True)
        self.run_dir.mkdir(parents=True)

    def _write_signing_key(self) -> None:
        """Make the key of the ledger, so that a dispatcher that is started again signs with the same one."""
        key = Ed25519PrivateKey.from_private_bytes(sha256(f"ledger {self.options.seed}".encode()).digest())
        self._signing_key_path.touch(mode=0o600)
        self._signing_key_path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def _begin(self, *names: str) -> None:
        for name in names:
            self._children[name] = self._make(name)
            self._children[name].start()

    def _make(self, name: str) -> Child:
        if name == "world":
            return Child(name, self._world_command(), self.log_path(name))
        command = [sys.executable, "-m", name.replace("-", "_")]
        return Child(name, command, self.log_path(name), env=self.environment(name))

    def _world_command(self) -> list[str]:
        options, ports = self.options, self.ports
        asked = {
            "twilio": f"127.0.0.1:{ports.twilio}",
            "smtp": f"127.0.0.1:{ports.smtp}",
            "clock": f"127.0.0.1:{ports.clock}",
            "control": f"127.0.0.1:{ports.control}",
            "expect": ",".join(SERVICES),
            "seed": str(options.seed),
            "data-dir": str(self.run_dir),
            "tracker-url": self.tracker_url,
            "tracker-smtp": f"127.0.0.1:{ports.tracker_smtp}",
            "account-sid": ACCOUNT_SID,
            "auth-token": self._secrets["twilio"],
            "senders": ",".join(SENDERS),
            "receipts": options.receipts,
        }
        if options.start is not None:
            asked["start"] = options.start.isoformat()
        if options.portfolio is not None:
            asked["portfolio"] = str(options.portfolio.resolve())
        arguments = [part for key, value in asked.items() for part in (f"--{key}", value)]
        return [sys.executable, "-m", "forbear_sandbox", "world", *arguments]

    def add_tenant(self, slug: str, brand: str) -> str:
        """Make a tenant and return its API key, which also stands in the run directory."""
        key_file = self.run_dir / ("api-key" if slug == self.options.tenant else f"api-key-{slug}")
        self._scheduler_command(
            "create-tenant", "--slug", slug, "--brand", brand, "--actor", "collecting_servicer",
            "--payment-url", PAYMENT_URL, "--api-key-file", str(key_file),
        )  # fmt: skip
        return key_file.read_text(encoding="utf-8").strip()

    def add_person(self, name: str) -> Path:
        """Make a key for somebody who works on the cases of the tenant, and return its file in the run directory."""
        key_file = self.run_dir / "person-key"
        self._scheduler_command(
            "create-key", "--tenant", self.options.tenant, "--person", name, "--api-key-file", str(key_file)
        )
        return key_file

    def _scheduler_command(self, *arguments: str) -> None:
        made = subprocess.run(
            [sys.executable, "-m", "contact_scheduler", *arguments], env=self.environment("contact-scheduler"),
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        if made.returncode != 0:
            raise ChildError(f"{arguments[0]} ended with {made.returncode}: {made.stderr.strip()[-2000:]}")

    def _ready_url(self, name: str) -> str:
        admin = {
            "contact-scheduler": self.ports.scheduler_admin,
            "channel-dispatcher": self.ports.dispatcher_admin,
            "response-tracker": self.ports.tracker_admin,
        }
        return f"{self.world.base_url}/state" if name == "world" else f"http://127.0.0.1:{admin[name]}/readyz"


def _secret(name: str, seed: int) -> str:
    return sha256(f"sandbox {name} {seed}".encode()).hexdigest()[:40]


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
