"""`forbear template`: read, check and approve what is said to borrowers. Works on files; needs no server."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import click

from forbear_domain.messages import LANGUAGES, Catalogue, Finding, Occasion, Severity, TemplateError
from forbear_domain.messages import lint as lint_text
from forbear_domain.messages.catalogue import (
    LOCK_FILE,
    Version,
    approved_lock,
    draft_catalogue,
    templates_folder,
)
from forbear_domain.messages.lint import lint_catalogue, sample
from forbear_domain.model import Channel

ACTORS = ("collector", "creditor", "servicer", "collecting_servicer")

_channel = click.option(
    "--channel", type=click.Choice([one.label for one in Channel]), default="sms", show_default=True
)
_language = click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True)
_actor = click.option(
    "--actor", type=click.Choice(ACTORS), default="collector", show_default=True, help="legal role of the sender"
)
_first = click.option("--first", is_flag=True, help="as the first message about this debt")
_json = click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
_folder = click.option(
    "--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="templates other than the shipped"
)


@click.group()
def template() -> None:
    """Read, check and approve what is said to borrowers."""


@template.command("list")
@_json
@_folder
def list_command(as_json: bool, folder: Path | None) -> None:
    """List every template with its versions."""
    for name, versions in _by_template(_load(folder)).items():
        if as_json:
            click.echo(json.dumps({"template": name, "about": versions[0].about, "frame": versions[0].frame,
                                   "versions": {one.name: one.number for one in versions}}))  # fmt: skip
        else:
            latest = max(one.number for one in versions)
            click.echo(f"{name:30} {len(versions):3} texts, version {latest}  {versions[0].about}")


@template.command()
@click.argument("name")
@_channel
@_language
@_actor
@_first
@_folder
def show(name: str, channel: str, language: str, actor: str, first: bool, folder: Path | None) -> None:
    """Show the text NAME as a borrower would get it, with sample values."""
    catalogue, kind = _load(folder), Channel[channel.upper()]
    try:
        version = catalogue.find(name, kind, language)
        rendered = catalogue.render(name, kind, language, sample(version, actor, is_first=first))
    except TemplateError as error:
        raise click.ClickException(f"{error}; templates are {', '.join(catalogue.templates)}") from None
    click.echo(f"{version.name}  version {version.number}  sha256 {version.sha256[:16]}")
    click.echo(version.about)
    if rendered.subject:
        click.echo(f"\nSubject: {rendered.subject}")
    if rendered.steps:
        for step, text in rendered.steps.items():
            click.echo(f"\n[{step}] {text}")
    else:
        parts = f"\n({rendered.parts} SMS parts)" if kind is Channel.SMS else ""
        click.echo(f"\n{rendered.text}{parts}")


@template.command()
@click.argument("file", type=click.File(encoding="utf-8"), required=False)
@click.option("--subject", default="", help="subject of an e-mail")
@click.option("--brand", default="", help="true name of the sender")
@_channel
@_language
@_actor
@_first
@_json
@_folder
def lint(  # noqa: PLR0913  # one argument an option
    file: TextIO | None,
    subject: str,
    brand: str,
    channel: str,
    language: str,
    actor: str,
    first: bool,
    as_json: bool,
    folder: Path | None,
) -> None:
    """Say in plain words what is wrong with the message in FILE ("-" reads standard input), or with all templates.

    Ends with code 1 where something must be mended.
    """
    if file is None:
        found = lint_catalogue(_draft(folder), ACTORS)
    else:
        occasion = Occasion(brand, actor, is_first=first)
        found = {file.name: lint_text(file.read(), Channel[channel.upper()], language, subject=subject,
                                      occasion=occasion)}  # fmt: skip
    _report(found.items(), as_json=as_json)
    if any(one.severity is Severity.MUST for findings in found.values() for one in findings):
        raise SystemExit(1)
    if not as_json and not any(found.values()):
        click.echo("Nothing was found. That the text is clean is decided by the person who approves it.")


@template.command()
@_folder
def approve(folder: Path | None) -> None:
    """Lock the templates as they are now, after a review: changed texts get a new version and hash."""
    target = folder or Path(str(templates_folder()))
    found = lint_catalogue(_draft(folder), ACTORS)
    musts = {name: [one for one in all_ if one.severity is Severity.MUST] for name, all_ in found.items()}
    _report(((name, some) for name, some in musts.items() if some), as_json=False)
    if any(musts.values()):
        raise click.ClickException("not approved: mend what must be mended first")
    lock, changed = approved_lock(target)
    (target / LOCK_FILE).write_text(lock, encoding="utf-8")
    for name in changed:
        click.echo(f"approved {name}")
    click.echo(f"{len(changed)} texts changed")


def _report(found: Iterable[tuple[str, list[Finding]]], *, as_json: bool) -> None:
    for name, findings in found:
        for one in findings:
            click.echo(json.dumps({"text": name, **asdict(one)}, ensure_ascii=False) if as_json else f"{name}: {one}")


def _by_template(catalogue: Catalogue) -> dict[str, list[Version]]:
    versions: dict[str, list[Version]] = {}
    for version in catalogue:
        versions.setdefault(version.template, []).append(version)
    return dict(sorted(versions.items()))


def _load(folder: Path | None) -> Catalogue:
    try:
        return Catalogue.load(folder)
    except TemplateError as error:
        raise click.ClickException(str(error)) from None


def _draft(folder: Path | None) -> Catalogue:
    try:
        return draft_catalogue(folder)
    except TemplateError as error:
        raise click.ClickException(str(error)) from None
