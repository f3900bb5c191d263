"""OpenShift stand-in: what of OpenShift the plugins depend on, on a plain Kubernetes.

It stands in for
- the kinds SecurityContextConstraints (with the standard ones) and DeploymentConfig,
- SCC admission: a webhook that decides with ``oc_gsb.scc.predict``, whose decisions are proven against OpenShift's own,
- the namespace allocator of cluster-policy-controller: uid range, supplemental groups and SELinux level,
- the DeploymentConfig controllers.

It is not OpenShift: no Projects, Routes, ImageStreams, PodSecurityPolicySubjectReviews, `instantiate`, image triggers,
lifecycle hooks or SCC checks on updates and exec, and no SELinux on the nodes.  Each module says where it differs.
"""

from sandbox.openshift.installation import install

__all__ = ["install"]
