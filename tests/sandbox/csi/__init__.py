"""The sandbox's own CSI driver: volumes are directories, snapshots are copies, publishing is a bind mount.

One process a node serves every driver of the sandbox (``variants`` says how they differ), all processes of one
machine share a data folder, and everything they know is in files there: a restart, or the other node's process, sees
the same.

What must not live here: knowledge of Kubernetes. The driver speaks CSI and the kubelet's registration, as any driver
does.
"""
