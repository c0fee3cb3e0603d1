"""Everything in real time, to look around in: services, world, a portfolio and a campaign that is running."""

from __future__ import annotations

import argparse
import shutil
import signal
import socket
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from forbear_chassis.clock import SystemClock
from forbear_client.api import Api, ApiError
from forbear_sandbox import portfolio
from forbear_sandbox.child import Child, ChildError
from forbear_sandbox.portfolio_file import PortfolioError, check_file
from forbear_sandbox.stack import Options, Ports, Stack

BORROWERS = 500
STOP = {signal.SIGINT, signal.SIGTERM}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `up`."""
    add = parser.add_argument
    add(
        "--portfolio",
        type=Path,
        help="a portfolio of your own (CSV or NDJSON); otherwise one is made up from the seed",
    )
    add("--seed", type=int, default=1, help="the same seed gives the same people (%(default)s)")
    add("--run-dir", type=Path, default=Path("run/up"), help="where logs, databases and the API key go (%(default)s)")


def run(asked: argparse.Namespace) -> int:
    """Start everything, print the addresses, and keep it running until Ctrl-C."""
    console = Console(highlight=False)
    path = asked.portfolio or Path(f"{asked.run_dir}-portfolio.csv")
    options = Options(seed=asked.seed, start=None, portfolio=path, ports=Ports.fixed(), receipts="all")
    try:
        asked.run_dir.parent.mkdir(parents=True, exist_ok=True)
        if asked.portfolio is None:
            # As of today: consents to texts grow too old for the law in two months.
            today = SystemClock().now().date()
            portfolio.write_csv(portfolio.generate(BORROWERS, asked.seed, today), path)
        check_file(path)
        _check_ports(options.ports)
        console.print("starting PostgreSQL, Valkey, the world and the three services ...")
        with Stack(asked.run_dir, options) as stack:
            _fill(stack, path, console)
            stack.add_person("Ana Ruiz")
            prometheus = _start_prometheus(stack)
            _tell(stack, console, has_prometheus=prometheus is not None)
            # Only now: a child that is started while they are blocked would never hear them.
            signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
            signal.sigwait(STOP)
            console.print("stopping ...")
            if prometheus is not None:
                prometheus.stop()
    except (ApiError, ChildError, PortfolioError, OSError) as error:
        console.print(f"cannot start: {error}", style="bold red", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("stopped; nothing is left running")
        return 130
    return 0


def _check_ports(ports: Ports) -> None:
    """Raise ChildError when another program listens where we are to: it may be an `up` that still runs."""
    for name, port in asdict(ports).items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise ChildError(f"port {port} ({name}) is taken; does another `make up` still run?") from None


def _fill(stack: Stack, path: Path, console: Console) -> None:
    with Api(stack.scheduler_url, stack.api_key) as api:
        report = api.import_borrowers(path)
        console.print(f"imported {report['rows_created']:,} loans")
        campaign = api.create_campaign({"name": "First campaign", "control_share": 0.2}, key="first")
        api.change_campaign(campaign["campaign_id"], "start")


def _start_prometheus(stack: Stack) -> Child | None:
    """Start Prometheus where the machine has it, scraping the three services."""
    program = shutil.which("prometheus")
    if program is None:
        return None
    config = stack.run_dir / "prometheus.yaml"
    config.write_text(scrape_config(stack), encoding="utf-8")
    command = [
        program, f"--config.file={config}", f"--storage.tsdb.path={stack.run_dir / 'prometheus'}",
        "--web.listen-address=127.0.0.1:9090",
    ]  # fmt: skip
    child = Child("prometheus", command, stack.log_path("prometheus"))
    child.start()
    return child


def scrape_config(stack: Stack, interval_s: int = 5) -> str:
    """Return a Prometheus configuration that scrapes the three services of a stack."""
    ports = stack.ports
    targets = (ports.scheduler_admin, ports.dispatcher_admin, ports.tracker_admin)
    listed = ", ".join(f"'127.0.0.1:{port}'" for port in targets)
    return (
        f"global: {{scrape_interval: {interval_s}s}}\n"
        f"scrape_configs: [{{job_name: forbear, static_configs: [{{targets: [{listed}]}}]}}]\n"
    )


def _tell(stack: Stack, console: Console, *, has_prometheus: bool) -> None:
    addresses = {
        "console": f"{stack.scheduler_url}/console",
        "campaign API": f"{stack.scheduler_url}/v1, described in {stack.scheduler_url}/openapi.json",
        "API key": str(stack.run_dir / "api-key"),
        "key for cases": f"{stack.run_dir / 'person-key'}, for {stack.scheduler_url}/console/cases",
        "webhooks and pages": stack.tracker_url,
        "the world": f"{stack.world.base_url}/state",
        "Prometheus": "http://127.0.0.1:9090" if has_prometheus else "not installed (Debian: prometheus)",
        "logs": f"{stack.run_dir}/*.log",
    }
    for name, address in addresses.items():
        console.print(f"{name:20}{address}", soft_wrap=True)
    console.print("Ctrl-C stops everything.")
