"""Kasten's sidecar in a workload: put in, taken out exactly, and proven by measurement.

`containers`, `mounting`, `record` and `template` are pure: what is added, where, how it is undone. `problems`,
`scc_plans` and `planning` say beforehand whether it would work. `grants` and `transitions` write; `inject`, `uninject`
and `verify` are the operations. What must not live here: how an SCC decides (oc_gsb.scc), and Kasten's policies and
actions.
"""
