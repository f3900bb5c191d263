"""What can go wrong with the sandbox, said to a person.

SandboxError            something was tried and failed             exit code 1
└── MissingPrerequisite this machine lacks something we cannot add exit code 2
"""


class SandboxError(Exception):
    """A sentence about what was tried and what is so; ``hint`` is the next thing to do."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class MissingPrerequisite(SandboxError):
    """The machine lacks root, a toolchain or a package, and we may not or cannot bring it."""

    exit_code = 2


OWN_CLUSTER_HINT = (
    "Without it, use a cluster of your own instead: KUBECONFIG=/path/to/kubeconfig make cluster"
)
