# Everything that a person types. What is needed gets installed into .venv, and again only when it has changed.

PYTHON =
ARGS =

RUN = .venv/bin/python -m
DEPENDENCIES = requirements.lock pyproject.toml
GRAPHIQL = shop_graphql/static/graphiql/index.html
STOREFRONT = examples/storefront

.DEFAULT_GOAL = help
.DELETE_ON_ERROR:
.PHONY: help install demo graphiql storefront storefront-build node-modules python-client test bench bench-finding
.PHONY: bench-orders bench-subscribers chaos faults overload soak attack differential lint format types schema error-codes lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: install ## Serve a shop full of sample data; another port: make demo ARGS="--port 9000"
	@if command -v npm >/dev/null && $(MAKE) --no-print-directory graphiql; then :; elif [ ! -e $(GRAPHIQL) ]; then \
		echo 'GraphiQL is not built: install Node 20 or newer with npm 11, or try SHOP_GRAPHIQL_CDN=true make demo'; fi
	@exec $(RUN) shop_graphql demo $(ARGS)

graphiql: $(GRAPHIQL) ## Build GraphiQL, which is then served and packed into wheels (needs Node and npm)

storefront: storefront-build graphiql install ## Serve the demo with a storefront beside it: http://127.0.0.1:8000/shop (needs Node and npm)
	@SHOP_STOREFRONT_DIR=$(STOREFRONT)/dist exec $(RUN) shop_graphql demo $(ARGS)

storefront-build: $(STOREFRONT)/dist/index.html ## Check the types of the storefront and build it

node-modules: graphiql/node_modules/.package-lock.json $(STOREFRONT)/node_modules/.package-lock.json ## Install what builds both

python-client: .venv-clients/installed ## Install what generates a client in Python, see examples/python

test: lint types ## Check everything, on a PostgreSQL of its own; some tests only: make test ARGS="-k order"
	$(RUN) pytest $(if $(ARGS),$(ARGS),--cov)

lint: install ## Check style and formatting
	$(RUN) ruff check
	$(RUN) ruff format --check

format: install ## Format the code and repair what can be repaired
	$(RUN) ruff check --fix
	$(RUN) ruff format

types: install ## Check the types
	$(RUN) mypy

bench: install ## Measure the shop beside other servers; in a few minutes: make bench ARGS=--quick
	@exec $(RUN) benchmarks.compare $(ARGS)

bench-finding: install ## Measure filters, search and figures on 100,000 products
	@$(RUN) benchmarks.finding

bench-orders: install ## Measure orders per second beside a naive transaction
	@$(RUN) benchmarks.orders

bench-subscribers: install ## Measure what subscribers cost, and how soon they are told
	@$(RUN) benchmarks.subscribers

chaos: install ## Kill workers and crash PostgreSQL while people buy; longer: make chaos ARGS="--seconds 300 --seed 7"
	@$(RUN) tests.chaos $(ARGS)

faults: install ## Let fifteen faults happen to a shop under load; one only: make faults ARGS="--seeds 1 --only restarted"
	@$(RUN) tests.faults $(ARGS)

overload: install ## Send four times what a worker can answer, and see what it still answers
	@$(RUN) tests.faults.overload $(ARGS)

soak: install ## Serve for two hours and see what grows; shorter: make soak ARGS="--seconds 300"
	@$(RUN) tests.faults.soak $(ARGS)

attack: install ## Send 100,000 attacks beside good requests; again: make attack ARGS="--seed 3 --only bytes"
	@$(RUN) tests.attack $(ARGS)

differential: install ## Compare compiled answers and resolvers' over 20,000 queries; again: make differential ARGS=--hypothesis-seed=1
	DIFFERENTIAL=20000 $(RUN) pytest tests/compiler/test_differential.py -o faulthandler_timeout=0 $(ARGS)

schema: install ## Write the GraphQL schema to schema.graphql
	@$(RUN) shop_graphql schema > .schema.graphql
	@mv .schema.graphql schema.graphql

error-codes: install ## Write the codes of all errors to docs/error-codes.md
	@$(RUN) tests.error_codes > .error-codes.md
	@mv .error-codes.md docs/error-codes.md

lock: ## Pin every dependency again in requirements.lock, the newest with: make lock ARGS=--upgrade (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--no-annotate --all-extras --group dev $(ARGS) pyproject.toml --output-file requirements.lock

clean: ## Remove what was made here, except the data in .shop
	rm -rf benchmarks/.work .venv .venv-clients .screenshots .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -rf build dist shop_graphql/static graphiql/node_modules
	rm -rf $(STOREFRONT)/dist $(STOREFRONT)/node_modules $(STOREFRONT)/src/gql
	find . -name __pycache__ -not -path './.shop/*' -prune -exec rm -rf {} +

install: .venv/installed ## Install what the other targets need, which they also do by themselves

# An upgraded system leaves a Python behind that no longer runs, and a moved folder one that imports from the old place.
INSTALLED_IN := $(shell [ -x .venv/bin/python ] && .venv/bin/python -c 'print(open(".venv/installed").read())' 2>/dev/null)
ifneq "$(strip $(INSTALLED_IN))" "$(strip $(CURDIR))"
.PHONY: .venv/installed
endif

.venv/installed: $(DEPENDENCIES)
	@set -e; if command -v uv >/dev/null && $(WITH_UV); then :; else $(WITH_PIP); fi
	@pwd -P > $@

$(GRAPHIQL): graphiql/node_modules/.package-lock.json $(wildcard graphiql/*.* graphiql/src/*.* graphiql/src/*/*)
	@echo 'Building GraphiQL'
	@cd graphiql && npm run --silent build

$(STOREFRONT)/dist/index.html: $(STOREFRONT)/node_modules/.package-lock.json schema.graphql \
		$(wildcard $(STOREFRONT)/*.* $(STOREFRONT)/src/*.* $(STOREFRONT)/src/pages/* $(STOREFRONT)/src/parts/*)
	@echo 'Building the storefront'
	@cd $(STOREFRONT) && npm run --silent build

.venv-clients/installed: examples/python/requirements.txt .venv/installed
	@.venv/bin/python -m venv --clear .venv-clients
	@.venv-clients/bin/python -m pip --disable-pip-version-check install --quiet --requirement $<
	@touch $@

%/node_modules/.package-lock.json: %/package-lock.json
	@echo 'Installing what builds $*'
	@cd $* && npm ci --silent --no-audit --no-fund
	@touch $@

# uv does not read pip's configuration, so where that names the only registry that can be reached, pip goes on alone.
WITH_UV = \
	echo 'Installing into .venv' \
	&& { { [ -x .venv/bin/python ] && .venv/bin/python -c ''; } 2>/dev/null \
		|| uv venv --quiet --clear --python '$(or $(PYTHON),>=3.11)' .venv; } \
	&& uv pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock \
	&& uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .

WITH_PIP = \
	{ [ -x .venv/bin/python ] && .venv/bin/python -m pip --version; } >/dev/null 2>&1 || { $(FIND_PYTHON); $(MAKE_VENV); }; \
	echo 'Installing into .venv, which takes a minute the first time'; \
	pip='.venv/bin/python -m pip --disable-pip-version-check install --quiet --no-deps'; \
	$$pip --require-hashes --requirement requirements.lock; \
	$$pip --no-build-isolation --editable .

FIND_PYTHON = \
	found=; old=; \
	for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
		command -v $$python >/dev/null || continue; \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
		old="$$old, and $$python is $$($$python --version 2>&1)"; \
	done; \
	if [ -z "$$found" ]; then \
		echo "Python 3.11 or newer is needed$${old:-, and there is none}:" \
			'install it, or name it with make PYTHON=/path/to/python' >&2; exit 1; \
	fi

MAKE_VENV = \
	if ! $$found -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$found cannot make a virtual environment: install that part of it" \
			'(on Debian and Ubuntu: apt install python3-venv)' >&2; exit 1; \
	fi; \
	$$found -m venv --clear .venv
