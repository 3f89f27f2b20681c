# netlab: `make` says where to begin, `make labs` shows it, `make test` proves it, `make help` lists the rest.
# Every target sets up what it needs; the first one makes .venv, which takes about a minute.

PYTHON ?= python3
# Another environment, for another Python: make test PYTHON=python3.13 VENV=.venv-3.13
VENV ?= .venv
# One more than two cores: some tests wait.
JOBS ?= 3
# The options of one target: a command that it starts, and which starts make again, must not inherit them.
unexport ARGS

# The project's folder, whatever the current one is (make -C, make -f).
ROOT := $(shell cd "$$(dirname "$(strip $(MAKEFILE_LIST))")" && pwd)
PY := $(VENV)/bin/python

# Python shows a traceback when Ctrl-C meets it before its first line. So a command starts with SIGINT ignored, and
# listens from that line on: labs and the set-up by themselves, any other module by start.py.
LABS := trap '' INT; $(PY) -m labs
START := trap '' INT; $(PY) labs/runner/start.py

# Ctrl-C ends the command, which says so itself; make need not add its own complaint.
define run
@cd "$(ROOT)" && { trap : INT; $(1); status=$$?; [ $$status -eq 130 ] && status=0; exit $$status; }
endef

# A check that fails is a step of learning, and the command has explained it: make does not complain as well.
# In CI the status is kept.
define learn
@cd "$(ROOT)" && { trap : INT; $(1); status=$$?; \
case "$$status-$${CI:-}" in 130-*|1-|1-false|1-0) status=0;; esac; exit $$status; }
endef

.DEFAULT_GOAL := begin
.NOTPARALLEL:
.PHONY: begin help next labs test soak test-all lint status serve live bench bench-table book interop fuzz certs labs-verify clean \
	setup setup-bench setup-book certs-ready FORCE
FORCE:

begin:
	@echo "netlab: HTTP, CORS and TLS, built by you in numbered labs and measured on this machine."
	@echo "Each lab takes one claim of an article about the web. You predict, build, measure and compare."
	@echo
	@echo "  make next      begin here: your next task; the first run sets up .venv (about a minute)"
	@echo "  make labs      or see every verdict first, measured on this machine with the reference code"
	@echo "  make status    every lab, and where you stand"
	@echo "  make serve     run the server whose source the labs explain"
	@echo "  make help      every command"
	@echo
	@echo "Your files are kept in work/. README.md says more."

help:  ## this list
	@echo "netlab: make TARGET, where NN is the number of a lab (01 to 15)"
	@cd "$(ROOT)" && awk -F ':.*## ' '/^[a-z%-]+:.*## / { sub("%", "NN", $$1); printf "  make %-12s %s\n", $$1, $$2 }' Makefile

next: certs-ready  ## go on with your next task: the lab under way, or the first that is not done
	$(call learn,$(LABS) next $(ARGS))

labs: certs-ready  ## measure every lab with its reference: the verdicts and the report (QUICK=1: shorter; ARGS="--against FILE")
	$(call run,$(LABS) all $(ARGS))

status: setup  ## every lab, and where you stand
	$(call run,$(LABS) status)

lab-%: certs-ready FORCE  ## work on lab NN: your file is checked task by task, then measured
	$(call learn,$(LABS) lab $* $(ARGS))

watch-%: certs-ready FORCE  ## check lab NN again whenever you save
	$(call learn,$(LABS) watch $*)

hint-%: setup FORCE  ## open the next hint of lab NN (TASK=2: of that task)
	$(call run,$(LABS) hint $* $(TASK))

measure-%: certs-ready FORCE  ## measure lab NN with the reference (MINE=1: with your code; ARGS=--all: all tables)
	$(call run,$(LABS) measure $* $(if $(MINE),--mine) $(ARGS))

wrong-%: setup FORCE  ## what others got wrong in lab NN, once its task passes (TASK=2, ANYWAY=1)
	$(call run,$(LABS) wrong $* $(TASK) $(if $(ANYWAY),--anyway))

solution-%: setup FORCE  ## your code beside the solution of lab NN (ANYWAY=1: before it is done)
	$(call run,$(LABS) solution $* $(if $(ANYWAY),--anyway))

reset-%: setup FORCE  ## start lab NN anew; what you had goes to the trash, and can come back
	$(call run,$(LABS) reset $*)

serve-%: certs-ready FORCE  ## run the server of lab NN, if it has one
	$(call run,$(LABS) serve $*)

serve: certs-ready  ## run netlab's own server (ARGS="--tls --port 8443")
	$(call run,$(START) netlab serve $(ARGS))

live: certs-ready  ## see the wire live, in your browser (ARGS="--port 8444 --no-browser")
	$(call run,$(START) netlab live $(ARGS))

test: setup  ## the test suite, in parallel
	$(call run,$(START) pytest -n $(JOBS) --dist worksteal -m "not soak" $(ARGS))

soak: setup  ## the long runs alone: 5 GB, ten thousand connections
	$(call run,$(START) pytest -m soak $(ARGS))

test-all: setup  ## the test suite with its long runs
	$(call run,$(START) pytest -n $(JOBS) --dist worksteal $(ARGS))

labs-verify: certs-ready  ## prove the labs honest: stubs fail, solutions pass, wrong programs are caught
	$(call run,$(LABS) verify)

lint: setup  ## ruff and mypy
	$(call run,status=0; for what in "ruff check ." "ruff format --check ." "mypy --strict netlab labs/runner"; do \
	$(START) $$what || { [ $$? -eq 130 ] && exit 0; status=1; }; done; (exit $$status))

bench: setup-bench certs-ready  ## netlab beside the servers that people deploy
	$(call run,$(START) tests.bench $(ARGS))

bench-table: setup  ## README's table of measurements, made of the last run of make bench ARGS=--readme
	$(call run,$(START) tests.bench.readme)

interop: setup  ## programs that we did not write, as clients and as proxies in front: the table is made anew
	$(call run,$(START) tests.interop $(ARGS))

book: setup-book  ## the book, built into build/book: every quotation and every link is checked
	$(call run,$(START) sphinx -q -n -W --keep-going labs/book build/book && echo "the book: build/book/index.html")

fuzz: setup  ## throw malformed bytes at the parsers
	$(call run,$(START) tests.fuzz $(ARGS))

certs: setup  ## mint a root, an intermediate and a leaf for localhost
	$(call run,$(START) netlab certs $(ARGS))

clean:  ## remove all that was made here; never your work/
	@cd "$(ROOT)" && rm -rf .venv .venv-* build *.egg-info labs/report .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@cd "$(ROOT)" && find . -name __pycache__ -type d -not -path './work/*' -prune -exec rm -rf {} +
	@cd "$(ROOT)" && find certs -type f -not -name README.md -delete
	@echo "clean; work/ is as it was"

setup:
	$(call run,trap '' INT; $(PYTHON) -I labs/runner/bootstrap.py --venv=$(VENV) labs test)

setup-book:
	$(call run,trap '' INT; $(PYTHON) -I labs/runner/bootstrap.py --venv=$(VENV) labs test book)

setup-bench:
	$(call run,trap '' INT; $(PYTHON) -I labs/runner/bootstrap.py --venv=$(VENV) labs test bench)

certs-ready: setup
	@cd "$(ROOT)" && { [ -n "$$(find certs/leaf.pem -mtime -7 2>/dev/null)" ] || { $(START) netlab certs >/dev/null; }; }
