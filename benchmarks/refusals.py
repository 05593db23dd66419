"""What a refusal under overload costs our server: at the door (as served), and within the app.

    python benchmarks/refusals.py --checkpoint DIR --rounds 5

Two servers whose queues are full of texts that are never scored, 64 connections, interleaved rounds, medians. CPU time
is the server's alone; the client runs on the same cores. Only 127.0.0.1 is ever called.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray
from serving import Connection, free_port

from model.backend import Batch
from model.loading import open_classifier
from service import logs
from service.app import create_app
from service.server import make_server
from service.settings import Settings

QUEUE, CONNECTIONS = 8, 64


class Held:
    """A backend that never answers."""

    name = "held"

    def logits(self, batch: Batch) -> NDArray[np.float32]:
        threading.Event().wait()
        raise AssertionError


def serve(checkpoint: Path, port: int, with_door: bool) -> None:
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        sys.stderr = nowhere
        logs.set_up("json")
        classifier = open_classifier(checkpoint, device="cpu")
        classifier.backend = Held()
        settings = Settings(port=port, max_queue_texts=QUEUE, cache_entries=0)
        app = create_app(settings, classifier)
        if not with_door:
            app.state.door = None
        make_server(settings, app).run()


def body(number: int) -> bytes:
    return json.dumps({"text": f"We proceed from what was agreed, and no one has withdrawn it, day {number}."}).encode()


async def fill(port: int) -> None:
    """Leave the queue full: connections that wait for ever are dropped by the end of the process."""
    for number in range(QUEUE):
        task = asyncio.create_task(Connection(port).post("/classify", body(number)))
        _WAITING.append(task)
    await asyncio.sleep(1)


_WAITING: list[asyncio.Task[int]] = []


async def measure(port: int, pid: int, seconds: float) -> tuple[float, float]:
    """Return refusals a second, and microseconds of the server's CPU time for each."""
    times = psutil.Process(pid).cpu_times()
    ends, count = time.monotonic() + seconds, 0

    async def one() -> None:
        nonlocal count
        connection = Connection(port)
        while time.monotonic() < ends:
            assert await connection.post("/classify", body(count)) == 429
            count += 1
        connection.close()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    after = psutil.Process(pid).cpu_times()
    used = after.user + after.system - times.user - times.system
    return count / seconds, 1e6 * used / count


async def compare(ports: dict[str, tuple[int, int]], rounds: int, seconds: float) -> None:
    for port, _ in ports.values():
        await ready(port)
        await fill(port)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ports}
    for turn in range(rounds):
        for name in sorted(ports, reverse=bool(turn % 2)):
            found[name].append(await measure(*ports[name], seconds))
    medians = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in found.items()}
    for name, (rate, cost) in medians.items():
        print(f"{name:<8} {rate:6,.0f} refusals/s, {cost:4.0f} microseconds of CPU time each")
    print(f"within the app a refusal costs {medians['app'][1] / medians['door'][1]:.2f} times as much")


async def ready(port: int) -> None:
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise SystemExit("the server did not start")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    given = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ports, processes = {}, []
    for name in ("door", "app"):
        port = free_port()
        process = context.Process(target=serve, args=(given.checkpoint, port, name == "door"), daemon=True)
        process.start()
        processes.append(process)
        ports[name] = (port, process.pid or 0)
    try:
        asyncio.run(compare(ports, given.rounds, given.seconds))
    finally:
        for process in processes:
            process.kill()


if __name__ == "__main__":
    main()
