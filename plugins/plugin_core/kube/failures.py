"""From what the client raises and the server answers to our errors, with the server's words verbatim."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from plugin_core import errors

_BY_STATUS: dict[int, type[errors.ApiFailure]] = {
    401: errors.Forbidden,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    410: errors.Expired,
    422: errors.Invalid,
    429: errors.Unavailable,
    501: errors.ApiFailure,
}
_BY_REASON: dict[str, type[errors.ApiFailure]] = {
    "AlreadyExists": errors.AlreadyExists,
    "Expired": errors.Expired,
}
_BEFORE_SENDING = re.compile(
    "NewConnection|ConnectTimeout|NameResolution|SSLCertVerification|ProxyError|ConnectionRefused|gaierror"
)
"""Names of exceptions that are raised before the first byte of a request has left."""

_LONGEST_PAGE = 300
"""Characters shown of an answer that is no Status: enough to tell which proxy wrote it."""


def api_failure(
    *, status: int, body: bytes | str, attempted: str, headers: Mapping[str, str] | None = None
) -> errors.ApiFailure:
    """The error for an HTTP answer outside 2xx.

    body: a Status object as JSON, or whatever a proxy in between sent. attempted: "get pods "web" in namespace "shop"".
    headers: read for Retry-After.
    """
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    answer = _status_of(text)
    words = str(answer.get("message") or "") or _page(text, status=status)
    reason = str(answer.get("reason") or "")
    kind = _BY_STATUS.get(status, errors.Unavailable if status >= 500 else errors.ApiFailure)
    kind = _BY_REASON.get(reason, kind)
    error = kind(
        f"cannot {attempted}: {words}", hint=_hint(status, reason, words, answer), status=status, server_message=words
    )
    if isinstance(error, errors.Unavailable):
        error.retry_after = _retry_after(headers or {})
    return error


def connection_failure(error: BaseException, *, server: str, attempted: str) -> errors.ConnectionFailed:
    """The error for a request that got no HTTP answer: refused, reset, timed out, or TLS that does not match."""
    cause = _innermost(error)
    kinds = f"{type(error).__name__} {type(cause).__name__}"
    sent = not _BEFORE_SENDING.search(kinds)
    if "SSL" in kinds:
        what = f"the TLS connection to {server} failed: {_plain(cause)}"
        hint = "check the server address and certificate-authority in the kubeconfig, or --insecure-skip-tls-verify"
    elif "ProxyError" in kinds:
        what = f"the proxy on the way to {server} does not let us through: {_plain(cause)}"
        hint = "check proxy-url in the kubeconfig, HTTPS_PROXY and NO_PROXY"
    elif "Timeout" in kinds:
        what = f"{server} did not answer in time"
        hint = "check the server address and --request-timeout"
    else:
        what = f"no connection to {server}: {_plain(cause)}"
        hint = "check the server address, your network or VPN, and the context (kubectl config current-context)"
    return errors.ConnectionFailed(f"cannot {attempted}: {what}", hint=hint, may_have_acted=sent)


def not_json(body: bytes, *, server: str, attempted: str) -> errors.KubeconfigError:
    """The error for a 2xx answer that is no JSON: something else than an API server is listening there."""
    page = _page(body.decode("utf-8", "replace"), status=200)
    return errors.KubeconfigError(
        f"cannot {attempted}: {server} answers, but not as a Kubernetes API server: {page}",
        hint="check the server address in the kubeconfig, and whether a proxy or login page stands in between",
    )


def _status_of(text: str) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _page(text: str, *, status: int) -> str:
    """What a human would read of a page or a bare line of text."""
    without_code = re.sub(r"(?is)<(script|style)\b.*?</\1>|<[^>]*>", " ", text)
    words = " ".join(without_code.split())
    return words[:_LONGEST_PAGE] if words else f"HTTP status {status} without a word"


def _hint(status: int, reason: str, words: str, answer: dict[str, Any]) -> str:
    if status == 401:
        return "the server does not accept these credentials: log in again, or choose others with --context or --user"
    # quotas, Pod Security and terminating namespaces are refused with 403 too: no right would help there
    if status == 403 and " cannot " in f" {words}":
        return "ask for the rights, or act as someone who has them with --as"
    if reason == "NotFound" and not (answer.get("details") or {}).get("name"):
        return "this API is not served here; see what is with: kubectl api-resources"
    return ""


def _retry_after(headers: Mapping[str, str]) -> float:
    value = headers.get("Retry-After", "")
    return float(value) if re.fullmatch(r"[0-9]{1,6}", value) else 0.0


def _innermost(error: BaseException) -> BaseException:
    """The cause with the plainest words: urllib3 wraps them as .reason, .original_error or in its arguments."""
    candidates = (getattr(error, "reason", None), getattr(error, "original_error", None), *reversed(error.args))
    for inner in candidates:
        if isinstance(inner, BaseException):
            return _innermost(inner)
    return error


def _plain(cause: BaseException) -> str:
    """Without the repr of a connection before the words, the C file behind them, and the number of the errno."""
    text = str(cause) or type(cause).__name__
    if "object at 0x" in text or "Connection(" in text:
        text = text.rsplit(": ", 1)[-1]
    text = re.sub(r"\s*\(_ssl\.c:\d+\)", "", text)
    return re.sub(r"\[(Errno -?\d+|SSL|SSL: \w+)\] ", "", text)
