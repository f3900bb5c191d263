"""What krew's users get: both plugins found by kubectl, working without Python on the machine."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from importlib.metadata import version
from pathlib import Path

from cluster.kubectl import Kubectl, Plugin, run
from cluster.manifests import claim, deployment, pod
from frozen.conftest import Release
from frozen.krew import Krew


def test_kubectl_finds_both_plugins(cluster_environment: dict[str, str], kubectl: Kubectl) -> None:
    listed = kubectl("plugin", "list", "--name-only", check=False).stdout.split()
    assert {"kubectl-rwx", "kubectl-gsb"} <= set(listed)
    for plugin in ("rwx", "gsb"):
        assert "Usage:" in run(["kubectl", plugin, "--help"], environment=cluster_environment, check=True).stdout


def test_krew_installs_and_uninstalls(
    release: Release, sandbox_environment: dict[str, str], tmp_path: Path, kubectl: Kubectl
) -> None:
    krew = Krew(tmp_path)
    kubectl_folder = Path(str(shutil.which("kubectl", path=sandbox_environment["PATH"]))).parent
    environment = {**sandbox_environment, "PATH": f"{krew.bin}:{kubectl_folder}:/usr/bin:/bin"}
    for name, executable in (("rwx", "kubectl-rwx"), ("gsb", "oc-gsb")):
        link = release.install(krew, name)
        through_link = run([str(link), "version", "--client"], environment=environment, check=True)
        assert executable in through_link.stdout and "frozen executable" in through_link.stdout
        through_kubectl = run(["kubectl", name, "version", "--client"], environment=environment, check=True)
        assert through_kubectl.stdout == through_link.stdout
        assert list((krew.root / "store" / name).glob("*/LICENSE"))
        krew.uninstall(name)
        gone = run(["kubectl", name, "version"], environment=environment, check=False)
        assert gone.returncode and "unknown command" in gone.stderr
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []


def test_executables_need_no_python(cluster_environment: dict[str, str], installed: object) -> None:
    bare = {"HOME": "/nonexistent", "PATH": f"{installed}:/usr/bin:/bin"}
    for executable in ("kubectl-rwx", "oc-gsb"):
        done = subprocess.run([executable, "version"], env=bare, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert version("kubectl-rwx") in done.stdout and "there is no kubeconfig" in done.stdout


def test_licences_of_what_is_packed_come_along(release: Release) -> None:
    with tarfile.open(release.archive) as packed:
        names = packed.getnames()
    assert "LICENSE" in names
    licensed = {name.split("/")[3] for name in names if name.startswith("kubectl-rwx/_internal/licenses/")}
    assert {"Python", "click", "kubernetes", "PyYAML", "rich", "urllib3", "certifi"} <= licensed


def test_snapshot_and_restore_through_kubectl(cluster_environment: dict[str, str], namespace: Kubectl) -> None:
    namespace.apply(claim("data"), pod("writer", {"data": "/data"}, command="echo kept > /data/file; sleep infinity"))
    namespace("wait", "--for=condition=Ready", "pod/writer", "--timeout=90s")
    namespace.wait_until(lambda: namespace.sh("writer", "cat /data/file", check=False), "the written file")
    scope = ["-n", namespace.name]
    run(["kubectl", "rwx", "snapshot", "pvc/data", "--name", "frozen", *scope],
        environment=cluster_environment, check=True)
    run(["kubectl", "rwx", "restore", "vs/frozen", "--to", "again", *scope],
        environment=cluster_environment, check=True)
    namespace.apply(pod("reader", {"again": "/data"}))
    namespace("wait", "--for=condition=Ready", "pod/reader", "--timeout=90s")
    assert namespace.sh("reader", "cat /data/file") == "kept\n"
    shown = run(["kubectl", "rwx", "list", "-o", "json", *scope], environment=cluster_environment, check=True)
    assert [item["name"] for item in json.loads(shown.stdout)["items"]] == ["frozen"]
    as_yaml = run(["kubectl", "rwx", "list", "-o", "yaml", *scope], environment=cluster_environment, check=True)
    assert "kind: " in as_yaml.stdout


def test_inject_and_verify_over_the_frozen_websocket(gsb: Plugin, namespace: Kubectl) -> None:
    namespace.apply(claim("data"), deployment("web", {"data": "/data"}))
    namespace("rollout", "status", "deployment/web", "--timeout=90s")
    gsb.ok("inject", "deploy/web")
    verified = gsb("verify", "deploy/web")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    gsb.ok("uninject", "deploy/web")
    names = namespace.jsonpath("get", "deploy/web", path="{.spec.template.spec.containers[*].name}")
    assert names == "app"
