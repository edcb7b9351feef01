/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Elements are copied as bytes: what owns something travels as a pointer.
 * expect: trivially copyable */

#include <weir/spsc.h>

#include <string>

#ifdef MISUSE
WEIR_SPSC_DEFINE(name_queue, std::string);
#else
WEIR_SPSC_DEFINE(name_queue, std::string *);
#endif
