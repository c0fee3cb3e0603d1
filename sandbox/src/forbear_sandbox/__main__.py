"""Command line of the sandbox."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, date, datetime
from importlib import import_module
from itertools import islice
from pathlib import Path

from forbear_sandbox import portfolio, uci_portfolio
from forbear_sandbox.world import WorldSettings
from forbear_sandbox.world_process import run_until_signal

SERVICES = "contact-scheduler,channel-dispatcher,response-tracker"
# Loaded when they are asked for: they draw and call APIs, which takes longer to import than a world to start.
HEAVY = {
    "demo": "run a campaign from end to end and show what it brought",
    "up": "start everything in real time and keep it running",
}
EPILOG = """\
examples
  a portfolio of 1,500 borrowers who do not exist:
    python -m forbear_sandbox portfolio --count 1500 --seed 1 --out portfolio.csv
  a portfolio of the 30,000 real accounts of the UCI card data:
    python -m forbear_sandbox portfolio --uci uci_credit_card.csv.gz --out portfolio.csv
  the world, stepped: services set FORBEAR_<SERVICE>_CLOCK=simulated://127.0.0.1:8091
    python -m forbear_sandbox world --portfolio portfolio.csv --start 2026-03-02T05:00Z
    curl -d '{"until": "2026-03-30T05:00Z"}' 127.0.0.1:8092/clock/run-until
  the world in real time, for a look around:
    python -m forbear_sandbox world --portfolio portfolio.csv
  a provider without people, as the stub of a benchmark:
    python -m forbear_sandbox world --bare

The control API (state, census, faults, say ...) is described in forbear_sandbox/control.py.
"""


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(
        prog="python -m forbear_sandbox",
        description="The world outside Forbear: providers, borrowers with hidden habits, and a clock that is stepped.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    _add_world(commands.add_parser("world", help="run the providers and the borrowers"))
    _add_portfolio(commands.add_parser("portfolio", help="write a portfolio file"))
    run = {"world": _world, "portfolio": _portfolio}
    for name, told in HEAVY.items():
        command = commands.add_parser(name, help=told)
        if sys.argv[1:2] == [name]:
            module = import_module(f"forbear_sandbox.{name}")
            module.add_arguments(command)
            run[name] = module.run
    asked = parser.parse_args()
    sys.exit(run[asked.command](asked))


def _add_world(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--twilio", default="127.0.0.1:8090", help="host:port of the Twilio-shaped API (%(default)s)")
    add("--smtp", default="127.0.0.1:8025", help="host:port that takes mail for borrowers (%(default)s)")
    add("--clock", default="127.0.0.1:8091", help="host:port of the stepped clock (%(default)s)")
    add("--control", default="127.0.0.1:8092", help="host:port of the control API (%(default)s)")
    add("--start", type=_instant, help="step the time from this instant; without it the machine's clock is used")
    add("--expect", default=SERVICES, help="processes that must be connected before a step, replicas repeated")
    add("--portfolio", type=Path, help="CSV file of the borrowers who live here")
    add("--seed", type=int, default=1, help="the same seed gives the same people and the same month")
    add("--data-dir", type=Path, help="where census.jsonl is kept; without it the count is kept in memory")
    add("--tracker-url", default="http://127.0.0.1:8082", help="base URL of the tracker's webhooks (%(default)s)")
    add("--tracker-smtp", default="127.0.0.1:2526", help="host:port of the tracker's inbound mail (%(default)s)")
    add("--account-sid", default="AC" + "0" * 32, help="account of the Twilio-shaped API")
    add("--auth-token", default="sandbox-token", help="its token; also signs callbacks (%(default)s)")
    add("--senders", default="", help="numbers of the account, with commas; empty: every number may send")
    add(
        "--gateway",
        default="",
        help="host:port of a second SMS gateway, shaped like Vonage's; without it there is none",
    )
    add("--gateway-senders", default="", help="its numbers, with commas; key sandbox1, secret the auth token")
    add("--receipts", choices=("all", "final"), default="all", help="call back every status, or the final one only")
    add("--bare", action="store_true", help="no people, no callbacks, no census: the stub of a benchmark")


def _add_portfolio(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--count", type=int, help="how many borrowers (1500; with --uci: all)")
    add("--seed", type=int, default=1, help="the same seed gives the same file")
    add(
        "--as-of",
        type=date.fromisoformat,
        default=date(2026, 3, 2),
        help="day that arrears are counted to (%(default)s)",
    )
    add("--uci", type=Path, help="make it of the UCI card data in this file (.csv or .csv.gz)")
    add("--out", type=Path, required=True, help="file to write")


def _world(asked: argparse.Namespace) -> int:
    settings = WorldSettings(
        twilio=asked.twilio,
        smtp=asked.smtp,
        control=asked.control,
        clock=asked.clock,
        start=asked.start,
        expect=_items(asked.expect),
        seed=asked.seed,
        portfolio=asked.portfolio,
        data_dir=asked.data_dir,
        tracker_url=asked.tracker_url.rstrip("/"),
        tracker_smtp=asked.tracker_smtp,
        account_sid=asked.account_sid,
        auth_token=asked.auth_token,
        senders=_items(asked.senders),
        all_receipts=asked.receipts == "all",
        bare=asked.bare,
        gateway=asked.gateway,
        gateway_senders=_items(asked.gateway_senders),
    )
    run_until_signal(settings)
    return 0


def _portfolio(asked: argparse.Namespace) -> int:
    if asked.uci is None:
        rows = portfolio.generate(asked.count or 1500, asked.seed, asked.as_of)
    else:
        rows = islice(uci_portfolio.convert(asked.uci, asked.seed, asked.as_of), asked.count)
    try:
        count = portfolio.write_csv(rows, asked.out)
    except (OSError, uci_portfolio.FormatError) as error:
        print(f"no portfolio: {error}", file=sys.stderr)
        return 1
    print(f"{count} borrowers in {asked.out}")
    return 0


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


if __name__ == "__main__":
    main()
