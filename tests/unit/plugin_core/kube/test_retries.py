"""try_again: what is tried again, how often and after which pauses."""

from __future__ import annotations

import pytest

from plugin_core import errors
from plugin_core.kube import contacts, retries
from plugin_core.kube.contacts import Contact
from plugin_core.kube.retries import may_have_acted, try_again
from plugin_core.model.durations import Deadline


def unavailable(status, retry_after=0.0):
    error = errors.Unavailable("down", status=status)
    error.retry_after = retry_after
    return error


FORBIDDEN = errors.Forbidden("not you", status=403)
LOST = errors.ConnectionFailed("lost")
REFUSED = errors.ConnectionFailed("refused", may_have_acted=False)


def contact_of(*, answered=True, back=False):
    contact = Contact()
    for status in [200] * answered:
        contact.heard(status)
    if back:
        contact.lost()
        contact.heard(200)
    return contact


def run(*failures, seconds=60.0, repeatable=True, answered=True, back=False):
    """What came of it, and the pauses."""
    left, pauses = list(failures), []
    contact = contact_of(answered=answered, back=back)

    def attempt(number):
        assert number == len(failures) - len(left)
        if left:
            raise left.pop(0)
        return "answer"

    try:
        result = try_again(
            attempt, deadline=Deadline.after(seconds), contact=contact, repeatable=repeatable,
            pause=pauses.append,
        )
    except errors.PluginError as error:
        result = error
    return result, pauses


@pytest.mark.parametrize("failure, outlasted", [
    (lambda: errors.ConnectionFailed("refused"), True), (lambda: unavailable(503), True),
    (lambda: unavailable(429, retry_after=99.0), True), (lambda: unavailable(500), True),
    (lambda: errors.KubeconfigError("no"), False),
])
def test_who_is_to_blame_is_told(failure, outlasted):
    result, _ = run(failure(), seconds=0.0)
    assert result.outlasted is outlasted


def test_a_broken_server_is_not_blamed_on_the_time():
    result, _ = run(*[unavailable(500)] * 4)
    assert result.outlasted is False


@pytest.mark.parametrize("failures, repeatable, answered, tries", [
    ([], True, False, 1),
    ([LOST, LOST], True, True, 3),
    ([LOST], True, False, 1),
    ([unavailable(429)] * 9, True, True, 10),
    ([unavailable(503)] * 9, True, True, 10),
    ([unavailable(500)] * 9, True, True, 4),
    ([LOST], False, True, 1),
    ([REFUSED, REFUSED], False, True, 3),
    ([unavailable(503)], False, True, 1),
    ([unavailable(429)], False, True, 2),
    ([errors.NotFound("no")], True, True, 1),
    ([errors.Conflict("no")], True, True, 1),
    ([errors.KubeconfigError("no")], True, True, 1),
])
def test_what_is_tried_again(failures, repeatable, answered, tries):
    result, pauses = run(*failures, repeatable=repeatable, answered=answered)
    assert len(pauses) == tries - 1
    assert result == "answer" if tries > len(failures) else isinstance(result, errors.PluginError)


@pytest.mark.parametrize("back, repeatable, tries", [(False, True, 1), (True, True, 3), (True, False, 3)])
def test_a_refusal_passes_only_when_the_server_was_away_just_now(back, repeatable, tries):
    result, pauses = run(FORBIDDEN, FORBIDDEN, back=back, repeatable=repeatable)
    assert len(pauses) == tries - 1
    assert result == ("answer" if back else FORBIDDEN)


def test_a_refusal_that_stays_is_told_when_the_server_has_had_its_time(monkeypatch):
    monkeypatch.setattr(contacts, "JUST_BACK", 0.0)
    assert run(FORBIDDEN, back=True) == (FORBIDDEN, [])


@pytest.mark.parametrize("since, heard, tries", [
    (None, False, 10), (1.0, False, 10), (21.0, False, 1), (21.0, True, 10),
])
def test_after_an_interrupt_a_server_that_is_away_is_soon_given_up(monkeypatch, since, heard, tries):
    monkeypatch.setattr(retries, "interrupted_for", lambda: since)
    monkeypatch.setattr(Contact, "silence", 0.0 if heard else 21.0)
    result, pauses = run(*[REFUSED] * 9)
    assert len(pauses) == tries - 1
    assert result == "answer" if tries == 10 else result.outlasted


def test_pauses_grow_up_to_a_limit(monkeypatch):
    monkeypatch.undo()
    _, pauses = run(*[unavailable(503)] * 12)
    assert 0.1 < pauses[0] < 0.3
    assert pauses[4] > pauses[0]
    assert max(pauses) <= retries._LONGEST_PAUSE * 1.3


def test_a_longer_retry_after_replaces_the_pause():
    assert run(unavailable(429, 7.0))[1] == [7.0]


def test_no_pause_reaches_beyond_the_deadline():
    result, pauses = run(unavailable(503), seconds=0.001)
    assert isinstance(result, errors.Unavailable) and pauses == []


@pytest.mark.parametrize("error, expected", [
    (LOST, True), (REFUSED, False), (unavailable(500), True), (unavailable(504), True), (unavailable(429), False),
    (errors.Conflict("no", status=409), False), (errors.Forbidden("no", status=403), False),
])
def test_may_have_acted(error, expected):
    assert may_have_acted(error) is expected
