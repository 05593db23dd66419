"""What several files of the command line share."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from model.classifier import StanceClassifier

Checkpoint = Annotated[
    Path | None, typer.Option(help="Checkpoint folder; by default the promoted one, or else the one that ships.")
]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; a GPU where there is one by default.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]


def open_checkpoint(checkpoint: Path | None, device: str | None) -> "StanceClassifier":
    """Open a checkpoint, the one that is served by default, without warming up."""
    from model.loading import open_classifier

    return open_classifier(checkpoint, device=device, warm_up=False)


def print_line(value: dict[str, Any]) -> None:
    """Print one JSON object."""
    typer.echo(json.dumps(value, ensure_ascii=False))
