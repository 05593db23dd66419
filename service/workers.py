"""Several server processes that share one listening socket, and the parent that looks after them.

SIGTERM and SIGINT end all of them, each after its own draining; SIGHUP reaches each of them, and each reads its
checkpoint again; one that dies is replaced.
"""

import logging
import multiprocessing
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import Any

from service.metrics import MULTIPROCESS
from service.settings import Settings

log = logging.getLogger(__name__)

RESTART_AFTER_S = 1.0
LOOK_EVERY_S = 0.2


class Supervisor:
    """Runs workers until a signal ends it.

    Args:
        settings: of every worker.
        work: what a worker does, given settings and socket; importable by name.
        listening: the bound socket that they share.
    """

    def __init__(
        self, settings: Settings, work: Callable[[Settings, socket.socket], None], listening: socket.socket
    ) -> None:
        self._settings, self._work, self._listening = settings, work, listening
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[SpawnProcess] = []
        self._stopping = False

    def run(self) -> None:
        """Start the workers, forward signals, replace what dies."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._watch_hangup()
        with tempfile.TemporaryDirectory(prefix="stance-metrics-") as folder:
            os.environ[MULTIPROCESS] = folder
            self._workers = [self._start() for _ in range(self._settings.workers)]
            log.info("%d workers serve", len(self._workers))
            while self._workers:
                wait([worker.sentinel for worker in self._workers], timeout=LOOK_EVERY_S)
                for dead in [worker for worker in self._workers if not worker.is_alive()]:
                    self._workers.remove(dead)
                    if not self._stopping:
                        log.error("worker %s ended with %s; another is started", dead.pid, dead.exitcode)
                        time.sleep(RESTART_AFTER_S)
                        if not self._stopping:  # it may have come while we slept
                            self._workers.append(self._start())

    def _start(self) -> SpawnProcess:
        worker = self._context.Process(target=self._work, args=(self._settings, self._listening))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # inherited: a hangup must not end a worker that is starting
        worker.start()
        self._watch_hangup()
        return worker

    def _watch_hangup(self) -> None:
        signal.signal(signal.SIGHUP, lambda *_: self._tell(signal.SIGHUP))

    def _stop(self, *_: Any) -> None:
        self._stopping = True
        self._listening.close()  # or the kernel would go on accepting connections that nobody answers
        self._tell(signal.SIGTERM)

    def _tell(self, number: int) -> None:
        for worker in self._workers:
            if worker.pid and worker.is_alive():
                os.kill(worker.pid, number)
