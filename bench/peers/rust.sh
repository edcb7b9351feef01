#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# bench/peers/rust.sh OUTPUT PART...: makes the static library OUTPUT (-: none, only looks whether it
# could) of the peers in Rust: of PART
# `chan' bench/peers/chan_rust/lib.rs on crossbeam-channel, of `pool' pool_rust/lib.rs on rayon, of
# `loop' loop_tokio/lib.rs on tokio; and of their crates, which Debian's librust-*-dev install; by
# rustc alone, without cargo and without a network. One library, because Rust's own would be in
# each; and static, because a shared one reaches a thread's variables by a call (a third of a
# spawn). Environment: RUSTC (rustc), RUSTFLAGS (more of its options), RUST_CRATES (where the
# sources of crates are).
set -eu
unset MAKEFLAGS MFLAGS # a jobserver that is not for this

output=$1
shift
rustc=${RUSTC:-rustc}
crates=${RUST_CRATES:-/usr/share/cargo/registry}
source=$(dirname "$0")
work=$output.parts
kind=rlib emit=link
if [ "$output" = - ]; then
    work=conftest.rust kind=rmeta emit=metadata
fi
externs=
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT

# The newest source of the crate $1 whose version begins with $2; nothing where there is none.
find_crate() {
    for found in "$crates/$1-$2"[0-9.]*; do
        [ -e "$found/Cargo.toml" ] && echo "$found"
    done | sort -V | tail -n 1
}

need() {
    for crate; do
        if [ -z "$(find_crate "$crate" "")" ]; then
            echo "no $crate below $crates" >&2
            exit 1
        fi
    done
}

edition_of() {
    sed -n 's/^edition = "\(.*\)"/\1/p' "$1/Cargo.toml"
}

# library NAME EDITION SOURCE OPTIONS...: for the next ones.
library() {
    name=$1 edition=$2 file=$3
    shift 3
    # shellcheck disable=SC2086
    $rustc --crate-name "$name" --crate-type rlib --emit $emit --edition "$edition" \
        -C opt-level=3 -C panic=abort ${RUSTFLAGS:-} -L "$work" $externs --out-dir "$work" "$@" \
        "$file"
    externs="$externs --extern $name=$work/lib$name.$kind"
}

# compile NAME VERSION OPTIONS...: a library of the crate, once; nothing where there is no such
# crate: older and newer versions of the others need not the same ones.
compile() {
    directory=$(find_crate "$1" "$2")
    name=$(echo "$1" | tr - _)
    shift 2
    [ -n "$directory" ] && [ ! -e "$work/lib$name.$kind" ] || return 0
    edition=$(edition_of "$directory")
    library "$name" "${edition:-2015}" "$directory/src/lib.rs" --cap-lints allow "$@"
}

make_chan() {
    need crossbeam-channel crossbeam-utils
    compile cfg-if 1.
    compile crossbeam-utils 0. --cfg 'feature="std"'
    compile crossbeam-channel 0. --cfg 'feature="std"'
    CHAN_RUST_VERSIONS="$(basename "$(find_crate crossbeam-channel 0.)"), $($rustc --version)"
    export CHAN_RUST_VERSIONS
    library chan_rust 2018 "$source/chan_rust/lib.rs"
}

make_pool() {
    need rayon rayon-core crossbeam-channel
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
    library num_cpus 2018 "$work/num_cpus.rs"
    compile rayon-core 1.
    compile rayon 1.
    library pool_rust 2018 "$source/pool_rust/lib.rs"
}

make_loop() {
    need tokio mio libc socket2 log bytes memchr pin-project-lite
    compile cfg-if 1.
    # Conditions that their build scripts find out; true since Rust 1.62 (tokio's since 1.63).
    compile libc 0. --cfg 'feature="std"' --cfg freebsd11 --cfg libc_priv_mod_use \
        --cfg libc_union --cfg libc_const_size_of --cfg libc_align --cfg libc_int128 \
        --cfg libc_core_cvoid --cfg libc_packedN --cfg libc_cfg_target_vendor \
        --cfg libc_non_exhaustive --cfg libc_ptr_addr_of --cfg libc_underscore_const_names \
        --cfg libc_const_extern_fn
    compile log 0. --cfg atomic_cas --cfg has_atomics
    compile pin-project-lite 0.
    compile bytes 1. --cfg 'feature="std"'
    compile memchr 2. --cfg 'feature="std"'
    compile mio 0. --cfg 'feature="os-poll"' --cfg 'feature="os-ext"' --cfg 'feature="net"'
    compile socket2 0. --cfg 'feature="all"'
    compile tokio 1. --cfg 'feature="rt"' --cfg 'feature="net"' --cfg 'feature="time"' \
        --cfg 'feature="sync"' --cfg 'feature="io-util"' --cfg 'feature="libc"' \
        --cfg 'feature="mio"' --cfg 'feature="socket2"' --cfg 'feature="bytes"' \
        --cfg 'feature="memchr"'
    LOOP_TOKIO_VERSION=$(basename "$(find_crate tokio 1.)")
    export LOOP_TOKIO_VERSION
    library loop_tokio 2018 "$source/loop_tokio/lib.rs"
}

for part; do
    case $part in
    chan) make_chan ;;
    pool) make_pool ;;
    loop) make_loop ;;
    *)
        echo "no such part: $part" >&2
        exit 2
        ;;
    esac
    echo "pub extern crate $name;"
done >"$work/all.rs"
[ "$output" != - ] || exit 0
# shellcheck disable=SC2086
$rustc --crate-name all --crate-type staticlib --edition 2018 -C opt-level=3 -C panic=abort \
    ${RUSTFLAGS:-} -L "$work" $externs -o "$output" "$work/all.rs"
