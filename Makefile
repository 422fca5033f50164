PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO ?= demo
INSTALLED := $(VENV)/.installed
# PREPARED=yes takes the environment in VENV as it is.
PREPARED ?=

.PHONY: demo test lint clean

ifeq ($(PREPARED),)
# The library compiled from C is made anew with the installation.
$(INSTALLED): pyproject.toml constraints.txt hatch_build.py \
		$(wildcard artcurate/images/native/*.c artcurate/images/native/*.h)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[benchmark,keyring,ray,vips,dev]' -c constraints.txt
	touch $@
else
$(INSTALLED): ;
endif

demo: $(INSTALLED)
	rm -rf $(DEMO)
	$(BIN)/artcurate sample artelingo $(DEMO)/raw --paintings 300
	$(BIN)/artcurate build artelingo --annotations $(DEMO)/raw/artelingo_release.csv \
		--images $(DEMO)/raw/wikiart --out $(DEMO)/artelingo
	$(BIN)/artcurate validate $(DEMO)/artelingo
	$(BIN)/artcurate benchmark $(DEMO)/artelingo --seeds 3
	$(BIN)/artcurate inspect $(DEMO)/artelingo
	@echo
	@echo "The dataset is in $(DEMO)/artelingo; its card is $(DEMO)/artelingo/README.md,"
	@echo "its scores are in $(DEMO)/artelingo/scores.json and, to look at, in $(DEMO)/artelingo/report.html."
	@echo "Load it: datasets.load_dataset('$(DEMO)/artelingo')"

test: $(INSTALLED)
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) $(DEMO)
