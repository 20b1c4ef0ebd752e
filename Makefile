# Each target does its own set-up: a .venv from the hash-pinned requirements.lock, the package installed editable.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test proof bench fuzz clean
.DEFAULT_GOAL := demo

# The stamp is made last: an interrupted set-up is done again.
.venv/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ship-panel needs Python 3.11 or newer; run: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: .venv/.ready
	$(BIN)/ship-panel review examples/code-llama-4.yaml examples/mistral-4b-edge.yaml --runs runs/demo
	@echo
	@echo "That was the starter, a model of 135M parameters. What a large hosted model said of the same two tools:"
	@echo "  $(BIN)/ship-panel review examples/code-llama-4.yaml examples/mistral-4b-edge.yaml --model recorded:examples/recorded.jsonl --runs runs/recorded"

test: .venv/.ready
	$(BIN)/ruff check panel tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -m "not proof"

# Slow proofs: all 22 real dossiers against a real llama.cpp server, 200 kills, batches cut short.
proof: .venv/.ready
	$(BIN)/python -m pytest -m proof

bench: .venv/.ready
	$(BIN)/python -m bench

# Ten minutes of coverage-guided fuzzing of everything that reads untrusted text (Linux).
fuzz: .venv/.ready
	$(BIN)/python -m pip install --quiet --require-hashes --requirement bench/fuzz.lock
	$(BIN)/python -m bench.fuzz

clean:
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache
