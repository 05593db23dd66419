"""Runs the app under uvicorn until a signal ends it."""

import logging

import uvicorn

from service.app import create_app
from service.settings import Settings


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; accepted requests are finished first."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=round(settings.drain_timeout_s),
        server_header=False,
    )
