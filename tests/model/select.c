/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/select.c: weir/select.h in the model checker. The letters are in tests/model/chan.h.
 */

#include "chan.h"

static const chan_case cases[] = {
    /* Who was woken by one channel, and takes from another, wakes who waits there. */
    {.chans = "11", .does = {"", "[-b-a]", "raRa+a+b"}, AT_RANDOM},
    {.chans = "11", .does = {"", "[-b-a]", "raRa+a+b"}, OFTEN},
    {.chans = "11", .does = {"RaRb", "[-a-b]", "+a+b+b"}, AT_RANDOM},
    {.chans = "11", .does = {"RaRb", "[-a-b]", "+a+b+b"}, OFTEN},
    {.chans = "10", .does = {"", "[-b-a]", "raRa+a?+b"}, AT_RANDOM},
    {.chans = "10", .does = {"", "[-b-a]", "raRa+a?+b"}, OFTEN},
    {.chans = "11", .does = {"+a+b", "[+b+a]", "saSa-a-b"}, AT_RANDOM},
    {.chans = "11", .does = {"+a+b", "[+b+a]", "saSa-a-b"}, OFTEN},
    {.chans = "11", .does = {"", "@[-b-a]", "raRa+a"}, AT_RANDOM},
    {.chans = "11", .does = {"", "@[-b-a]", "raRa+a"}, OFTEN},
    {.chans = "1", .does = {"", "@-a", "raRa+a"}, AT_RANDOM},
    {.chans = "1", .does = {"", "@-a", "raRa+a"}, OFTEN},
    {.chans = "1", .does = {"", "!-a", "raRa+a", "k"}, AT_RANDOM},
    {.chans = "1", .does = {"", "!-a", "raRa+a", "k"}, OFTEN},
    {.chans = "2", .does = {"", "-a", "+araRa+a"}, RARELY},
    {.chans = "2", .does = {"", "-a", "+araRa+a"}, OFTEN},
    {.chans = "p1", .does = {"", "[-b-a]", "raRa+a+b"}, AT_RANDOM},
    {.chans = "p1", .does = {"", "[-b-a]", "raRa+a+b"}, OFTEN},
    /* Select and select in a rendezvous. */
    {.chans = "0", .does = {"", "[+a]", "[-a]"}, AT_RANDOM},
    {.chans = "0", .does = {"", "[+a]", "[-a]"}, OFTEN},
    {.chans = "00", .does = {"", "[+a-b]", "[-a+b]"}, AT_RANDOM},
    {.chans = "00", .does = {"", "[+a-b]", "[-a+b]"}, OFTEN},
    {.chans = "00", .does = {"", "[+a-b]", "[+b-a]"}, AT_RANDOM},
    {.chans = "00", .does = {"", "[+a-b]", "[+b-a]"}, OFTEN},
    {.chans = "00", .does = {"", "[-a-b]", "[+b+a]"}, AT_RANDOM},
    {.chans = "00", .does = {"", "[-a-b]", "[+b+a]"}, OFTEN},
    {.chans = "00", .does = {"", "[-a-b]", "[+a+b]"}, AT_RANDOM},
    {.chans = "00", .does = {"", "[-a-b]", "[+a+b]"}, OFTEN},
    {.chans = "00", .does = {"", "@[+a-b]", "@[-a+b]"}, AT_RANDOM},
    {.chans = "00", .does = {"", "@[+a-b]", "@[-a+b]"}, OFTEN},
    {.chans = "00", .does = {"Sb", "[+a-b]", "?[-a+b]"}},
    {.chans = "00", .does = {"RaRb", "[+a+b]", "[+b+a]"}},
    {.chans = "00", .does = {"RaSb", "?[+a-b]", "?[-b+a]"}},
    {.chans = "00", .does = {"", "@[+a-b]", "?-a?+b"}, AT_RANDOM},
    {.chans = "00", .does = {"", "@[+a-b]", "?-a?+b"}, OFTEN},
    /* Who has found a partner is nobody else's. */
    {.chans = "00", .does = {"", "[+a-b]", "Sb?-a"}, AT_RANDOM},
    {.chans = "00", .does = {"", "[+a-b]", "Sb?-a"}, .deep = true},
    /* A channel in two arms. */
    {.chans = "0", .does = {"", "[-a-a]", "+a"}, AT_RANDOM},
    {.chans = "0", .does = {"", "[-a-a]", "+a"}, OFTEN},
    {.chans = "0", .does = {"", "[+a-a]", "-a"}, AT_RANDOM},
    {.chans = "0", .does = {"", "[+a-a]", "-a"}, OFTEN},
    {.chans = "0", .does = {"", "[-a+a]", "[-a+a]"}, AT_RANDOM},
    {.chans = "0", .does = {"", "[-a+a]", "[-a+a]"}, OFTEN},
    {.chans = "0", .does = {"", "[+a-a]", "[+a-a]"}, AT_RANDOM},
    {.chans = "0", .does = {"", "[+a-a]", "[+a-a]"}, OFTEN},
    {.chans = "0", .does = {"", "[-a+a]", "[+a-a]"}, AT_RANDOM},
    {.chans = "0", .does = {"", "[-a+a]", "[+a-a]"}, OFTEN},
    {.chans = "0", .does = {"", "@[+a-a]"}},
    {.chans = "0", .does = {"", "@[+a-a]", "?+a?-a"}, AT_RANDOM},
    {.chans = "0", .does = {"", "@[+a-a]", "?+a?-a"}, OFTEN},
    {.chans = "1", .does = {"", "[-a-a]", "+a"}, AT_RANDOM},
    {.chans = "1", .does = {"", "[-a-a]", "+a"}, OFTEN},
    {.chans = "1", .does = {"", "[-a-a]", "raRa+a"}, AT_RANDOM},
    {.chans = "1", .does = {"", "[-a-a]", "raRa+a"}, OFTEN},
    {.chans = "1", .does = {"", "[-a+a]-a"}},
    {.chans = "f", .does = {"", "[-a+a]-a"}},
    /* With and without a lock. */
    {.chans = "01", .does = {"", "[-a-b]", "+b"}},
    {.chans = "01", .does = {"", "[-a-b]", "+a"}, AT_RANDOM},
    {.chans = "01", .does = {"", "[-a-b]", "+a"}, OFTEN},
    {.chans = "01", .does = {"", "@[-a-b]", "?+a?+b"}, AT_RANDOM},
    {.chans = "01", .does = {"", "@[-a-b]", "?+a?+b"}, OFTEN},
    {.chans = "01", .does = {"", "[-a-b]", "[+a+b]"}, AT_RANDOM},
    {.chans = "01", .does = {"", "[-a-b]", "[+a+b]"}, OFTEN},
    {.chans = "01", .does = {"Sa", "[-a-b]", "@[+b-a]"}, AT_RANDOM},
    {.chans = "01", .does = {"Sa", "[-a-b]", "@[+b-a]"}, OFTEN},
    {.chans = "0f", .does = {"", "[-a-b]", "?+a+b"}, AT_RANDOM},
    {.chans = "0f", .does = {"", "[-a-b]", "?+a+b"}, OFTEN},
    /* A value that came while the select looked elsewhere goes before the next one. */
    {.chans = "F1", .does = {"", "[-a-b]", "ra+a+a"}, AT_RANDOM},
    {.chans = "F1", .does = {"", "[-a-b]", "ra+a+a"}, OFTEN},
    {.chans = "1f", .does = {"+a+b", "[+a+b]", "?-a-b"}, AT_RANDOM},
    {.chans = "1f", .does = {"+a+b", "[+a+b]", "?-a-b"}, OFTEN},
    {.chans = "0u", .does = {"", "[-a-b]", "+b"}, AT_RANDOM},
    {.chans = "0u", .does = {"", "[-a-b]", "+b"}, OFTEN},
    {.chans = "0p", .does = {"", "[-a-b]", "+b"}},
    {.chans = "p1", .does = {"", "[-a-b]", "+a"}},
    /* Too late, at the last moment. */
    {.chans = "00", .does = {"", "@[-a-b]", "?+a?+b"}, AT_RANDOM},
    {.chans = "00", .does = {"", "@[-a-b]", "?+a?+b"}, OFTEN},
    {.chans = "01", .does = {"Sa", "0[-a-b]"}},
    {.chans = "00", .does = {"", "![-a-b]", "k", "?+b"}, AT_RANDOM},
    {.chans = "00", .does = {"", "![-a-b]", "k", "?+b"}, OFTEN},
    {.chans = "11", .does = {"", "![-a-b]", "k", "+b"}, AT_RANDOM},
    {.chans = "11", .does = {"", "![-a-b]", "k", "+b"}, OFTEN},
    /* Closed. */
    {.chans = "00", .does = {"", "[-a-b]", "xb"}, AT_RANDOM},
    {.chans = "00", .does = {"", "[-a-b]", "xb"}, OFTEN},
    {.chans = "01", .does = {"", "[-a-b]", "xb"}, AT_RANDOM},
    {.chans = "01", .does = {"", "[-a-b]", "xb"}, OFTEN},
    {.chans = "01", .does = {"", "[-a-b]", "xa"}, AT_RANDOM},
    {.chans = "01", .does = {"", "[-a-b]", "xa"}, OFTEN},
    {.chans = "00", .does = {"Rb", "[-a+b]", "xb"}, AT_RANDOM},
    {.chans = "00", .does = {"Rb", "[-a+b]", "xb"}, OFTEN},
    {.chans = "00", .does = {"", "[-a+b]", "[+a-b]", "xa"}, AT_RANDOM},
    {.chans = "00", .does = {"", "[-a+b]", "[+a-b]", "xa"}, OFTEN},
    {.chans = "0", .does = {"", "[-a+a]", "xa"}, AT_RANDOM},
    {.chans = "0", .does = {"", "[-a+a]", "xa"}, OFTEN},
    /* No try_ waits for one who stands still. */
    {.chans = "00", .does = {"RaSb", "?[+a-b]", "?[-b+a]"}, FROZEN(1)},
    {.chans = "01", .does = {"Sb", "?[-b-a]", "?[+a-b]"}, FROZEN(1)},
    {.chans = "00", .does = {"", "@[-a-b]", "?+b"}, FROZEN(1), .deep = true},
    {.chans = "00", .does = {"", "@[-a-b]", "?[+b+a]"}, FROZEN(1), RARELY, .deep = true},
    {.chans = "11", .does = {"", "@[-a-b]", "?[+b+a]"}, FROZEN(1), .deep = true},
};

int main(int argc, char **argv)
{
    return chan_main("select", cases, sizeof cases / sizeof cases[0], argc, argv);
}
