# The words of this project. `make` alone lists them.

SHELL := bash
PORT ?= 9001
TIME ?= 10m
HOST ?= 127.0.0.1
.DEFAULT_GOAL := help
.PHONY: help deps test-deps demo test large-tests bench soak hold drain restart faults compare goals crowd micro conformance attacks fuzz simulate docs format lint sanitize check clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## Install what building needs, if it is missing
	@Scripts/install-dependencies.sh

test-deps:
	@Scripts/install-dependencies.sh test

demo: deps ## Start the demo server: a chat page, an echo (PORT=9001, HOST=127.0.0.1, TLS=1)
	@swift build --package-path Examples --configuration release --product demo
	@tls=$(if $(TLS),$$(Scripts/demo-certificate.sh),) && \
		exec "$$(swift build --package-path Examples --configuration release --show-bin-path)/demo" \
		--host $(HOST) --port $(PORT) $$tls

test: test-deps ## Run every test: unit tests, then the programs against clients of others
	PATH="$(CURDIR)/.build/test-clients/bin:$$PATH" Scripts/unit-tests.sh
	Scripts/compare-tests.sh
	Scripts/portable-tests.sh
	swift test --package-path Examples
	Scripts/end-to-end.sh

bench: deps ## Measure handshakes and messages against a server of its own process
	@swift build --configuration release --product stargate-bench
	@bench="$$(swift build --configuration release --show-bin-path)/stargate-bench" && \
		"$$bench" handshake && "$$bench" echo

soak: deps ## Hold thousands of connections under mixed load (TIME=10m): does anything grow?
	@swift build --configuration release --product stargate-bench
	@exec "$$(swift build --configuration release --show-bin-path)/stargate-bench" soak \
		--duration $(TIME) $$(Scripts/demo-certificate.sh)

bench-truth: deps ## Prove that a server's stall shows in the latencies, and what the client costs
	@swift build --configuration release --product stargate-bench
	@bench="$$(swift build --configuration release --show-bin-path)/stargate-bench" && \
		Scripts/bench-truth.py "$$bench" && Benchmarks/Yardstick/run.py "$$bench"

hold: deps ## Hold 60,000 connections over 4 processes, and count them on both sides (CONNECTIONS=60000)
	@swift build --configuration release --product stargate-bench
	@Scripts/hold.sh "$$(swift build --configuration release --show-bin-path)/stargate-bench" $(or $(CONNECTIONS),60000)

drain: deps ## Stop a server with 10,000 clients, and count what they are told
	@Scripts/lifecycle.sh drain

restart: deps ## Restart a server 10 times under new connections: how many are refused?
	@Scripts/lifecycle.sh restart

faults: deps ## Have system calls fail, by seed, and check every message (SEEDS=100)
	@Scripts/lifecycle.sh faults

compare: ## Measure it side by side with 14 other servers (QUICK=1 for minutes, not hours)
	@Scripts/install-dependencies.sh compare
	@QUICK=$(QUICK) Benchmarks/compare.sh

goals: ## Measure every workload against uWebSockets and the floor (QUICK=1)
	@Scripts/install-dependencies.sh compare
	@QUICK=$(QUICK) Benchmarks/goals.sh

micro: deps ## Count the instructions of every scanner, and hold them against the thresholds
	@Benchmarks/micro.sh

crowd: deps ## Many connections that vanish at once, and many that say nothing: what they cost
	@swift build --configuration release --product stargate-bench
	Benchmarks/crowd.py disconnect && Benchmarks/crowd.py idle

conformance: test-deps ## Run every conformance suite (PARTS="server tls client client-tls drafts interop")
	@Scripts/conformance.sh $(PARTS)

fuzz: deps ## Fuzz the code that meets the wire (TARGET=all, TIME=60 seconds for each)
	@Scripts/fuzz.sh $(or $(TARGET),all) $(or $(TIME),60)

attacks: test-deps ## Attack the server in every listed way (ROWS=62,96-106 for some)
	@Scripts/attacks.sh $(if $(ROWS),--rows $(ROWS))

large-tests: deps ## Fan out to 10,000 subscribers, each policy in turn (needs 10,300 open files)
	swift build --configuration release --product fan-out
	"$$(swift build --configuration release --show-bin-path)/fan-out" $(FAN_OUT)
	STARGATE_LARGE_TESTS=1 swift test --configuration release \
		-Xswiftc -enable-testing --filter FanOutTests

docs: deps ## Build the documentation into docs-out/
	@Scripts/docs.sh

format: ## Format the Swift code in place
	@Scripts/swift-files.sh | xargs -0 swift format --in-place --parallel

lint: ## Check the format and the house rules
	@Scripts/lint.sh

simulate: deps ## Run the engine in a simulated network (SEEDS=1000 SEED=1 TRACE=1)
	@swift build --configuration release --product simulate
	@"$$(swift build --configuration release --show-bin-path)/simulate" \
		--seed $(or $(SEED),1) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(TRACE),--trace)

sanitize: deps ## Run tests and simulation under the address and the thread sanitizer
	Scripts/sanitize.sh address
	Scripts/sanitize.sh thread

check: test-deps lint ## Everything a change has to pass
	swift build --build-tests -Xswiftc -warnings-as-errors
	$(MAKE) test sanitize

clean: ## Remove what was built
	rm -rf .build .build-* Examples/.build docs-out
