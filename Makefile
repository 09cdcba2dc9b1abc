# make alone prints this help. Everything that is needed is built from Go modules or installed from Debian's packages.

SHELL := /bin/bash -o pipefail
GO    ?= go
TOOL  := $(GO) tool -modfile=hack/tools

# Where a set KUBEBUILDER_ASSETS wins; else kube-apiserver and etcd are built, once.
ASSETS = KUBEBUILDER_ASSETS="$$($(GO) run ./hack/cluster assets)"

# Without cgo all that is plain is built once, in tests as in images; the race detector alone needs it.
export CGO_ENABLED = 0

# Beside all other tests, and the first time their compilers, an API server takes longer to start than the 20 s that envtest allows it.
export KUBEBUILDER_CONTROLPLANE_START_TIMEOUT = 3m
export KUBEBUILDER_CONTROLPLANE_STOP_TIMEOUT  = 3m

# Packages that run goroutines of their own are tested with the race detector, and those that are a target of their own, apart.
RACED  := $(addprefix ./internal/,certs/... cluster/... directory/... gateway/... h1/... informer/... savehook/... sessionapi/... sight/... slots/...)
APART  := ./charts/... $(addprefix ./test/,browser conformance e2e model swarm)
OTHERS  = $$(comm -23 <($(GO) list ./... | sort) <($(GO) list $(RACED) $(APART) | sort))

.DEFAULT_GOAL := help
.PHONY: help
help: ## Print this help
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

##@ See it

.PHONY: demo demo-down examples
demo: ## Start a cluster, install Dormouse and the example, and tell the story with real requests (CLUSTER=kind|local)
	@$(GO) run ./hack/demo up

examples: demo ## The same, then every other example that has a story: each is built, applied, and tells what it saw
	@$(GO) run ./hack/demo examples

demo-down: ## Stop the cluster of the demo and leave no trace
	@$(GO) run ./hack/demo down

##@ Test it

# A test that needs a tool, such as helm, builds it: minutes where no cache has it, and more beside other tests. Hence the time-outs.
.PHONY: test fast unit model chart browser conformance fuzz mutants swarm million e2e soak
test: packages judges ## All tests: laws, stories against a real API server, the chart, the models, the mutants, the swarm, and the promises on a real cluster
	@hack/beside e2e "unit model chart browser conformance mutants swarm"

fast: unit model chart browser conformance ## All tests that need no cluster

unit: packages ## Laws, unit tests, and stories against a real kube-apiserver and etcd
	$(ASSETS) CGO_ENABLED=1 $(GO) test -timeout 30m -race $(RACED)
	$(ASSETS) $(GO) test -timeout 30m $(OTHERS)
	$(GO) -C examples test ./...
	$(GO) -C hack/image test ./...

model: packages ## The sleep protocol and the life of a pod as Spin models, which must hold, and their mutants, which must fail (MODEL=full: all of it)
	$(GO) test -timeout 30m -v ./test/model

conformance: judges ## The conformance set against the gateway, alone and behind nginx and haproxy, and slowhttptest's attacks (half a minute)
	$(GO) test -count=1 -timeout 5m ./test/conformance

fuzz: ## Every fuzz target, one after the other (FUZZTIME=10m each)
	@GO="$(GO)" FUZZTIME=$(or $(FUZZTIME),10m) hack/fuzz

mutants: ## One fault at a time is put into the code, and a test must fail (minutes)
	$(ASSETS) MUTANTS=1 $(GO) test -count=1 -timeout 30m -parallel 8 -v ./test/mutants

chart: ## Lint and render the chart, and try its policies on a real API server
	$(ASSETS) $(GO) test -timeout 30m ./charts/...

browser: packages ## The pages of the gateway in headless Chromium, with and without scripts (PICTURES=/tmp: and pictures of them, there)
	$(GO) test $(if $(PICTURES),-artifacts -outputdir=$(abspath $(PICTURES))) ./test/browser

swarm: ## Hundreds of sessions, and operators, gateways, API server and etcd killed meanwhile; no cluster (SOAK=20m: thousands; SEED=7)
	$(ASSETS) $(GO) test -count=1 -timeout 24h -v ./test/swarm

million: ## A million keys that come once each, on loopback, and nothing that is left of them: most of a day (KEYS=100000)
	$(ASSETS) KEYS=$(or $(KEYS),1000000) $(GO) test -count=1 -timeout 96h -v -run Passing ./test/swarm

soak: packages ## The proof at length: random schedules, the swarm, keys that pass, and faults on a real cluster, half an hour in all (SOAK=10m, of each)
	SOAK=$(or $(SOAK),5m) $(GO) test -count=1 -timeout 2h -v -run Stale ./test/crash
	$(ASSETS) SOAK=$(or $(SOAK),5m) $(GO) test -count=1 -timeout 24h -v ./test/swarm
	E2E_FAULTS=$(or $(SOAK),10m) $(GO) test -count=1 -timeout 2h -v ./test/e2e -ginkgo.v -ginkgo.focus 'whatever part of the cluster dies'

e2e: packages ## The promises, end to end on a real cluster, some at a time (E2E_TRAFFIC=2m)
	$(TOOL)/ginkgo/go.mod ginkgo -procs=3 -v --timeout=75m ./test/e2e

##@ Measure it

.PHONY: bench-wake bench-hit bench-gateway
bench-wake: ## A cold wake beside a bare pod, and the API writes of a whole cycle
	$(GO) run ./hack/bench wake

bench-hit: ## What a request to an awake session costs
	$(GO) run ./hack/bench hit

bench-gateway: ## What a request and a connection cost, beside nginx, haproxy and net/http's ReverseProxy (ONLY='HTTP/1.1, 32', ROUNDS=5)
	$(GO) run ./hack/bench gateway -n $(or $(ROUNDS),3) -only '$(ONLY)'

##@ Work on it

.PHONY: check static generate tidy format lint clean-tree build next packages judges clean
check: static fast ## The gate: generated files, format, lint, and all tests that need no cluster

static: generate tidy format lint clean-tree

generate: ## Write deep copies, CRDs, the chart's copy of them, the API reference, the tables of metrics, and which test proves which requirement
	$(TOOL)/gen/go.mod controller-gen object paths=./api/... crd:generateEmbeddedObjectMeta=true,maxDescLen=120 output:crd:dir=config/crd
	cp config/crd/*.yaml charts/dormouse/files/crds/
	$(TOOL)/gen/go.mod crd-ref-docs --log-level=ERROR --source-path=api/v1alpha1 --config=docs/reference/config.yaml --templates-dir=docs/reference/templates --renderer=markdown --output-path=docs/reference/api.md
	$(GO) run ./hack/metrics
	$(GO) run ./hack/requirements

tidy:
	$(GO) mod tidy
	$(GO) -C examples mod tidy
	$(GO) -C hack/image mod tidy

format: ## Format all Go files
	$(TOOL)/lint/go.mod gofumpt -w $$(git ls-files -co --exclude-standard '*.go' | grep -v zz_generated)

lint: ## Find what the linters of .golangci.yml find
	$(TOOL)/lint/go.mod golangci-lint run ./...

# What is generated or formatted must be as it was committed.
clean-tree:
	@test -z "$$(git status --porcelain)" || { git status --short; git --no-pager diff --stat; echo "the tree is not clean after make generate, tidy and format: commit what they changed"; exit 1; }

build: ## Build the operator, the gateway and the plugin of kubectl into bin/
	$(GO) build -trimpath -ldflags "-s -w" -o bin/ ./cmd/...

next: ## Print the lifecycle of a session as a table
	@$(GO) run ./hack/next

packages:
	@hack/packages spin gcc libc6-dev chromium redis-tools
	@hack/debian postgresql >/dev/null || echo "missing: postgresql; tests that need it will be skipped" >&2

# Who judges the gateway from elsewhere.
judges:
	@hack/packages nginx haproxy slowhttptest
	@command -v npm >/dev/null || hack/packages nodejs npm
	@! command -v npm >/dev/null || npm ci --prefix test/conformance/ws --ignore-scripts --no-audit --no-fund --silent

clean: ## Remove what was built here, and the built Kubernetes from the user's cache
	rm -rf bin "$${XDG_CACHE_HOME:-$$HOME/.cache}/dormouse"
