"""Why is it not ready? The chain behind a snapshot or a claim, link by link, each with what was observed and where.

Used by `kubectl rwx diagnose` and at the end of every wait that failed. Nothing here changes the cluster, knows what a
command wanted to do, or sees click; protection/ and readiness/ import this package, never the other way round.
"""
