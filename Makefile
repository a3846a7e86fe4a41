# Jarvis: `make` lists the targets. The environment is made once, in .venv, and again when its inputs change.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] < (3, 14)))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
EXTRAS := demo,dev
TEST_ARGS ?=
SOAK_ARGS ?=
COVERAGE_ARGS ?=
CODEX := 0.171.0
CLAUDE := 2.1.332
OPENCODE := 1.18.33
GEMINI := 0.61.0
AIDER := 0.86.2
AXE := 4.14.1

.DEFAULT_GOAL := help
.PHONY: help setup demo weekend test slow faults long agents more-agents real-agents axe lint check lab notebooks night brief doctor bench soak soak-real mutants coverage docs wheel clean

help: ## List these targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(READY) ## Make the environment in .venv (uses uv where it is present).

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Jarvis needs Python 3.11, 3.12 or 3.13; none was found. Install one, or say: make setup PYTHON=/path/to/python3"; exit 1; }
	@echo "Making the environment in $(VENV) with $(PYTHON) (some minutes the first time) …"
	@if command -v uv >/dev/null 2>&1; then \
		{ test -x $(BIN)/python || uv venv --quiet --python "$(PYTHON)" $(VENV); } && \
		uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[$(EXTRAS)]'; \
	else \
		{ test -x $(BIN)/pip || "$(PYTHON)" -m venv $(VENV); } && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'; \
	fi
	@touch $(READY)
	@echo "Ready. Next: make demo, or $(BIN)/jarvis --help"

demo: $(READY) ## A real night compressed into minutes, on real data; prints where its brief is.
	@$(BIN)/jarvis demo

weekend: $(READY) ## A real weekend compressed into minutes: suggest, select, start, work, summary; prints where its report is.
	@$(BIN)/jarvis demo --weekend

test: $(READY) ## The whole default test suite.
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(TEST_ARGS)

slow: faults long ## The slower suites: faults and attacks, long tests, then browser, then the demo by itself, which has a limit in seconds.
	@$(BIN)/python -m pytest -m "browser and not matrix" $(TEST_ARGS)
	@$(BIN)/python -m pytest -m long tests/test_demo.py $(TEST_ARGS)

long: $(READY) ## Tests that take long: whole years, clusters, pages by papermill, wheels.
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m "long and not matrix" --ignore=tests/test_demo.py $(TEST_ARGS)

agents: ## The real coding agents that `make real-agents` tests, at the versions that were tried, below .agents (needs npm; 1 GB).
	@command -v npm >/dev/null 2>&1 || { echo "There is no npm here, so no agent can be installed; install Node.js, then: make agents"; exit 1; }
	@test -x .agents/node_modules/.bin/node || npm install --prefix .agents --no-audit --no-fund --loglevel=error node@24
	@export PATH="$(CURDIR)/.agents/node_modules/.bin:$$PATH"; test "$$(cat .agents/installed 2>/dev/null)" = "$(CODEX) $(CLAUDE)" || { \
		npm install --prefix .agents --no-audit --no-fund --loglevel=error @openai/codex@$(CODEX) @anthropic-ai/claude-code@$(CLAUDE) && \
		{ test ! -f .agents/node_modules/@anthropic-ai/claude-code/install.cjs || node .agents/node_modules/@anthropic-ai/claude-code/install.cjs; } && \
		echo "$(CODEX) $(CLAUDE)" > .agents/installed; }
	@export PATH="$(CURDIR)/.agents/node_modules/.bin:$$PATH"; codex --version; claude --version

more-agents: agents ## OpenCode, Gemini and Aider too, which Jarvis starts by a command template (1 GB more; Aider needs Python 3.10 to 3.12).
	@export PATH="$(CURDIR)/.agents/node_modules/.bin:$$PATH"; \
		npm install --prefix .agents --no-audit --no-fund --loglevel=error opencode-ai@$(OPENCODE) @google/gemini-cli@$(GEMINI) && \
		(cd .agents/node_modules/opencode-ai && { test ! -f postinstall.mjs || node postinstall.mjs; })
	@test -x .agents/aider/bin/aider || { for p in python3.12 python3.11; do $$p -c "" 2>/dev/null && break; done; \
		$$p -m venv .agents/aider && .agents/aider/bin/pip install --quiet aider-chat==$(AIDER); }
	@.agents/node_modules/.bin/opencode --version; .agents/node_modules/.bin/gemini --version; .agents/aider/bin/aider --version

real-agents: $(READY) ## Whole nights with the real Codex and Claude Code against a model on loopback; no key is needed (make agents first).
	@$(BIN)/python -m pytest -n 2 -m real_agents tests/agents $(TEST_ARGS)

axe: ## axe-core, with which the browser tests look for what keeps somebody from reading a page, below .agents (needs npm; 3 MB).
	@command -v npm >/dev/null 2>&1 || { echo "There is no npm here, so axe-core cannot be installed; install Node.js, then: make axe"; exit 1; }
	@grep -qs '"version": "$(AXE)"' .agents/node_modules/axe-core/package.json || npm install --prefix .agents --no-audit --no-fund --loglevel=error axe-core@$(AXE)
	@echo "axe-core $(AXE) is in .agents"

faults: $(READY) ## Crashes, power cuts, full disks, attacks: what is tried, and what was lost or got out (must be 0).
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m "faults or matrix" --ignore=tests/test_demo.py $(TEST_ARGS)

lint: $(READY) ## Lint, types, layers, notebooks without outputs.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/nbstripout --keep-id --verify $$(git ls-files '*.ipynb') && echo "notebooks: no stored outputs"

check: lint test ## Everything that must be green: lint and tests.

lab: $(READY) ## JupyterLab in this workspace.
	@$(BIN)/jarvis lab

notebooks: $(READY) ## Run every notebook of this workspace by papermill; executed copies and pages go to reports/notebooks/.
	@$(BIN)/jarvis lab --run-all

night: $(READY) ## Work the queue of this workspace for twenty minutes, whatever the time is.
	@$(BIN)/jarvis overnight start --for 20m

brief: $(READY) ## The brief of this workspace, as a page and as text.
	@$(BIN)/jarvis overnight brief

doctor: $(READY) ## Is this machine ready?
	@$(BIN)/jarvis doctor

soak: $(READY) ## A year of nights in simulated time: what must hold on every morning, and the figures; shorter: SOAK_ARGS="--nights 30".
	@$(BIN)/python -m tests.soak $(SOAK_ARGS)

soak-real: $(READY) ## Twenty real nights in compressed time: notebooks, git and agent CLIs (make agents) on a model on loopback; SOAK_ARGS as above.
	@$(BIN)/python -m tests.soak --real --faults 0.2 $(SOAK_ARGS)

mutants: $(READY) ## Change the rules of policy, verdicts, risk and trust one by one: which change does no test notice?
	@$(BIN)/python -m tests.mutants

coverage: $(READY) ## Run the default suite and make long, and count the branches of model, execution and store that no test takes; COVERAGE_ARGS names files of tests.
	@$(BIN)/python -m tests.coverage_rooms $(COVERAGE_ARGS)

docs: $(READY) ## The documentation as a site, in site/; the page of commands is made anew.
	@$(BIN)/python -m jarvis_lib.cli.manual > docs/COMMANDS.md
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet && echo "The site is in site/index.html"

wheel: $(READY) ## The wheel and the sdist, in dist/; both hold the notebooks, templates, SQL and the demo's inputs.
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation --outdir dist . >/dev/null && ls -1 dist/*

bench: $(READY) ## Measure; figures are ratios against a baseline of the same run.
	@$(BIN)/python -m tests.bench

clean: ## Remove what programs made here, but not your data.
	@rm -rf mutants .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
