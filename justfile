# Tasks of every day. `just` lists them; each is one cargo command that can also be typed.

_default:
    @just --list --unsorted

# everything CI checks, on the tools this machine has
check:
    .ci/run checks

# start the server with its defaults; arguments are passed on
run *arguments:
    cargo run --package fleetward -- serve {{ arguments }}

# a server, a simulated fleet and two rollouts, nothing else needed
demo *arguments:
    cargo run --package fleetward -- demo {{ arguments }}

# all tests; arguments are passed on, for instance `just test --package fleetward-core`
test *arguments='--workspace':
    cargo test {{ arguments }}

# format every file
fmt:
    cargo fmt --all

# the house rules that no compiler knows
tidy:
    cargo xtask tidy

# measurements side by side, optimized
bench *arguments:
    cargo run --release --package fleetward-benches -- {{ arguments }}
