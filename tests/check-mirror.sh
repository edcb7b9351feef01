#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# One name finds everything: each structure's header has its test, misuse, stress,
# benchmark, manual page and example of the same name, and the reverse.
. "${srcdir:-.}/build-aux/check.sh"

cd "$srcdir" || exit 99

# Headers without the whole set, what they lack, and why.
excused() {
    case $1 in
    base) echo "all: attributes, version and errors: nothing for two threads to do" ;;
    atomic) echo "all: the language's atomics by another name; each structure stresses them" ;;
    clock) echo "all: a clock and saturating sums; nothing shared" ;;
    cpus) echo "all: reads what the kernel says; a number is all that is shared" ;;
    blocking) echo "bench: it waits for the system, which decides how long; tests/blocking.c counts threads and wake-ups" ;;
    timer | poll) echo "bench: rows loop/timer and loop/fd of bench/loop.c" ;;
    stream) echo "bench model: the loop's thread alone: row loop/echo of bench/loop.c" ;;
    datagram) echo "bench model: the loop's thread alone: what a datagram costs is the kernel's" ;;
    terminal) echo "bench stress model: system calls; nothing shared" ;;
    signal) echo "bench stress model: its handler is a walk over a list that grows, and weir_async_send(), which tests/model/loop.c and stress/loop.c have" ;;
    child) echo "bench stress model: the loop's thread alone, and the kernel" ;;
    offload) echo "bench: row loop/offload of bench/loop.c" ;;
    resolve) echo "bench stress model: what threads do is an offload, which stress/offload.c and tests/model/offload.c have; stress/dial.c has its look-ups" ;;
    dial) echo "bench model: the loop's thread alone, the kernel, and others' name servers" ;;
    file) echo "model: one exchange between the loop and a thread; the way there and back is that of tests/model/offload.c" ;;
    graph) echo "bench: its nodes are the pool's jobs: pool/graph of bench/pool.c" ;;
    job) echo "all: the node that pools queue; tests/pool.c and tests/blocking.c run them" ;;
    parallel) echo "all: loops made of the pool's spawn and join, with no atomic of their own; bench/pool.c measures them" ;;
    observe) echo "all: a tool beside the structures; tests/observe.c shows what it does" ;;
    fence) echo "all: what the kernel offers; the structures that use it stress it" ;;
    reclaim) echo "all: what epoch, interval, hazard and guard have in common; they are its faces" ;;
    stack_guard) echo "in stack: the third of its types" ;;
    check) echo "all: a tool beside the structures; tests/check.c shows what it finds" ;;
    step) echo "all: a tool beside the structures; tests/step.c shows what it finds" ;;
    ring) echo "all: arithmetic on plain values; each ring stresses it" ;;
    esac
}

# Sources that are no structure's, and what they are.
instruments="
tests/mixed-c.c tests/mixed-cxx.cc   one object shared by a C and a C++ file
tests/atomic_cxx.cc                  the C++ half of tests/atomic.c
tests/park.c                         lib/park_futex.c, on kernels that refuse
tests/park_pthread.c                 lib/park_pthread.c, which other systems use
tests/chan_cancel.c tests/chan_close.c tests/chan_go.c tests/chan_life.c tests/chan_product.c   parts of tests/chan.c, each a program
tests/select_meet.c tests/select_random.c   parts of tests/select.c, each a program
tests/broadcast_waits.c tests/cancel_tree.c tests/future_orders.c tests/blocking_stop.c tests/graph_inside.c tests/loop_phases.c tests/loop_run.c tests/loop_watch.c tests/loop_post.c tests/loop_fork.c tests/loop_async.c tests/loop_embed.c tests/poll_many.c tests/timer_random.c tests/timer_repeat.c tests/stream_accept.c tests/stream_close.c tests/stream_end.c tests/stream_file.c tests/stream_listener.c tests/stream_queue.c tests/stream_read.c tests/stream_storm.c tests/stream_write.c tests/datagram_error.c tests/datagram_peer.c tests/datagram_send.c tests/offload_ends.c tests/file_cancel.c tests/file_ends.c tests/file_kernel.c tests/observe_file.c tests/parallel_sum.c tests/pool_join.c tests/pool_life.c tests/pool_short.c tests/pool_workers.c tests/sem_barrier.c tests/sem_latch.c tests/sem_product.c   parts of tests/broadcast.c, tests/cancel.c, tests/future.c, tests/blocking.c, tests/graph.c, tests/loop.c, tests/poll.c, tests/timer.c, tests/stream.c, tests/datagram.c, tests/offload.c, tests/file.c, tests/observe.c, tests/parallel.c, tests/pool.c and tests/sem.c, each a program
tests/dial_ends.c tests/dial_order.c tests/dial_trouble.c   parts of tests/dial.c, each a program
tests/cpus_groups.c                  a part of tests/cpus.c, a program
tests/wheel.c                        lib/wheel.c, on which timers stand
tests/small_stack.c                  how much stack each operation uses
tests/paths.c                        each hot path, alone in a function: for the listings and costs
tests/costs.c tests/costs_chan.c tests/costs_pool.c tests/costs_queues.c tests/costs_reclaim.c tests/costs_waits.c tests/costs_words.c   what operations cost
tests/model/chan_pair.c              tests/model/chan.c, with fences that the kernel makes
tests/model/loop_watch.c              a part of tests/model/loop.c, alone
tests/model/pool_crew.c tests/model/pool_inject.c tests/model/pool_join.c tests/model/pool_wake.c   parts of tests/model/pool.c, each alone
stress/selftest.c                    shows that the stress body can fail
tests/check_assembly.c tests/check_findings.c tests/check_promises.c tests/check_searches.c tests/check_systems.c tests/check_waits.c   parts of tests/check.c
tests/litmus.c tests/litmus_brute.c tests/litmus_rows.c tests/litmus_random.c tests/litmus_text.c   the checker against brute force
tests/bugs.c tests/bugs_locks.c tests/bugs_orders.c tests/bugs_queues.c tests/bugs_reclaim.c tests/bugs_stacks.c tests/bugs_waits.c   published bugs, which the checker finds
bench/step.c bench/step_sweep.c      the step harness on the peers
bench/main.c bench/driver.c bench/machine.c bench/table.c bench/program.c bench/shim.cc   weir-bench
bench/pool_sim.c bench/pool_sim_crew.c bench/pool_sim_work.c   simulates a pool on more processors than there are
bench/loop_run.c bench/loop_timer.c bench/loop_net.c bench/loop_file.c   the loops' work: bench/peers/loop_* are its faces
bench/pool_run.c                     the pools' work: bench/pool.c and bench/peers/pool_* are its faces
"

# Which instruments there are yet.
has_arm64() { [ ! -e .ci/run ] || grep -q 'aarch64-linux-gnu' .ci/run; }

awaiting=0
await() {
    awaiting=$((awaiting + 1))
    waits="$waits $1"
}

# there KIND HEADER PATTERN...: one of the files exists, or is excused.
there() {
    kind=$1 header=$2
    shift 2
    for file; do
        [ ! -e "$file" ] || {
            pass
            return
        }
    done
    kinds=$(excused "$header")
    case " ${kinds%%:*} " in
    *" $kind "*) ;;
    *) fail "include/weir/$header.h has no $1" ;;
    esac
}

structures=
for header in $(headers); do
    reason=$(excused "$header")
    case $reason in
    in\ *) # the files of another header's set speak of this one
        set=${reason%%:*} set=${set#in }
        for file in lib/"$set".c tests/"$set".c stress/"$set".c bench/"$set".c doc/man/weir_"$set".3; do
            if grep -q "weir/$header\.h" "$file"; then pass; else fail "$file does not know weir/$header.h"; fi
        done
        echo "excused: $header ($reason)"
        continue
        ;;
    all:*)
        echo "excused: $header ($reason)"
        there test "$header" "tests/$header.c"
        continue
        ;;
    ?*) echo "excused: $header ($reason)" ;;
    esac
    structures="$structures $header"
    there test "$header" "tests/$header.c"
    there nocompile "$header" tests/nocompile/"$header"-*.c
    there stress "$header" "stress/$header.c"
    there bench "$header" "bench/$header.c"
    there manual "$header" "doc/man/weir_$header.3"
    there example "$header" "doc/examples/$header.c" $(grep -l "weir/$header\.h" doc/examples/*.c 2>/dev/null)
    if grep -q "weir/$header\.h" tests/mixed.h; then pass; else fail "tests/mixed.h leaves out weir/$header.h"; fi
    if grep -q "^- .*\b$header\b.*:" CHANGES; then pass; else fail "CHANGES does not name $header"; fi
done

# There is a model client for each structure.
for header in $structures; do there model "$header" tests/model/"$header".c; done
waits=
if ! has_arm64; then
    for header in $structures; do await "$header"; done
    echo "awaiting: runs on ARM64:$waits"
fi

# The reverse: a source without a header of its name.
for file in lib/*.c tests/*.c tests/*.cc stress/*.c bench/*.c bench/*.cc doc/man/weir_*.3; do
    [ -e "$file" ] || continue
    name=$(basename "$file")
    name=${name%.*}
    name=${name#weir_}
    case $name in step-*) name=${name#step-} ;; esac
    case "$instruments" in
    *[[:space:]]"$file"[[:space:]]*)
        pass
        continue
        ;;
    esac
    case $file in stress/step-*) # the step sweeps: by structure, or of several
        pass
        continue
        ;;
    esac
    if [ -e "include/weir/$name.h" ]; then
        pass
    elif [ "${file%%/*}" = lib ] && { [ -e "include/weir/${name%_*}.h" ] || [ -e "lib/${name%_*}.h" ]; }; then
        pass # lib/reclaim_wait.c: a part of reclaim.h; lib/park_futex.c: a platform's file of park.h
    else
        fail "$file belongs to no header include/weir/$name.h"
    fi
done

echo "$(echo $structures | wc -w) structures:$structures; $awaiting awaiting"
finish
