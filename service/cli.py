"""The command line: `stance`. The composition root; each command imports what it needs when it runs."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from model.errors import CheckpointError, DataError, StanceError
from service.console import (
    folder_text,
    print_comparison,
    print_evaluation,
    print_plan,
    print_summary,
    progress_bar,
    progress_text,
)

if TYPE_CHECKING:
    from model.classifier import StanceClassifier
    from training.compare import Comparison

app = typer.Typer(
    name="stance",
    help="Find quoted statements in the news, who said them, and label their stance and sentiment.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # an error is one plain sentence, whatever the width of the terminal
    context_settings={"help_option_names": ["-h", "--help"]},
)

FROZEN = Path(__file__).parent.parent / "training" / "corpus" / "frozen.csv"
"""The labelled rows that no shipped checkpoint was trained on: what the promotion gate measures by default."""

Checkpoint = Annotated[Path | None, typer.Option(help="Checkpoint folder; the one that ships by default.")]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; a GPU where there is one by default.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]
Fragments = Annotated[bool, typer.Option(help="Whether words woven into the reporter's sentence count.")]
Include = Annotated[list[str] | None, typer.Option(help="Glob that files must match; may be given again.")]
Exclude = Annotated[list[str] | None, typer.Option(help="Glob of files to leave out; may be given again.")]
DocumentColumn = Annotated[str | None, typer.Option("--text-column", help="Column of the text in CSV and JSONL.")]
TextColumn = Annotated[str | None, typer.Option(help="Column of the statement, if not text, statement or quote.")]
StanceColumn = Annotated[str | None, typer.Option(help="Column of the label, if not stance or label.")]


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Find quoted statements in the news, who said them, and label their stance and sentiment."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 by default.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 8000 by default.")] = None,
    checkpoint: Checkpoint = None,
) -> None:
    """Start the REST service."""
    from service.server import serve as run
    from service.settings import Settings

    given = {"host": host, "port": port, "checkpoint": checkpoint}
    run(Settings(**{key: value for key, value in given.items() if value is not None}))  # type: ignore[arg-type]


@app.command()
def score(
    path: Annotated[str, typer.Argument(help="A document, a folder, an fsspec URL, or - for standard input.")],
    out: Annotated[Path | None, typer.Option(help="File to write; statements.<format> by default.")] = None,
    output_format: Annotated[
        str | None, typer.Option("--format", help="jsonl, csv, xlsx or parquet; by the ending of --out by default.")
    ] = None,
    checkpoint: Checkpoint = None,
    fragments: Fragments = True,
    include: Include = None,
    exclude: Exclude = None,
    text_column: DocumentColumn = None,
    read_as: Annotated[str, typer.Option(help="Ending that says what standard input is.")] = ".txt",
    engine: Annotated[str, typer.Option(help="local, or ray for a Ray cluster (extra: ray).")] = "local",
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that read (ray: workers).")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Forget an interrupted run.")] = False,
    device: Device = None,
) -> None:
    """Score every document under PATH: one row a statement. After an interruption the same command goes on."""
    from service.folder.command import score_path
    from service.folder.runner import Task
    from service.folder.writers import WRITERS

    chosen = (output_format or (out.suffix.lstrip(".") if out else "jsonl")).lower()
    if chosen not in WRITERS:
        raise typer.BadParameter(f"{chosen!r} is none of {', '.join(WRITERS)}", param_hint="--format")
    if engine not in ("local", "ray"):
        raise typer.BadParameter(f"{engine!r} is neither local nor ray", param_hint="--engine")
    target = out or Path(f"statements.{chosen}")
    task = Task(path, target, chosen, fragments, tuple(include or ()), tuple(exclude or ()), text_column)
    with progress_bar("files", quiet=True) as advance:
        summary = score_path(
            task,
            lambda: _open(checkpoint, device),
            checkpoint,
            engine=engine,
            workers=workers,
            restart=restart,
            read_as=read_as,
            on_progress=lambda progress: advance(progress.files_done, progress.files, folder_text(progress)),
        )
    print_summary(summary, target)
    if summary.failed:
        raise typer.Exit(1)


@app.command()
def report(
    results: Annotated[Path, typer.Argument(help="What stance score wrote: JSONL, CSV or Parquet.")],
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("report.html"),
    documents: Annotated[
        str | None, typer.Option(help="Folder or URL of the documents, to link them; looked for by default.")
    ] = None,
) -> None:
    """Write scored statements as one self-contained HTML page with plots."""
    from service.folder.report import write_report

    figures = write_report(results, out, documents)
    typer.echo(f"Wrote {out}: {figures.summary.statements:,} statements of {figures.documents:,} documents")


@app.command()
def classify(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts; one a line from standard input if none.")] = None,
    checkpoint: Checkpoint = None,
    as_json: AsJson = False,
    device: Device = None,
) -> None:
    """Label texts: a quick look."""
    given = texts or [line.rstrip("\r\n") for line in sys.stdin if line.strip()]
    if not given:
        raise typer.BadParameter("give texts as arguments, or one a line on standard input", param_hint="TEXT")
    from service.schemas import labels_of

    classifier = _open(checkpoint, device)
    for text, prediction in zip(given, classifier.classify(given), strict=True):
        if as_json:
            _line({"text": text, **labels_of(prediction), "model": classifier.checkpoint_id})
            continue
        tone = f"  {prediction.sentiment.label} {prediction.sentiment.confidence:.2f}" if prediction.sentiment else ""
        doubt = "  uncertain" if prediction.uncertain else ""
        typer.echo(f"{prediction.stance.label:<12} {prediction.stance.confidence:.2f}{tone}{doubt}  {text}")


@app.command()
def quotes(
    path: Annotated[str, typer.Argument(help="A document, or a folder of documents.")],
    as_json: AsJson = False,
    fragments: Fragments = True,
    include: Include = None,
    exclude: Exclude = None,
    text_column: DocumentColumn = None,
) -> None:
    """Find quoted statements and their speakers, without labels."""
    from service.folder.rows import article_row, statement_row
    from service.folder.runner import Task, extract_documents

    failed = False
    task = Task(path, Path("statements.jsonl"), "jsonl", fragments, include or (), exclude or (), text_column)
    for document in extract_documents(task):
        if document.problem:
            failed = True
            typer.echo(f"Error: {document.name}: {document.problem}", err=True)
        for number, statement in enumerate(document.statements, start=1):
            if as_json:
                _line(statement_row(document.name, number, statement) | article_row(document.article))
            else:
                speaker = statement.speaker or statement.speaker_mention or "?"
                typer.echo(f"{document.name}  {statement.kind:<8}  {speaker}: {statement.text}")
    if failed:
        raise typer.Exit(1)


@app.command()
def train(
    csv: Annotated[list[Path], typer.Argument(help="Labelled CSV or XLSX; several are joined.")],
    out: Annotated[Path, typer.Option(help="Checkpoint folder to write.")] = Path("runs/checkpoint"),
    base: Annotated[
        str, typer.Option(help="minilm, mpnet, a folder (an earlier checkpoint too), or a hub id.")
    ] = "minilm",
    recipe: Annotated[str, typer.Option(help="auto (by the number of rows), finetune, fewshot or frozen.")] = "auto",
    delta_rank: Annotated[int | None, typer.Option(min=1, help="Write a small difference to the base instead.")] = None,
    teacher: Annotated[Path | None, typer.Option(help="A stronger checkpoint to learn from as well.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the rows.")] = None,
    folds: Annotated[int | None, typer.Option(min=2, help="Measure and calibrate by so many folds.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the split, the head and the order of rows.")] = None,
    target: Annotated[str | None, typer.Option(help="What the stance is toward, in words.")] = None,
    text_column: TextColumn = None,
    stance_column: StanceColumn = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse a file for its doubtful rows too.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a checkpoint at --out.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check, split and time a few steps; write nothing.")
    ] = False,
) -> None:
    """Train a checkpoint from a labelled CSV, with calibration and a report.

    Interrupted, the same command goes on from the last saved step.
    """
    from training.config import DEFAULT_TARGET, recipe_for
    from training.data import read_labelled
    from training.run import train as run

    data = read_labelled(*csv, text_column=text_column, stance_column=stance_column, strict=strict)
    for warning in data.warnings:
        typer.echo(f"Warning: {warning}", err=True)
    chosen = recipe_for(
        base, recipe, rows_a_label=data.rows_a_label, epochs=epochs, folds=folds, seed=seed, delta_rank=delta_rank
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
            teacher=_open(teacher, None) if teacher else None,
            overwrite=overwrite,
            on_progress=lambda progress: advance(progress.step, progress.steps, progress_text(progress)),
        )
    print_evaluation(f"{manifest.checkpoint_id} on its {manifest.metrics['set']} rows", figures)
    if cross := manifest.training["cross_validation"]:
        each = ", ".join(f"{score:.3f}" for score in cross["by_fold"])
        typer.echo(f"cross-validation macro-F1 {cross['macro_f1']:.3f} (by fold: {each})")
    typer.echo(f"Wrote {out}; report: {out / 'report' / 'report.html'}")


@app.command()
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
    classifier = _open(checkpoint, device)
    figures, predictions = run(classifier, data.rows)
    errors = confident_errors(data.rows, predictions)
    if report:
        write_report(report, data.name, data.rows, figures, predictions)
    if as_json:
        _line({"model": classifier.checkpoint_id, "set": data.name, **asdict(figures), "errors": errors})
        return
    print_evaluation(f"{classifier.checkpoint_id} on {data.name}", figures)
    for error in errors:
        given = f"{error['stance']}, given {error['given']} ({error['confidence']:.2f})"
        typer.echo(f"row {error['row']}: {given}: {error['text']}")


@app.command()
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
        _line({**comparison.figures(), "acceptable": comparison.acceptable, "changes": changes})
        return
    print_comparison(comparison)


@app.command()
def promote(
    new: Annotated[Path, typer.Argument(help="Checkpoint folder to serve from now on.")],
    on: Annotated[list[Path] | None, typer.Option(help="Labelled CSV of the gate; the frozen set by default.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Serve it even if it is worse or cannot be compared.")] = False,
    device: Device = None,
) -> None:
    """Serve a checkpoint by default if it is not worse than the present one; the old one is kept."""
    from model.store import Store

    store = Store()
    figures: dict[str, Any] = {}
    if not force:
        comparison = _compare(store.current(), new, on or [FROZEN], device)
        print_comparison(comparison)
        figures = comparison.figures()
        if not comparison.acceptable:
            raise CheckpointError(f"{new} is worse on the frozen set: not promoted (--force does it all the same)")
    switch = store.switch(store.add(new), "forced" if force else "promoted", figures)
    typer.echo(f"{switch.new} is served from now on; before: {switch.old} (stance rollback)")


@app.command()
def suggest(
    results: Annotated[Path, typer.Argument(help="What stance score wrote: JSONL or CSV.")],
    n: Annotated[int, typer.Option("--n", min=1, help="How many statements.")] = 50,
    out: Annotated[Path, typer.Option(help="CSV to fill in.")] = Path("to_label.csv"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out, labels in it included.")] = False,
) -> None:
    """Pick the statements most worth labelling: uncertain, unlike each other, no duplicates."""
    from training.suggest import suggest as run
    from training.suggest import write_suggestions

    if out.exists() and not overwrite:
        raise DataError(f"{out} exists already, perhaps with labels in it: choose another --out, or pass --overwrite")
    picked = run(results, n)
    write_suggestions(out, picked)
    typer.echo(f"Wrote {len(picked)} statements to {out}: fill in the column stance, then stance train {out}")


@app.command()
def rollback() -> None:
    """Serve the checkpoint again that the present one replaced."""
    from model.store import Store

    store = Store()
    switch = store.switch(store.previous(), "rolled back", {})
    typer.echo(f"{switch.new} is served from now on; before: {switch.old}")


@app.command()
def checkpoints(as_json: AsJson = False) -> None:
    """List the checkpoints, the one that is served marked, and who replaced whom."""
    from model.store import Store

    store = Store()
    served = store.current().resolve()
    for folder, manifest in store.checkpoints():
        marked, metrics = folder.resolve() == served, manifest.metrics
        if as_json:
            known = {"id": manifest.checkpoint_id, "folder": str(folder), "trained_at": manifest.trained_at}
            _line({**known, "served": marked, "metrics": dict(metrics)})
            continue
        score = f"macro-F1 {metrics['macro_f1']:.3f} on {metrics['rows']} {metrics['set']} rows" if metrics else ""
        typer.echo(f"{'*' if marked else ' '} {manifest.checkpoint_id}  {manifest.trained_at}  {score}  {folder}")
    if not as_json:
        for entry in store.history():
            typer.echo(f"  {entry.at}  {entry.old} -> {entry.new}  {entry.reason}")


def main() -> None:
    """Run the command line; a known error is one sentence on standard error and exit code 1."""
    try:
        app()
    except DataError as error:
        if "--debug" in sys.argv:
            raise
        for problem in error.problems:
            typer.echo(f"Error: {problem}", err=True)
        sys.exit(1)
    except StanceError as error:
        if "--debug" in sys.argv:
            raise
        typer.echo(f"Error: {error}", err=True)
        sys.exit(1)


def _open(checkpoint: Path | None, device: str | None) -> "StanceClassifier":
    from model.loading import open_classifier

    return open_classifier(checkpoint, device=device, warm_up=False)


def _compare(old: Path, new: Path, csv: list[Path], device: str | None) -> "Comparison":
    from training.compare import compare as run
    from training.data import read_labelled

    return run(_open(old, device), _open(new, device), read_labelled(*csv).rows)


def _line(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))


if __name__ == "__main__":
    main()
