"""The activation token in this process: read from a file or stdin, and kept out of everything that is written."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from plugin_core import errors

LARGEST = 64 * 1024


@dataclass(frozen=True)
class Secret:
    """value never shows in repr(). trailing_newline: whether the file ended with a line break, which is cut off."""

    value: str = field(repr=False)
    trailing_newline: bool = False


def read_secret(source: str, *, flag: str) -> Secret:
    """From a file, or stdin for "-". Raises UsageError that quotes neither the name nor the content: somebody may have
    given the token itself in place of a file."""
    try:
        raw = sys.stdin.buffer.read(LARGEST + 1) if source == "-" else Path(source).read_bytes()[:LARGEST + 1]
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it is no file name"
        raise errors.UsageError(
            f"the file given with {flag} cannot be read: {reason}", hint=f"{flag} FILE, or {flag} - to read stdin"
        ) from None
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError:
        raise errors.UsageError(f"what {flag} names is not a token: it holds bytes that are no ASCII text") from None
    value = text.strip()
    if not value or len(raw) > LARGEST or not value.isprintable() or " " in value:
        what = "is empty" if not value else "is too large" if len(raw) > LARGEST else "holds blanks or line breaks"
        raise errors.UsageError(f"what {flag} names is not a token: it {what}")
    return Secret(value=value, trailing_newline=text != value)


@contextmanager
def hidden(*secrets: str) -> Iterator[None]:
    """Takes the secrets out of any error that leaves the block; a server may quote what it was sent."""
    try:
        yield
    except errors.PluginError as error:
        spellings = {spelling for secret in secrets if secret for spelling in (secret, json.dumps(secret)[1:-1])}
        pattern = re.compile("|".join(map(re.escape, sorted(spellings))) or "(?!)")
        message, hint = pattern.sub("[token]", error.message), pattern.sub("[token]", error.hint)
        if (message, hint) == (error.message, error.hint):
            raise
        clean = type(error)(message, hint=hint)
        # without the original: its words, which --debug would print, hold the secret
        raise clean from None
