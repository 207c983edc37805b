# Everything that is done here more than once. Each recipe is short; what is longer
# is a script in scripts/, which can also be run by itself.

FUZZTIME ?= 60s

.PHONY: build demo test lint vuln fuzz eval bench screenshots deb clean

build: ## the program, as ./vedette
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(or $(VERSION),development)' -o vedette ./cmd/vedette

demo: build ## the console on the sample that comes with the program, until Ctrl-C
	./vedette demo

test: ## all that must hold before a change goes in
	@scripts/test

lint: ## the quick part of test: format, vet, staticcheck, go.mod
	@scripts/test format vet static tidy

vuln: ## known vulnerabilities that our code reaches
	@scripts/test vuln

fuzz: ## every fuzz test for FUZZTIME each
	@scripts/fuzz $(FUZZTIME)

eval: ## every measurement; writes what docs/benchmarks.md shows
	go run ./cmd/vedette-eval --write docs all

deb: build ## a Debian package, as vedette_VERSION_ARCH.deb
	@mkdir -p .cache
	./vedette config example | sed 's/^# data:/data:/' >.cache/vedette.yaml
	VERSION=$(or $(VERSION),0.0~development) ARCH=$$(go env GOARCH) go tool -modfile=tools/go.mod nfpm package --config packaging/nfpm.yaml --packager deb --target .

bench: ## the speeds only
	go run ./cmd/vedette-eval --write docs bench

screenshots: ## every page of the console, by a browser, into docs/screenshots
	mkdir -p docs/screenshots && rm -f docs/screenshots/*.png
	VEDETTE_SCREENSHOTS=$(CURDIR)/docs/screenshots go test ./internal/daemon -count=1 -run TestScreenshots

clean: ## all that the above leave behind
	rm -rf vedette vedette_*.deb .cache
