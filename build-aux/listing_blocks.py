# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors

"""From what a disassembler prints to blocks of lines, back from a listing's text, and what
differs between two: for build-aux/listing, which says what the lines mean."""

import collections
import difflib
import re

from listing_machines import STACK, Arm64, Effect, Instruction, X86, meet


class Trouble(Exception):
    """A sentence for the user."""


# ---- from the disassembler's text to blocks ----

def operands_of(text):
    parts, depth, part = [], 0, ""
    for letter in text:
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += letter
    return parts + [part.strip()] if part.strip() else parts


def functions_of(text, machine):
    """{name: [Instruction]} of what `objdump -drw --no-show-raw-insn` prints."""
    found, name, code = {}, None, False
    for line in text.splitlines():
        match = re.match(r"Disassembly of section (\S+):", line)
        if match:
            code = match[1].startswith(".text")
            continue
        match = re.match(r"[0-9a-f]+ <([^>]+)>:$", line)
        if match:
            name = match[1]
            if code:
                found[name] = []
            continue
        match = re.match(r"\s*([0-9a-f]+):\t(.*)$", line)
        if not match or not code or name is None:
            continue
        relocation = re.search(r"\t[0-9a-f]+: (R_\w+)(?:\t| +)(\S+)", match[2])
        body = match[2][:relocation.start()] if relocation else match[2]
        body = re.split(r"\s*//|\s+# ", body)[0].strip()
        if machine is Arm64:
            body = re.sub(r"\s+", " ", body)
            mnemonic, _, rest = body.partition(" ")
        else:
            words = body.split()
            count = 1
            while count < len(words) and words[count - 1] in X86.prefixes:
                count += 1
            mnemonic, rest = " ".join(words[:count]), " ".join(words[count:])
        symbol = None
        if relocation:
            symbol = re.sub(r"[+-]0x[0-9a-f]+$", "", relocation[2])
            symbol = re.sub(r"^\.text\.(unlikely\.)?", "", symbol)
        found[name].append(Instruction(int(match[1], 16), mnemonic, operands_of(rest),
                                       relocation and relocation[1], symbol, name))
    return found


def listed(code, machine):
    """The lines of one function, or of its cold part."""
    if not code:
        return []
    index = {instruction.at: i for i, instruction in enumerate(code)}
    entry = {register: (f"a{i}", 0) for i, register in enumerate(machine.arguments)}
    entry[machine.stack] = (STACK, 0)
    if code[0].own.endswith(".cold"):
        entry = {machine.stack: (STACK, 0)}
    states = {0: entry}
    work = [0]
    while True:  # a forward analysis, block by block
        if not work:  # what only a table of jumps leads to; not the padding
            missed = next((i for i, instruction in enumerate(code)
                           if i not in states and not machine.padding(instruction)), None)
            if missed is None:
                break
            states[missed] = {machine.stack: (STACK, 0)}
            work.append(missed)
        at = work.pop()
        state = dict(states[at])
        while at < len(code):
            effect = machine.run(code[at], state)
            state[machine.stack] = (STACK, 0)
            following = [] if effect.ends else [at + 1]
            if effect.target in index:
                following.append(index[effect.target])
            if len(following) == 1 and following[0] == at + 1 and at + 1 not in states:
                states[at + 1] = dict(state)
                at += 1
                continue
            for to in following:
                if to >= len(code):
                    continue
                if to not in states:
                    states[to] = dict(state)
                    work.append(to)
                    continue
                met = {r: meet(states[to].get(r), state.get(r)) for r in states[to]}
                met = {r: value for r, value in met.items() if value is not None}
                if met != {r: v for r, v in states[to].items() if v is not None}:
                    states[to] = met
                    work.append(to)
            break
    lines, opened, reached = [], None, True
    for i, instruction in enumerate(code):
        effect = machine.run(instruction, dict(states[i])) if i in states else Effect()
        if effect.lines and not reached:
            if lines:
                lines.append("--")
            reached = True
        for line in effect.lines:
            if line.startswith("exclusive"):
                opened = line.split()[-1]
            elif line.startswith("rmw ?"):
                order = ("a" if opened and "ax" in opened else "") + \
                    ("l" if "lx" in line.split()[-1] else "")
                line = f"{'rmw ' + Arm64.orders[order]:<12}" + line[12:]
                opened = None
            lines.append(line)
        if effect.ends:
            reached = False
    return lines


ORDERED = ("acquire", "release", "rmw", "barriers", "syscalls", "libatomic")


def counts_of(lines):
    """An ordered dictionary: what the head of a block says."""
    plural = {"load": "loads", "store": "stores", "barrier": "barriers", "call": "calls",
              "syscall": "syscalls"}
    counts = dict.fromkeys(["loads", "stores", "acquire", "release", "rmw", "barriers", "calls"], 0)
    detail = collections.Counter()
    exclusive = 0
    for line in lines:
        kind, _, rest = line.partition(" ")
        for part in kind.split("+"):
            part = plural.get(part, part)
            if part == "exclusive":
                exclusive += 1
            elif part not in ("--", "prefetch"):
                counts[part] = counts.get(part, 0) + 1
        if kind in ("rmw", "barrier"):
            what = rest.split()
            detail[("rmw", what[0]) if kind == "rmw" else ("barriers", " ".join(what))] += 1
            exclusive -= kind == "rmw" and bool(re.match(r"st.?x", what[-1]))
    if exclusive != 0:  # two loads for one store, or the reverse
        counts["unpaired"] = exclusive
    return counts, detail


def head_of(lines):
    counts, detail = counts_of(lines)
    parts = []
    for key, number in counts.items():
        if number == 0:
            continue
        more = [f"{n} {what}" for (of, what), n in sorted(detail.items()) if of == key]
        parts.append(f"{key} {number}" + (f" ({', '.join(more)})" if more else ""))
    return ", ".join(parts) or "nothing"


def ordered_of(lines):
    """What decides: {what: number}."""
    counts, detail = counts_of(lines)
    found = {key: n for key, n in counts.items() if n and key in ORDERED + ("unpaired",)}
    found.update({f"{of} {what}": n for (of, what), n in detail.items()})
    return found


def callee(line):
    return line.split()[1] if line.startswith("call ") else None


def blocks_of(text, machine, library=None):
    """{name: (lines, cold lines)} for path_* and what is listed with them. `library` finds the
    disassembly in which a function is defined, or none."""
    here = functions_of(text, machine)
    wanted = [(name, here) for name in here
              if name.startswith("path_") and not name.endswith(".cold")]
    blocks = {}
    while wanted:
        name, functions = wanted.pop()
        if name in blocks:
            continue
        lines = listed(functions[name], machine)
        cold = listed(functions.get(name + ".cold", []), machine)
        blocks[name] = (lines, cold)
        if functions is here or len(lines) == 1:
            for called in filter(None, map(callee, lines + cold)):
                if called in functions:
                    wanted.append((called, functions))
                elif called not in blocks and library and (found := library(called)):
                    wanted.append((called, functions_of(found, machine)))
    return dict(sorted(blocks.items(), key=lambda item: (not item[0].startswith("path_"), item[0])))


def text_of(blocks):
    out = []
    for name, (lines, cold) in blocks.items():
        out += ["", f"{name}: {head_of(lines)}"] + ["    " + line for line in lines]
        if cold:
            out += [f"  cold: {head_of(cold)}"] + ["    " + line for line in cold]
    return "\n".join(out) + "\n"


def parse(text, path):
    """(compiler, {name: (lines, cold lines)}) of a listing; one that was written by hand is
    refused."""
    compiler, blocks, heads, name = None, {}, [], None
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"# compiler: (.*?)(?: \(.*\))?$", line)
        if match:
            compiler = match[1]
        elif line.startswith("    ") and name:
            blocks[name][-1].append(line.strip())
        elif line.startswith("  cold: ") and name:
            blocks[name] += ([],)
            heads.append((number, name, 1, line[8:]))
        elif re.match(r"[\w.]+: ", line):
            name, _, head = line.partition(": ")
            blocks[name] = ([],)
            heads.append((number, name, 0, head))
        elif line and not line.startswith("#"):
            raise Trouble(f"{path}:{number}: not a line of a listing: {line}")
    if compiler is None:
        raise Trouble(f"{path}: no line `# compiler:`")
    for number, name, part, head in heads:
        if head_of(blocks[name][part]) != head:
            raise Trouble(f"{path}:{number}: the head of {name} does not count what its lines say; "
                          f"they are: {head_of(blocks[name][part])}")
    return compiler, {name: (parts + ([],))[:2] for name, parts in blocks.items()}


# ---- comparing ----

def part_differences(was, now):
    """Sentences about ordered accesses that became more or fewer."""
    before, after = ordered_of(was), ordered_of(now)
    found = []
    for key in sorted(set(before) | set(after)):
        if key == "rmw" or (key == "barriers"):
            continue  # said by kind
        if before.get(key, 0) != after.get(key, 0):
            found.append(f"{key} {before.get(key, 0)} -> {after.get(key, 0)}")
    return found


def differences(was, now):
    found = part_differences(was[0], now[0])
    return found + ["cold: " + sentence for sentence in part_differences(was[1], now[1])]


def diff(was, now):
    texts = [(lines + ["cold:"] + cold if cold else lines) for lines, cold in (was, now)]
    return [line for line in difflib.unified_diff(*texts, n=2, lineterm="")][2:]


def compare(golden, fresh, name, say):
    """Says what differs. Returns (passed, failed, whether only the text differs)."""
    passed = failed = 0
    text = False
    for function in sorted(set(golden) | set(fresh)):
        if function not in golden:
            say(f"FAILED: {name}: {function} is not in the golden listing")
            failed += 1
        elif function not in fresh:
            say(f"FAILED: {name}: {function} is in the golden listing alone")
            failed += 1
        else:
            found = differences(golden[function], fresh[function])
            if any(line.startswith("libatomic") for part in fresh[function] for line in part):
                found.append("calls libatomic")
            if found:
                say(f"FAILED: {name}: {function}: {', '.join(found)}")
                for line in diff(golden[function], fresh[function]):
                    say("    " + line)
                failed += 1
            else:
                passed += 1
                text = text or golden[function] != fresh[function]
    return passed, failed, text
