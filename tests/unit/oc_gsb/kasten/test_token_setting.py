"""Setting the token: what is patched, what is refused, and that the value never leaves."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from fakes.cluster import FakeCluster
from oc_gsb.kasten.secrets import Secret, hidden, read_secret
from oc_gsb.kasten.token_setting import SetRequest, set_token
from plugin_core import errors
from plugin_core.kube.cluster import DryRun
from plugin_core.model.manifests import Manifest
from plugin_core.model.progress import Silence
from unit.oc_gsb.kasten.objects import GROUPS, action, config, default_namespace, executor, k10

TOKEN = "K10_GVS_ACTIVATION_TOKEN"
T = Secret("T0ken-value")
PATCH = "patch k10s.apik10.kasten.io"


def cluster(*objects: Manifest, **options: object) -> FakeCluster:
    return FakeCluster([default_namespace(), *objects], groups=GROUPS, **options)  # type: ignore[arg-type]


def test_same_token_again_sends_nothing() -> None:
    there = cluster(k10(token="T0ken-value"), config(GVSActivationToken="T0ken-value"), *executor(TOKEN))
    assert set_token(there, SetRequest(token=T), Silence()).failure is None
    assert not [words for words in there.requests if words.startswith("patch")]


@pytest.mark.parametrize("key, patched", [
    (None, {"token": "new", "overridepubkey": "k"}),
    (Secret(""), {"token": "new"}),
    (Secret("other"), {"token": "new", "overridepubkey": "other"}),
])
def test_what_is_patched(key: Secret | None, patched: dict[str, str]) -> None:
    there = cluster(k10(token="old", overridepubkey="k"), config(), *executor(), expect=[PATCH],
                    dry_run=DryRun.SERVER)
    made: list[Manifest] = []
    original = there.patch
    there.patch = lambda *args, **more: made.append(original(*args, **more)) or made[-1]  # type: ignore
    set_token(there, SetRequest(token=Secret("new"), key=key), Silence())
    assert made[0]["spec"]["genericStorageBackup"] == patched


def test_running_actions_stop_it() -> None:
    there = cluster(k10(), config(), *executor(), action("RunAction", "nightly-1", "Running"),
                    action("BackupAction", "old", "Complete", namespace="app"),
                    action("ExportAction", "odd", "Quarantined", namespace="app"))
    with pytest.raises(errors.NotReady, match="abort 2 running actions: runaction kasten-io/nightly-1, exportaction"):
        set_token(there, SetRequest(token=T), Silence())


def test_unknown_whether_actions_run() -> None:
    there = cluster(k10(), config(), *executor(), denied=["list runactions.actions.kio.kasten.io"])
    with pytest.raises(errors.NotReady, match="whether actions are running is not known"):
        set_token(there, SetRequest(token=T), Silence())


def test_no_right_to_patch_is_said_first() -> None:
    there = cluster(k10(), config(), *executor(), denied=[PATCH])
    with pytest.raises(errors.Forbidden, match="patch k10s.apik10.kasten.io in namespace kasten-io"):
        set_token(there, SetRequest(token=T), Silence())


@pytest.mark.parametrize("request_, words", [
    (SetRequest(token=T, token_file="my token"), "--set-file genericStorageBackup.token='my token'"),
    (SetRequest(token=T), "--set-file genericStorageBackup.token=/dev/stdin"),
    (SetRequest(token=T, token_file="f", key=Secret("k"), key_file="g"), "overridepubkey=g"),
    (SetRequest(token=T, token_file="f", key=Secret("")), "--set genericStorageBackup.overridepubkey="),
])
def test_helm_command(request_: SetRequest, words: str) -> None:
    answer = set_token(cluster(config(GVSActivationToken="old")), request_, Silence())
    assert isinstance(answer.failure, errors.NotReady) and words in answer.failure.hint
    assert answer.failure.hint.startswith("helm upgrade k10 kasten/k10 --namespace kasten-io --reuse-values")


def test_secret_is_taken_out_of_errors_and_traces() -> None:
    secret = "".join(["se", '"', "cret"])
    for quoted in (secret, secret.replace('"', '\\"')):
        with pytest.raises(errors.Invalid) as caught, hidden(secret):
            raise errors.Invalid("cannot patch: " + quoted, status=422, server_message=quoted)
        shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
        assert "cannot patch: [token]" in shown and quoted not in shown


def test_errors_without_the_secret_stay_themselves() -> None:
    original = errors.NotFound("not found", status=404)
    with pytest.raises(errors.NotFound) as caught, hidden("secret", ""):
        raise original
    assert caught.value is original


@pytest.mark.parametrize("content, words", [
    (b"", "is empty"), (b" \n", "is empty"), (b"two words", "holds blanks"), (b"a\nb", "holds blanks"),
    (b"\xff\xfe", "no ASCII"), (b"a" * 70000, "too large"),
])
def test_what_is_no_token(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(errors.UsageError, match=words):
        read_secret(str(file), flag="--token-file")


def test_reading_cuts_the_line_break_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"abc\n")
    secret = read_secret(str(file), flag="--token-file")
    assert (secret.value, secret.trailing_newline) == ("abc", True)
    assert "abc" not in repr(secret) + repr(SetRequest(token=secret))
    with pytest.raises(errors.UsageError) as caught:
        read_secret("eyJhbGciOi", flag="--token-file")
    assert "eyJ" not in caught.value.message + caught.value.hint
