// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

// bench/peers/object.h: a C++ object in memory that a benchmark never gives back.

#ifndef WEIR_BENCH_PEERS_OBJECT_H
#define WEIR_BENCH_PEERS_OBJECT_H

#include "../bench.h"

#include <new>
#include <utility>

template <typename T, typename... Arguments> T *bench_new(Arguments &&...arguments)
{
    return new (bench_alloc(sizeof(T))) T(std::forward<Arguments>(arguments)...);
}

#endif
