"""Operations on snapshots and the claims restored from them.

Each takes a Cluster, a frozen request and a Progress, and returns an Answer. click, stdout and exit codes do not belong
here; what a manifest means is in plugin_core.storage.
"""
