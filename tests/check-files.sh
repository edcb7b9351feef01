#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# Each file of the tree is in Makefile.am, and so in the release; and the version
# is the same everywhere.
. "${srcdir:-.}/build-aux/check.sh"

cd "$srcdir" || exit 99

# About the checkout alone, or made by autotools.
exempt=" .gitignore .gitattributes Makefile.am configure.ac "

files() {
    if [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$(pwd -P)" ]; then
        git ls-files -co --exclude-standard
    else # a release, whose files came from Makefile.am: the suffixes of sources
        find include lib tests stress bench doc cmake m4 -type f \
            \( -name '*.[ch]' -o -name '*.cc' -o -name '*.sh' -o -name '*.3' -o -name '*.md' \
            -o -name '*.in' -o -name 'weir*.m4' \)
    fi
}

listed=" $(sed 's/#.*//; s/\\$//; s/\$(EXEEXT)//' Makefile.am | tr '=\t\n' '   ') "

is_listed() {
    case $listed in *" $1 "*) return 0 ;; esac
    # A program without _SOURCES is made from the .c file of its name.
    case $1 in *.c) case $listed in *" ${1%.c} "*) return 0 ;; esac ;; esac
    # What configure makes is distributed by configure.ac.
    case $1 in *.pc.in) grep -q "${1%.in}" configure.ac && return 0 ;; esac
    case $1 in m4/*.m4) return 0 ;; esac # automake follows aclocal
    return 1
}

if is_listed tests/no-such-file.c; then
    echo "self-test: a file that does not exist counts as listed"
    exit 1
fi
files >"$work/files"
while read -r file; do
    case $exempt in *" $file "*) continue ;; esac
    [ -e "$file" ] || continue
    if is_listed "$file"; then
        pass
    else
        fail "$file is not in Makefile.am"
    fi
done <"$work/files"

version=$(sed -n 's/^AC_INIT(\[weir\], \[\([^]]*\)\].*/\1/p' configure.ac)
number() { sed -n "s/^#define WEIR_VERSION_$1 *//p" include/weir/base.h; }
if [ "$version" = "$(number MAJOR).$(number MINOR).$(number PATCH)" ]; then
    pass
else
    fail "configure.ac says version $version, base.h $(number MAJOR).$(number MINOR).$(number PATCH)"
fi
if grep -q "^weir $version" CHANGES; then pass; else fail "CHANGES has no section \`weir $version'"; fi
finish
