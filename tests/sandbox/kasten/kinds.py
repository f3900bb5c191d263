"""The kinds of the two aggregated groups, and the labels Kasten puts on their objects."""

from dataclasses import dataclass

ACTIONS = "actions.kio.kasten.io"
APPS = "apps.kio.kasten.io"
VERSION = "v1alpha1"
NAMESPACE = "kasten-io"

APP_NAME, APP_NAMESPACE = "k10.kasten.io/appName", "k10.kasten.io/appNamespace"
POLICY_NAME, POLICY_NAMESPACE = "k10.kasten.io/policyName", "k10.kasten.io/policyNamespace"
RUN_ACTION = "k10.kasten.io/runActionName"
EXPORT_PROFILE, EXPORT_TYPE = "k10.kasten.io/exportProfile", "k10.kasten.io/exportType"

NOTE = "sandbox.rwx/note"
NOTE_TEXT = "Made by the sandbox's Kasten stand-in; this is not Kasten."


@dataclass(frozen=True)
class Kind:
    """One aggregated kind. stored: whether it can be read back; a CancelAction cannot."""

    name: str
    plural: str
    group: str
    namespaced: bool = True
    stored: bool = True
    details: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{VERSION}"


RUN = Kind("RunAction", "runactions", ACTIONS)
BACKUP = Kind("BackupAction", "backupactions", ACTIONS)
EXPORT = Kind("ExportAction", "exportactions", ACTIONS)
RESTORE = Kind("RestoreAction", "restoreactions", ACTIONS)
CANCEL = Kind("CancelAction", "cancelactions", ACTIONS, stored=False, details=False)
POINT = Kind("RestorePoint", "restorepoints", APPS)
CONTENT = Kind("RestorePointContent", "restorepointcontents", APPS, namespaced=False)

KINDS = (RUN, BACKUP, EXPORT, RESTORE, CANCEL, POINT, CONTENT)
