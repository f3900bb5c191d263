"""Every way a command can fail, each with its exit code. Imports nothing of ours.

    PluginError                 1 failed
    ├── UsageError              2 a flag or target that cannot be meant
    ├── ConnectionFailed        1 no answer from the API server
    │   └── KubeconfigError     1 the kubeconfig cannot be used
    ├── ApiFailure              1 the API server refused; carries its words and HTTP status
    │   ├── NotFound            1
    │   ├── AlreadyExists       1
    │   ├── Conflict            1
    │   ├── Invalid             1
    │   ├── Expired             1 a watch or page is too old (410); callers list again
    │   ├── Unavailable         1 429 or 5xx until the time for trying again was over
    │   └── Forbidden           5 (401 too: the server does not take our credentials)
    ├── NotReady                3 the answer is "no", or a thing is broken for good
    ├── TimedOut                4 it may still become ready; the message says how to go on
    │   └── ServerAway          4 the API server did not answer at the end of a wait, so nothing is known to have failed
    ├── PartlyDone              6 some objects done, some not
    └── Interrupted           130 Ctrl-C or SIGTERM
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a script can rely on; documented in docs/exit-codes.md."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_READY = 3
    TIMEOUT = 4
    FORBIDDEN = 5
    PARTLY_DONE = 6
    INTERRUPTED = 130


class PluginError(Exception):
    """A failure told to the user as it stands.

    message: what was tried and what is so. hint: the next command or flag; "" when there is none to give.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(PluginError):
    exit_code = ExitCode.USAGE


class ConnectionFailed(PluginError):
    """No answer. may_have_acted: whether the request reached the server, so that it may have been carried out.

    outlasted: whether it was tried again until the time was over, so that only the time can be blamed.
    """

    outlasted = False

    def __init__(self, message: str, *, hint: str = "", may_have_acted: bool = True) -> None:
        super().__init__(message, hint=hint)
        self.may_have_acted = may_have_acted


class KubeconfigError(ConnectionFailed):
    pass


class ApiFailure(PluginError):
    """The API server's refusal. status: HTTP status; server_message: its words verbatim ("" when it sent none)."""

    def __init__(self, message: str, *, hint: str = "", status: int = 0, server_message: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.server_message = server_message


class NotFound(ApiFailure):
    pass


class AlreadyExists(ApiFailure):
    pass


class Conflict(ApiFailure):
    pass


class Invalid(ApiFailure):
    pass


class Expired(ApiFailure):
    pass


class Unavailable(ApiFailure):
    """retry_after: seconds the server asked to be left alone (its Retry-After header); 0.0 when it did not say.

    outlasted: as of ConnectionFailed.
    """

    retry_after = 0.0
    outlasted = False


class Forbidden(ApiFailure):
    exit_code = ExitCode.FORBIDDEN


class NotReady(PluginError):
    exit_code = ExitCode.NOT_READY


class TimedOut(PluginError):
    exit_code = ExitCode.TIMEOUT


class ServerAway(TimedOut):
    pass


class PartlyDone(PluginError):
    exit_code = ExitCode.PARTLY_DONE


class Interrupted(PluginError):
    exit_code = ExitCode.INTERRUPTED
