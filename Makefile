# Everything a fresh Debian machine with a Swift toolchain needs: `make demo`, `make test`. `make help` lists the rest.

SHELL := /bin/bash
SWIFT ?= swift
CONFIGURATION := release
# Imports are the architecture (see Package.swift): an undeclared one fails the build.
FLAGS := -c $(CONFIGURATION) --explicit-target-dependency-import-check error
PREFIX ?= /usr/local
BINARY := .build/$(CONFIGURATION)/cairn
PACKAGES := libllvm19 libopenblas0 libssl-dev libsqlite3-dev libcmark-gfm-dev libcmark-gfm-extensions-dev libmicrohttpd-dev libreadline-dev

.PHONY: help deps build demo test check check-pages check-terminal format lint golden bench bench-peers check-posteriors fuzz mutate install clean

help: ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

deps: ## Install what is missing from Debian's packages.
	@scripts/install-dependencies $(PACKAGES)

build: deps ## Build the program.
	$(SWIFT) build $(FLAGS) --product cairn

demo: build ## Build, run a real notebook, and write its report.
	$(BINARY) run notebooks/eight-schools.nb.md
	$(BINARY) export notebooks/eight-schools.nb.md

test: deps ## Run all fast tests; fails when one fails or is skipped.
	@scripts/run-tests $(SWIFT) test $(FLAGS) --disable-testable-imports

check: lint test ## What a reviewer runs: formatting, tests, links, spec pages, the notebooks.
	scripts/check-links
	$(MAKE) build
	for notebook in $(NOTEBOOKS); do $(BINARY) check $$notebook || exit 1; done

lint: ## Formatting.
	$(SWIFT) format lint --strict --recursive --configuration .swift-format Sources Tests Package.swift

format: ## Rewrite the formatting.
	$(SWIFT) format --in-place --recursive --configuration .swift-format Sources Tests Package.swift

golden: ## Rewrite the golden files; read the difference before committing.
	CAIRN_UPDATE_GOLDEN=1 $(SWIFT) test $(FLAGS) --disable-testable-imports

NOTEBOOKS := $(wildcard notebooks/*.nb.md)
PAGES := .build/pages

# In a network namespace of its own: a page that asks for anything finds nothing.
check-pages: build ## Open reports and a watched notebook in headless Chromium; PICTURES=FOLDER keeps what it looked like.
	@scripts/install-dependencies chromium-headless-shell fonts-lmodern iproute2 python3-pip
	@test -d $(PAGES) || python3 -m pip install --quiet --target $(PAGES) axe-core-python websocket-client
	PYTHONPATH=$(PAGES) unshare --net sh -c 'ip link set lo up; \
	  python3 Tests/Pages/check.py --cairn $(BINARY) $(if $(PICTURES),--pictures $(PICTURES)) $(NOTEBOOKS) && \
	  python3 Tests/Pages/watch.py --cairn $(BINARY)'

check-terminal: build ## Drive the interactive session in a real terminal.
	@scripts/install-dependencies tmux
	python3 Tests/Terminal/check.py --cairn $(BINARY)

# The tests run 500 sequences; this many when asked, from this seed on.
SEQUENCES ?= 5000
FROM ?= 0

fuzz: deps ## Hold cached runs to clean ones over SEQUENCES=5000 random sequences of edits.
	CAIRN_FUZZ_FROM=$(FROM) CAIRN_FUZZ_SEQUENCES=$(SEQUENCES) $(SWIFT) test $(FLAGS) --disable-testable-imports \
	  --filter 'CacheFuzzTests|CacheSequenceTests'

mutate: deps ## Switch off each part of the cache in turn and print which test notices.
	CAIRN_MUTATE=1 $(SWIFT) test $(FLAGS) --disable-testable-imports --filter CacheCaseTests

bench: build ## Print speed ratios against Python and C; asserts no speed, but that gradients equal those of C.
	python3 Benchmarks/run.py $(BINARY)
	python3 Benchmarks/cache.py $(BINARY)
	python3 Benchmarks/gradients.py --cairn $(BINARY)
	python3 Benchmarks/gradients.py --cairn $(BINARY) --variants
	python3 Benchmarks/compiling.py --cairn $(BINARY)

bench-peers: build ## Print speeds of Stan, NumPyro and nutpie beside ours; installs them below .build/peers.
	python3 Benchmarks/peers.py --cairn $(BINARY)

check-posteriors: build ## Compare fits with reference posteriors.
	python3 Tests/Posteriors/check.py --cairn $(BINARY)

# A binary of the usual build finds the Swift libraries only where the toolchain is, so that an installed one gets them
# inside. It has a build folder of its own: the two ways of linking would rebuild each other's.
install: deps ## Build a self-contained program and copy it, its library and its error pages below PREFIX.
	$(SWIFT) build $(FLAGS) --product cairn --static-swift-stdlib --scratch-path .build/installed
	install -D -s -m 755 .build/installed/$(CONFIGURATION)/cairn $(DESTDIR)$(PREFIX)/bin/cairn
	mkdir -p $(DESTDIR)$(PREFIX)/share/cairn/stdlib $(DESTDIR)$(PREFIX)/share/cairn/docs/errors
	install -m 644 stdlib/*.cairn $(DESTDIR)$(PREFIX)/share/cairn/stdlib/
	install -m 644 docs/errors/*.md $(DESTDIR)$(PREFIX)/share/cairn/docs/errors/

clean: ## Remove what was built.
	rm -rf .build
