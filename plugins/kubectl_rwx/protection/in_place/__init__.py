"""Restoring claims under their own names, with a way back at every step.

The journal (a ConfigMap) says what is about to be done before it is done; each step looks at the cluster and does only
what is missing. So the same command, run again after a crash, goes on, and a failure goes back. How a restored claim
must look is decided in restore_plans, not here.
"""

from kubectl_rwx.protection.in_place.operation import restore_in_place

__all__ = ["restore_in_place"]
