"""The commands about labelled files and checkpoints, from `train` to `rollback`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from model.errors import CheckpointError, DataError
from service.cli_common import AsJson, Checkpoint, Device, open_checkpoint, print_line
from service.console import print_comparison, print_evaluation, print_plan, progress_bar, progress_text

if TYPE_CHECKING:
    from model.store import Switch
    from service.console import Advance
    from training.compare import Comparison
    from training.progress import OnProgress, Progress

FROZEN = Path(__file__).parent.parent / "training" / "corpus" / "frozen.csv"
"""The labelled rows that no shipped checkpoint was trained on: what the promotion gate measures by default."""

COMPARE_HINTS = ("", "give rows with the labels of the checkpoints")
PROMOTE_HINTS = (
    "; --force serves the new one all the same",
    "give rows with the labels of the checkpoints by --on, or serve the new one without a comparison by --force",
)
"""What to do where two checkpoints have other labels, and where labelled rows have."""

TextColumn = Annotated[str | None, typer.Option(help="Column of the statement, if not text, statement or quote.")]
StanceColumn = Annotated[str | None, typer.Option(help="Column of the label, if not stance or label.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (train, average, evaluate, compare, promote, suggest, rollback, checkpoints):
        app.command()(command)


def train(
    csv: Annotated[list[Path], typer.Argument(help="Labelled CSV or XLSX; several are joined.")],
    out: Annotated[Path, typer.Option(help="Checkpoint folder to write.")] = Path("runs/checkpoint"),
    base: Annotated[
        str, typer.Option(help="minilm, mpnet, a folder (an earlier checkpoint too), or a hub id.")
    ] = "minilm",
    recipe: Annotated[str, typer.Option(help="auto (by the number of rows), finetune, warm or frozen.")] = "auto",
    delta_rank: Annotated[int | None, typer.Option(min=1, help="Write a small difference to the base instead.")] = None,
    teacher: Annotated[Path | None, typer.Option(help="A stronger checkpoint to learn from as well.")] = None,
    teacher_share: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of each target that is the teacher's; 0.5 by default.")
    ] = None,
    state_weight: Annotated[
        float | None, typer.Option(min=0, help="How much the states of the teacher's tokens count; 1 is usual.")
    ] = None,
    recombine: Annotated[
        int | None, typer.Option(min=0, help="Statements put together from parts of others, for the teacher to label.")
    ] = None,
    weight: Annotated[
        list[str] | None, typer.Option(help="FILE=NUMBER: how often an epoch shows a row of the file; repeatable.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the rows.")] = None,
    rows_per_epoch: Annotated[
        int | None, typer.Option(min=0, help="Rows that a pass shows at most, drawn anew each time; 0 for all.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Statements a step.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=1e-9, max=1, help="Peak rate of the encoder; the head's moves in proportion.")
    ] = None,
    folds: Annotated[int | None, typer.Option(min=2, help="Measure and calibrate by so many folds.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the split, the head and the order of rows.")] = None,
    dropout: Annotated[float | None, typer.Option(min=0, max=0.9, help="Of encoder and head; the base's own.")] = None,
    edit_share: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of the rows that each epoch shows edited.")
    ] = None,
    stated_accuracy: Annotated[
        float | None,
        typer.Option(min=0.5, max=1, help="What answers not marked uncertain reach on held-out rows; 0.85 by default."),
    ] = None,
    target: Annotated[str | None, typer.Option(help="What the stance is toward, in words.")] = None,
    text_column: TextColumn = None,
    stance_column: StanceColumn = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse a file for its doubtful rows too.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a checkpoint at --out.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check, split and time a few steps; write nothing.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Put it among the promotable checkpoints too.")] = False,
    progress_file: Annotated[Path | None, typer.Option("--progress", help="File to keep the progress in.")] = None,
) -> None:
    """Train a checkpoint from a labelled CSV, with calibration and a report.

    Interrupted, the same command goes on from the last saved step.
    """
    from model.store import folder_of
    from training.config import DEFAULT_TARGET, recipe_for
    from training.data import read_labelled
    from training.run import train as run

    weights = _weights(weight or [])
    data = read_labelled(*csv, text_column=text_column, stance_column=stance_column, strict=strict, weights=weights)
    for warning in data.warnings:
        typer.echo(f"Warning: {warning}", err=True)
    chosen = recipe_for(
        base,
        recipe,
        rows_a_label=data.rows_a_label,
        epochs=epochs,
        rows_per_epoch=rows_per_epoch,
        batch_size=batch_size,
        learning_rate=learning_rate,
        folds=folds,
        seed=seed,
        delta_rank=delta_rank,
        edit_share=edit_share,
        recombine=recombine,
        teacher_share=teacher_share,
        state_weight=state_weight,
        dropout=dropout,
        stated_accuracy=stated_accuracy,
    )
    if dry_run:
        from training.plan import plan

        print_plan(data.name, plan(data, chosen))
        return
    with progress_bar("training") as advance:
        manifest, figures = run(
            data,
            out,
            chosen,
            target=target or DEFAULT_TARGET,
            teacher=open_checkpoint(teacher, None) if teacher else None,
            teacher_folder=folder_of(teacher) if teacher else None,
            overwrite=overwrite,
            on_progress=_told(advance, progress_file),
        )
    if keep:
        from model.store import Store

        Store().add(out)
    print_evaluation(f"{manifest.checkpoint_id} on its {manifest.metrics['set']} rows", figures)
    if cross := manifest.training["cross_validation"]:
        each = ", ".join(f"{score:.3f}" for score in cross["by_fold"])
        typer.echo(f"cross-validation macro-F1 {cross['macro_f1']:.3f} (by fold: {each})")
    typer.echo(f"Wrote {out}; report: {out / 'report' / 'report.html'}")


def _weights(given: Sequence[str]) -> dict[str, float]:
    """Read FILE=NUMBER pairs.

    Raises:
        DataError: one of them is none, or its number is out of range.
    """
    from training.data import read_weight

    weights = {}
    for pair in given:
        name, _, number = pair.rpartition("=")
        if not name:
            raise DataError(f"--weight {pair}: write FILE=NUMBER, the name of a file and a number")
        try:
            weights[name] = read_weight(number)
        except ValueError as error:
            raise DataError(f"--weight {pair}: {error}") from error
    return weights


def average(
    checkpoints: Annotated[list[Path], typer.Argument(help="Two or more checkpoints of one base and the same labels.")],
    on: Annotated[list[Path], typer.Option(help="Labelled CSV with rows marked validation; several are joined.")],
    out: Annotated[Path, typer.Option(help="Checkpoint folder to write.")] = Path("runs/average"),
    delta_rank: Annotated[
        int | None, typer.Option(min=1, help="Write a difference to the base of this rank; else as the first has it.")
    ] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option(help="FILE=NUMBER: how much a row of the file counts in calibration; repeatable."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a checkpoint at --out.")] = False,
) -> None:
    """Average the weights of checkpoints into one as quick as each and often better, calibrated and measured."""
    from model.store import folder_of
    from training.average import average as run
    from training.data import read_labelled

    data = read_labelled(*on, weights=_weights(weight or []))
    with progress_bar("averaging") as advance:
        manifest, figures = run(
            [folder_of(one) for one in checkpoints],
            data,
            out,
            delta_rank=delta_rank,
            overwrite=overwrite,
            on_progress=_told(advance, None),
        )
    print_evaluation(f"{manifest.checkpoint_id} on its {manifest.metrics['set']} rows", figures)
    typer.echo(f"Wrote {out}; report: {out / 'report' / 'report.html'}")


def evaluate(
    csv: Annotated[list[Path], typer.Argument(help="Labelled CSV; several are joined.")],
    checkpoint: Checkpoint = None,
    report: Annotated[Path | None, typer.Option(help="Folder for the report: figures, errors, plots.")] = None,
    as_json: AsJson = False,
    text_column: TextColumn = None,
    stance_column: StanceColumn = None,
    device: Device = None,
) -> None:
    """Score a labelled CSV: macro-F1, per class, confusion, calibration, and the errors."""
    from training.data import read_labelled
    from training.evaluate import confident_errors
    from training.evaluate import evaluate as run
    from training.report import write_report

    data = read_labelled(*csv, text_column=text_column, stance_column=stance_column)
    classifier = open_checkpoint(checkpoint, device)
    figures, predictions = run(classifier, data.rows)
    errors = confident_errors(data.rows, predictions)
    if report:
        write_report(report, data.name, data.rows, figures, predictions)
    if as_json:
        print_line({"model": classifier.checkpoint_id, "set": data.name, **asdict(figures), "errors": errors})
        return
    print_evaluation(f"{classifier.checkpoint_id} on {data.name}", figures)
    for error in errors:
        given = f"{error['stance']}, given {error['given']} ({error['confidence']:.2f})"
        typer.echo(f"row {error['row']}: {given}: {error['text']}")


def compare(
    old: Annotated[Path, typer.Argument(help="Checkpoint folder.")],
    new: Annotated[Path, typer.Argument(help="Checkpoint folder.")],
    csv: Annotated[list[Path], typer.Argument(help="Labelled CSV that neither was trained on.")],
    as_json: AsJson = False,
    device: Device = None,
) -> None:
    """Compare two checkpoints on the same labelled rows: figures, interval, and the statements that change."""
    comparison = _compare(old, new, csv, device)
    if as_json:
        changes = [{**asdict(change), "verdict": change.verdict} for change in comparison.changes]
        print_line({**comparison.figures(), "acceptable": comparison.acceptable, "changes": changes})
        return
    print_comparison(comparison)


def promote(
    new: Annotated[Path, typer.Argument(help="Checkpoint folder to serve from now on.")],
    on: Annotated[list[Path] | None, typer.Option(help="Labelled CSV of the gate; the frozen set by default.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Serve it even if it is worse or cannot be compared.")] = False,
    device: Device = None,
) -> None:
    """Serve a checkpoint by default if it is not worse than the present one; the old one is kept."""
    from model.checkpoint import read_manifest
    from model.store import Store, folder_of

    store, new = Store(), folder_of(new)
    if store.serves(new):
        typer.echo(f"{read_manifest(new).checkpoint_id} is served already: nothing was changed")
        return
    figures: dict[str, Any] = {}
    if not force:
        comparison = _compare(store.current(), new, on or [FROZEN], device, PROMOTE_HINTS)
        print_comparison(comparison)
        figures = comparison.figures()
        if not comparison.acceptable:
            measured = ", ".join(path.name for path in on) if on else "the frozen set"
            raise CheckpointError(f"{new} is worse on {measured}: not promoted (--force does it all the same)")
    _say_switched(store.switch(store.add(new), "forced" if force else "promoted", figures), " (stance rollback)")


def suggest(
    results: Annotated[Path, typer.Argument(help="What stance score wrote: JSONL or CSV.")],
    n: Annotated[int, typer.Option("--n", min=1, help="How many statements.")] = 50,
    out: Annotated[Path, typer.Option(help="CSV to fill in.")] = Path("to_label.csv"),
    documents: Annotated[
        str | None, typer.Option(help="What was scored: gives the sentence around each fragment in the column context.")
    ] = None,
    text_column: Annotated[str | None, typer.Option(help="Column of the text in CSV and JSONL documents.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out, labels in it included.")] = False,
) -> None:
    """Pick the statements most worth labelling: uncertain, unlike each other, no duplicates."""
    from service.folder.contexts import contexts_of
    from training.suggest import suggest as run
    from training.suggest import write_suggestions

    if out.exists() and not overwrite:
        raise DataError(f"{out} exists already, perhaps with labels in it: choose another --out, or pass --overwrite")
    picked = run(results, n)
    rows = [candidate.row for candidate in picked]
    contexts = contexts_of(rows, documents, text_column) if documents else {}
    write_suggestions(out, picked, contexts)
    typer.echo(f"Wrote {len(picked)} statements to {out}: fill in the column stance, then stance train {out}")
    if bare := sum(row.get("kind") == "fragment" and str(row.get("statement")) not in contexts for row in rows):
        what = "was not found there again" if documents else "comes with --documents, the path that was scored"
        typer.echo(f"{bare} of them are fragments without a context: the sentence around them {what}", err=True)


def rollback() -> None:
    """Serve the checkpoint again that the present one replaced."""
    from model.store import Store

    store = Store()
    _say_switched(store.switch(store.previous(), "rolled back", {}))


def checkpoints(as_json: AsJson = False) -> None:
    """List the checkpoints, the one that is served marked, and who replaced whom."""
    from model.store import Store

    store = Store()
    served = store.current().resolve()
    for folder, manifest in store.checkpoints():
        marked, metrics = folder.resolve() == served, manifest.metrics
        if as_json:
            known = {"id": manifest.checkpoint_id, "folder": str(folder), "trained_at": manifest.trained_at}
            print_line({**known, "served": marked, "metrics": dict(metrics)})
            continue
        score = f"macro-F1 {metrics['macro_f1']:.3f} on {metrics['rows']} {metrics['set']} rows" if metrics else ""
        typer.echo(f"{'*' if marked else ' '} {manifest.checkpoint_id}  {manifest.trained_at}  {score}  {folder}")
    if not as_json:
        for entry in store.history():
            typer.echo(f"  {entry.at}  {entry.old} -> {entry.new}  {entry.reason}")


def _told(advance: "Advance", file: Path | None) -> "OnProgress":
    """Return what shows progress, and keeps it in a file for other processes."""
    import time

    from model.checkpoint import write_text_atomic

    last_s = 0.0

    def tell(progress: "Progress") -> None:
        nonlocal last_s
        advance(progress.step, progress.steps, progress_text(progress))
        if file is not None and (time.monotonic() - last_s >= 1.0 or not progress.steps):
            last_s = time.monotonic()
            write_text_atomic(file, json.dumps(asdict(progress)) + "\n")

    return tell


def _say_switched(switch: "Switch | None", undo: str = "") -> None:
    """Say what is served, and what a server that runs needs: it looks only when it is told to."""
    if switch is not None:
        typer.echo(f"{switch.new} is served from now on; before: {switch.old}{undo}")
        name = json.dumps({"name": switch.new})
        typer.echo(
            f"A server that runs already takes it on SIGHUP, on POST /admin/checkpoint with {name}, or when it is "
            "restarted; one that was started with --checkpoint on the POST alone."
        )


def _compare(
    old: Path, new: Path, csv: list[Path], device: str | None, hints: tuple[str, str] = COMPARE_HINTS
) -> "Comparison":
    """Compare two checkpoints on labelled rows.

    Args:
        old: checkpoint folder.
        new: checkpoint folder.
        csv: labelled files.
        device: `cpu`, `cuda`, or None.
        hints: what to do where the labels of the two differ, and where the rows have others.

    Raises:
        DataError: one of these two is so, or the files cannot be used.
    """
    from model.checkpoint import read_manifest
    from model.store import folder_of
    from training.compare import compare as run
    from training.compare import refuse_other_labels
    from training.data import read_labelled

    rows = read_labelled(*csv).rows
    first, second = read_manifest(folder_of(old)), read_manifest(folder_of(new))
    refuse_other_labels(first, second, hints[0])
    known = first.labels.stance
    if unknown := sorted({row.stance for row in rows} - set(known)):
        files = " and ".join(path.name for path in csv)
        raise DataError(
            f"the rows of {files} have labels that the checkpoints do not know ({', '.join(unknown)}; "
            f"they label {', '.join(known)}): {hints[1]}"
        )
    return run(open_checkpoint(old, device), open_checkpoint(new, device), rows)
