"""A real server process and a headless Chromium."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import sync_playwright

ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


class Site:
    """A server process with a store of its own, which can be started again."""

    def __init__(self, root: Path, checkpoint: Path, home: Path, **settings: str) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.home = home
        self._root, self._checkpoint = root, checkpoint
        self._settings = {f"STANCE_{name.upper()}": value for name, value in settings.items()}
        self._process: subprocess.Popen | None = None

    def start(self) -> "Site":
        command = [sys.executable, "-m", "service.cli", "serve", "--port", str(self.port)]
        environment = {
            **os.environ,
            "PYTHONPATH": str(self._root),
            "STANCE_HOME": str(self.home),
            "STANCE_CHECKPOINT": str(self._checkpoint),
            "STANCE_BACKEND": "torch",
            "STANCE_THREADS": "1",
            **self._settings,
        }
        log = (self.home / "server.log").open("ab")
        self._process = subprocess.Popen(command, cwd=self._root, env=environment, stdout=log, stderr=log)
        log.close()
        until = time.monotonic() + 120
        while True:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            log_text = (self.home / "server.log").read_text()
            assert self._process.poll() is None, log_text
            assert time.monotonic() < until, log_text
            time.sleep(0.1)

    def stop(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)
            self._process = None


@pytest.fixture(scope="session")
def start_site(root, tmp_path_factory):
    """Start a server: `start_site(checkpoint, **settings)`."""
    sites = []

    def start(checkpoint, **settings):
        sites.append(Site(root, checkpoint, tmp_path_factory.mktemp("store"), **settings))
        return sites[-1].start()

    yield start
    for site in sites:
        site.stop()


@pytest.fixture(scope="session")
def site(start_site, tiny_checkpoint):
    return start_site(tiny_checkpoint)


@pytest.fixture(scope="module")  # its event loop must not outlive the page's tests: others call asyncio.run
def browser():
    path = os.environ.get("STANCE_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    assert path, "the page's tests need Chromium: apt-get install chromium, or name it in STANCE_CHROMIUM"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS.split())
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Open a page of a site in a fresh profile; whatever the console complains about fails the test."""
    contexts, complaints = [], []

    def open_(site, path="/", *, analyst="Ada Byron", allowed=(), **options):
        options = {"viewport": {"width": 1280, "height": 900}, "accept_downloads": True, **options}
        context = browser.new_context(**options)
        contexts.append(context)
        if analyst is not None:
            context.add_init_script(f"localStorage.setItem('stance-analyst', {analyst!r})")
        page = context.new_page()
        page.set_default_timeout(20_000)

        def complain(text):
            if not any(part in text for part in allowed):
                complaints.append(text)

        page.on("console", lambda message: complain(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complain(str(error)))
        page.on("dialog", lambda dialog: (complain(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.goto(site.url + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not complaints
