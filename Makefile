# Thin: every rule is a set-up step and one command that can be run by hand.
.DEFAULT_GOAL := help
.PHONY: help build demo test lint tidy format bench package clean setup

export CCACHE_SLOPPINESS ?= pch_defines,time_macros
programs = llmbatchd llmbatchctl llmbatch-demo provider-twin
sources = $(shell git ls-files '*.h' '*.cc')

help: ## show this list
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## install the Debian packages that a build needs, where they are missing
	@tools/setup/install-packages build

build: setup ## build the programs: build/release/bin
	cmake --preset release
	cmake --build --preset release --target $(programs)

demo: build ## run the main job on an embedded broker, coordinator and provider twin
	@tools/demo/run --build build/release

test: ## run every test, against real servers; says what it leaves out
	@tests/run

lint: ## check layers, purity, formatting, headers; then clang-tidy
	@tools/setup/install-packages test
	cmake --preset debug
	cmake --build --preset debug --target all_verify_interface_header_sets
	ctest --preset debug -L '^lint$$'
	@$(MAKE) --no-print-directory tidy

tidy: ## run clang-tidy over lib, daemon and ctl
	@tools/lint/tidy build/debug

format: ## format every tracked C++ file
	clang-format-14 -i $(sources)

bench: build ## run the comparisons of bench/
	@tools/setup/install-packages test
	cmake --build --preset release --target floor
	@bench/run

package: build ## build the Debian package: build/release/package
	@tools/setup/install-packages package
	cmake --build --preset release --target manual
	cpack --config build/release/CPackConfig.cmake

clean: ## remove build results; what was fetched stays
	rm -rf build/debug build/release build/tsan build/fuzz
