"""Changing the checkpoint of a running service."""

import asyncio
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from model.errors import StanceError
from model.store import Store
from service import schemas
from service.engine import ModelHost
from service.http_errors import CODES, ServiceUnavailable, problem
from service.settings import Settings


def find_checkpoint(store: Store, name: str) -> Path | None:
    """Return the checkpoint of that id in a store, or None.

    The name is compared with the ids that are there and never joined to a path, so that nothing a client sends
    reaches the file system.
    """
    return next((folder for folder, manifest in store.checkpoints() if manifest.checkpoint_id == name), None)


def add_routes(app: FastAPI, settings: Settings, host: ModelHost, problems: dict[int | str, dict[str, Any]]) -> None:
    """Add what lies under `/admin/`."""

    @app.post(
        "/admin/checkpoint",
        responses={status: problems[status] for status in (400, 401, 403, 404, 408, 409, 413, 415, 422, 503)},
        response_model=schemas.SwapAnswer,
    )
    async def swap(body: schemas.SwapRequest) -> Any:
        """Load a checkpoint beside the one that serves, and switch to it once it answers."""
        if settings.workers > 1:
            return problem(
                409, CODES[409], "several workers serve: replace the checkpoint's folder and send SIGHUP instead"
            )
        if host.draining:
            raise ServiceUnavailable("the service is shutting down")
        folder = await asyncio.to_thread(find_checkpoint, Store(settings.store), body.name)
        if folder is None:
            return problem(404, CODES[404], "there is no checkpoint of that name", field="name")
        try:
            previous, model = await host.swap(folder)
        except StanceError as error:
            detail = f"the checkpoint cannot be served, the present one stays: {type(error).code}"
            return problem(409, error.code, detail)
        return {"model": model, "previous": previous, "backend": host.engine.classifier.backend.name}
