from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from kubectl_rwx.installation.archives import Archive, checksum_of, fetch_folder
from kubectl_rwx.installation.images import CONTROLLER, SNAPSHOTTER_VERSION
from kubectl_rwx.installation.manifest_folders import read_manifests
from kubectl_rwx.installation.releases import ARCHIVES, Source, assemble, load_release
from plugin_core import errors
from plugin_core.model.durations import Deadline
from unit.kubectl_rwx.installation.objects import controller, definition, release, upstream


def test_order_marks_and_what_upstream_leaves_to_kustomize() -> None:
    made = release()
    kinds = [item["kind"] for item in (*made.definitions, *made.controller)]
    assert kinds == ["CustomResourceDefinition"] * 4 + ["ServiceAccount", "RoleBinding", "Deployment"]
    assert made.version == "8.6.0"
    for item in (*made.definitions, *made.controller):
        assert item["metadata"]["labels"]["kubectl-rwx.io/setup"] == "snapshots"
        assert item["metadata"]["annotations"]["kubectl-rwx.io/setup-version"] == "8.6.0"
        assert "status" not in item
    binding = made.controller[1]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "snapshot-controller",
                                    "namespace": "kube-system"}]


@pytest.mark.parametrize(("source", "image", "expected"), [
    ({}, "", "registry.k8s.io/sig-storage/snapshot-controller:v8.5.0"),
    ({"registry": "reg.example.com/mirror/"}, "", "reg.example.com/mirror/sig-storage/snapshot-controller:v8.5.0"),
    ({"registry": "reg.example.com"}, CONTROLLER,
     f"reg.example.com/sig-storage/snapshot-controller:v{SNAPSHOTTER_VERSION}"),
    ({"registry": "reg.example.com"}, "own.example.com/sc:v1", "own.example.com/sc:v1"),
])
def test_the_controllers_image(source: dict[str, str], image: str, expected: str) -> None:
    found = upstream(image="registry.k8s.io/sig-storage/snapshot-controller:v8.5.0")
    made = assemble(found, source=Source(**source), image=image, origin="x")  # type: ignore[arg-type]
    [container] = made.deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == expected


def test_group_snapshots_can_be_left_out() -> None:
    assert [item["spec"]["group"] for item in release(groups=False).definitions] == ["snapshot.storage.k8s.io"] * 3


@pytest.mark.parametrize(("found", "words"), [
    ([item for item in upstream() if item["kind"] != "Deployment"], "lacks the snapshot-controller's Deployment"),
    ([item for item in upstream() if "volumesnapshotcontents" not in item["metadata"]["name"]],
     "lacks customresourcedefinition/volumesnapshotcontents.snapshot.storage.k8s.io"),
    ([*upstream(), {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}], "secret/s"),
    ([*upstream(), definition("Widget", group="example.com")], "customresourcedefinition/widgets.example.com"),
    ([*upstream(), controller()], "2 Deployments"),
    ([*upstream()[1:], {**controller(), "metadata": {"name": "snapshot-controller"}}], "names no namespace"),
])
def test_a_folder_that_is_not_the_release_is_refused(found: list[dict[str, object]], words: str) -> None:
    with pytest.raises(errors.UsageError, match=words):
        assemble(found, source=Source(), image="", origin="x")


def test_folders_trees_and_kustomizations(tmp_path: Path) -> None:
    crds, deploy = tmp_path / "client/config/crd", tmp_path / "deploy/kubernetes/snapshot-controller"
    for folder in (crds, deploy, tmp_path / "examples"):
        folder.mkdir(parents=True)
    objects = upstream()
    (crds / "one.yaml").write_text("---\n" + yaml.safe_dump_all(item for item in objects if "status" in item))
    (crds / "unlisted.yaml").write_text("not: [an object")
    (crds / "kustomization.yaml").write_text("kind: Kustomization\nresources: [one.yaml]\n")
    (deploy / "setup.yaml").write_text(yaml.safe_dump({"kind": "List", "apiVersion": "v1", "items": objects[:2]}))
    (tmp_path / "examples" / "pod.yaml").write_text("kind: Pod\napiVersion: v1\nmetadata: {name: other}\n")
    assert [item["kind"] for item in read_manifests(str(tmp_path))] == [
        "CustomResourceDefinition", "Deployment", "RoleBinding"]
    assert len(read_manifests(str(deploy / "setup.yaml"))) == 2
    with pytest.raises(errors.UsageError, match="unlisted.yaml is not YAML"):
        (crds / "kustomization.yaml").unlink()
        read_manifests(str(tmp_path))
    (crds / "kustomization.yaml").write_text("kind: Kustomization\nresources: [one.yaml]\nimages: []\n")
    with pytest.raises(errors.UsageError, match="does more than list resources") as refused:
        read_manifests(str(tmp_path))
    assert "kubectl kustomize" in refused.value.hint
    with pytest.raises(errors.UsageError, match="no folder or file"):
        read_manifests(str(tmp_path / "absent"))


@pytest.fixture
def serve() -> Iterator[Callable[[dict[str, bytes]], str]]:
    """serve({path: content}) → the address of a repository that knows these paths."""
    servers: list[HTTPServer] = []

    def start(pages: dict[str, bytes]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path in pages else 404)
                self.end_headers()
                self.wfile.write(pages.get(self.path, b""))

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def packed(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as opened:
        for name, text in files.items():
            member = tarfile.TarInfo(f"snapshotter-1.0.0/{name}")
            member.size = len(text)
            opened.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def test_what_is_fetched_is_checked_before_it_is_used(serve: Callable[[dict[str, bytes]], str]) -> None:
    files = {"crd/one.yaml": "a: 1\n", "crd/deep/three.yaml": "", "crd/sub.txt": "", "other/crd/two.yaml": "",
             "two.yaml": ""}
    archive = Archive("client/v1.0.0", "crd", checksum_of({"one.yaml": b"a: 1\n"}))
    page, deadline = "/archive/refs/tags/client/v1.0.0.tar.gz", Deadline.after(10)
    repository = serve({page: packed(files)})
    assert fetch_folder(archive, repository=repository + "/", deadline=deadline) == {"one.yaml": "a: 1\n"}
    for changed in ({**files, "crd/one.yaml": "a: 2\n"}, {**files, "crd/more.yaml": ""}, {}):
        with pytest.raises(errors.PluginError, match="is not what was released"):
            fetch_folder(archive, repository=serve({page: packed(changed)}), deadline=deadline)
    for broken in (serve({}), serve({page: b"<html>"}), serve({page: packed(files)[:-40]})):
        with pytest.raises(errors.PluginError) as refused:
            fetch_folder(archive, repository=broken, deadline=deadline)
        assert page in refused.value.message and "--manifests" in refused.value.hint
    with pytest.raises(errors.UsageError, match="no address"):
        fetch_folder(archive, repository="ftp://x", deadline=deadline)


def test_nobody_is_asked_for_a_release_that_lies_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(upstream()))
    made = load_release(Source(manifests=str(tmp_path), repository="http://127.0.0.1:9"), deadline=Deadline.after(5))
    assert (made.version, made.origin) == ("8.6.0", str(tmp_path))
    assert all(archive.tag.endswith(f"v{SNAPSHOTTER_VERSION}") for archive in ARCHIVES)
