"""What the parameters of oc gsb take, for completion."""

from __future__ import annotations

from oc_gsb.access.command_rights import COMMANDS, GROUPS
from plugin_core.cli.completion_names import SHARED, names_of, targets_of, words
from plugin_core.model.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    DEPLOYMENT_CONFIG,
    NAMESPACE,
    POLICY,
    PROFILE,
    RESTORE_POINT,
    SECURITY_CONTEXT_CONSTRAINTS,
    STATEFUL_SET,
)

_SCCS = names_of(SECURITY_CONTEXT_CONSTRAINTS)

SOURCES = {
    **SHARED,
    "targets": targets_of(DEPLOYMENT, STATEFUL_SET, DEPLOYMENT_CONFIG), "restore point": names_of(RESTORE_POINT),
    "ca_configmap": names_of(CONFIG_MAP),
    "restore to": names_of(NAMESPACE), "profile": names_of(PROFILE), "export_profile": names_of(PROFILE),
    "policy_name": names_of(POLICY), "policy run name": names_of(POLICY), "policy status name": names_of(POLICY),
    "policy delete name": names_of(POLICY), "bases": _SCCS, "scc delete names": _SCCS, "scc grant name": _SCCS,
    "scc revoke name": _SCCS, "rbac commands": words(*GROUPS, *COMMANDS),
}
