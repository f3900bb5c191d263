"""Two nodes: each a containerd and a kubelet in a mount namespace of their own.

Programs have folders built in that two nodes (or two sandboxes, or this machine's own containerd) would
fight over: /run/containerd, /var/lib/kubelet/device-plugins, /var/lib/cni, /var/log/containers. Inside a
node's mount namespace each of them is the node's own. No mount made there is ever seen outside, and all
of them are gone with the node's last process.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from sandbox import build, images, machine, toolchain, waiting
from sandbox.control_plane import kubeconfig_of
from sandbox.errors import SandboxError
from sandbox.processes import Supervisor
from sandbox.state import State

KUBELET_DIR = Path("/var/lib/kubelet")
"""As seen inside a node."""
_OWN_MOUNTS = """
set -e
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/containerd /run/netns /run/lock
mount --bind "$1" /var/lib/kubelet
mount -t tmpfs tmpfs /var/lib/cni
mount -t tmpfs tmpfs /var/log/containers
touch "$2"
exec sleep infinity
"""
_CONTAINERD = """
version = 3
root = "{node}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.internal.v1.opt"]

[grpc]
address = "{socket}"

[plugins.'io.containerd.cri.v1.images']
snapshotter = "{snapshotter}"

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "{pause}"

[plugins.'io.containerd.cri.v1.runtime']
# Lowering oom_score_adj needs CAP_SYS_RESOURCE; where that is missing, every pod would fail without this.
restrict_oom_score_adj = true
# A profile loaded into the kernel would outlive the sandbox.
disable_apparmor = true

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ["{cni}"]
conf_dir = "{node}/cni"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"""


def start_runtime(state: State, supervisor: Supervisor, node: str) -> None:
    """Start a node's container runtime and give it the images."""
    folder = state.node(node)
    for name in ("kubelet", "cni", "csi", "pod-logs", "volume-plugins"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _write_runtime_configuration(state, supervisor, node)
    mounted = folder / "mounted"
    script = ["/bin/sh", "-c", _OWN_MOUNTS, f"mounts of {node}", str(folder / "kubelet"), str(mounted)]
    holder = supervisor.start(
        f"{node}-mounts", ["unshare", "--mount", "--propagation", "slave", *script], ready=mounted.exists
    )
    state.record(f"{node}-mounts", holder)
    socket = state.containerd_socket(node)
    supervisor.start(
        f"{node}-containerd",
        inside(state, node, [str(build.find_program("containerd")), "--config", f"{folder}/containerd.toml"]),
        ready=lambda: waiting.accepts_connections(socket),
    )
    import_images(socket, images.images_archive())


def inside(state: State, node: str, argv: list[str]) -> list[str]:
    """The command that runs ``argv`` with the mounts of a node."""
    return ["nsenter", "--target", str(state.fact(f"{node}-mounts")), "--mount", "--", *argv]


def start_kubelet(state: State, supervisor: Supervisor, node: str) -> None:
    """Start a node's kubelet; the API server must be ready."""
    folder = state.node(node)
    configuration = folder / "kubelet.yaml"
    configuration.write_text(yaml.safe_dump(_kubelet_configuration(state, supervisor, node)))
    supervisor.start(
        f"{node}-kubelet",
        inside(
            state,
            node,
            [
                str(build.find_program("kubelet")),
                f"--config={configuration}",
                f"--kubeconfig={kubeconfig_of(state, node)}",
                f"--hostname-override={node}",
                # A loopback address is refused as --node-ip; an external provider may set one, and we are
                # the provider.
                "--cloud-provider=external",
            ],
        ),
    )


def admit_node(state: State, kubectl: Path, node: str) -> None:
    """Do the cloud provider's part: give the node its address, take its taint away, wait for Ready."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(kubectl), "--kubeconfig", str(state.kubeconfig), *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    def seen() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(run("get", "node", node, "-o", "json").stdout or "{}")
        return found

    waiting.wait_until(lambda: "status" in seen(), what=f"{node} registering itself", interval=0.1)
    # Only the address: a Hostname entry would be looked up first by the API server, and does not resolve.
    address = [
        {"op": "add", "path": "/status/addresses", "value": [{"type": "InternalIP", "address": "127.0.0.1"}]}
    ]
    patched = run("patch", "node", node, "--subresource=status", "--type=json", "-p", json.dumps(address))
    if patched.returncode != 0:
        raise SandboxError(f"giving {node} its address failed: {patched.stderr.strip()}")
    run("taint", "node", node, "node.cloudprovider.kubernetes.io/uninitialized-")
    waiting.wait_until(lambda: is_ready(seen()), what=f"{node} becoming Ready", interval=0.1)


def is_ready(node: dict[str, Any]) -> bool:
    """Is this node object Ready and open for pods?"""
    conditions = node.get("status", {}).get("conditions", [])
    ready = any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)
    return ready and not node.get("spec", {}).get("taints")


def _write_runtime_configuration(state: State, supervisor: Supervisor, node: str) -> None:
    folder = state.node(node)
    port = supervisor.free_port(f"{node}-kubelet")
    network = {
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": False,
                "ipam": {
                    "type": "host-local",
                    "dataDir": str(folder / "cni-leases"),
                    "ranges": [[{"subnet": machine.subnet_of(port)}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            }
        ],
    }
    (folder / "cni" / "10-pods.conflist").write_text(json.dumps(network, indent=1))
    kind = subprocess.run(
        ["stat", "-f", "-c", "%T", str(folder)], capture_output=True, text=True
    ).stdout.strip()
    (folder / "containerd.toml").write_text(
        _CONTAINERD.format(
            node=folder,
            socket=state.containerd_socket(node),
            # An overlay cannot be stacked on an overlay, which is what a container's root is.
            snapshotter="native" if kind == "overlayfs" else "overlayfs",
            pause=images.PAUSE,
            cni=toolchain.CNI_PLUGINS,
        )
    )


def import_images(socket: Path, archive: Path) -> None:
    """Give a node's container runtime the images of an archive."""
    command = [
        str(build.find_program("ctr")),
        "-a",
        str(socket),
        "-n",
        "k8s.io",
        "images",
        "import",
        str(archive),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SandboxError(f"importing the images failed: {(done.stderr or done.stdout).strip()}")


def _kubelet_configuration(state: State, supervisor: Supervisor, node: str) -> dict[str, object]:
    pki = state.directory / "pki"
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{state.containerd_socket(node)}",
        "address": "127.0.0.1",
        "port": supervisor.free_port(f"{node}-kubelet"),
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": supervisor.free_port(f"{node}-kubelet-health"),
        "tlsCertFile": f"{pki}/{node}-serving.crt",
        "tlsPrivateKeyFile": f"{pki}/{node}-serving.key",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": False},
            "x509": {"clientCAFile": f"{pki}/ca.crt"},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "failCgroupV1": False,
        "failSwapOn": False,
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "localStorageCapacityIsolation": False,
        "oomScoreAdj": 0,
        "resolvConf": "",
        # Nothing answers there. Without an address every pod would get a warning that no real cluster gives.
        "clusterDNS": ["10.96.0.10"],
        "clusterDomain": "cluster.local",
        "makeIPTablesUtilChains": False,
        "podLogsDir": str(state.node(node) / "pod-logs"),
        "volumePluginDir": str(state.node(node) / "volume-plugins"),
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        "serializeImagePulls": False,
        # The machine's disk is not the sandbox's to judge, and the images cannot be pulled again.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
        "nodeStatusUpdateFrequency": "5s",
        "syncFrequency": "10s",
        "maxPods": 200,
    }
