"""What the command line shows: progress, tables, summaries. Everything but results goes to standard error."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from service.folder.runner import Summary
    from training.compare import Comparison
    from training.evaluate import Evaluation
    from training.plan import Plan
    from training.progress import Progress

QUIET_S = 15.0
"""Seconds between two progress lines where standard error is no terminal."""

Advance = Callable[[int, int, str], None]


@contextmanager
def progress_bar(what: str) -> Iterator[Advance]:
    """Show progress on standard error: a bar on a terminal, else a line now and then.

    Yields:
        A function to call with steps done, steps in all (0: not known), and a note.
    """
    if not sys.stderr.isatty():
        yield _plain_lines(what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[note]}"), console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=None, note="")
        yield lambda done, total, note: bar.update(task, completed=done, total=total or None, note=note)


def _plain_lines(what: str) -> Advance:
    last_s = time.monotonic()

    def advance(done: int, total: int, note: str) -> None:
        nonlocal last_s
        if time.monotonic() - last_s >= QUIET_S:
            last_s = time.monotonic()
            typer.echo(f"{what} {done}/{total or '?'}  {note}", err=True)

    return advance


def progress_text(progress: "Progress") -> str:
    """Say what a waiting person asks: loss, learning rate, rows a second, time left."""
    if not progress.steps:
        return progress.stage
    loss = "-" if progress.loss is None else f"{progress.loss:.3f}"
    left = "?" if progress.seconds_left is None else f"{progress.seconds_left:.0f} s left"
    stage = "" if progress.stage == "train" else f"{progress.stage}  "
    return f"{stage}loss {loss}  rate {progress.learning_rate:.1e}  {progress.rows_per_s:.0f} rows/s  {left}"


def print_summary(summary: "Summary", target: Path) -> None:
    """Print what a folder run did."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        "stance", "statements", "share", title=f"{summary.documents} documents, {summary.statements} statements"
    )
    for stance, count in summary.stances.most_common():
        table.add_row(stance, str(count), f"{count / summary.statements:.0%}")
    console = Console(stderr=True)
    console.print(table)
    console.print(f"{summary.uncertain} uncertain. Wrote {target}")
    for name, reason in summary.failed.items():
        console.print(f"not read: {name}: {reason}", style="red", highlight=False)


def print_evaluation(title: str, figures: "Evaluation") -> None:
    """Print the figures of an evaluation."""
    from rich.console import Console
    from rich.table import Table

    low, high = figures.macro_f1_interval
    typer.echo(title)
    typer.echo(f"macro-F1 {figures.macro_f1:.3f} (95 % bootstrap {low:.3f} to {high:.3f}), {figures.rows} rows")
    typer.echo(f"accuracy {figures.accuracy:.3f}, stance or secondary {figures.secondary_accuracy:.3f}")
    typer.echo(f"expected calibration error {figures.ece:.3f} (15 bins)")
    typer.echo(f"not uncertain {figures.coverage:.0%}, of those right {figures.covered_accuracy:.0%}")
    if figures.sentiment_macro_f1 is not None:
        typer.echo(f"sentiment macro-F1 {figures.sentiment_macro_f1:.3f}, {figures.sentiment_rows} rows")
    table = Table("stance", "precision", "recall", "F1", "rows", *(f"as {label}" for label in figures.labels))
    for index, (label, each) in enumerate(figures.per_class.items()):
        scores = (f"{value:.2f}" for value in (each.precision, each.recall, each.f1))
        table.add_row(label, *scores, str(each.support), *map(str, figures.confusion[index]))
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def print_plan(name: str, plan: "Plan") -> None:
    """Print what a training run would do."""
    from rich.console import Console
    from rich.table import Table

    stances = sorted({stance for counts in plan.split.values() for stance in counts})
    table = Table("split", "rows", *stances, title=name)
    for split, counts in plan.split.items():
        table.add_row(split, str(sum(counts.values())), *(str(counts.get(stance, 0)) for stance in stances))
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    recipe = plan.recipe
    kind = f"recipe {recipe.method}, base {recipe.base}, {recipe.epochs} epochs"
    typer.echo(f"{kind}, {recipe.folds} folds" if recipe.folds else kind)
    rate = f"; timed here: {plan.rows_per_s:.0f} rows/s" if plan.rows_per_s else ""
    typer.echo(f"expected time {plan.seconds / 60:.1f} minutes for {plan.runs} network(s){rate}")
    typer.echo("Nothing was trained or written.")


def print_comparison(comparison: "Comparison") -> None:
    """Print two checkpoints side by side and the statements whose label changes."""
    from rich.console import Console
    from rich.table import Table

    old, new = comparison.old, comparison.new
    low, high = comparison.interval
    typer.echo(f"macro-F1 {old.macro_f1:.3f} -> {new.macro_f1:.3f}, {old.rows} rows")
    typer.echo(f"difference {comparison.difference:+.3f} (95 % paired bootstrap {low:+.3f} to {high:+.3f})")
    table = Table("stance", "F1 old", "F1 new", "rows")
    for label, each in old.per_class.items():
        table.add_row(label, f"{each.f1:.2f}", f"{new.per_class[label].f1:.2f}", str(each.support))
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    for change in comparison.changes:
        typer.echo(f"{change.verdict:<6} {change.row}: {change.gold}, {change.old} -> {change.new}: {change.text}")
