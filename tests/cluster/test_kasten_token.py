"""The activation token: set, confirmed, and never seen."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.kasten_objects import (
    K10,
    Application,
    activate,
    has_token,
    make_token,
    own_profile,
    set_operator,
    tidy,
)
from cluster.kubectl import Kubectl, Plugin

pytestmark = pytest.mark.xdist_group("kasten")


@pytest.fixture
def without_token(kubectl: Kubectl, gsb: Plugin) -> None:
    set_operator(kubectl, gsb, {"token": None, "overridepubkey": None})


def observed(gsb: Plugin) -> dict[str, str]:
    """verdict by check."""
    answer = json.loads(gsb("token", "status", "-o", "json").stdout)
    return {one["check"]: one["verdict"] for one in answer["items"]}


def test_status_without_token_then_set_then_unchanged(
    without_token: None, kubectl: Kubectl, gsb: Plugin, tmp_path: Path
) -> None:
    status = gsb("token", "status")
    assert status.returncode == 3 and "Generic Storage Backup is not active" in status.stderr
    verdicts = observed(gsb)
    assert (verdicts["operator"], verdicts["configuration"], verdicts["executor"]) == ("fail", "fail", "fail")
    token = make_token(kubectl)
    file = tmp_path / "token.txt"
    file.write_text(token + "\n")
    dry = gsb("token", "set", "--token-file", str(file), "--dry-run=server")
    assert dry.returncode == 0 and "k10/k10 patched (server dry run)" in dry.stderr
    assert not has_token(kubectl)
    done = gsb("token", "set", "--token-file", str(file))
    assert done.returncode == 0, done.stderr
    assert observed(gsb)["agreement"] == "ok"
    assert kubectl.within(K10).json("get", "configmap", "k10-config")["data"]["GVSActivationToken"] == token
    again = gsb("token", "set", "--token-file", str(file))
    assert again.returncode == 0 and "k10/k10 unchanged" in again.stderr


def test_places_that_disagree_are_told(kubectl: Kubectl, gsb: Plugin) -> None:
    activate(kubectl, gsb)
    kasten = kubectl.within(K10)
    config = kasten.json("get", "configmap", "k10-config")["data"]["GVSActivationToken"]
    try:
        kasten("patch", "configmap", "k10-config", "--type=merge", "-p", '{"data": {"GVSActivationToken": "another"}}')
        status = gsb("token", "status")
        assert status.returncode == 3 and "the token in k10-config is not the one in k10/k10" in status.stdout
        assert "another" not in status.stdout.replace("another token", "")
    finally:
        kasten("patch", "configmap", "k10-config", "--type=merge",
               "-p", json.dumps({"data": {"GVSActivationToken": config}}))


def test_executor_that_started_before_the_token_is_told(kubectl: Kubectl, gsb: Plugin) -> None:
    activate(kubectl, gsb)
    time.sleep(1.1)
    kasten, token = kubectl.within(K10), make_token(kubectl)
    kept = kasten.json("get", "k10", "k10")["spec"]["genericStorageBackup"]["token"]
    for value in (token, kept):
        patch = json.dumps({"data": {"GVSActivationToken": value}})
        kasten("patch", "configmap", "k10-config", "--type=merge", "-p", patch)
    status = gsb("token", "status")
    assert status.returncode == 3 and "executor-svc started before k10-config got this token" in status.stdout
    kasten("rollout", "restart", "deployment/executor-svc")
    kasten("rollout", "status", "deployment/executor-svc", "--timeout=60s")
    kasten.wait_until(lambda: gsb("token", "status").returncode == 0, "the executor having it")


def test_evaluation_key_is_set_shown_and_removed(kubectl: Kubectl, gsb: Plugin, tmp_path: Path) -> None:
    token, key = tmp_path / "token", tmp_path / "key"
    token.write_text(f"standin-evaluation.{uuid.uuid4().hex}")
    key.write_text(uuid.uuid4().hex)
    done = gsb("token", "set", "--token-file", str(token), "--overridepubkey-file", str(key))
    assert done.returncode == 0, done.stderr
    status = gsb.json("token", "status")
    assert status["evaluationKey"] is True and status["active"] is True
    assert "the token is a temporary one" in gsb.ok("token", "status")
    done = gsb("token", "set", "--token-file", "-", "--no-overridepubkey", stdin=make_token(kubectl))
    assert done.returncode == 0, done.stderr
    assert gsb.json("token", "status")["evaluationKey"] is False


def test_nothing_the_process_wrote_or_started_holds_the_token(kubectl: Kubectl, gsb: Plugin, tmp_path: Path) -> None:
    token, file = make_token(kubectl), tmp_path / "token"
    secret = token.rsplit(".", 1)[1]
    file.write_text(token)
    before = set(tmp_path.iterdir())
    for arguments in (["set", "--token-file", str(file)], ["status"], ["set", "--token-file", str(file), "-o", "json"],
                      ["status", "-o", "yaml"], ["set", "--token-file", str(file), "--dry-run=client"]):
        argv = [gsb.executable, "-v", "--debug", "token", *arguments]
        process = subprocess.Popen(argv, env={**gsb.environment, "HOME": str(tmp_path)}, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        seen = _command_lines_while(process)
        written, _ = process.communicate(timeout=120)
        assert process.returncode == 0, written.replace(secret, "***")
        assert secret not in written and secret not in seen
        assert "GET https://" in written, "the requests are shown, so the search means something"
    assert set(tmp_path.iterdir()) == before, "no file was left in the home folder"


def _command_lines_while(process: subprocess.Popen[str]) -> str:
    """The arguments of the process and its descendants, looked at again and again until its output ends."""
    found, limit = set(), time.monotonic() + 1.5
    while process.poll() is None and time.monotonic() < limit:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and (int(entry.name) == process.pid or _parent(entry) == process.pid):
                try:
                    found.add((entry / "cmdline").read_bytes().decode("utf-8", "replace"))
                except OSError:
                    continue
    return "\n".join(found)


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_a_server_that_quotes_the_token_is_not_quoted(kubectl: Kubectl, gsb: Plugin) -> None:
    name, token = f"quote-{uuid.uuid4().hex[:6]}", make_token(kubectl)
    rule = {"apiGroups": ["apik10.kasten.io"], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": ["k10s"]}
    policy: dict[str, Any] = {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [rule]}, "validations": [{
            "expression": "false",
            "messageExpression": "'refused: ' + string(object.spec.genericStorageBackup.token)"}]},
    }
    binding = {"apiVersion": policy["apiVersion"], "kind": "ValidatingAdmissionPolicyBinding",
               "metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"]}}
    try:
        kubectl.apply(policy, binding)
        probe = '{"metadata": {"annotations": {"x": "y"}}}'
        kubectl.within(K10).wait_until(
            lambda: kubectl.within(K10)("patch", "k10", "k10", "--type=merge", "-p", probe, "--dry-run=server",
                                        check=False).returncode, "the admission policy")
        done = gsb("token", "set", "--token-file", "-", "--no-overridepubkey", "-v", "--debug", stdin=token)
    finally:
        kubectl("delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", name)
    assert done.returncode != 0 and "refused: [token]" in done.stderr
    assert token not in done.stdout + done.stderr


def test_token_given_the_wrong_way_is_not_echoed(gsb: Plugin) -> None:
    wrong = (["--token-file", "TOKEN"], ["--token-file", "-", "TOKEN"], ["TOKEN"], ["--token", "TOKEN"],
             ["--token=TOKEN"])
    for arguments in wrong:
        token = f"eyJ{uuid.uuid4().hex}"
        done = gsb("token", "set", *(word.replace("TOKEN", token) for word in arguments), stdin="")
        assert done.returncode == 2, arguments
        assert token not in done.stdout + done.stderr


def test_helm_install_is_told_its_command(namespace: Kubectl, kubectl: Kubectl, gsb: Plugin, tmp_path: Path) -> None:
    """A namespace laid out as a plain Helm install: k10-config and executor-svc, no K10 object."""
    annotations = {"meta.helm.sh/release-name": "backup"}
    namespace.apply({"apiVersion": "v1", "kind": "ConfigMap", "data": {"version": "8.5.12"},
                     "metadata": {"name": "k10-config", "annotations": annotations}})
    token, file = make_token(kubectl), tmp_path / "token"
    file.write_text(token + "\n")
    done = gsb("token", "set", "--token-file", str(file), "--k10-namespace", namespace.name)
    assert done.returncode == 3 and "nothing was changed" in done.stderr
    assert (f"helm upgrade backup kasten/k10 --namespace {namespace.name} --reuse-values --version 8.5.12 "
            f"--set-file genericStorageBackup.token={file}") in done.stderr
    assert "line break" in done.stderr and token not in done.stdout + done.stderr
    assert "there is no Deployment executor-svc" in done.stdout


@pytest.fixture
def application(namespace: Kubectl, kubectl: Kubectl, gsb: Plugin) -> Iterator[Application]:
    activate(kubectl, gsb)
    installed = Application(namespace)
    installed.install()
    gsb.ok("inject", "deploy/web")
    yield installed
    tidy(kubectl, namespace.name)


def test_running_actions_are_noticed_before_the_restart(
    application: Application, namespace: Kubectl, kubectl: Kubectl, gsb: Plugin
) -> None:
    with own_profile(kubectl, f"slow-{namespace.name}", **{"sandbox.rwx/seconds-per-volume": "60"}) as slow:
        gsb.ok("backup", "--profile", slow, "--no-wait")
        refused = gsb("token", "set", "--token-file", "-", stdin=make_token(kubectl))
        assert refused.returncode == 3
        assert "would abort" in refused.stderr and f"runaction {K10}/{namespace.name}-gsb-" in refused.stderr
        done = gsb("token", "set", "--token-file", "-", "--abort-running", stdin=make_token(kubectl))
        assert done.returncode == 0, done.stderr
        aborted = gsb("policy", "status", f"{namespace.name}-gsb")
        assert "the executor-svc pod that ran it was restarted" in aborted.stdout
