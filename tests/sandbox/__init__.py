"""A real Kubernetes cluster on one Linux machine: for the demo and the tests, and for nothing else.

Two nodes (containerd and kubelet pairs), a control plane, CSI sidecars and the project's own CSI driver
run as ordinary processes of this machine; no registry, no virtual machine, no internet once built.
``python -m sandbox up`` starts it.

What must not live here: anything the plugins need. They work on any cluster and never import this package.
"""
