"""click, for both executables: shared flags, targets, the session of one command, and the one error boundary.

No operation lives here: a command turns flags into a request, calls one operation and shows its report.
"""
