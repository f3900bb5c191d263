"""From answers and exceptions to our errors."""

from __future__ import annotations

import json
import socket

import pytest

from plugin_core import errors
from plugin_core.kube.failures import api_failure, connection_failure
from unit.plugin_core.kube.servers import status_object


@pytest.mark.parametrize("status, reason, expected, exit_code", [
    (400, "BadRequest", errors.ApiFailure, 1),
    (401, "Unauthorized", errors.Forbidden, 5),
    (403, "Forbidden", errors.Forbidden, 5),
    (404, "NotFound", errors.NotFound, 1),
    (409, "Conflict", errors.Conflict, 1),
    (409, "AlreadyExists", errors.AlreadyExists, 1),
    (410, "Gone", errors.Expired, 1),
    (410, "Expired", errors.Expired, 1),
    (422, "Invalid", errors.Invalid, 1),
    (429, "TooManyRequests", errors.Unavailable, 1),
    (500, "InternalError", errors.Unavailable, 1),
    (501, "", errors.ApiFailure, 1),
    (503, "ServiceUnavailable", errors.Unavailable, 1),
    (302, "", errors.ApiFailure, 1),
])
def test_kind_by_status_and_reason(status, reason, expected, exit_code):
    error = api_failure(status=status, body=json.dumps(status_object(status, reason, "words")), attempted="do it")
    assert type(error) is expected
    assert (error.message, error.server_message, error.status) == ("cannot do it: words", "words", status)
    assert error.exit_code == exit_code


@pytest.mark.parametrize("body, words", [
    (b"", "HTTP status 502 without a word"),
    (b"<html><head><style>p{}</style></head><body><h1>502 Bad Gateway</h1>\n<hr>nginx</body></html>",
     "502 Bad Gateway nginx"),
    (b"404 page not found\n", "404 page not found"),
    (b"x" * 1000, "x" * 300),
    (b"\xff\xfe", "\ufffd\ufffd"),
    (b'"just a string"', '"just a string"'),
    (b'{"kind": "Status"}', '{"kind": "Status"}'),
])
def test_bodies_that_are_no_status(body, words):
    assert api_failure(status=502, body=body, attempted="do it").server_message == words


@pytest.mark.parametrize("message, hinted", [
    ('pods is forbidden: User "jane" cannot list resource "pods"', True),
    ('users "x" is forbidden: User "jane" cannot impersonate resource "users"', True),
    ('pods "a" is forbidden: violates PodSecurity "restricted:latest"', False),
    ('pods "a" is forbidden: exceeded quota: q, requested: pods=1', False),
    ('configmaps "a" is forbidden: unable to create new content in namespace x because it is being terminated', False),
])
def test_only_missing_rights_are_answered_with_ask_for_rights(message, hinted):
    error = api_failure(status=403, body=json.dumps(status_object(403, "Forbidden", message)), attempted="do it")
    assert bool(error.hint) is hinted


def test_hint_for_credentials_that_are_not_accepted():
    error = api_failure(status=401, body=json.dumps(status_object(401, "Unauthorized", "Unauthorized")), attempted="x")
    assert "log in again" in error.hint


def test_hint_for_an_api_that_is_not_served():
    not_served = status_object(404, "NotFound", "the server could not find the requested resource")
    assert "api-resources" in api_failure(status=404, body=json.dumps(not_served), attempted="x").hint
    absent = status_object(404, "NotFound", 'pods "a" not found', name="a", kind="pods")
    assert api_failure(status=404, body=json.dumps(absent), attempted="x").hint == ""


@pytest.mark.parametrize("error, words, may_have_acted", [
    (ConnectionRefusedError(111, "Connection refused"), "no connection to https://s: Connection refused", False),
    (ConnectionResetError(104, "Connection reset"), "no connection to https://s: Connection reset", True),
    (socket.gaierror(-2, "Name or service not known"), "no connection to https://s: Name or service not known", False),
    (TimeoutError("timed out"), "https://s did not answer in time", True),
])
def test_connection_failures(error, words, may_have_acted):
    failure = connection_failure(error, server="https://s", attempted="do it")
    assert failure.message == f"cannot do it: {words}"
    assert failure.may_have_acted is may_have_acted
    assert failure.hint
