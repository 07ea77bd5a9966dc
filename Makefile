# Every target sets itself up: it needs Python 3.11 or newer with pip, and make; nothing outside the checkout changes.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
PIP = $(PYTHON) -m pip --python $(PY) --disable-pip-version-check install
RESOLVE = .cache/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
PYTHONS := 3.11 3.12 3.13 3.14
# Tests and demo start many programs, which need not compile their modules each time.
export PYTHONDONTWRITEBYTECODE :=
# Tests wait for servers more than they compute.
JOBS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1 )))
PYTEST := -m pytest --numprocesses $(JOBS) --maxprocesses 8 --dist worksteal

# The report is looked at in a real browser, a real pooler stands before the database, a software token signs, the files
# of deploy/ are given to the programs that read them, and the examples of the desk's API are run in their languages, where
# the machine has these; .ci/run sees to it that it has.
BROWSER := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
POOLER := $(shell command -v pgbouncer || command -v /usr/sbin/pgbouncer)
DEPLOY := $(and $(shell command -v promtool),$(shell command -v systemd-analyze),$(shell command -v haproxy || command -v /usr/sbin/haproxy))
TOKEN := $(and $(shell command -v softhsm2-util),$(shell command -v pkcs11-tool))
# As root, with what Debian's packages hold and half as much memory again as a cluster wants.
CLUSTER := $(and $(filter 0,$(shell id -u)),$(shell command -v etcd),$(shell command -v patroni),\
  $(shell command -v haproxy || command -v /usr/sbin/haproxy),$(POOLER),$(wildcard /usr/lib/postgresql/*/bin/postgres),\
  $(shell awk '/^MemAvailable:/ && $$2 > 6291456 {print "enough"}' /proc/meminfo 2>/dev/null))
CURL := $(and $(shell command -v curl),$(shell command -v jq))
JAVA := $(shell command -v javac)
NPM := $(and $(shell command -v node),$(shell command -v npm))
NPM_STAMP := .cache/npm/.installed
# Looked for once npm has tried to fetch it.
TYPESCRIPT = $(and $(NPM),$(shell test -e $(NPM_STAMP) && echo $(NPM_STAMP)))
MISSING = $(strip $(if $(BROWSER),,browser) $(if $(POOLER),,pooler) $(if $(DEPLOY),,deploy) $(if $(TOKEN),,token) $(if $(CLUSTER),,cluster) \
  $(if $(CURL),,curl) $(if $(JAVA),,java) $(if $(TYPESCRIPT),,typescript))
EMPTY :=
WITHOUT_MISSING = $(if $(MISSING),-m "not ($(subst $(EMPTY) $(EMPTY), or ,$(MISSING)))")

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## build .venv from requirements.lock

# pip fills the environment from outside, so that a Python without ensurepip (Debian's) will do.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is too old: make PYTHON=python3.12" >&2; exit 1; }
	@echo "building $(VENV): about a minute"
	test -x $(PY) || $(PYTHON) -m venv --without-pip $(VENV)
	$(PIP) --quiet --require-hashes --requirement requirements.lock
	$(PIP) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: demo
demo: $(STAMP) ## the whole registry on this machine, step by step; KEEP=1 leaves it running, with desks
	$(PY) -m demo $(if $(KEEP),--keep)

.PHONY: portfolio
portfolio: $(STAMP) ## load a real portfolio: DATA=file.csv.gz [LIMIT=borrowers]
	@test -n "$(DATA)" || { echo "say which file: make portfolio DATA=portfolio.csv.gz [LIMIT=1000]" >&2; exit 2; }
	$(PY) -m demo.portfolio --data "$(DATA)" $(if $(LIMIT),--limit $(LIMIT))

.PHONY: lift
lift: $(STAMP) ## what shared records bring to a risk model, after make portfolio: DATA=file.csv.gz [LIMIT=borrowers]
	@test -n "$(DATA)" || { echo "say which file: make lift DATA=portfolio.csv.gz [LIMIT=1000]" >&2; exit 2; }
	$(PY) -m demo.lift --data "$(DATA)" $(if $(LIMIT),--limit $(LIMIT))

.PHONY: bench
bench: $(STAMP) ## measure every path against its goal; ROW=name measures one
	$(PY) -m benchmarks $(if $(ROW),--row "$(ROW)")

# The TypeScript that checks the example, by the example's own lock.
$(NPM_STAMP): examples/http/package-lock.json examples/http/package.json
	@mkdir -p $(@D) && cp examples/http/package.json examples/http/package-lock.json $(@D)
	cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --silent && touch $(@F) || echo "npm could not fetch TypeScript" >&2

.PHONY: test
test: $(STAMP) $(if $(NPM),$(NPM_STAMP)) ## run every test; ARGS="..." goes to pytest
	@$(if $(BROWSER),:,echo "no Chromium here: leaving out the tests that look at the report in a browser")
	@$(if $(POOLER),:,echo "no PgBouncer here: leaving out the tests that reach PostgreSQL through it")
	@$(if $(DEPLOY),:,echo "no promtool, systemd-analyze or HAProxy here: leaving out the tests that have them check deploy/")
	@$(if $(TOKEN),:,echo "no SoftHSM or pkcs11-tool here: leaving out the tests that sign with keys in a token")
	@$(if $(CLUSTER),:,echo "not root, little memory, or no etcd, Patroni, HAProxy, PgBouncer and PostgreSQL of the system here: leaving out the test that loses parts of a cluster")
	@$(if $(CURL),:,echo "no curl and jq here: leaving out the tests that run the example of the desk's API in bash")
	@$(if $(JAVA),:,echo "no JDK here: leaving out the tests that run the example of the desk's API in Java")
	@$(if $(TYPESCRIPT),:,echo "no TypeScript by npm here: leaving out the tests that run the example of the desk's API in TypeScript")
	$(PY) $(PYTEST) $(WITHOUT_MISSING) $(ARGS)

# A version counts as found where it runs: on the PATH, or among the versions that pyenv keeps.
.PHONY: test-all
test-all: ## run every test on each Python from 3.11 to 3.14 that is found
	@for version in $(PYTHONS); do \
	  found=; \
	  for python in python$$version "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/$$version.*/bin/python; do \
	    if "$$python" -c "import sys; sys.exit(sys.version_info[:2] != ($$(echo $$version | tr . ,)))" 2>/dev/null; then found=$$python; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then echo "Python $$version: not on this machine"; continue; fi; \
	  echo "Python $$version: $$found"; \
	  $(MAKE) --no-print-directory test PYTHON="$$found" VENV=.venv-$$version || exit 1; \
	done

# Types take longer than all the rest, on one processor. The rest also imports every test, which finds those that cannot
# be and compiles them once, not once for each worker of make test.
.PHONY: check check-types check-rest
check: $(STAMP) ## style, types, import rules, contract, migrations
	@$(MAKE) --no-print-directory --jobs=2 check-types check-rest

check-types: $(STAMP)
	$(PY) -m mypy

check-rest: $(STAMP)
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(VENV)/bin/lint-imports --no-logo
	cd proto && $(CURDIR)/$(VENV)/bin/buf lint && $(CURDIR)/$(VENV)/bin/buf format --diff --exit-code
	$(PY) proto/generate.py --check
	$(PY) $(PYTEST) --quiet tests/contract tests/typing
	@mkdir -p .cache && $(PY) -m pytest --collect-only -qq >.cache/collected || { cat .cache/collected; exit 1; }

VERIFIER ?= $(PY) -m tests.conformance.verify
.PHONY: conformance
conformance: $(STAMP) ## files that a verifier must accept or reject: VERIFIER="./command"
	$(PY) -m tests.conformance -- $(VERIFIER)

.PHONY: fuzz
fuzz: $(STAMP) ## change messages to live servers, N of them, and inputs of every parser: N=10000 RUNS=1000
	$(PY) -m tests.fuzz --messages $(or $(N),10000) --runs $(or $(RUNS),1000)

.PHONY: torture
torture: $(STAMP) ## kill programs at random under load: N=20 DATABASE=sqlite|postgresql SEED=1
	$(PY) -m tests.torture --kills $(or $(N),20) --database $(or $(DATABASE),sqlite) --seed $(or $(SEED),1)

.PHONY: tlog-client
tlog-client: $(STAMP) ## follow a log with the client of Tessera; needs Go 1.24 or newer, which fetches it
	$(PY) -m tests.tlog_client

.PHONY: cluster
cluster: $(STAMP) ## lose machines of a whole cluster under load, as root: ROUNDS=1 KINDS=node,disk SEED=1
	$(PY) -m tests.cluster --rounds $(or $(ROUNDS),1) --seed $(or $(SEED),1) $(if $(KINDS),--kinds "$(KINDS)")

.PHONY: container
container: $(STAMP) ## build the image of deploy/Containerfile, as root, and have it serve a registry
	$(PY) -m tests.deploy.container

.PHONY: soak
soak: $(STAMP) ## keep a registry busy at 70 % of its peak: MINUTES=5 PLOT=soak.svg
	$(PY) -m tests.soak --minutes $(or $(MINUTES),5) $(if $(PLOT),--plot "$(PLOT)")

.PHONY: docs
docs: $(STAMP) ## build the documentation site into .cache/site
	NO_MKDOCS_2_WARNING=1 PYTHONPATH=. $(PY) -m mkdocs build --quiet --config-file docs_site/mkdocs.yml
	@echo "open .cache/site/index.html; with its search: $(PY) -m http.server --bind 127.0.0.1 --directory .cache/site"

.PHONY: fmt
fmt: $(STAMP) ## format code and contract
	$(PY) -m ruff check --fix-only --quiet
	$(PY) -m ruff format
	cd proto && $(CURDIR)/$(VENV)/bin/buf format --write

.PHONY: proto
proto: $(STAMP) ## write proto/gen from the contract
	$(PY) proto/generate.py

# Hashes for every platform and every Python that is supported, and no word about where packages are fetched from.
.PHONY: lock
lock: ## resolve requirements.lock and proto/tools.lock anew
	test -x .cache/uv/bin/python || $(PYTHON) -m venv --without-pip .cache/uv
	$(PYTHON) -m pip --python .cache/uv/bin/python install --quiet uv==0.13.9
	$(RESOLVE) --extra server --extra files --extra otel --extra dask --extra desk --extra pkcs11 --extra dev --output-file requirements.lock pyproject.toml
	$(RESOLVE) --extra server --output-file deploy/requirements.lock pyproject.toml
	$(RESOLVE) --output-file proto/tools.lock proto/tools.txt

.PHONY: clean
clean: ## delete what the targets above have made
	rm -rf .venv .venv-* .cache .demo .portfolio .bench .fuzz .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
