"""Runs the app under uvicorn until a signal ends it.

SIGTERM or SIGINT: /readyz says 503 and every answer closes its connection, so that clients move on; after a short
grace whoever still stands at the door is let in, the door is closed, accepted requests are finished, and the process
ends. SIGHUP: the checkpoint is read again
(see `ModelHost.swap`).
"""

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import sys
from typing import Any, cast

import uvicorn
from fastapi import FastAPI
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from model.checkpoint import verify_checkpoint
from model.errors import StanceError
from service import logs
from service.app import create_app
from service.door import Door
from service.engine import ModelHost
from service.http_errors import SwapInProgress
from service.settings import Settings
from service.workers import Supervisor

log = logging.getLogger(__name__)

SPEAKING_TIME_S = 0.2
"""How long a connection may still send the request for which it came, after the doors are closed."""
TURN_S = 0.0005
"""After how long Python's threads take turns. With its 5 ms the thread that runs the network waits that long for an
event loop that is busy: under load about a tenth less is answered."""


class JoinedWrites:
    """A transport that sends the head of an answer together with what follows it.

    uvicorn writes the head and the body one after the other, and uvloop sends each at once: two calls of the system
    where one would do, and two awakenings of whoever reads. A head that nothing follows goes out by itself when the
    present turn of the event loop is over.

    Args:
        transport: what sends; all but the writing is left to it.
        loop: the event loop that it belongs to.
    """

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send it, after the head that is held; hold it, if it is a head itself."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/1.1 "):
            self._head = data
            self._loop.call_soon(self._flush)
            return
        self._transport.write(data)

    def write_whole(self, data: bytes) -> None:
        """Send an answer that is complete, after the head that is held."""
        self._flush()
        self._transport.write(data)

    def close(self) -> None:
        """Send what is held, and close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._head:
            data, self._head = self._head, b""
            if not self._transport.is_closing():  # the client may have gone in between
                self._transport.write(data)


class Protocol(HttpToolsProtocol):
    """HTTP over one connection, which must send complete headers within a time, and has a door before the app.

    uvicorn limits how long a connection may rest between requests, but not how long its first request may take to
    arrive: a few thousand half-open connections would hold all file descriptors.
    """

    header_timeout_s = 10.0
    door: Door | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the clock."""
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]
        self._waiting = self.loop.call_later(self.header_timeout_s, transport.abort)

    def on_headers_complete(self) -> None:
        """Stop it: from here on the app has time limits of its own."""
        self._waiting.cancel()
        super().on_headers_complete()

    def on_message_begin(self) -> None:
        """Start it anew for a later request of the same connection."""
        self._waiting.cancel()
        self._waiting = self.loop.call_later(self.header_timeout_s, self.transport.abort)
        super().on_message_begin()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Call the app, unless the door refuses; where requests wait behind this one the app refuses it itself."""
        if self.door is not None and not self.pipeline:
            rest = self.door.refusal(cast(Scope, cycle.scope), closing=not cycle.keep_alive)
            if rest is not None:
                lines = [STATUS_LINE[429], *(b"%s: %s\r\n" % header for header in cycle.default_headers), rest]
                cycle.response_started = cycle.response_complete = True
                self.transport.write_whole(b"".join(lines))  # type: ignore[attr-defined]
                if not cycle.keep_alive:
                    self.transport.close()
                cycle.on_response()
                return
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._waiting.cancel()
        super().connection_lost(exc)


class Server(uvicorn.Server):
    """uvicorn's server with a graceful end and a reload of the checkpoint."""

    def __init__(self, config: uvicorn.Config, drain_grace_s: float) -> None:
        super().__init__(config)
        self._drain_grace_s = drain_grace_s
        self._reloading: set[asyncio.Task[None]] = set()
        self._doors: list[socket.socket] = []

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on sockets, or on the one of the settings, until a signal ends it."""
        sys.setswitchinterval(TURN_S)
        super().run(sockets or [listen(self.config)])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, and watch for SIGHUP."""
        await super().startup(sockets)
        self._doors = [listening.dup() for listening in sockets or []]
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # not in the main thread, or no Unix
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._on_hangup)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Send clients away before the door is closed, then finish what was accepted."""
        if (host := self._host()) is not None:
            host.draining = True
            log.info("draining")
            await asyncio.sleep(self._drain_grace_s)
            await self._close_doors(sockets or [])
            await asyncio.sleep(min(SPEAKING_TIME_S, self._drain_grace_s))
        await super().shutdown()

    async def _close_doors(self, sockets: list[socket.socket]) -> None:
        """Stop listening, but take in the connections that the kernel has completed already: closing resets them.

        Our duplicates keep the doors open while the event loop lets go of its own; between the last `accept` and the
        close lie microseconds.
        """
        for server in self.servers:
            server.close()
        for listening in sockets:
            listening.close()
        await asyncio.sleep(0.01)
        waiting = []
        for door in self._doors:
            door.setblocking(False)
            with contextlib.suppress(OSError):
                while True:
                    waiting.append(door.accept()[0])
            door.close()
        loop, config = asyncio.get_running_loop(), self.config
        for connection in waiting:
            connection.setblocking(False)
            await loop.connect_accepted_socket(
                lambda: config.http_protocol_class(  # type: ignore[call-arg]
                    config=config, server_state=self.server_state, app_state=self.lifespan.state, _loop=loop
                ),
                connection,
            )

    def _host(self) -> ModelHost | None:
        app = self.config.loaded_app
        return getattr(getattr(app, "state", None), "host", None)

    def _on_hangup(self) -> None:
        task = asyncio.get_running_loop().create_task(self._reload())
        self._reloading.add(task)
        task.add_done_callback(self._reloading.discard)

    async def _reload(self) -> None:
        host = self._host()
        if host is None or host.draining:
            return
        try:
            previous, model = await host.swap()
            log.info("the checkpoint was read again: %s serves instead of %s", model, previous)
        except (StanceError, SwapInProgress) as error:
            log.error("the checkpoint was not read again: %s", error)


def listen(config: uvicorn.Config) -> socket.socket:
    """Return a socket bound to the address of the settings.

    Raises:
        StanceError: the address cannot be had; uvicorn would end the process with a line in the log.
    """
    where = f"{config.host}:{config.port}"
    try:
        family, _, _, _, address = socket.getaddrinfo(
            config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        told = "choose another --port" if error.errno == errno.EADDRINUSE else "choose another --host or --port"
        raise StanceError(f"the service cannot listen on {where} ({error.strerror or error}): {told}") from error
    return config.bind_socket()


def make_server(settings: Settings, app: FastAPI) -> Server:
    """Set uvicorn up for an app."""
    ours = {"header_timeout_s": settings.header_timeout_s, "door": getattr(app.state, "door", None)}
    protocol = type("OurProtocol", (Protocol,), ours)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=protocol,
        loop="auto",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=2048,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=round(settings.drain_timeout_s),
    )
    return Server(config, settings.drain_grace_s)


def work(settings: Settings, listening: socket.socket) -> None:
    """Serve on a socket that other processes listen on too."""
    logs.set_up(settings.log_format)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    make_server(settings, create_app(settings)).run(sockets=[listening])


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; accepted requests are finished first.

    Raises:
        StanceError: the settings cannot be used, the checkpoint they name is unfit, or the address is taken.
    """
    logs.set_up(settings.log_format)
    if settings.checkpoint is not None:  # without one, what was promoted may still come: /readyz tells
        verify_checkpoint(settings.checkpoint)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises it again after a complete, orderly end
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the server listens to it
    server = make_server(settings, create_app(settings))
    if settings.workers == 1:
        server.run()
    else:
        Supervisor(settings, work, listen(server.config)).run()
