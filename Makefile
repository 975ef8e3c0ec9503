# make help lists what there is to make.

# The linter's version is fixed, so that it finds the same on every machine.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
# A count, not a time: Go before 1.27 now and then reports the end of a time as a failure (golang/go#75804).
FUZZTIME    ?= 20000x

.PHONY: help build demo test lint bench soak fuzz package man clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 10

build: ## both programs, static, in bin/
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o bin/ ./cmd/...

demo: build ## the whole way from nothing to a wall on this machine; installs a browser if there is none
	@packaging/deps.sh demo
	@exec bin/kioskeeper demo

test: ## all tests with the race detector, in a real browser; installs what they need
	@packaging/deps.sh test
	go vet ./...
	CGO_ENABLED=1 go test -race -timeout 20m ./...

lint: ## gofmt, vet and staticcheck
	@files=$$(gofmt -l .) && if [ -n "$$files" ]; then echo "gofmt would change:" && echo "$$files" && exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...

bench: ## the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

soak: ## a minute of rotation under fire over each kind of repository
	@packaging/deps.sh test
	go test -run UnderFire -timeout 30m -v ./autoid/serverdir -soak

fuzz: ## each fuzz test FUZZTIME times (20000x), or so long (1m)
	@set -eu; for package in $$(go list ./...); do \
		tests=$$(go test -list '^Fuzz' "$$package"); \
		for test in $$(echo "$$tests" | grep '^Fuzz'); do \
			echo "$$package $$test"; \
			go test -run '^$$' -fuzz "^$$test\$$" -fuzztime $(FUZZTIME) "$$package"; \
		done; \
	done

package: man ## static binaries for linux on amd64, arm64, armv6 and armv7, packed in dist/
	packaging/archives.sh

man: build ## manual pages, in man/
	rm -rf man
	bin/kioskeeper generate man man

clean: ## remove what this file makes
	rm -rf bin demo dist man
