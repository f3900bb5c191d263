# Everyday commands; `make` alone lists them. Each does the set-up it needs: virtualenv, Debian packages, sandbox build.
ifeq ($(OS),Windows_NT)
SHELL := bash
BIN := .venv/Scripts
else
SHELL := /bin/bash
BIN := .venv/bin
endif
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv/.ready
FROZEN := dist/kubectl-rwx/.ready
SANDBOX = PYTHONPATH=tests:plugins $(BIN)/python -m sandbox
# what a frozen build depends on besides its sources, so that the same sources give the same bytes
REPEATABLE := PYTHONHASHSEED=0 SOURCE_DATE_EPOCH=1767225600
# tests wait far more than they compute
WORKERS ?= 4
SOURCES := $(shell find plugins -name '*.py' -o -name '*.yaml')

# An exported KUBECONFIG may well be production: demo and test take a cluster other than the sandbox only
# when it is named on make's command line (make demo KUBECONFIG=...); make cluster takes the environment's too.
ifeq ($(origin KUBECONFIG),command line)
OWN_CLUSTER := KUBECONFIG=$(KUBECONFIG)
else
OWN_CLUSTER := env -u KUBECONFIG
endif

.PHONY: help demo test check unit cluster frozen freeze archive krew-manifests sbom draft-release bench \
	sandbox-up sandbox-down sandbox-status sandbox-shell sandbox-env docs site picture clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {gsub(/\$$\$$/, "$$", $$2); printf "  make %-16s %s\n", $$1, $$2}' Makefile

demo: $(VENV)  ## the main job, told with the real commands on the sandbox
	@$(OWN_CLUSTER) PYTHONPATH=tests:plugins $(BIN)/python -m demo

test: check unit frozen  ## all tests: checks, unit, frozen executables, cluster
	@$(OWN_CLUSTER) $(MAKE) cluster

check: $(VENV)  ## flake8, isort, mypy, import contracts, house rules, documentation
	@$(BIN)/flake8 plugins tests build
	@$(BIN)/isort --check-only --quiet plugins tests build
	@$(BIN)/mypy plugins
	@$(BIN)/lint-imports | tail -n 1
	@$(BIN)/python build/house_rules.py
	@$(BIN)/python build/usage.py --check
	@$(BIN)/python build/drivers_page.py --check
	@$(MAKE) site

unit: $(VENV)  ## unit tests, no cluster
	@$(BIN)/python -m pytest -q -n $(WORKERS) tests/unit

cluster: $(VENV)  ## end-to-end tests on the sandbox, or on KUBECONFIG's cluster
	@if [ -z "$${KUBECONFIG:-}" ]; then $(SANDBOX) up; else echo "on the cluster of KUBECONFIG=$$KUBECONFIG"; fi
	@$(BIN)/python -m compileall -q plugins  # the executables start thousands of times
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist=loadgroup tests/cluster

frozen: $(FROZEN)  ## tests of the frozen executables
	@$(BIN)/python -m pytest -q tests/frozen

freeze: $(FROZEN)  ## both executables in dist/kubectl-rwx/

archive: $(FROZEN)  ## the release archive of this system, its checksum, its size against the last release
	@$(BIN)/python build/archive.py $(ARGS)
	@if [ "$$(uname -s)" = Linux ]; then $(BIN)/python build/glibc.py; fi

krew-manifests: $(VENV)  ## krew manifests of the archives in dist/ (RELEASES_URL, HOMEPAGE_URL; ARGS=--partial)
	@$(BIN)/python build/krew_manifests.py $(ARGS)

sbom: $(FROZEN)  ## what the archive of this system contains, as CycloneDX
	@$(BIN)/python build/sbom.py

draft-release: $(VENV)  ## check what is in dist/ and draft a release of it on GitHub (ARGS="--dry-run --partial")
	@$(BIN)/python build/draft_release.py $(ARGS)

bench: $(FROZEN)  ## ratios of our times to others', on the sandbox: each tests/bench/*.py
	@$(OWN_CLUSTER) $(SANDBOX) up
	@for script in tests/bench/*.py; do $(OWN_CLUSTER) PYTHONPATH=tests:plugins $(BIN)/python $$script || exit 1; done

docs: $(VENV)  ## write the flag pages in docs/usage/ and the catalogue's page anew
	@$(BIN)/python build/usage.py
	@$(BIN)/python build/drivers_page.py

site: $(VENV)  ## the documentation as a site in .work/site/; links and navigation are checked
	@mkdir -p .work
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict > .work/site.log 2>&1 \
		|| { grep -v '^INFO' .work/site.log >&2; exit 1; }
	@! grep -rE --include='*.html' '<(script|link|img|iframe)[^>]*(src|href)="?https?:' .work/site \
		|| { echo "these pages would fetch something from the network" >&2; exit 1; }

picture: $(VENV)  ## draw docs/assets/terminal.svg from a real run on the sandbox
	@$(SANDBOX) up
	@eval "$$($(SANDBOX) env)"; $(BIN)/python build/picture.py

sandbox-up: $(VENV)  ## start the two-node test cluster (builds it when needed)
	@$(SANDBOX) up

sandbox-down: $(VENV)  ## stop it and leave nothing behind
	@$(SANDBOX) down

sandbox-status: $(VENV)  ## what of it runs
	@$(SANDBOX) status

sandbox-shell: $(VENV)  ## a shell with its kubectl and KUBECONFIG
	@$(SANDBOX) shell

sandbox-env: $(VENV)  ## print it for: eval "$$(make -s sandbox-env)"
	@$(SANDBOX) env

clean: ## remove the virtualenv and what was frozen (the sandbox's build cache stays)
	@rm -rf .venv .work dist

$(VENV): setup.cfg pyproject.toml build/prepare_venv.sh
	@PYTHON=$(PYTHON) build/prepare_venv.sh >&2

$(FROZEN): $(VENV) $(SOURCES) $(wildcard build/*.spec build/entry_*.py) LICENSE
	@mkdir -p .work
	@echo "freezing kubectl-rwx and oc-gsb into dist/kubectl-rwx/" >&2
	@$(REPEATABLE) $(BIN)/pyinstaller --noconfirm --log-level WARN --workpath .work/pyinstaller --distpath dist \
		build/plugins.spec > .work/freeze.log 2>&1 || { tail -n 30 .work/freeze.log >&2; exit 1; }
	@touch $(FROZEN)
