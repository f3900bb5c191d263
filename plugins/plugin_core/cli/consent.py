"""Asking before something is destroyed."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from plugin_core.errors import UsageError

Consent = Callable[[str], None]
"""Told what is about to happen; returns when it may, raises UsageError when it may not."""


def make_consent(*, yes: bool) -> Consent:
    """With --yes everything may happen; on a terminal the user is asked; anywhere else it is refused.

    The question goes to stderr, so that stdout carries the answer alone.
    """

    def consent(question: str) -> None:
        if yes:
            return
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError(f"{question}: not done without being told to", hint="the same command with --yes")
        if not click.confirm(f"{question}?", err=True):
            raise UsageError("nothing was done: the answer was no")

    return consent
