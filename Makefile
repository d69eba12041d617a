# Everything a person types here; each target is one line that could be typed by hand.
PYTHON ?= python3
VENV_PYTHON := .venv/bin/python
UV := $(or $(shell command -v uv 2>/dev/null),.venv/bin/uv)
COMPILE := $(UV) pip compile --quiet --universal --fork-strategy requires-python --python-version 3.10 \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help install demo up down test trials check server worker codec bench bench-dbos fuzz chaos load scaling scoreboard pictures histories lock vulnerabilities licences sbom clean missing

help:  ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1	/p' Makefile

install: .venv/.runtime  ## make .venv and install what the system needs to run

demo: .venv/.runtime  ## the whole tour: server, worker, orders, audit (ARGS=--exit leaves at the end)
	@$(VENV_PYTHON) starter.py demo $(ARGS)

server: .venv/.runtime  ## the embedded Temporal server with Web UI, until Ctrl-C (ARGS=--help)
	@$(VENV_PYTHON) -m runtime $(ARGS)

worker: .venv/.runtime  ## a worker, until Ctrl-C
	@$(VENV_PYTHON) worker.py $(ARGS)

codec: .venv/.runtime  ## the codec server, which decrypts for the Web UI, until Ctrl-C (ARGS=--help)
	@$(VENV_PYTHON) -m runtime.codec_server $(ARGS)

up:  ## the system in containers, until an order can be placed (ARGS='--profile monitoring --profile codec')
	@$(PYTHON) docker/passwords.py
	docker compose $(ARGS) up --build --detach --wait

down:  ## stop the containers; their data stay (ARGS=--volumes deletes it)
	docker compose --profile '*' down $(ARGS)

test: .venv/.dev  ## every test (ARGS='-k name' chooses)
	$(VENV_PYTHON) -m pytest -n 3 --dist worksteal --maxfail 5 $(ARGS)

trials: .venv/.dev  ## a short run of each trial below
	$(VENV_PYTHON) -m pytest trials -n 2 --dist worksteal $(ARGS)

fuzz: .venv/.dev  ## generated faults for SECONDS (default 300) in each mode; a failure prints its fault plan
	FUZZ_SECONDS=$(or $(SECONDS),300) $(VENV_PYTHON) -m pytest trials/fuzz -s -q --show-capture=no $(ARGS)

chaos: .venv/.dev  ## everything killed, locked, filled and frozen with orders in flight (ARGS='--seconds 240')
	@$(VENV_PYTHON) -m trials.chaos $(ARGS)

load: .venv/.dev  ## 2,000 orders, 200 in flight, hostile faults, both modes (ARGS='--orders 200 --in-flight 50')
	@$(VENV_PYTHON) -m trials.bench.load $(ARGS)

bench: .venv/.dev  ## our speed and cost beside a bare workflow's; needs an idle machine (ARGS='--orders 50 --rounds 1')
	@$(VENV_PYTHON) -m trials.bench $(ARGS)

bench-dbos: .venv/.dev .venv-dbos/.made  ## our speed and cost beside the same steps on DBOS (ARGS='--orders 50 --rounds 1')
	@$(VENV_PYTHON) -m trials.bench.dbos $(ARGS)

scaling: .venv/.dev  ## one to four worker processes on the same ledgers (ARGS='--workers 1 2 --orders 50')
	@$(VENV_PYTHON) -m trials.bench.scaling $(ARGS)

scoreboard: .venv/.dev  ## the classic saga bugs, and who has them: ours and textbook variants
	@$(VENV_PYTHON) -m trials.scoreboard

pictures: .venv/.dev  ## docs/pictures: the Web UI, taken by Chromium, and plots of a simulated day
	@$(VENV_PYTHON) -m trials.pictures

histories: .venv/.dev  ## record kinds of runs of which no history is kept yet (docs/changing-workflows.md)
	@$(VENV_PYTHON) -m tests.replay

check: .venv/.dev  ## format, lint, types, import direction, docstrings, pages, workflows on GitHub, YAML, Dockerfile
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m mypy
	.venv/bin/lint-imports
	$(VENV_PYTHON) -m tools
	.venv/bin/actionlint
	.venv/bin/hadolint docker/Dockerfile
	.venv/bin/yamllint --strict .github .pre-commit-config.yaml docker-compose.yml docker kubernetes
	.venv/bin/pre-commit validate-config

lock: .venv/.dev  ## pin all dependencies anew (ARGS=--upgrade takes newer ones)
	$(COMPILE) $(ARGS) pyproject.toml --extra embedded -o requirements.lock
	$(COMPILE) $(ARGS) pyproject.toml --extra postgres -c requirements.lock -o requirements-postgres.lock
	$(COMPILE) $(ARGS) pyproject.toml --all-extras --group dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) $(ARGS) trials/bench/dbos/requirements.in -c requirements.lock -o trials/bench/dbos/requirements.lock
	echo uv | $(COMPILE) $(ARGS) - -o requirements-uv.lock

vulnerabilities: .venv/.dev  ## ask PyPI for known vulnerabilities of what is locked; fails without an answer
	.venv/bin/pip-audit --strict --disable-pip --require-hashes $(addprefix -r ,$(wildcard requirements*.lock)) $(ARGS)

licences: .venv/.dev  ## write docs/licences.md anew
	$(VENV_PYTHON) -m tools.licences > docs/licences.md

sbom: .venv/.dev  ## write sbom.json, the parts of the image in CycloneDX
	.venv/bin/cyclonedx-py requirements --output-reproducible --of JSON -o sbom.json requirements-postgres.lock

clean:  ## remove the environments and caches; orders and ledgers in .data stay
	rm -rf .venv .venv.installing .venv-dbos .venv-dbos.installing .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment whose Python is gone is as good as none, whatever its stamps say.
GONE := $(shell test -x $(VENV_PYTHON) || echo missing)

.venv/.runtime: requirements.lock $(GONE)
	@$(PYTHON) -I bootstrap.py requirements.lock
	@touch $@

.venv/.dev: requirements-dev.lock $(GONE)
	@$(PYTHON) -I bootstrap.py requirements-dev.lock
	@touch .venv/.runtime $@

.venv-dbos/.made: trials/bench/dbos/requirements.lock $(shell test -x .venv-dbos/bin/python || echo missing)
	@$(PYTHON) -I bootstrap.py $< .venv-dbos
	@touch $@
