# Every command of the project; each prepares what it needs (deploy/prepare.sh) and can be the first one typed.
#   make test ARGS="tests/unit -k jitter"     arguments for pytest
#   VQM_SIP_PORT=5070 make run                any setting of .env.example
PYTHON = .venv/bin/python
COMPOSE = $$(docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
ARGS =
BENCHES = sip rtp capture api

# What the caller's own Python is told must not lead ours astray.
unexport PYTHONPATH PYTHONHOME
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help run demo certs test bench check fix events-doc quality-doc lock clean up down logs

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## prepare and start the whole system on this machine; Ctrl-C stops it
	@deploy/prepare.sh run
	@exec $(PYTHON) -m vqm_local run --tied

demo: ## the same, with real test calls through it, one of them impaired
	@deploy/prepare.sh demo
	@exec $(PYTHON) -m vqm_local demo --tied

certs: ## make the certificate of SIP over TLS, and an authority that signs it: make certs NAMES="sip.example.com"
	@deploy/prepare.sh run
	@$(PYTHON) -m vqm_local certs $(NAMES)

test: ## run all tests
	@deploy/prepare.sh test
	@deploy/prepare.sh npm test
	@$(PYTHON) -m pytest $(ARGS)

bench: ## measure beside peers, for docs/performance.md; a part of it: make bench BENCHES="rtp"
	@deploy/prepare.sh bench
	@for bench in $(BENCHES); do $(PYTHON) -m tests.bench.$$bench $(ARGS) || exit 1; done

check: ## look for mistakes without running anything: style, formatting, types
	@deploy/prepare.sh check
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy
	@deploy/prepare.sh npm run check

fix: ## mend what can be mended mechanically: formatting, import order
	@deploy/prepare.sh check
	$(PYTHON) -m ruff check --fix
	$(PYTHON) -m ruff format

events-doc: ## write docs/events.md anew from the event classes
	@deploy/prepare.sh check
	$(PYTHON) -m shared.events.document > docs/events.md.new && mv docs/events.md.new docs/events.md

quality-doc: ## write docs/quality.md anew from the E-models and the codec table
	@deploy/prepare.sh check
	$(PYTHON) -m rtp_analyzer.quality.document > docs/quality.md.new && mv docs/quality.md.new docs/quality.md

lock: ## developers: lock the dependencies anew (needs uv)
	@deploy/export-locks.sh

clean: ## remove everything that was prepared or built; what the system stored (data/) stays
	rm -rf .venv services/web/node_modules services/web/dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

up: ## start the whole system in containers, in the background
	$(COMPOSE) up --detach --build
	@echo "http://localhost:$${VQM_HTTP_PORT:-8080}   first password: $(COMPOSE) exec api cat /data/first-admin-password"

down: ## stop the containers; what they stored stays
	$(COMPOSE) down

logs: ## follow what the containers write
	$(COMPOSE) logs --follow --tail 50
