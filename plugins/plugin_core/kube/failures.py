"""From what the client raises and the server answers to our errors, with the server's words verbatim."""

from __future__ import annotations

import json

from plugin_core import errors

_BY_STATUS: dict[int, type[errors.ApiFailure]] = {
    401: errors.Forbidden,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    410: errors.Expired,
    422: errors.Invalid,
    429: errors.Unavailable,
}


def api_failure(*, status: int, body: bytes | str, attempted: str) -> errors.ApiFailure:
    """The error for an HTTP answer outside 2xx.

    body: a Status object as JSON, or whatever a proxy in between sent. attempted: "get pods "web" in namespace "shop"".
    """
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    try:
        answer = json.loads(text)
    except ValueError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    words = str(answer.get("message") or text.strip()[:500] or f"HTTP status {status}")
    error = _BY_STATUS.get(status, errors.Unavailable if status >= 500 else errors.ApiFailure)
    if answer.get("reason") == "AlreadyExists":
        error = errors.AlreadyExists
    elif answer.get("reason") == "Expired":
        error = errors.Expired
    hint = ""
    if status == 401:
        hint = "the server does not accept these credentials: log in again, or choose others with --context or --user"
    elif error is errors.Forbidden:
        hint = "ask for the rights, or act as someone who has them with --as"
    elif answer.get("reason") == "NotFound" and not answer.get("details", {}).get("name"):
        hint = "this API is not served here; see what is with: kubectl api-resources"
    return error(f"cannot {attempted}: {words}", hint=hint, status=status, server_message=words)


def connection_failure(error: BaseException, *, server: str, attempted: str) -> errors.ConnectionFailed:
    """The error for a request that got no HTTP answer: refused, reset, timed out, or TLS that does not match."""
    cause = _innermost(error)
    name = type(cause).__name__
    if "SSL" in name or "Certificate" in name:
        what = f"the TLS connection to {server} failed: {cause}"
        hint = "check certificate-authority in the kubeconfig, or try --insecure-skip-tls-verify"
    elif "Timeout" in name:
        what = f"{server} did not answer in time"
        hint = "check the server address and --request-timeout"
    else:
        what = f"no connection to {server}: {_plain(cause)}"
        hint = "check the server address, your network or VPN, and the context (kubectl config current-context)"
    return errors.ConnectionFailed(f"cannot {attempted}: {what}", hint=hint)


def _innermost(error: BaseException) -> BaseException:
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _innermost(reason)
    return error


def _plain(cause: BaseException) -> str:
    """urllib3 puts the repr of its connection before the words; the user needs the words."""
    text = str(cause)
    return text.rsplit(": ", 1)[-1] if "object at 0x" in text or "Connection(" in text else text
