# Forbear: `make` lists what can be done. Logic lives in Python, not here.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PY := .venv/bin/python
export PATH := $(CURDIR)/.venv/bin:$(PATH)
PROTOS = $(sort $(patsubst proto/%,%,$(wildcard proto/forbear/*/v1/*.proto)))

.PHONY: help setup proto

##@ Start here

help: ## List the targets.
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

##@ Change it

proto: setup ## Generate the wire code from proto/.
	@python -m grpc_tools.protoc -Iproto --python_out=libs/common/src --mypy_out=quiet:libs/common/src \
	    --grpc_python_out=libs/common/src --mypy_grpc_out=quiet:libs/common/src $(PROTOS)
