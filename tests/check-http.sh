#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# doc/examples/http_files serves a directory: to curl, to clients that misbehave, to a load, to
# a browser; as far as these are there.
. "${srcdir:-.}/build-aux/check.sh"

: "${HAVE_HTTP_PARSER:=yes}"
[ "$HAVE_HTTP_PARSER" = yes ] ||
    skip_all "no http_parser (libhttp-parser-dev): doc/examples/http_files is not built"
[ "$RUNS" = yes ] || skip_all "no emulator: doc/examples/http_files does not run"
program=$builddir/doc/examples/http_files
[ -x "$program" ] || {
    fail "$program is not there"
    finish
}

pid=
trap '[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null; chmod -R u+w "$work"; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# ---- what is served ----

root=$work/root
mkdir -p "$root/sub"
echo secret >"$work/secret"
echo secret >"$root/.hidden"
ln -s ../secret "$root/link"
ln -s . "$root/loop"
mkfifo "$root/fifo"
! have "${PYTHON:-none}" || "$PYTHON" -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$root/socket" || : # the path may be too long
i=0
while [ $i -lt 10 ]; do
    echo $i >"$root/n$i"
    i=$((i + 1))
done
seq 1 50000 >"$root/numbers.txt"
head -c 25165824 /dev/zero >"$root/big"
: >"$root/empty"
echo 'spaced' >"$root/two words.txt"
echo '<p>below</p>' >"$root/sub/index.html"
cat >"$root/index.html" <<'END'
<!DOCTYPE html>
<html><head><link rel="stylesheet" href="style.css"><script src="page.js" defer></script></head>
<body><p id="said">nothing yet</p><img id="picture" src="picture.svg" alt=""></body></html>
END
echo '#said { width: 123px; }' >"$root/style.css"
echo '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="5"></svg>' >"$root/picture.svg"
echo '{"word": "weir"}' >"$root/data.json"
cat >"$root/page.js" <<'END'
window.addEventListener("load", () => {
    const picture = document.getElementById("picture"), said = document.getElementById("said");
    fetch("data.json").then((answer) => answer.json()).then((data) => {
        said.textContent = data.word + ": picture " + picture.naturalWidth + "x" +
            picture.naturalHeight + ", " + getComputedStyle(said).width;
    });
});
END

# begin OPTIONS...: $pid and $url.
begin() {
    rm -f "$work/url"
    # shellcheck disable=SC2086
    $EMULATOR "$program" "$@" "$root" >"$work/url" 2>"$work/errors" &
    pid=$!
    while ! grep -q / "$work/url" 2>/dev/null; do
        kill -0 "$pid" 2>/dev/null || {
            fail "http_files $* does not begin: $(cat "$work/errors")"
            finish
        }
        sleep 0.05
    done
    url=$(cat "$work/url")
    port=${url##*:} port=${port%/}
}

end() {
    kill -TERM "$pid" 2>/dev/null # or it has been told already
    wait "$pid"
    expect "http_files ends with 0 after SIGTERM" [ $? -eq 0 ]
    expect "http_files has nothing to say" [ ! -s "$work/errors" ]
    pid=
}

# ---- curl ----

# wants STATUS PATH OPTIONS...: the answer is in $work/got, its head in $work/head.
wants() {
    want=$1 path=$2
    shift 2
    : >"$work/got"
    code=$(curl -sS --max-time 60 --path-as-is -o "$work/got" -D "$work/head" -w '%{http_code}' "$@" \
        "$url$path" 2>&1)
    expect "/$path: $code, not $want" [ "$code" = "$want" ]
}
says() { expect "the head says $1" grep -qi "^$1" "$work/head"; }
is_file() { expect "$1 comes whole" cmp "$work/got" "$root/$1"; }

by_curl() {
    for file in numbers.txt big n1 page.js; do
        wants 200 $file
        is_file $file
    done
    says 'content-type: text/javascript'
    says 'date: [A-Z][a-z][a-z], [0-9][0-9] '
    wants 200 ''
    is_file index.html
    says 'content-type: text/html'
    wants 200 'two%20words.txt?query'
    is_file 'two words.txt'
    wants 200 empty
    says 'content-length: 0'
    wants 301 sub
    says 'location: /sub/'
    wants 200 sub/
    wants 200 sub --location
    is_file sub/index.html

    wants 200 numbers.txt --head
    says "content-length: $(wc -c <"$root/numbers.txt")"
    expect "HEAD has no content" grep -q '^HTTP' "$work/got"
    since=$(sed -n 's/^Last-Modified: //p' "$work/head" | tr -d '\r')
    wants 304 numbers.txt -H "If-Modified-Since: $since"
    expect "304 has no content" [ ! -s "$work/got" ]
    wants 200 numbers.txt -H "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT"
    wants 200 numbers.txt -H "If-Modified-Since: $since" -H 'If-None-Match: "x"'

    tail -c +101 "$root/numbers.txt" | head -c 100 >"$work/part"
    wants 206 numbers.txt --range 100-199
    expect "a range" cmp "$work/got" "$work/part"
    says "content-range: bytes 100-199/$(wc -c <"$root/numbers.txt")"
    tail -c 100 "$root/numbers.txt" >"$work/part"
    wants 206 numbers.txt --range -100
    expect "a range at the end" cmp "$work/got" "$work/part"
    wants 206 numbers.txt --range 0-99999999999999999999999
    is_file numbers.txt
    wants 416 numbers.txt --range 99999999-
    says 'content-range: bytes \*/'
    wants 200 numbers.txt --range 1-2,5-6
    is_file numbers.txt
    wants 200 numbers.txt --range 5-2
    wants 200 numbers.txt --range 1-2 -H 'If-Range: another'
    wants 206 numbers.txt --range 1-2 -H "If-Range: $since"

    wants 200 n1 -H 'Connection: Upgrade' -H 'Upgrade: h2c'
    is_file n1

    wants 404 nothing
    wants 404 numbers.txt/
    wants 404 sub/nothing
    wants 403 fifo
    [ ! -S "$root/socket" ] || wants 403 socket
    wants 405 numbers.txt --data x
    says 'allow: GET, HEAD'
    # Nothing outside, by no way.
    for way in ../secret ..%2fsecret %2e%2e/secret sub/../../secret sub/..%2f..%2fsecret .hidden \
        /../secret //secret .%2fn1; do
        wants 404 "$way"
        expect "no secret by $way" [ "$(grep -c secret "$work/got")" -eq 0 ]
    done
    for way in link loop; do wants 403 "$way"; done
    wants 404 loop/n1

    curl -sS --max-time 60 -o /dev/null -o /dev/null -o /dev/null -w '%{num_connects}\n' \
        "${url}n1" "${url}nothing" "${url}n2" >"$work/connects" 2>&1
    expect "one connection for three requests" [ "$(tr -d '\n' <"$work/connects")" = 100 ]
}

clients() { # CASE [PID]
    case_=$1
    shift
    expect "clients: $case_" timeout 120 "$PYTHON" "$srcdir/tests/http_clients.py" "$case_" "$port" "$@"
}

# ---- one loop, then two ----

for loops in 1 2; do
    begin -j $loops
    if have curl; then by_curl; else skip "no curl: nothing is fetched by it"; fi
    if have "${PYTHON:-none}"; then
        for case_ in raw pieces pipeline behind flood reset; do clients $case_; done
    else
        skip "no python3: no clients that misbehave"
    fi
    if have wrk; then
        wrk -t1 -c50 -d2s "${url}n1" >"$work/load" 2>&1
        expect "wrk has requests" grep -q '^ *[1-9][0-9]* requests in' "$work/load"
        expect "wrk has no errors" [ "$(grep -c 'Socket errors\|Non-2xx' "$work/load")" -eq 0 ]
        grep 'Requests/sec' "$work/load"
    else
        skip "no wrk: no load"
    fi
    end
done

# ---- a browser ----

browser=
for name in chromium chromium-browser google-chrome; do
    if [ -z "$browser" ] && have $name; then browser=$name; fi
done
if [ -n "$browser" ]; then
    begin
    HOME=$work timeout -s KILL 120 "$browser" --headless --no-sandbox --disable-gpu \
        --user-data-dir="$work/browser" --virtual-time-budget=20000 --dump-dom "$url" \
        >"$work/dom" 2>"$work/said" </dev/null
    expect "$browser shows the page, its style, script, picture, and data" \
        grep 'weir: picture 7x5, 123px' "$work/dom"
    end
else
    skip "no chromium: no browser shows the page"
fi

# ---- patience, a limit, the end ----

if have "${PYTHON:-none}"; then
    begin -t 1
    clients slow
    end
    begin -c 2
    clients limit
    end
    begin
    clients drain "$pid"
    end
fi
finish
