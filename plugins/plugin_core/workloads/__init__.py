"""Workloads as plain dicts: their pod template, the claims they mount, their pods, and whether a rollout is over.

What must not live here: what a sidecar, snapshot or SCC is. Functions are pure on objects already read, except in
`pods` (reads), `edits` (writes one workload) and `waits`.
"""
