/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

// The C++ half of tests/mixed.h.

#include "mixed.h"

const mixed_face mixed_cxx = MIXED_FACE("C++");
