"""The claims behind a workload: named by its template, made of its claim templates, or made for its pods."""

from __future__ import annotations

import re

from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import CRON_JOB, PERSISTENT_VOLUME_CLAIM, POD
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of, uid_of
from plugin_core.workloads.claims import ClaimVolume, Source, claim_volumes
from plugin_core.workloads.pods import owner_uid
from plugin_core.workloads.scaling import read_scale_record
from plugin_core.workloads.templates import claim_templates_of, replicas_of, selector_of


def claim_names_of(cluster: Cluster, workload: Manifest) -> tuple[str, ...]:
    """Every claim its pods mount, in written order; () when they mount none.

    A StatefulSet's own are those of its present ordinals; all that are there when it has no replicas. What a
    ReplicaSet or a CronJob's Job made for single pods (ephemeral volumes) is as short-lived as they are: only claims
    of live pods of a StatefulSet, DaemonSet or Job count.
    """
    # a CronJob's job template is shaped like a Job
    shaped = part_of(workload, "spec", "jobTemplate") or {} if workload.get("kind") == CRON_JOB.name else workload
    volumes = claim_volumes(shaped)
    named = [volume.claim for volume in volumes if volume.source is Source.CLAIM]
    return tuple(dict.fromkeys([*named, *_of_templates(cluster, workload), *_of_pods(cluster, workload, volumes)]))


def _of_templates(cluster: Cluster, workload: Manifest) -> list[str]:
    templates = [name_of(template) for template in claim_templates_of(workload)]
    if not templates:
        return []
    record = read_scale_record(workload)
    replicas = replicas_of(workload) or (record.replicas if record else 0)
    start = int(part_of(workload, "spec", "ordinals", "start") or 0)
    if replicas:
        return [f"{template}-{name_of(workload)}-{start + number}"
                for template in templates for number in range(replicas)]
    pattern = re.compile(f"({'|'.join(map(re.escape, templates))})-{re.escape(name_of(workload))}-[0-9]+")
    claims = cluster.list_all(PERSISTENT_VOLUME_CLAIM, namespace=namespace_of(workload)).items
    return [name_of(claim) for claim in claims if pattern.fullmatch(name_of(claim))]


def _of_pods(cluster: Cluster, workload: Manifest, volumes: tuple[ClaimVolume, ...]) -> list[str]:
    own = [volume.volume for volume in volumes if volume.source is Source.EPHEMERAL]
    if not own:
        return []
    pods = cluster.list_all(POD, namespace=namespace_of(workload), labels=selector_of(workload)).items
    return [f"{name_of(pod)}-{volume}" for pod in pods if owner_uid(pod) == uid_of(workload) for volume in own]
