"""Who may use an SCC copy, and what follows from it: plan, create, grant, revoke and delete as single steps.

`decisions`, `consequences` and `differences` only compute; `sources`, `bindings` and `reviews` read; `plans` and the
verbs in `copies`, `granting` and `revoking` are the operations. What must not live here: how an SCC decides
(oc_gsb.scc), and the sidecar itself (oc_gsb.sidecar), which grants by the same rules as part of its transaction.
"""
