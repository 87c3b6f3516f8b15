# make demo: forecast a shipped series. make check: linters, types and fast tests, for every edit.
# make test: all tests. make docs: the site, in docs/_build; make check-site opens it in a browser.
# Each sets up what it needs in .venv.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PYTEST := $(RUN) -m pytest --numprocesses auto --dist loadfile

.PHONY: demo check test lint bench notebooks docs check-site wheel clean

demo: $(VENV)/demo
	$(RUN) notebooks/demo.py

check: lint $(VENV)/test
	$(PYTEST) -m "not slow" tests

test: $(VENV)/test
	$(PYTEST)

lint: $(VENV)/lint
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/lint-imports
	$(VENV)/bin/mypy

# PyTorch is the peer to compare with: install it first, see benchmarks/README.md.
bench: $(VENV)/test
	$(RUN) benchmarks/speed.py

notebooks: $(VENV)/test
	$(RUN) notebooks/execute.py

# Notebooks are not run: the site has the results that are kept in them.
docs: $(VENV)/docs
	rm -rf docs/_build docs/reference/generated
	$(RUN) -m sphinx --nitpicky --fail-on-warning --keep-going --jobs auto -c docs . docs/_build/html

# The pages of the site in a headless browser; python docs/check_in_browser.py --help tells more.
check-site: $(VENV)/browser
	$(RUN) docs/check_in_browser.py

# A wheel in dist/ with compiled kernels for this Python and for processors of this architecture.
wheel: $(VENV)/wheel
	rm -rf build/kernels
	$(RUN) tools/compile_kernels.py build/kernels
	TSRNN_KERNELS=build/kernels $(RUN) -m build --wheel --no-isolation

# The marks in the virtual environment are files that say what is installed there.
$(VENV)/pip:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/demo: $(VENV)/pip pyproject.toml
	$(RUN) -m pip install --quiet --editable ".[plot]"
	touch $@

$(VENV)/test: $(VENV)/pip pyproject.toml
	$(RUN) -m pip install --quiet "pip>=25.1"
	$(RUN) -m pip install --quiet --editable . --group test
	touch $@

$(VENV)/docs: $(VENV)/pip pyproject.toml
	$(RUN) -m pip install --quiet "pip>=25.1"
	$(RUN) -m pip install --quiet --editable . --group docs
	touch $@

$(VENV)/browser: $(VENV)/pip pyproject.toml
	$(RUN) -m pip install --quiet "pip>=25.1"
	$(RUN) -m pip install --quiet --group browser
	touch $@

$(VENV)/wheel: $(VENV)/pip pyproject.toml
	$(RUN) -m pip install --quiet --editable . build "hatchling>=1.27"
	touch $@

$(VENV)/lint: $(VENV)/pip pyproject.toml
	$(RUN) -m pip install --quiet "pip>=25.1"
	$(RUN) -m pip install --quiet --editable . --group lint
	touch $@

clean:
	rm -rf $(VENV) build dist forecast.png docs/_build docs/reference/generated
	find tsrnn -name __pycache__ -type d -exec rm -rf {} +
