#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# bench/peers/chan_rust/build.sh OUTPUT: makes the static library OUTPUT of lib.rs and of the crates
# that Debian's librust-crossbeam-channel-dev installs; by rustc alone, without cargo and without a
# network. Environment: RUSTC (rustc), RUSTFLAGS (more of its options), RUST_CRATES (where the
# sources of crates are).
set -eu

output=$1
rustc=${RUSTC:-rustc}
crates=${RUST_CRATES:-/usr/share/cargo/registry}
source=$(dirname "$0")/lib.rs
work=$output.parts
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT

# The newest source of the crate $1 whose version begins with $2; nothing where there is none.
find_crate() {
    for found in "$crates/$1-$2"[0-9.]*; do
        [ -e "$found/Cargo.toml" ] && echo "$found"
    done | sort -V | tail -n 1
}

edition_of() {
    sed -n 's/^edition = "\(.*\)"/\1/p' "$1/Cargo.toml"
}

# compile CRATE DIRECTORY OPTIONS...: a library for the next ones.
compile() {
    name=$1 directory=$2
    shift 2
    # shellcheck disable=SC2086
    $rustc --crate-name "$name" --crate-type rlib --edition "$(edition_of "$directory")" \
        --cap-lints allow -C opt-level=3 -C panic=abort ${RUSTFLAGS:-} -L "$work" \
        --out-dir "$work" "$@" "$directory/src/lib.rs"
}

channel=$(find_crate crossbeam-channel 0.)
utils=$(find_crate crossbeam-utils 0.)
if [ -z "$channel" ] || [ -z "$utils" ]; then
    echo "no crossbeam-channel below $crates" >&2
    exit 1
fi
# Older versions need this one, too.
condition=$(find_crate cfg-if 1.) with_condition=
if [ -n "$condition" ]; then
    compile cfg_if "$condition"
    with_condition="--extern cfg_if=$work/libcfg_if.rlib"
fi
# shellcheck disable=SC2086
compile crossbeam_utils "$utils" --cfg 'feature="std"' $with_condition
# shellcheck disable=SC2086
compile crossbeam_channel "$channel" --cfg 'feature="std"' $with_condition \
    --extern crossbeam_utils="$work/libcrossbeam_utils.rlib"
CHAN_RUST_VERSIONS="$(basename "$channel"), $($rustc --version)"
export CHAN_RUST_VERSIONS
# shellcheck disable=SC2086
$rustc --crate-name chan_rust --crate-type staticlib --edition 2018 -C opt-level=3 -C panic=abort \
    ${RUSTFLAGS:-} -L "$work" --extern crossbeam_channel="$work/libcrossbeam_channel.rlib" \
    -o "$output" "$source"
