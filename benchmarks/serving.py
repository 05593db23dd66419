"""Compares servers on one checkpoint over the loopback: ours, the naive one, and LitServe and Infinity where installed.

    python benchmarks/serving.py --checkpoint DIR --rounds 3
    python benchmarks/serving.py --checkpoint DIR --litserve-python VENV/bin/python --infinity VENV/bin/infinity_emb
    python benchmarks/serving.py --checkpoint DIR --overload 60 --slices 4

Closed loop: each connection sends its next request when it has its answer. All servers run all the time, one is loaded
at a time, rounds are interleaved, medians are printed. Every text is a different one, and our cache is off.
`--overload SECONDS`: open loop, four times the capacity measured just before (and once more after it); `--slices N`
cuts it into N parts with the capacity measured anew between them, since shared cores change within a minute. Only
127.0.0.1 is ever called.
"""

import argparse
import asyncio
import contextlib
import csv
import os
import platform
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import httpx
import orjson

ROOT = Path(__file__).parent.parent


@dataclass
class Server:
    name: str
    command: list[str]
    port: int
    path: str = "/classify"
    ready: str = "/readyz"
    single: Callable[[str], object] = lambda text: {"text": text}
    batch: tuple[str, Callable[[list[str]], object]] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for _ in range(1200):
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"http://127.0.0.1:{self.port}{self.ready}", timeout=2).status_code == 200:
                    return
            if self.process.poll() is not None:
                raise SystemExit(f"{self.name} has ended: {' '.join(self.command)}")
            time.sleep(0.25)
        raise SystemExit(f"{self.name} does not get ready")

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(15)
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)

    def memory_mb(self) -> float:
        """Resident memory of the process and its children."""
        total, pids = 0.0, [self.process.pid] if self.process else []
        while pids:
            pid = pids.pop()
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
                total += next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0)
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
                pids += [int(child) for child in children.split()]
        return total / 1000


class Connection(asyncio.Protocol):
    """One keep-alive connection, as cheap as can be: the client shares the cores with the server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._received = b""
        self._used_s = 0.0

    async def post(self, path: str, body: bytes) -> int:
        if time.monotonic() - self._used_s > 4:  # the server may give up a connection that rests
            self.close()
        loop = asyncio.get_running_loop()
        if self._transport is None:
            self._transport, _ = await loop.create_connection(lambda: self, "127.0.0.1", self._port)
        self._received, self._answer = b"", loop.create_future()
        head = "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self._transport.write((head % (path, len(body))).encode() + body)
        status = await self._answer
        self._used_s = time.monotonic()
        return status

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if end and self._answer and not self._answer.done():
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            if len(body) >= length:
                self._answer.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._answer and not self._answer.done():
            self._answer.set_exception(error or EOFError("the server has closed the connection"))

    def close(self) -> None:
        if self._transport:
            self._transport.abort()
        self._transport = None


@dataclass
class Figures:
    texts_per_s: float
    latencies_ms: list[float]

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def closed_loop(
    server: Server, texts: Iterator[str], connections: int, seconds: float, batch: int = 1
) -> Figures:
    latencies: list[float] = []
    ends = time.perf_counter() + seconds

    async def one() -> None:
        connection = Connection(server.port)
        while time.perf_counter() < ends:
            if batch == 1:
                path, body = server.path, server.single(next(texts))
            else:
                assert server.batch
                path, body = server.batch[0], server.batch[1]([next(texts) for _ in range(batch)])
            content = orjson.dumps(body)
            started = time.perf_counter()
            status = await connection.post(path, content)
            assert status == 200, f"{server.name} answered {status}"
            latencies.append(1000 * (time.perf_counter() - started))
        connection.close()

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    return Figures(batch * len(latencies) / (time.perf_counter() - started), latencies)


async def open_loop(server: Server, texts: Iterator[str], rate: float, seconds: float) -> float:
    """Send at a rate, whatever comes back; print what came, and return the texts answered a second while it lasted."""
    statuses: Counter[int | str] = Counter()
    good: list[float] = []
    in_time = 0
    free = [Connection(server.port) for _ in range(64)]
    tasks: set[asyncio.Task[None]] = set()
    memory = [server.memory_mb()]

    async def one(text: str) -> None:
        nonlocal in_time
        connection = free.pop() if free else Connection(server.port)
        started = time.perf_counter()
        try:
            status = await connection.post(server.path, orjson.dumps(server.single(text)))
        except (OSError, EOFError) as error:
            statuses[type(error).__name__] += 1
            connection.close()
            return
        statuses[status] += 1
        if status == 200:
            good.append(1000 * (time.perf_counter() - started))
            in_time += time.perf_counter() - began < seconds
        free.append(connection)

    began = time.perf_counter()
    sent = 0
    while (now := time.perf_counter() - began) < seconds:
        for _ in range(int(rate * now) - sent):
            task = asyncio.create_task(one(next(texts)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            sent += 1
        if now > len(memory) * seconds / 6:
            memory.append(server.memory_mb())
        await asyncio.sleep(0.005)
    while tasks:
        await asyncio.wait(tasks)
    took = time.perf_counter() - began
    ordered = sorted(good)
    print(f"sent {sent} in {seconds:.0f} s ({rate:.0f}/s), answered in {took:.1f} s: {dict(statuses)}")
    print(f"goodput {in_time / seconds:.0f}/s; 200s p50 {ordered[len(good) // 2]:.0f} ms, ", end="")
    print(f"p99 {ordered[int(0.99 * len(good))]:.0f} ms; memory {', '.join(f'{m:.0f}' for m in memory)} MB")
    return in_time / seconds


async def overload(server: Server, texts: Iterator[str], seconds: float, slices: int) -> None:
    """Drive a server at four times its capacity, which is measured before and after each slice: the machine changes."""
    await closed_loop(server, texts, 32, 3)
    capacity = [(await closed_loop(server, texts, 32, 8)).texts_per_s]
    good = []
    for _ in range(slices):
        good.append(await open_loop(server, texts, 4 * capacity[-1], seconds / slices))
        capacity.append((await closed_loop(server, texts, 32, 8)).texts_per_s)
    shares = [g / statistics.mean(around) for g, around in zip(good, pairwise(capacity), strict=True)]
    mean = statistics.mean(good)
    print(f"capacity at 32 connections {', '.join(f'{c:.0f}' for c in capacity)} texts/s before and after: ", end="")
    print(f"goodput {', '.join(f'{share:.0%}' for share in shares)} of the mean of both; ", end="")
    print(f"all {mean:.0f}/s, {mean / statistics.mean(capacity):.0%} of the mean capacity")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def quantised_copy(checkpoint: Path, scratch: Path) -> Path:
    """Return a folder with the checkpoint as dynamically quantised ONNX, the form that Infinity prefers on a CPU."""
    import torch
    from onnxruntime.quantization import quantize_dynamic
    from transformers import AutoModelForSequenceClassification

    folder = scratch / "onnx"
    folder.mkdir()
    for path in checkpoint.glob("*.json"):
        shutil.copyfile(path, folder / path.name)
    network = AutoModelForSequenceClassification.from_pretrained(
        checkpoint, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    network.config.return_dict = False
    names = ["input_ids", "attention_mask", "token_type_ids"]
    like = torch.ones(2, 16, dtype=torch.long)
    axes = {0: "batch", 1: "tokens"}
    torch.onnx.export(
        network,
        (like, like, torch.zeros_like(like)),
        str(folder / "model.onnx"),
        input_names=names,
        output_names=["logits"],
        dynamic_axes={**dict.fromkeys(names, axes), "logits": {0: "batch"}},
        dynamo=False,
    )
    quantize_dynamic(folder / "model.onnx", folder / "model_quantized.onnx")  # of two, it takes the quantised one
    return folder


def servers_of(given: argparse.Namespace, scratch: Path) -> list[Server]:
    checkpoint, here = str(given.checkpoint), Path(__file__).parent
    ports = [free_port() for _ in range(4)]
    ours = {"STANCE_CACHE_ENTRIES": "0", "STANCE_MAX_QUEUE_TEXTS": str(given.queue)}
    found = [
        Server(
            "ours",
            [sys.executable, "-m", "service.cli", "serve", "--port", str(ports[0]), "--checkpoint", checkpoint],
            ports[0],
            batch=("/classify/batch", lambda texts: {"texts": texts}),
            environment=ours,
        ),
    ]
    if not given.overload:
        found.append(
            Server("naive", [sys.executable, str(here / "naive_server.py"), checkpoint, str(ports[1])], ports[1])
        )
    if given.litserve_python:
        command = [given.litserve_python, str(here / "litserve_server.py"), checkpoint, str(ports[2])]
        found.append(Server("LitServe", command, ports[2], ready="/health"))
    if given.infinity:
        options = ["--engine", given.infinity_engine, "--port", str(ports[3]), "--host", "127.0.0.1"]
        model = checkpoint
        if given.infinity_engine == "optimum":
            model = str(quantised_copy(given.checkpoint, scratch))
            options.append("--no-model-warmup")  # its texts are longer than the encoder reads; ours are not
        command = [given.infinity, "v2", "--model-id", model, *options, "--served-model-name", "m"]

        def body(texts: list[str]) -> object:
            return {"model": "m", "input": texts}

        found.append(
            Server(
                f"Infinity {given.infinity_engine}",
                command,
                ports[3],
                "/classify",
                "/health",
                lambda text: body([text]),
                ("/classify", body),
            )
        )
    return found


async def compare(servers: list[Server], texts: Iterator[str], rounds: int, seconds: float) -> None:
    loads = {"1 connection": (1, 1), "32 connections": (32, 1), "4 x batch 32": (4, 32)}
    results: dict[tuple[str, str], list[Figures]] = {}
    for server in servers:
        await closed_loop(server, texts, 8, 2)
    for turn in range(rounds):
        for load, (connections, batch) in loads.items():
            for server in random.Random(turn).sample(servers, len(servers)):
                if batch > 1 and server.batch is None:
                    continue
                figures = await closed_loop(server, texts, connections, seconds, batch)
                results.setdefault((server.name, load), []).append(figures)
    for load in loads:
        for server in servers:
            if not (found := results.get((server.name, load))):
                continue
            rate, p50, p99 = (
                statistics.median(values)
                for values in (
                    [f.texts_per_s for f in found],
                    [f.percentile(0.5) for f in found],
                    [f.percentile(0.99) for f in found],
                )
            )
            ratio = statistics.median(
                ours.texts_per_s / other.texts_per_s for ours, other in zip(results["ours", load], found, strict=True)
            )
            print(
                f"{load:<15} {server.name:<16} {rate:7.0f} texts/s  p50 {p50:6.1f} ms  p99 {p99:6.1f} ms  "
                f"ours / this {ratio:5.2f}  {server.memory_mb():5.0f} MB"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, default=ROOT / "training/corpus/rewritten.csv")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6, help="of one load of one server in one round")
    parser.add_argument("--overload", type=float, default=0, help="seconds of open loop at 4 times the capacity")
    parser.add_argument("--slices", type=int, default=1, help="parts of the open loop, the capacity measured between")
    parser.add_argument("--queue", type=int, default=512, help="our STANCE_MAX_QUEUE_TEXTS")
    parser.add_argument("--litserve-python", help="Python of an environment that has LitServe and transformers")
    parser.add_argument("--infinity", help="the infinity_emb command of an environment of its own")
    parser.add_argument("--infinity-engine", default="torch", choices=["torch", "optimum"])
    given = parser.parse_args()
    with given.corpus.open(encoding="utf-8", newline="") as stream:
        drawn = [row["text"] for row in csv.DictReader(stream)]

    def endless() -> Iterator[str]:
        rng, number = random.Random(5), 0
        while True:
            for text in rng.sample(drawn, len(drawn)):
                number += 1
                yield f"{text} {number % 997}"

    scratch = tempfile.TemporaryDirectory(prefix="stance-")
    servers = servers_of(given, Path(scratch.name))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, ", end="")
    print(", ".join(f"{name} {version(name)}" for name in ("torch", "onnxruntime", "fastapi", "uvicorn")))
    try:
        for server in servers:
            server.start()
        texts = endless()
        if given.overload:
            asyncio.run(overload(servers[0], texts, given.overload, given.slices))
        else:
            asyncio.run(compare(servers, texts, given.rounds, given.seconds))
    finally:
        for server in servers:
            server.stop()
        scratch.cleanup()


if __name__ == "__main__":
    main()
