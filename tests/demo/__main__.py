"""make demo: shared storage snapshotted, destroyed and recovered; then a sidecar injected and proven."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from demo.shared_storage import tell_shared_storage
from demo.sidecar import tell_sidecar
from demo.story import Story, demo_environment

ROOT = Path(__file__).parents[2]

GO_ON = """
Both namespaces are kept for you to look at; the next `make demo` starts them afresh. To go on with this cluster:

  eval "$(make -s sandbox-env)" && export PATH="$PWD/.venv/bin:$PATH"
  {kubeconfig}
  kubectl rwx list -n demo-rwx
  oc-gsb verify deploy/basic-app -n demo-gsb      # `oc gsb` where oc is installed: same executable

To stop it and leave nothing behind:  make sandbox-down
"""


def main() -> None:
    environment = demo_environment(str(ROOT / ".venv" / "bin"))
    tell_shared_storage(Story(environment=environment, namespace="demo-rwx"))
    tell_sidecar(Story(environment=environment, namespace="demo-gsb"))
    own = bool(os.environ.get("KUBECONFIG"))
    sys.stdout.write(GO_ON.format(kubeconfig=f"export KUBECONFIG={environment['KUBECONFIG']}") if not own else "\n")


main()
