"""``forbear replies``: read replies from a file, train the reader, report how well it reads.

``read`` writes one JSON object a line to standard output, so that it can be piped; messages go to standard error.
"""

import json
import os
from pathlib import Path

import click

from forbear_replies import Reader
from forbear_replies.assist import Assistant, AssistedReader
from forbear_replies.corpus import DEVELOPMENT, HELD_OUT
from forbear_replies.items import author_items, item_from_json, read_items
from forbear_replies.report import measure, render

_AUTHORS = Path("training/replies")
_ARTEFACT = Path("libs/common/src/forbear_replies/data/model.npz")
_existing_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_existing_folder = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def replies() -> None:
    """Read what borrowers write back."""


@replies.command()
@click.argument("file", type=_existing_file)
@click.option("--assist-url", help="Base URL of an OpenAI-compatible model that is asked about unsure replies.")
@click.option("--assist-model", default="default", show_default=True, help="Name of that model.")
def read(file: Path, assist_url: str | None, assist_model: str) -> None:
    """Read FILE (JSON Lines) and write id, labels, extract, confidence and action, a line for each item.

    With --assist-url the words of unsure replies leave the house; the key, if one is needed, is read from
    FORBEAR_ASSIST_KEY. The answer can add labels that protect the borrower and nothing else.
    """
    reader = _reader(assist_url, assist_model)
    with file.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                click.echo(_read_line(reader, line, number))


def _reader(assist_url: str | None, assist_model: str) -> Reader | AssistedReader:
    if assist_url is None:
        return Reader.load()
    try:
        assistant = Assistant(assist_url, assist_model, os.environ.get("FORBEAR_ASSIST_KEY", ""))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--assist-url") from error
    return AssistedReader(Reader.load(), assistant)


def _read_line(reader: Reader | AssistedReader, line: str, number: int) -> str:
    try:
        item = item_from_json(json.loads(line))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise click.ClickException(f"line {number} is not an item: {error!r}") from error
    reading = reader.read(item.text, lang=item.lang, channel=item.channel, received_at=item.received_at)
    return json.dumps(
        {
            "id": item.id,
            "labels": sorted(reading.labels),
            "extract": reading.extract.as_json(),
            "confidence": round(reading.confidence, 3),
            "action": reading.action,
        },
        ensure_ascii=False,
    )


@replies.command()
@click.option("--authors", type=_existing_folder, default=_AUTHORS, show_default=True, help="Folder of author files.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=_ARTEFACT, show_default=True)
def train(authors: Path, out: Path) -> None:
    """Train the reader from the author files and write the model; the same files give the same model."""
    from forbear_replies.training import train as train_model  # needs scikit-learn, which reading does not

    model = train_model(authors, lambda message: click.echo(message, err=True))
    model.save(out)
    click.echo(f"{out}: {out.stat().st_size / 1e6:.1f} MB, data {model.data_hash[:12]}", err=True)


@replies.command()
@click.argument("file", type=_existing_file, required=False)
@click.option(
    "--authors", type=_existing_folder, default=_AUTHORS, show_default=True, help="Used when no FILE is given."
)
@click.option("--split", type=click.Choice([HELD_OUT, DEVELOPMENT]), default=HELD_OUT, show_default=True)
@click.option("--author", default="", help="Only authors whose names begin so.")
def report(file: Path | None, authors: Path, split: str, author: str) -> None:
    """Report on FILE (items with labels), or on authors kept out of training where no FILE is given."""
    items = read_items(file) if file else author_items(authors, split=split, author=author)
    click.echo(render(measure(Reader.load(), items)))
