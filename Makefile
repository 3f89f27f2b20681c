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

# Ctrl-C ends the command, which says so itself; make need not add its own complaint. Python shows a traceback when
# Ctrl-C meets it before its first line: where a command begins with trap '' INT, it listens from that line on.
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
	$(call learn,trap '' INT; $(PY) -m labs next $(ARGS))

labs: certs-ready  ## measure every lab with its reference: the verdicts and the report (QUICK=1: shorter; ARGS="--against FILE")
	$(call run,trap '' INT; $(PY) -m labs all $(ARGS))

status: setup  ## every lab, and where you stand
	$(call run,trap '' INT; $(PY) -m labs status)

lab-%: certs-ready FORCE  ## work on lab NN: your file is checked task by task, then measured
	$(call learn,trap '' INT; $(PY) -m labs lab $* $(ARGS))

watch-%: certs-ready FORCE  ## check lab NN again whenever you save
	$(call learn,trap '' INT; $(PY) -m labs watch $*)

hint-%: setup FORCE  ## open the next hint of lab NN (TASK=2: of that task)
	$(call run,trap '' INT; $(PY) -m labs hint $* $(TASK))

measure-%: certs-ready FORCE  ## measure lab NN with the reference (MINE=1: with your code; ARGS=--all: all tables)
	$(call run,trap '' INT; $(PY) -m labs measure $* $(if $(MINE),--mine) $(ARGS))

wrong-%: setup FORCE  ## what others got wrong in lab NN, once its task passes (TASK=2, ANYWAY=1)
	$(call run,trap '' INT; $(PY) -m labs wrong $* $(TASK) $(if $(ANYWAY),--anyway))

solution-%: setup FORCE  ## your code beside the solution of lab NN (ANYWAY=1: before it is done)
	$(call run,trap '' INT; $(PY) -m labs solution $* $(if $(ANYWAY),--anyway))

reset-%: setup FORCE  ## start lab NN anew; what you had goes to the trash, and can come back
	$(call run,trap '' INT; $(PY) -m labs reset $*)

serve-%: certs-ready FORCE  ## run the server of lab NN, if it has one
	$(call run,trap '' INT; $(PY) -m labs serve $*)

serve: certs-ready  ## run netlab's own server (ARGS="--tls --port 8443")
	$(call run,$(PY) -m netlab serve $(ARGS))

live: certs-ready  ## see the wire live, in your browser (ARGS="--port 8444 --no-browser")
	$(call run,$(PY) -m netlab live $(ARGS))

test: setup  ## the test suite, in parallel
	$(call run,$(PY) -m pytest -n $(JOBS) --dist worksteal -m "not soak" $(ARGS))

soak: setup  ## the long runs alone: 5 GB, ten thousand connections
	$(call run,$(PY) -m pytest -m soak $(ARGS))

test-all: setup  ## the test suite with its long runs
	$(call run,$(PY) -m pytest -n $(JOBS) --dist worksteal $(ARGS))

labs-verify: certs-ready  ## prove the labs honest: stubs fail, solutions pass, wrong programs are caught
	$(call run,trap '' INT; $(PY) -m labs verify)

lint: setup  ## ruff and mypy
	@cd "$(ROOT)"; status=0; $(PY) -m ruff check . || status=1; $(PY) -m ruff format --check . || status=1; \
	$(PY) -m mypy --strict netlab labs/runner || status=1; exit $$status

bench: setup-bench certs-ready  ## netlab beside the servers that people deploy
	$(call run,$(PY) -m tests.bench $(ARGS))

bench-table: setup  ## README's table of measurements, made of the last run of make bench ARGS=--readme
	$(call run,$(PY) -m tests.bench.readme)

interop: setup  ## programs that we did not write, as clients and as proxies in front: the table is made anew
	$(call run,$(PY) -m tests.interop $(ARGS))

book: setup-book  ## the book, built into build/book: every quotation and every link is checked
	$(call run,$(PY) -m sphinx -q -n -W --keep-going labs/book build/book && echo "the book: build/book/index.html")

fuzz: setup  ## throw malformed bytes at the parsers
	$(call run,$(PY) -m tests.fuzz $(ARGS))

certs: setup  ## mint a root, an intermediate and a leaf for localhost
	$(call run,$(PY) -m netlab certs $(ARGS))

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
	@cd "$(ROOT)" && { [ -n "$$(find certs/leaf.pem -mtime -7 2>/dev/null)" ] || $(PY) -m netlab certs >/dev/null; }
