# Forbear: `make` lists what can be done. Logic lives in Python, not here.
.DEFAULT_GOAL := help
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export UV_PYTHON_DOWNLOADS := never
# Where it is set, every process compiles all that it imports once more: one to two seconds for each service.
unexport PYTHONDONTWRITEBYTECODE
PACKAGES := libs/common services/contact_scheduler services/channel_dispatcher services/response_tracker clients/python sandbox
SOURCES := $(PACKAGES) tests bench tools
PROTOS := $(sort $(patsubst proto/%,%,$(wildcard proto/forbear/*/v1/*.proto)))
WORKERS ?= 2

.PHONY: help setup demo up test explore check fix bench chaos proto lock clean

##@ Start here

help: ## List the targets.
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' Makefile

demo: setup ## Run a four-week campaign on the stepped clock and print what it brought (PORTFOLIO=file.csv for your own).
	@python -m forbear_sandbox demo $(if $(PORTFOLIO),--portfolio "$(PORTFOLIO)") $(DEMO)

up: setup ## Start everything and keep it running; prints the addresses. Ctrl-C stops it.
	@python -m forbear_sandbox up $(UP)

test: setup ## Run every test (T=path selects, WORKERS=n runs n side by side).
	@python -m pytest -n $(WORKERS) --dist loadgroup $(or $(T),tests)

explore: setup ## Look for counter-examples: each property test with fresh examples, N times over (N=5).
	@for _ in $$(seq $(or $(N),5)); do \
	    EXPLORE=1 python -m pytest -q -m hypothesis -n $(WORKERS) --dist loadgroup $(or $(T),tests) || exit 1; \
	done

##@ Change it

setup: .venv/.stamp ## Make .venv with everything in it, the `forbear` command too.

.venv/.stamp: requirements/dev.txt $(addsuffix /pyproject.toml,$(PACKAGES))
	@echo "setting up .venv (about a minute, once)"
	@test -x .venv/bin/python || python3 -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check $$(grep -oE '^uv==[0-9.]+' requirements/dev.txt)
	@uv pip sync --quiet --python .venv/bin/python --require-hashes requirements/dev.txt
	@uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation $(foreach package,$(PACKAGES),-e $(package))
	@touch $@

check: setup ## Format, lint, types, import directions, protos, generated code.
	@python tools/check.py

fix: setup ## Mend what the formatter and the linter can mend.
	@ruff format $(SOURCES)
	@ruff check --fix $(SOURCES)
	@buf format --write proto

bench: setup ## Run every benchmark, or one (B=name): figures beside their limits.
	@python tools/bench.py $(B)

chaos: setup ## Kill every part at random moments of a campaign and judge by the world's count (CHAOS="--rounds 50").
	@python tools/chaos.py $(CHAOS)

proto: setup ## Generate the wire code from proto/.
	@python -m grpc_tools.protoc -Iproto --python_out=libs/common/src --mypy_out=quiet:libs/common/src \
	    --grpc_python_out=libs/common/src --mypy_grpc_out=quiet:libs/common/src $(PROTOS)

lock: setup ## Pin the newest releases that requirements/*.in allow.
	@for name in runtime dev; do uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	    --no-header --no-emit-index-url requirements/$$name.in -o requirements/$$name.txt; done

clean: ## Remove .venv and what runs left behind.
	@rm -rf .venv run .pytest_cache .mypy_cache .ruff_cache .hypothesis mutants
