"""What the command line shows: progress, tables, summaries. Everything but results goes to standard error."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from service.folder.tally import Progress as FolderProgress
    from service.folder.tally import Summary
    from training.compare import Comparison
    from training.evaluate import Evaluation
    from training.plan import Plan
    from training.progress import Progress

QUIET_S = 15.0
"""Seconds between two progress lines where standard error is no terminal."""

Advance = Callable[[int, int, str], None]


SPEAKERS_SHOWN = 10


@contextmanager
def progress_bar(what: str, *, quiet: bool = False) -> Iterator[Advance]:
    """Show progress on standard error: a bar on a terminal, else a line now and then.

    Args:
        what: names the steps.
        quiet: show nothing where standard error is no terminal.

    Yields:
        A function to call with steps done, steps in all (0: not known), and a note.
    """
    if not sys.stderr.isatty():
        yield (lambda done, total, note: None) if quiet else _plain_lines(what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns: list[Any] = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    if not quiet:  # a note of its own says the time left
        columns.append(TimeRemainingColumn())
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
    if progress.stage == "teach":
        return f"{stage}{progress.rows_per_s:.0f} rows/s  {left}"
    return f"{stage}loss {loss}  rate {progress.learning_rate:.1e}  {progress.rows_per_s:.0f} rows/s  {left}"


def folder_text(progress: "FolderProgress") -> str:
    """Say what a waiting person asks: documents, statements, rates, time left, failures."""
    so_far = progress.summary
    failed = f"  {so_far.failed:,} failed" if so_far.failed else ""
    rate = f"{progress.documents_per_s:.0f} documents/s  {progress.statements_per_s:.0f} statements/s"
    left = "" if progress.seconds_left is None else f"  {_duration(progress.seconds_left)} left"
    return f"{so_far.documents:,} documents  {so_far.statements:,} statements  {rate}{left}{failed}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def print_summary(summary: "Summary", target: Path) -> None:
    """Print what a folder run did: stances overall, by speaker, by month, and what was not read."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 120)
    if summary.changed:
        console.print(
            f"{escape(summary.changed)} changed, came or went since the interrupted run: scored anew from there"
        )
    if summary.kept:
        console.print(f"{summary.kept:,} documents were done by the interrupted run and are kept")
    stances = [stance for stance, _ in summary.stances.most_common()]
    title = f"{summary.documents:,} documents, {summary.statements:,} statements"
    if summary.statements:
        shares = {"all": summary.stances, "share": None}
        console.print(title)
        console.print(_stance_table("", stances, shares))
        speakers = sorted(summary.speakers.items(), key=lambda each: (-each[1].total(), each[0]))
        if speakers:
            console.print(_stance_table("speaker", stances, dict(speakers[:SPEAKERS_SHOWN])))
        if len(speakers) > SPEAKERS_SHOWN:
            console.print(f"and {len(speakers) - SPEAKERS_SHOWN:,} other speakers (stance report shows more)")
        if summary.months:
            console.print(_stance_table("month", stances, dict(sorted(summary.months.items()))))
    else:
        console.print(f"{title}: nobody is quoted here")
    notes = [f"{summary.uncertain:,} uncertain", f"{summary.duplicates:,} repeat an earlier statement"]
    if summary.empty:
        notes.append(f"{summary.empty:,} documents without a statement")
    if summary.left_out:
        endings = ", ".join(f"{count:,} {ending}" for ending, count in summary.left_out.most_common(5))
        notes.append(f"files left out: {endings}")
    console.print(escape("; ".join(notes)))
    console.print(escape(f"Wrote {target}"))
    for name, reason in summary.failures.items():
        console.print(escape(f"not read: {name}: {reason}"), style="red", soft_wrap=True)
    if summary.failed:
        console.print(escape(f"{summary.failed:,} not read; all are in {target.name}.errors.jsonl"), style="red")


def _stance_table(what: str, stances: list[str], lines: Mapping[str, Counter[str] | None]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table(what, *stances, "all")
    for column in table.columns[1:]:
        column.justify = "right"
    whole: Counter[str] = Counter()
    for name, counts in lines.items():
        if counts is None:
            table.add_row(name, *(f"{whole[stance] / max(whole.total(), 1):.0%}" for stance in stances), "")
            continue
        whole += counts
        table.add_row(escape(name), *(f"{counts[stance]:,}" for stance in stances), f"{counts.total():,}")
    return table


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
    kind = f"recipe {recipe.method}, base {recipe.base}, {recipe.effort}"
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
