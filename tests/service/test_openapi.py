"""The committed API document, and the service held against it."""

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from service_support import running, settings_of

from service.keys import new_key
from service.openapi import PATH, document

KEY, DIGEST = new_key()
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SCHEMA = schemathesis.openapi.from_dict(json.loads(PATH.read_text(encoding="utf-8")))


@schemathesis.serializer(SHEET)
def _sheet(context, value):
    """Send what is generated as it is: no real workbook, which the service has to say."""
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture(scope="module")
def url(tiny_classifier, tmp_path_factory):
    given = settings_of(admin_keys=DIGEST, store=tmp_path_factory.mktemp("store"))
    with running(given, tiny_classifier) as server:
        yield server.url


def test_committed_document_is_the_one_of_the_app():
    assert PATH.read_text(encoding="utf-8") == document(), "run: python -m service.openapi"


def test_every_route_names_its_errors():
    for path, methods in json.loads(PATH.read_text(encoding="utf-8"))["paths"].items():
        for method in methods.values():
            assert method["responses"], path
            for status, response in method["responses"].items():
                if int(status) >= 400:
                    assert "application/problem+json" in response["content"], (path, status)


@SCHEMA.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_answer_matches_the_document(case, url):
    answer = case.call(base_url=url, headers={"X-API-Key": KEY}, timeout=20)
    case.validate_response(
        answer,
        checks=(
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ),
    )
