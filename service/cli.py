"""The command line: `stance`. The composition root; each command imports what it needs when it runs."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from model.errors import DataError, InputError, StanceError
from service import cli_training
from service.cli_common import AsJson, Checkpoint, Device, open_checkpoint, print_line
from service.console import (
    folder_text,
    print_summary,
    progress_bar,
)

app = typer.Typer(
    name="stance",
    help="Find quoted statements in the news, who said them, and label their stance and sentiment.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # an error is one plain sentence, whatever the width of the terminal
    context_settings={"help_option_names": ["-h", "--help"]},
)

Fragments = Annotated[bool, typer.Option(help="Whether words woven into the reporter's sentence count.")]
Include = Annotated[list[str] | None, typer.Option(help="Glob that files must match; may be given again.")]
Exclude = Annotated[list[str] | None, typer.Option(help="Glob of files to leave out; may be given again.")]
DocumentColumn = Annotated[str | None, typer.Option("--text-column", help="Column of the text in CSV and JSONL.")]


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Find quoted statements in the news, who said them, and label their stance and sentiment."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 by default.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 8000 by default.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that share the port; 1 by default.")] = None,
    checkpoint: Checkpoint = None,
) -> None:
    """Start the REST service; more settings through STANCE_* environment variables (see service/settings.py)."""
    from pydantic import ValidationError

    from service.server import serve as run
    from service.settings import Settings

    chosen = {"host": host, "port": port, "workers": workers, "checkpoint": checkpoint}
    given: dict[str, Any] = {key: value for key, value in chosen.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise typer.BadParameter(f"{name} (STANCE_{name.upper()}): {first['msg']}") from error
    run(settings)


@app.command()
def key() -> None:
    """Make an API key: the key for its holder, and the hash that the service is given."""
    from service.keys import new_key

    secret, digest = new_key()
    typer.echo(f"key     {secret}\nsha256  {digest}")
    typer.echo("Put the hash into STANCE_API_KEYS (or STANCE_ADMIN_KEYS), or a line of STANCE_API_KEYS_FILE.", err=True)


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
            lambda: open_checkpoint(checkpoint, device),
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
        str | None, typer.Option(help="Folder or URL of the documents that were scored, to link them.")
    ] = None,
) -> None:
    """Write scored statements as one self-contained HTML page with plots."""
    from service.folder.report import write_report

    figures = write_report(results, out, documents)
    typer.echo(f"Wrote {out}: {figures.told}")


@app.command()
def classify(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts; one a line from standard input if none.")] = None,
    checkpoint: Checkpoint = None,
    as_json: AsJson = False,
    device: Device = None,
) -> None:
    """Label texts: a quick look."""
    given = texts or [line.rstrip("\r") for line in _standard_input().split("\n") if line.strip()]
    if not given:
        raise typer.BadParameter("give texts as arguments, or one a line on standard input", param_hint="TEXT")
    from service.schemas import labels_of

    classifier = open_checkpoint(checkpoint, device)
    items = []
    for number, text in enumerate(given, start=1):
        try:
            items.append(classifier.prepare(text))
        except InputError as error:
            raise type(error)(f"text {number}: {error}") from error
    for text, prediction in zip(given, classifier.score(items), strict=True):
        if as_json:
            print_line({"text": text, **labels_of(prediction), "model": classifier.checkpoint_id})
            continue
        tone = f"  {prediction.sentiment.label} {prediction.sentiment.confidence:.2f}" if prediction.sentiment else ""
        doubt = "  uncertain" if prediction.uncertain else ""
        typer.echo(f"{prediction.stance.label:<12} {prediction.stance.confidence:.2f}{tone}{doubt}  {text}")


def _standard_input() -> str:
    raw = sys.stdin.buffer.read()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wrong = f"0x{raw[error.start]:02x} at byte {error.start}"
        raise InputError(f"standard input is not UTF-8 ({wrong}): convert it first") from error


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
                print_line(statement_row(document.name, number, statement) | article_row(document.article))
            else:
                speaker = statement.speaker or statement.speaker_mention or "?"
                typer.echo(f"{document.name}  {statement.kind:<8}  {speaker}: {statement.text}")
    if failed:
        raise typer.Exit(1)


cli_training.register(app)


def main() -> None:
    """Run the command line; a known error is one sentence on standard error and exit code 1."""
    given = sys.argv[1:]
    flags = given[: given.index("--")] if "--" in given else given
    debug = "--debug" in flags  # wherever it stands: people add it to the command that failed
    try:
        app([part for part in flags if part != "--debug"] + given[len(flags) :])
    except DataError as error:
        if debug:
            raise
        for problem in error.problems:
            typer.echo(f"Error: {problem}", err=True)
        sys.exit(1)
    except StanceError as error:
        if debug:
            raise
        typer.echo(f"Error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
