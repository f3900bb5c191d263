"""Progress lines for a person, on stderr; stdout stays free for answers."""

import sys
import time
from contextlib import contextmanager
from typing import Iterator


def say(line: str) -> None:
    """Print one line now, whoever else is printing."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


@contextmanager
def timed(label: str) -> Iterator[None]:
    """Say how long a step took once it is done; a step that fails says nothing here, its error does."""
    started = time.monotonic()
    yield
    say(f"  {label:<44} {time.monotonic() - started:6.1f} s")
