"""``forbear replies``: read replies from a file, train the reader, report how well it reads.

``read`` writes one JSON object a line to standard output, so that it can be piped; messages go to standard error.
"""

import json
from pathlib import Path

import click

from forbear_replies import Reader
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
def read(file: Path) -> None:
    """Read FILE (JSON Lines) and write id, labels, extract, confidence and action, a line for each item."""
    reader = Reader.load()
    with file.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                click.echo(_read_line(reader, line, number))


def _read_line(reader: Reader, line: str, number: int) -> str:
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
def report(file: Path | None, authors: Path, split: str) -> None:
    """Report on FILE (items with labels), or on authors kept out of training where no FILE is given."""
    items = read_items(file) if file else author_items(authors, split=split)
    click.echo(render(measure(Reader.load(), items)))
