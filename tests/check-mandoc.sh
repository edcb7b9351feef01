#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# mandoc finds nothing to say about the manual pages.
. "${srcdir:-.}/build-aux/check.sh"

have "${MANDOC:-none}" || skip_all "no mandoc: the manual pages are not linted"
for page in "$srcdir"/doc/man/*.[13]; do
    # Left out: a reference to a page that is not installed yet; the house's own order of sections.
    "$MANDOC" -Tlint -W warning "$page" 2>&1 | grep -v 'referenced manual not found\|out of conventional order: Sh SEE ALSO' >"$work/said"
    if [ -s "$work/said" ]; then
        fail "$(basename "$page")"
        sed 's/^/    /' "$work/said"
    else
        pass
    fi
    # The sections that a page must have, in order; a command's has others.
    case $page in *.1) continue ;; esac
    sed -n 's/^\.Sh //p' "$page" | tr -d '"' >"$work/sections"
    printf '%s\n' NAME SYNOPSIS DESCRIPTION "PROGRESS AND ORDERING" "RETURN VALUES" EXAMPLES \
        CAVEATS "SEE ALSO" REFERENCES >"$work/wanted"
    grep -xF -f "$work/wanted" "$work/sections" >"$work/has"
    if diff "$work/wanted" "$work/has" >"$work/said"; then
        pass
    else
        fail "$(basename "$page"): its sections (>) are not the wanted ones (<), in their order"
        sed 's/^/    /' "$work/said"
    fi
done
finish
