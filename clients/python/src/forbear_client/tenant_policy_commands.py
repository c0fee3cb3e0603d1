"""`forbear policy put|show|withdraw`: a tenant's own, stricter rules through the campaign API."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import click

from forbear_client.access import Refused, connect, key_file_option, refused, url_option
from forbear_client.api import Api, Document

IN_FORCE_WAIT_S = 10.0
POLL_S = 0.2


@click.command("put")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", "only_check", is_flag=True, help="Check the rules and run their worked cases; change nothing.")
@url_option
@key_file_option
def put(file: Path, only_check: bool, url: str, key_file: str) -> None:
    """Put stricter rules of your own in force: FILE holds TOML of the form of our packs.

    They bind every plan and every send, and can never loosen law. Try them first: `forbear policy simulate`.
    """
    with connect(url, key_file) as api:
        if only_check:
            checked = refused(lambda: api.check_policy(_read(file)))
            click.echo(f"{len(checked['rules'])} rules can be put, and {checked['cases']} worked cases hold")
            return
        stored = refused(lambda: api.put_policy(_read(file)))
        click.echo("\n".join(about(_settled(api, stored))))


@click.command("show")
@click.option("--version", type=int, help="This version, with its text; by default the newest.")
@click.option("--versions", "list_all", is_flag=True, help="Who put which rules when, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
@url_option
@key_file_option
def show(version: int | None, list_all: bool, as_json: bool, url: str, key_file: str) -> None:
    """Show your own rules, in force or pending, or all versions of them."""
    with connect(url, key_file) as api:
        found = refused(api.policy_versions) if list_all else [refused(lambda: api.policy(version))]
    for one in found:
        if as_json:
            click.echo(json.dumps(one, ensure_ascii=False))
        elif list_all:
            click.echo(f"{one['version']:>4}  {one['state']:<9}  {one['put_at'][:19]}  {one['put_by']}  {one['label']}")
        else:
            click.echo("\n".join([*about(one), *(["", one["text"]] if version else [])]))


@click.command("withdraw")
@url_option
@key_file_option
def withdraw(url: str, key_file: str) -> None:
    """Withdraw all rules of your own; the law and our defaults stay. What was withdrawn stays on record."""
    with connect(url, key_file) as api:
        click.echo("\n".join(about(_settled(api, refused(api.withdraw_policy)))))


def about(policy: Document) -> Iterator[str]:
    """A policy as a person reads it: its state and its rules."""
    if not policy["version"]:
        yield "you have no rules of your own: the law and our defaults decide"
        return
    states = {
        "in_force": f"in force since {str(policy['in_force_at'])[:19]} UTC",
        "pending": "stored; the dispatcher has not confirmed it yet: what is planned under it waits until then",
        "replaced": "replaced by a later version",
    }
    yield f"version {policy['version']}  {policy['label'] or 'no rules of your own'}  {states[policy['state']]}"
    for rule in policy["rules"]:
        dates = " ".join(f"{word} {rule[name]}" for word, name in (("from", "effective_from"), ("to", "effective_to"))
                         if rule[name])  # fmt: skip
        yield f"  {rule['id']:<28}{rule['kind']:<22}{rule['outcome']:<12}{rule['summary']} {dates}".rstrip()


def _settled(api: Api, stored: Document) -> Document:
    """Wait a little for the dispatcher to confirm."""
    end_s = time.monotonic() + IN_FORCE_WAIT_S
    while stored["state"] == "pending" and time.monotonic() < end_s:
        time.sleep(POLL_S)
        stored = refused(lambda: api.policy(None))
    return stored


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refused(f"cannot read {file}: {error.strerror}") from None
