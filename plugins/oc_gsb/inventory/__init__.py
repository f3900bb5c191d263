"""Looking over many workloads at once: what needs Generic Storage Backup, and which sidecars have drifted.

Everything is read with one list request a kind, however many workloads there are; the rest is computed. What must not
live here: anything that asks about one workload by itself, and anything that writes.
"""
