/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/select.h under the step harness: weir_select_try() and the try_ operations wait for no
 * thread that is stopped inside a select, whatever channels that one stands in. */

#include "step-chan.h"

static const line lines[] = {
    {"select_try", "00", "", "?[+a-b]", {"?-a?+b", NULL}},
    {"select_try", "00", "", "?[+a-b]", {"?[-a+b]", NULL}},
    {"select_try", "00", "RaSb", "?[+a-b]", {"?[-b+a]", NULL}},
    {"select_try", "00", "RaSb", "?[+a-b]", {"?+a", "?-b"}},
    {"select_try", "01", "Ra", "?[-b+a]", {"?[+a+b]", NULL}},
    {"select_try", "11", "", "?[-a-b]", {"?+a?+b", NULL}},
    {"select_try", "11", "?+a", "?[-a+b]", {"?[-a-b]", "?+b"}},
    {"select_try", "1w", "Rb", "?[-a+b]", {"?+a?-b", NULL}},
    {"select_try", "uf", "", "?[-a-b]", {"?+a?+b", NULL}},
    {"select_try", "11", "", "?[-a-b]", {"xa", "?+b"}},
    {"select", "00", "", "@[+a-b]", {"?-a?+b", NULL}},
    {"select", "00", "", "@[+a-b]", {"?+b", "?-a"}},
    {"select", "00", "", "@[-a-b]", {"?+b", "?+a"}},
    {"select", "00", "", "@[-a-b]", {"?[+b+a]", NULL}},
    {"select", "00", "", "@[-a-b]", {"?[+b+a]", "?[+a+b]"}},
    {"select", "0", "", "@[-a+a]", {"?+a?-a", NULL}},
    {"select", "0", "", "@[-a+a]", {"?[-a+a]", "?-a"}},
    {"select", "0", "", "@[-a-a]", {"?+a?+a", NULL}},
    {"select", "01", "", "@[-a-b]", {"?+b?+a", NULL}},
    {"select", "01", "", "@[-a-b]", {"?+b", "?+a"}},
    {"select", "01", "", "@[-b-a]", {"?[+a+b]", "?[+b+a]"}},
    {"select", "01", "", "@[-a-b]", {"xb", "?+a"}},
    {"select", "01", "Rb", "@[-a-b]", {"?+b?+b", NULL}},
    {"select", "11", "", "@[-b-a]", {"?+a?+b", NULL}},
    {"select", "11", "?+a?+b", "@[+b+a]", {"?-a?-b", NULL}},
    {"select", "11", "?+a?+bSa", "@[+b+a]", {"?-a?-b", NULL}},
    {"select", "1f", "", "@[-b-a]", {"?+a?+b", NULL}},
    {"select", "1f", "?+a?+b", "@[+b+a]", {"?-a", "?-b"}},
    {"select", "u0", "", "@[-b-a]", {"?+a?+b", NULL}},
    {"select", "0f", "?+b", "@[-a+b]", {"?[-b+a]", "?+a"}},
    {"select", "1p", "", "@[-a-b]", {"?+b?+a", NULL}},
    {"select", "w0", "", "@[-a-b]", {"?+b?+a", "?-a"}},
};

int main(void)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    use_blocks();
    weir_step_begin("step-select");
    weir_backoff_wait(&backoff); /* its first call measures */
    weir_step_thin(101);
    for (size_t i = 0; i < COUNT(lines); i++)
        sweep(&lines[i]);
    return weir_step_end();
}
