"""Servers for the tests of this folder."""

import contextlib

import pytest
from service_support import Controlled, running, settings_of

from model.classifier import StanceClassifier


@pytest.fixture
def serve(tiny_classifier):
    """Start a server: `serve(**settings)`."""
    with contextlib.ExitStack() as stack:

        def start(**given):
            backend = Controlled(tiny_classifier.backend)
            classifier = StanceClassifier(
                tiny_classifier.encoder,
                backend,
                tiny_classifier.labels,
                tiny_classifier.calibration,
                tiny_classifier.checkpoint_id,
            )
            return stack.enter_context(running(settings_of(**given), classifier, backend))

        yield start


@pytest.fixture(scope="module")
def server(tiny_classifier):
    """One plain server for tests that only ask."""
    with running(settings_of(), tiny_classifier) as started:
        yield started


@pytest.fixture(scope="module")
def client(server):
    with server.client() as made:
        yield made
