"""``forbear replies``: read replies from a file, train the reader, report how well it reads.

``read`` and ``report`` write what was asked for to standard output, so that it can be piped; faults and progress go to
standard error.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import click

from forbear_replies import Reader
from forbear_replies.assist import Assistant, AssistedReader
from forbear_replies.corpus import DEVELOPMENT, HELD_OUT, AuthorFileError
from forbear_replies.items import Item, author_items
from forbear_replies.records import Fault, read_records
from forbear_replies.report import measure, render

FAULTS_SHOWN_MAX = 20
PROGRESS_EVERY = 200  # items: a third of a second
_AUTHORS = Path("training/replies")
_ARTEFACT = Path("libs/common/src/forbear_replies/data/model.npz")


@click.group()
def replies() -> None:
    """Read what borrowers write back."""


@replies.command()
@click.argument("file", type=click.File("rb"))
@click.option("--assist-url", help="Base URL of an OpenAI-compatible model that is asked about unsure replies.")
@click.option("--assist-model", default="default", show_default=True, help="Name of that model.")
def read(file: BinaryIO, assist_url: str | None, assist_model: str) -> None:
    """Read FILE (JSON Lines; - for standard input) and write id, labels, extract, confidence and action of each item.

    An item is a line such as

    \b
      {"id": "1", "lang": "es", "channel": "sms",
       "received_at": "2026-03-02T12:00:00-05:00", "text": "el viernes pago 200"}

    lang is the language on record, and may be missing or another one than en, es, zh-Hans and zh-Hant: what is read
    is the language written in. channel is sms, email or voice, and sms where it is missing. Days such as "Friday" are
    counted from the date of received_at. Further fields, such as labels, change nothing.

    A line that is no item is named on standard error with its field and how to mend it; the others are read. The exit
    status is then 1.

    With --assist-url the words of unsure replies leave the house; the key, if one is needed, is read from
    FORBEAR_ASSIST_KEY. The answer can add labels that protect the borrower and nothing else.
    """
    reader = _reader(assist_url, assist_model)
    faults = Faults()
    for item in _with_progress(faults.sift(read_records(file)), is_shown=not sys.stdout.isatty()):
        click.echo(_read_item(reader, item))
    faults.conclude("read")


def _reader(assist_url: str | None, assist_model: str) -> Reader | AssistedReader:
    if assist_url is None:
        return Reader.load()
    try:
        assistant = Assistant(assist_url, assist_model, os.environ.get("FORBEAR_ASSIST_KEY", ""))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--assist-url") from error
    return AssistedReader(Reader.load(), assistant)


def _read_item(reader: Reader | AssistedReader, item: Item) -> str:
    reading = reader.read(item.text, lang=item.lang, channel=item.channel, received_at=item.received_at)
    return json.dumps(
        {
            "id": item.id,
            "labels": sorted(reading.labels),
            "extract": reading.extract.as_json(),
            "confidence": round(reading.confidence, 3),
            "action": reading.action,
        }
    )


class Faults:
    """The lines that were no items: the first are shown as they come, all are counted."""

    def __init__(self) -> None:
        self.count = 0
        self.lines = 0

    def sift(self, found: Iterable[Item | Fault]) -> Iterator[Item]:
        """Pass items on, and show faults."""
        for one in found:
            self.lines += 1
            if isinstance(one, Item):
                yield one
                continue
            self.count += 1
            if self.count <= FAULTS_SHOWN_MAX:
                click.echo(str(one), err=True)

    def conclude(self, what: str) -> None:
        """Say how many lines could not be used, and end the command with status 1 where there were any, or no line."""
        if self.count:
            more = f" (the first {FAULTS_SHOWN_MAX} are shown)" if self.count > FAULTS_SHOWN_MAX else ""
            raise click.ClickException(f"{self.count} of {self.lines} lines could not be {what}{more}")
        if not self.lines:
            click.echo("the file holds no line: nothing was read", err=True)


def _with_progress(items: Iterable[Item], *, is_shown: bool = True) -> Iterator[Item]:
    """Pass items on, and count them where somebody sits before a terminal."""
    is_shown = is_shown and sys.stderr.isatty()
    for number, item in enumerate(items, 1):
        yield item
        if is_shown and number % PROGRESS_EVERY == 0:
            click.echo(f"\r{number} read", nl=False, err=True)
    if is_shown:
        click.echo("\r" + " " * 20 + "\r", nl=False, err=True)


@replies.command()
@click.option(
    "--authors", type=click.Path(file_okay=False, path_type=Path), default=_AUTHORS, show_default=True,
    help="Folder of author files, *.txt; its folders development and heldout are not trained on.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), default=_ARTEFACT, show_default=True,
    help="Where the model is written once it is whole.",
)  # fmt: skip
def train(authors: Path, out: Path) -> None:
    """Train the reader from the author files and write the model; the same files give the same model.

    This takes some minutes; what is done is told on standard error. A model that was there before stays until the new
    one is whole.
    """
    if not any(authors.glob("*.txt")):
        raise click.BadParameter(f"{authors} holds no author file (*.txt)", param_hint="--authors")
    partial = out.with_name(f".{out.stem}.partial.npz")
    try:
        partial.touch()
    except OSError as error:
        raise click.BadParameter(f"cannot write to {out.parent}: {error.strerror}", param_hint="--out") from None
    from forbear_replies.training import train as train_model  # needs scikit-learn, which reading does not

    try:
        model = train_model(authors, lambda message: click.echo(message, err=True))
        model.save(partial)
        partial.replace(out)
    except AuthorFileError as error:
        raise click.ClickException(str(error)) from None
    finally:
        partial.unlink(missing_ok=True)
    click.echo(f"{out}: {out.stat().st_size / 1e6:.1f} MB, data {model.data_hash[:12]}", err=True)


@replies.command()
@click.argument("file", type=click.File("rb"), required=False)
@click.option(
    "--authors", type=click.Path(file_okay=False, path_type=Path), default=_AUTHORS, show_default=True,
    help="Used when no FILE is given.",
)  # fmt: skip
@click.option(
    "--split", type=click.Choice([HELD_OUT, DEVELOPMENT]), default=HELD_OUT, show_default=True,
    help="Which of the authors kept out of training.",
)  # fmt: skip
@click.option("--author", default="", help='Only authors whose names begin so; "[hv]" is h or v.')
def report(file: BinaryIO | None, authors: Path, split: str, author: str) -> None:
    """Report on FILE (JSON Lines with labels; - for standard input), or on authors kept out of training without one.

    For each label and language: how many were wanted, precision, recall and F1; then how well the confidence keeps its
    word, and what was given instead of what. A file with a line that is no item with labels is not reported on.
    """
    faults = Faults()
    found = author_items(authors, split=split, author=author) if file is None else read_records(file, with_truth=True)
    try:
        measured = measure(Reader.load(), _with_progress(faults.sift(found)))
    except AuthorFileError as error:
        raise click.ClickException(str(error)) from None
    if not faults.lines and file is None:
        wanted = f"{authors / split}/*_{author}*.txt"
        raise click.ClickException(f"there is no author file {wanted}; give a FILE of items with labels, or --authors")
    faults.conclude("measured on")
    if measured.items:
        click.echo(render(measured))
