"""What volumes, claims, classes and snapshots mean: pure functions on objects that were read elsewhere.

Nothing here asks a cluster, waits or prints; a refusal is raised as one of plugin_core.errors and names the candidates.
"""
