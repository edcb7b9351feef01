/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A wait may end without what was waited for: a deadline, or -EDEADLK.
 * expect: unused-result
 * expect: warn_unused_result */

#include <weir/hazard.h>

int misuse(weir_hazard *domain, const void *object);

int misuse(weir_hazard *domain, const void *object)
{
#ifdef MISUSE
    weir_hazard_synchronize(domain, object, WEIR_FOREVER);
    return 0;
#else
    return weir_hazard_synchronize(domain, object, WEIR_FOREVER);
#endif
}
