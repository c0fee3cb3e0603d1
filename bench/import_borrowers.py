"""Import of 1,000,000 borrowers through HTTP into PostgreSQL, twice: memory of every process, rows a second, CPU.

The scheduler runs as a process of its own on an embedded, durable PostgreSQL; the file is streamed to it. Memory is the
peak of the resident set of any process: the service, and each PostgreSQL backend without the shared buffers (which are
counted once, under `postgres shared`). Run: .venv/bin/python bench/import_borrowers.py [--rows 1000000]
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from forbear_sandbox.child import free_port
from forbear_sandbox.portfolio import COLUMNS, generate
from forbear_sandbox.servers import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[1]
LIMIT_MIB = 400
CHUNK_ROWS = 2_000
SAMPLE_S = 0.2


def csv_chunks(rows: int) -> Iterator[bytes]:
    """Yield a generated portfolio as CSV; ten thousand borrowers are drawn, references are renumbered after that."""
    drawn = [[getattr(row, name) for name in COLUMNS] for row in generate(min(rows, 10_000), 1, date(2026, 3, 1))]
    yield (",".join(COLUMNS) + "\n").encode()
    mail = COLUMNS.index("email")
    for start in range(0, rows, CHUNK_ROWS):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for number in range(start, min(start + CHUNK_ROWS, rows)):
            row = list(drawn[number % len(drawn)])
            row[0], row[1] = f"B{number:08d}", f"L{number:08d}"
            row[mail] = row[mail] and f"b{number}@example.com"
            writer.writerow(row)
        yield text.getvalue().encode()


class Watch:
    """Samples the resident memory of processes in the background."""

    def __init__(self, service: int, postmaster: int) -> None:
        self.peak_mib: dict[str, float] = {"service": 0.0, "largest postgres process": 0.0, "postgres shared": 0.0}
        self._service, self._postmaster = service, postmaster
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            anon, shared = memory_mib(self._service)
            self._keep("service", anon + shared)
            for child in children(self._postmaster):
                anon, shared = memory_mib(child)
                self._keep("largest postgres process", anon)
                self._keep("postgres shared", shared)

    def _keep(self, name: str, value: float) -> None:
        self.peak_mib[name] = max(self.peak_mib[name], value)


def memory_mib(pid: int) -> tuple[float, float]:
    """Return private and shared-memory residents of a process in MiB; files that are mapped count as private."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0, 0.0
    found = {name: int(value) / 1024 for name, value in re.findall(r"^(Rss\w+):\s+(\d+) kB", status, re.M)}
    return found.get("RssAnon", 0.0) + found.get("RssFile", 0.0), found.get("RssShmem", 0.0)


def children(pid: int) -> list[int]:
    """Return the child processes of a process."""
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:
        return []


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def upload(url: str, key: str, rows: int) -> tuple[dict[str, object], float]:
    """Stream the file; return the report and the seconds it took."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "text/csv"}
    request = urllib.request.Request(f"{url}/v1/borrowers:import", csv_chunks(rows), headers, method="POST")  # type: ignore[arg-type]  # a stream of bytes is taken, the stubs say otherwise
    started = time.monotonic()
    with urllib.request.urlopen(request, timeout=3_600) as answer:
        return json.load(answer), time.monotonic() - started


def start_service(postgres: EmbeddedPostgres, folder: Path) -> tuple[subprocess.Popen[bytes], str, str]:
    """Create schema and tenant, start the scheduler, and return it with its URL and a key."""
    postgres.run_sql("CREATE DATABASE forbear")
    postgres.run_sql((ROOT / "deploy/sql/roles.sql").read_text(encoding="utf-8"), "forbear")
    port, admin = free_port(), free_port()
    environment = os.environ | {
        "FORBEAR_SCHEDULER_DATABASE_URL": postgres.url("forbear", "forbear_scheduler"),
        "FORBEAR_SCHEDULER_MIGRATION_DATABASE_URL": postgres.url("forbear", "forbear_scheduler_owner"),
        "FORBEAR_SCHEDULER_HTTP_LISTEN": f"127.0.0.1:{port}",
        "FORBEAR_SCHEDULER_RPC_LISTEN": f"127.0.0.1:{free_port()}",
        "FORBEAR_SCHEDULER_ADMIN_LISTEN": f"127.0.0.1:{admin}",
        "FORBEAR_SCHEDULER_LOG_LEVEL": "error",
    }
    program = [sys.executable, "-m", "contact_scheduler"]
    key_file = folder / "key"
    tenant = [
        "create-tenant",
        "--slug",
        "bench",
        "--brand",
        "Bench",
        "--actor",
        "collector",
        "--api-key-file",
        str(key_file),
    ]
    subprocess.run([*program, *tenant], env=environment, check=True, capture_output=True)
    service = subprocess.Popen(program, env=environment)
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{admin}/readyz", timeout=1)
            return service, f"http://127.0.0.1:{port}", key_file.read_text(encoding="utf-8").strip()
        except OSError:
            time.sleep(0.1)


def main() -> None:
    """Run, print the table and the line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as name, EmbeddedPostgres(Path(name)) as postgres:
        service, url, key = start_service(postgres, Path(name))
        pid_file = (postgres.data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        try:
            with Watch(service.pid, int(pid_file[0])) as watch:
                began = cpu_s(service.pid)
                first, first_s = upload(url, key, rows)
                middle = cpu_s(service.pid)
                second, second_s = upload(url, key, rows)
                ended = cpu_s(service.pid)
        finally:
            service.terminate()
            service.wait(30)
    print(f"{'':28}{'first import':>16}{'same file again':>18}")
    for label, field in (("created", "rows_created"), ("unchanged", "rows_unchanged"), ("rejected", "rows_rejected")):
        print(f"{label:28}{first[field]:>16,}{second[field]:>18,}")
    print(f"{'rows a second':28}{rows / first_s:>16,.0f}{rows / second_s:>18,.0f}")
    print(f"{'service CPU us a row':28}{(middle - began) / rows * 1e6:>16.1f}{(ended - middle) / rows * 1e6:>18.1f}")
    for label, value in watch.peak_mib.items():
        print(f"{'peak MiB, ' + label:34}{value:>10.0f}   (limit {LIMIT_MIB})")
    peak = max(watch.peak_mib.values())
    is_idempotent = second["rows_unchanged"] == first["rows_created"] and not second["rows_changed"]
    result = {
        "name": "import_borrowers", "value": round(peak), "reference": LIMIT_MIB, "ratio": round(peak / LIMIT_MIB, 3),
        "goal": "peak MiB of any process at most 400, second import changes nothing",
        "ok": bool(peak <= LIMIT_MIB and is_idempotent),
    }  # fmt: skip
    print(json.dumps(result))


if __name__ == "__main__":
    main()
