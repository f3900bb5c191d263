"""Kasten itself: its activation token, policies, actions and restore points.

Facts that decide much here: policies and profiles are CRDs; actions and restore points are an aggregated API whose
objects can be created, read and deleted, but neither updated nor watched, and that answers 503 while its service is
down, which is not the same as "none".

What must not live here: the sidecar in a workload (oc_gsb.sidecar) and SCC decisions (oc_gsb.scc).
"""
