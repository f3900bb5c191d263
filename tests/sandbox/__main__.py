"""``python -m sandbox``: the sandbox's own command line (under construction: build)."""
import sys

from sandbox import build, definitions

if sys.argv[1:] == ["build", "stubs"]:
    print(definitions.stubs_folder())
elif sys.argv[1:2] == ["build"]:
    for path in build.build_programs(*sys.argv[2:]):
        print(path)
