#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# bench/peers/pool_rust/build.sh OUTPUT: makes the static library OUTPUT of lib.rs, of the channels'
# bench/peers/chan_rust/lib.rs, and of the crates that Debian's librust-rayon-dev installs; by rustc
# alone, without cargo and without a network. One library, because Rust's own would be in both; and
# static, because a shared one reaches a thread's variables by a call (a third of a spawn).
# Environment: RUSTC (rustc), RUSTFLAGS (more of its options), RUST_CRATES (where the sources of
# crates are).
set -eu

output=$1
rustc=${RUSTC:-rustc}
crates=${RUST_CRATES:-/usr/share/cargo/registry}
source=$(dirname "$0")
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

# compile NAME VERSION OPTIONS...: a library of the crate, for the next ones; nothing where there is
# no such crate: older and newer versions of the others need not the same ones.
compile() {
    directory=$(find_crate "$1" "$2")
    [ -n "$directory" ] || return 0
    name=$(echo "$1" | tr - _)
    edition=$(edition_of "$directory")
    shift 2
    # shellcheck disable=SC2086
    $rustc --crate-name "$name" --crate-type rlib --edition "${edition:-2015}" \
        --cap-lints allow -C opt-level=3 -C panic=abort ${RUSTFLAGS:-} -L "$work" \
        $externs --out-dir "$work" "$@" "$directory/src/lib.rs"
    externs="$externs --extern $name=$work/lib$name.rlib"
}

externs=
for crate in rayon rayon-core crossbeam-channel; do
    if [ -z "$(find_crate $crate "")" ]; then
        echo "no $crate below $crates" >&2
        exit 1
    fi
done
compile cfg-if 1.
compile scopeguard 1.
# Conditions that its build script finds out; true since Rust 1.51.
compile memoffset 0. --cfg tuple_ty --cfg maybe_uninit --cfg raw_ref_macros
compile either 1.
compile crossbeam-utils 0. --cfg 'feature="std"'
compile crossbeam-epoch 0. --cfg 'feature="std"' --cfg 'feature="alloc"'
compile crossbeam-deque 0. --cfg 'feature="std"' --cfg 'feature="crossbeam-epoch"' \
    --cfg 'feature="crossbeam-utils"'
compile crossbeam-channel 0. --cfg 'feature="std"'
# Instead of num_cpus, which wants the crate libc: here the number of workers is always given.
echo 'pub fn get() -> usize { std::thread::available_parallelism().map_or(1, |n| n.get()) }' \
    >"$work/num_cpus.rs"
# shellcheck disable=SC2086
$rustc --crate-name num_cpus --crate-type rlib --edition 2018 ${RUSTFLAGS:-} --out-dir "$work" \
    "$work/num_cpus.rs"
externs="$externs --extern num_cpus=$work/libnum_cpus.rlib"
compile rayon-core 1.
compile rayon 1.
CHAN_RUST_VERSIONS="$(basename "$(find_crate crossbeam-channel 0.)"), $($rustc --version)"
export CHAN_RUST_VERSIONS
# shellcheck disable=SC2086
$rustc --crate-name chan_rust --crate-type rlib --edition 2018 -C opt-level=3 -C panic=abort \
    ${RUSTFLAGS:-} -L "$work" $externs --out-dir "$work" "$source/../chan_rust/lib.rs"
# shellcheck disable=SC2086
$rustc --crate-name pool_rust --crate-type staticlib --edition 2018 -C opt-level=3 -C panic=abort \
    ${RUSTFLAGS:-} -L "$work" $externs --extern chan_rust="$work/libchan_rust.rlib" -o "$output" \
    "$source/lib.rs"
