"""From a finished training to the checkpoint that serves: the comparison old against new, and the promotion.

The comparison is the command line's (`stance compare`), run in a process of its own beside the service, and kept in the
training's folder: the promotion rests on the very figures that were shown.
"""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from model.checkpoint import write_text_atomic
from model.errors import StanceError
from model.store import Store
from service import schemas
from service.admin import find_checkpoint
from service.engine import ModelHost
from service.http_errors import CODES, problem
from service.settings import Settings
from service.training_jobs import Job, TrainingJobs

FROZEN = Path(__file__).parent.parent / "training" / "corpus" / "frozen.csv"
MAX_S = 600.0


class ChangeAnswer(BaseModel):
    """A statement whose label changes."""

    row: str
    text: str
    gold: str
    old: str
    new: str
    verdict: Literal["fixed", "broken", "other"]


class ComparisonAnswer(BaseModel):
    """The served checkpoint against a new one, on labelled rows that neither was trained on."""

    model_config = ConfigDict(extra="ignore")

    old: str = Field(description="Id of the checkpoint that serves.")
    new: str
    rows: int
    old_macro_f1: float
    new_macro_f1: float
    difference_low: float = Field(description="Lower end of the 95 % interval of the difference in macro-F1.")
    difference_high: float
    acceptable: bool = Field(description="Not worse: what a promotion asks for.")
    changes: list[ChangeAnswer]


class PromotionRequest(BaseModel):
    """Whether to serve it even if it is worse or cannot be compared."""

    model_config = ConfigDict(extra="forbid")

    force: bool = False


def add_promotion_routes(
    app: FastAPI, settings: Settings, host: ModelHost, problems: dict[int | str, dict[str, Any]]
) -> None:
    """Add the routes to an app."""
    jobs, store, rows = TrainingJobs(settings.store), Store(settings.store), settings.frozen or FROZEN
    comparing = asyncio.Lock()

    def served() -> tuple[str, Path]:
        name = host.engine.classifier.checkpoint_id
        return name, find_checkpoint(store, name) or settings.checkpoint or store.current()

    async def compared(job: Job) -> dict[str, Any] | str:
        """Return the comparison with what serves, or why there is none."""
        name, folder = await asyncio.to_thread(served)
        kept = job.folder / f"comparison-{name}.json"
        async with comparing:
            with contextlib.suppress(OSError, ValueError):
                return dict(json.loads(kept.read_text(encoding="utf-8")))
            found = await _compare(folder, job.folder / "checkpoint", rows)
            if isinstance(found, str):
                return found
            found |= {"old": name, "new": job.checkpoint}
            write_text_atomic(kept, json.dumps(found) + "\n")
            return found

    async def finished(job_id: str) -> Job | None:
        job = await asyncio.to_thread(jobs.find, job_id)
        return job if job and job.state == "done" else None

    @app.get(
        "/training/{job_id}/comparison",
        responses={status: problems[status] for status in (401, 403, 404, 409, 422, 503)},
        response_model=ComparisonAnswer,
    )
    async def comparison(job_id: str) -> Any:
        """Compare a finished training with the checkpoint that serves; takes some seconds the first time.

        Where their labels differ (`not_comparable`), only a promotion with `{"force": true}` makes the new one serve.
        """
        job = await finished(job_id)
        if job is None:
            return problem(404, CODES[404], "there is no finished training of that id")
        found = await compared(job)
        return problem(409, "not_comparable", found) if isinstance(found, str) else found

    @app.post(
        "/training/{job_id}/promotion",
        responses={status: problems[status] for status in (400, 401, 403, 404, 408, 409, 413, 415, 422, 503)},
        response_model=schemas.SwapAnswer,
    )
    async def promote(job_id: str, body: PromotionRequest) -> Any:
        """Serve a finished training from now on, if it is not worse; the old checkpoint is kept.

        One that serves already changes nothing: it is its own `previous`, and no line comes into the history.
        """
        job = await finished(job_id)
        if job is None:
            return problem(404, CODES[404], "there is no finished training of that id")
        if settings.workers > 1:
            return problem(409, CODES[409], "several workers serve: use 'stance promote' and send SIGHUP instead")
        serving = host.engine.classifier
        if serving.checkpoint_id == job.checkpoint and await asyncio.to_thread(store.serves, job.folder / "checkpoint"):
            return {"model": job.checkpoint, "previous": job.checkpoint, "backend": serving.backend.name}
        figures: dict[str, Any] = {}
        if not body.force:
            found = await compared(job)
            if isinstance(found, str):
                return problem(409, "not_comparable", f'{found} ({{"force": true}} promotes it without a comparison)')
            if not found["acceptable"]:
                return problem(409, "worse", "it is worse than the checkpoint that serves: not promoted")
            figures = {key: value for key, value in found.items() if key not in ("changes", "acceptable")}
        try:
            folder = await asyncio.to_thread(store.add, job.folder / "checkpoint")
            previous, model = await host.swap(folder)
        except StanceError as error:
            return problem(409, error.code, f"it cannot be served, the present one stays: {error}")
        try:
            await asyncio.to_thread(store.switch, folder, "forced" if body.force else "promoted", figures)
        except StanceError as error:
            return problem(409, error.code, f"it serves now, but not after a restart, since that is not noted: {error}")
        return {"model": model, "previous": previous, "backend": host.engine.classifier.backend.name}


async def _compare(old: Path, new: Path, rows: Path) -> dict[str, Any] | str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service.cli", "compare", str(old), str(new), str(rows), "--json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "NO_COLOR": "1"},
        cwd=Path(__file__).parent.parent,
    )
    try:
        printed, complaints = await asyncio.wait_for(process.communicate(), MAX_S)
    except TimeoutError:
        return f"the comparison took over {MAX_S:g} s"
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        lines = [line for line in complaints.decode("utf-8", "replace").splitlines() if line.startswith("Error: ")]
        return lines[0].removeprefix("Error: ") if lines else "the comparison failed"
    return dict(json.loads(printed.splitlines()[-1]))
