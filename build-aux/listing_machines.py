# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors

"""What an instruction of x86-64 or ARM64 does to memory, and what it leaves in the registers:
for build-aux/listing, which says what the lines mean. A machine has run(instruction, state)."""

import collections
import re


# ---- what is in a register: (what, offset), or nothing that is known ----

STACK = "sp"


def shift(value, by):
    return None if value is None else (value[0], value[1] + by)


def element(value):
    """An address reckoned from a known one."""
    if value is None or value[0] == STACK:
        return value
    return value if value[0].endswith("[i]") else (address(value).removesuffix("+0") + "[i]", 0)


def pointee(value):
    """What a load from an address brings."""
    if value is None or value[0] == STACK or value[0].count("[") > 1:
        return None
    return (f"[{address(value)}]", 0)


def slot(value):
    """The name of a place on the own stack, which holds what a register held."""
    return f"slot{value[1]}"


def forget_slots(state):
    """The stack's pointer has moved: names are by its distance."""
    for name in [name for name in state if name.startswith("slot")]:
        del state[name]


def address(value):
    return ".." if value is None else f"{value[0]}{value[1]:+d}"


def meet(one, other):
    """What is known where two ways come together."""
    if one == other:
        return one
    if one is None or other is None or one[0].removesuffix("[i]") != other[0].removesuffix("[i]"):
        return None
    return one if one[0].endswith("[i]") else element((one[0], 0))


# ---- what an instruction does ----

class Effect:
    """lines: what is listed; target: of a jump within the function; ends: nothing follows."""

    def __init__(self):
        self.lines, self.target, self.ends = [], None, False

    def add(self, kind, what="", size="", where=None):
        place = f"{size:>3}  {where:<20} " if size != "" else ""
        self.lines.append(f"{kind:<12} {place}{what}".rstrip())


Instruction = collections.namedtuple("Instruction", "at name operands relocation symbol own")

NOT_SHARED = re.compile(r"GOT|TLS")          # relocations of loads of addresses
LITERAL = re.compile(r"\.rodata|\.LC")       # and the places of constants


def hexadecimal(text):
    return int(text, 16) if "x" in text else int(text)


def branch(effect, instruction, text, always):
    """A jump: within the function, or a call that does not come back."""
    symbol = instruction.symbol
    match = re.match(r"([0-9a-f]+) <([^>+]+)", text)
    if symbol is None and match and match[2] == instruction.own:
        effect.target = int(match[1], 16)
    else:
        symbol = symbol or (match[2] if match else "through a pointer")
        if symbol.removesuffix(".cold") != instruction.own.removesuffix(".cold"):
            called(effect, symbol)
    effect.ends = always


OUTLINE = re.compile(r"__aarch64_([a-z]+)(\d+)_(\w+)$")


def called(effect, symbol):
    match = OUTLINE.match(symbol)
    if match:
        order = {"relax": "relaxed", "acq": "acquire", "rel": "release", "sync": "seq_cst"}
        effect.add(f"rmw {order.get(match[3], match[3])}", symbol)
    elif re.match(r"__(atomic|sync)_", symbol):
        effect.add("libatomic", symbol)
    elif symbol == "__tls_get_addr":
        effect.add("call", "(thread-local)")
    elif symbol == "syscall":
        effect.add("syscall", symbol)
    else:
        effect.add("call", symbol)


def wide_registers():
    """{"eax": "rax", "r8d": "r8", ...}"""
    wide = {}
    for letter in "abcd":
        for narrow in (f"e{letter}x", f"{letter}x", f"{letter}l", f"{letter}h"):
            wide[narrow] = f"r{letter}x"
    for name in ("si", "di", "bp", "sp"):
        for narrow in (f"e{name}", name, f"{name}l"):
            wide[narrow] = f"r{name}"
    for number in range(8, 16):
        for suffix in "dwb":
            wide[f"r{number}{suffix}"] = f"r{number}"
    return wide


class X86:
    arguments = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"]
    clobbered = ["rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"]
    stack = "rsp"
    objdump = ["-M", "intel"]
    prefixes = {"lock", "rep", "repz", "repnz", "repe", "repne", "bnd", "notrack", "data16", "cs",
                "ds", "es", "xacquire", "xrelease", "addr32"}
    sizes = {"BYTE": 1, "WORD": 2, "DWORD": 4, "QWORD": 8, "OWORD": 16, "XMMWORD": 16,
             "YMMWORD": 32, "ZMMWORD": 64}
    memory = re.compile(r"(?:(\w+) PTR )?(?:([a-z]s):)?(?:\[([^\]]*)\]|(0x[0-9a-f]+))$")
    reads_only = {"cmp", "test", "bt", "push", "mul", "imul", "div", "idiv", "comisd", "ucomisd",
                  "fld", "fild", "ptest"}
    defines_more = {"mul": ["rax", "rdx"], "imul": ["rax", "rdx"], "div": ["rax", "rdx"],
                    "idiv": ["rax", "rdx"], "cqo": ["rdx"], "cdq": ["rdx"], "cdqe": ["rax"],
                    "cwde": ["rax"], "cmpxchg": ["rax"], "cmpxchg16b": ["rax", "rdx"],
                    "cmpxchg8b": ["rax", "rdx"], "rdtsc": ["rax", "rdx"],
                    "rdtscp": ["rax", "rcx", "rdx"], "syscall": ["rax", "rcx", "r11"],
                    "cpuid": ["rax", "rbx", "rcx", "rdx"]}
    wide = wide_registers()

    @staticmethod
    def padding(instruction):
        return "nop" in instruction.name.split() or instruction.operands == ["ax", "ax"]

    @classmethod
    def register(cls, text):
        return cls.wide.get(text, text)

    @classmethod
    def place(cls, instruction, state, operand):
        """(size, segment, value, shown) of an operand in memory, or None."""
        match = cls.memory.match(operand)
        if not match or (match[3] is None and match[2] is None):
            return None
        size, segment, inside = cls.sizes.get(match[1], 0), match[2], match[3] or match[4]
        if inside.startswith("rip"):
            known = instruction.relocation is not None
            shown = not known or not (NOT_SHARED.search(instruction.relocation) or
                                      LITERAL.search(instruction.symbol or ""))
            return size, segment, (instruction.symbol or "..", 0), shown
        terms, index, offset = [], False, 0
        for sign, term in re.findall(r"([+-]?)([^+-]+)", inside):
            if term.startswith("0x"):
                offset += int(sign + term, 16)
            elif "*" in term and not term.endswith("*1"):
                index = True
            else:
                terms.append(state.get(cls.register(term.split("*")[0])))
        if segment == "fs":
            return size, segment, ("thread", offset), inside != "0x0"
        known = [term for term in terms if term]
        value = known[0] if len(known) == 1 else None
        if index or len(terms) > 1:
            value = element(value)
        return size, segment, shift(value, offset), not (value and value[0] == STACK)

    @classmethod
    def run(cls, instruction, state):
        effect = Effect()
        name, prefix = instruction.name, ""
        operands = instruction.operands
        words = name.split()
        while len(words) > 1 and words[0] in cls.prefixes:
            prefix += words.pop(0) + " "
        name = words[0]
        first = operands[0] if operands else ""
        if name.startswith("nop") or name in ("endbr64", "ud2", "ud1", "hlt", "int3"):
            effect.ends = name in ("ud2", "ud1", "hlt", "int3")
            return effect
        places = [cls.place(instruction, state, operand) for operand in operands]
        at = next((i for i, found in enumerate(places) if found), None)
        found = places[at] if at is not None else None
        if name in ("mfence", "lfence", "sfence"):
            effect.add("barrier", name)
        elif name == "syscall":
            effect.add("syscall", "syscall")
        elif name == "ret" or name == "leave":
            effect.ends = name == "ret"
        elif name == "call" or re.match(r"j[a-z]+$", name):
            if found and found[3]:
                effect.add("load", "", found[0], address(found[2]))
            if name == "call":
                inside = Effect()
                branch(inside, instruction, first if not found else "", False)
                if inside.target is not None:
                    called(effect, instruction.own)
                effect.lines += inside.lines
                for register in cls.clobbered:
                    state.pop(register, None)
            else:
                branch(effect, instruction, first if not found else "", name == "jmp")
            return effect
        elif prefix.startswith("rep"):
            effect.add("load+store" if name.startswith("movs") else "store", prefix + name,
                       "n", "..")
            for register in ("rcx", "rsi", "rdi"):
                state.pop(register, None)
            return effect
        elif found and name != "lea":
            cls.touch(effect, name, prefix, at, found, operands)
        cls.define(name, operands, places, instruction, state)
        return effect

    @classmethod
    def touch(cls, effect, name, prefix, at, found, operands):
        size, where = found[0], address(found[2])
        if "lock" in prefix or name == "xchg":
            if found[2] and found[2][0] == STACK and name != "xchg":
                effect.add("barrier", f"lock {name}")
            elif found[3] or name != "xchg":
                effect.add("rmw full", f"lock {name}" if "lock" in prefix else name, size, where)
        elif not found[3]:
            pass
        elif name.startswith("prefetch"):
            effect.add("prefetch", name, 1, where)
        elif name in cls.reads_only or at > 0 or name.startswith("cmov"):
            effect.add("load", "", size, where)
        elif name.startswith(("mov", "set", "vmov", "pop")) or name in ("stmxcsr", "fstp", "fst"):
            effect.add("store", "", size, where)
        else:
            effect.add("load+store", name, size, where)

    @classmethod
    def define(cls, name, operands, places, instruction, state):
        """What the registers hold afterwards."""
        if operands and not places[0] and name not in ("cmp", "test", "bt", "push"):
            to = cls.register(operands[0])
            before, value = state.get(to), None
            full = to == operands[0] and to.startswith("r")
            if name == "lea" and full:
                value = cls.place(instruction, state, operands[1])[2]
            elif name == "mov" and full:
                if not places[1]:
                    value = state.get(operands[1])
                elif places[1][2] and places[1][2][0] == STACK:
                    value = state.get(slot(places[1][2]))
                elif not places[1][1]:
                    value = pointee(places[1][2])
            elif name in ("add", "sub") and full:
                if operands[1].startswith("0x"):
                    by = int(operands[1], 16)
                    by -= (by >> 63) << 64
                    value = shift(before, by if name == "add" else -by)
                elif name == "add":
                    other = pointee(places[1][2]) if places[1] else state.get(operands[1])
                    value = element(before or other) if not (before and other) else None
            if to == cls.stack:
                forget_slots(state)
            state[to] = value
        elif operands and places[0] and name not in cls.reads_only and places[0][2] and \
                places[0][2][0] == STACK:
            state[slot(places[0][2])] = state.get(operands[1]) if name == "mov" else None
        if name in ("push", "pop"):
            forget_slots(state)
        if name in ("xchg", "xadd") and len(operands) == 2:
            state[cls.register(operands[1])] = None
        if name in cls.defines_more and (name != "imul" or len(operands) == 1):
            for register in cls.defines_more[name]:
                state[register] = None


class Arm64:
    arguments = [f"x{i}" for i in range(8)]
    clobbered = [f"x{i}" for i in range(19)] + ["x30"]
    stack = "sp"
    objdump = []
    widths = {"x": 8, "w": 4, "q": 16, "d": 8, "s": 4, "h": 2, "b": 1}
    exclusive = re.compile(r"(ld|st)(a?|l?)x(r|p)([bh]?)$")
    lse = re.compile(r"(casp?|swpp?|ld(?:add|clr|eor|set|smax|smin|umax|umin)|"
                     r"st(?:add|clr|eor|set|smax|smin|umax|umin))(al|a|l|)([bh]?)$")
    no_result = {"cmp", "cmn", "tst", "ccmp", "ccmn", "cbz", "cbnz", "tbz", "tbnz", "nop", "msr",
                 "hint", "fcmp", "fcmpe", "bti"}
    orders = {"": "relaxed", "a": "acquire", "l": "release", "al": "acq_rel"}

    @staticmethod
    def padding(instruction):
        return instruction.name == "nop"

    @staticmethod
    def register(text):
        return "x" + text[1:] if re.match(r"w\d+$", text) else text

    @classmethod
    def place(cls, instruction, state, operands):
        """(value, shown, how many operands stand before it) of the operand in memory."""
        for i, operand in enumerate(operands):
            match = re.match(r"\[(\w+)(?:, ?([^\]]*))?\](!?)$", operand)
            if not match:
                continue
            value = state.get(match[1])
            inside = match[2] or "#0"
            if instruction.relocation:
                if NOT_SHARED.search(instruction.relocation) or \
                        LITERAL.search(instruction.symbol or ""):
                    return None, False, i
                value = (instruction.symbol, 0)
            if inside.startswith("#"):
                value = shift(value, hexadecimal(inside[1:]))
            else:
                value = element(value)
            if (match[3] or i + 1 < len(operands)) and match[1] == cls.stack:
                forget_slots(state)
                return None, False, i
            if match[3] or i + 1 < len(operands):
                state[match[1]] = value if match[3] else shift(value, hexadecimal(
                    operands[i + 1][1:])) if operands[i + 1].startswith("#") else None
            return value, not (value and value[0] == STACK), i
        return None, False, None

    @classmethod
    def run(cls, instruction, state):
        effect = Effect()
        name, operands = instruction.name, instruction.operands
        first = operands[0] if operands else ""
        if name in ("dmb", "dsb", "isb"):
            effect.add("barrier", f"{name} {first}".strip())
        elif name == "svc":
            effect.add("syscall", name)
            state["x0"] = None
        elif name == "ret":
            effect.ends = True
        elif name in ("brk", "udf"):
            effect.ends = True
        elif name in ("b", "br"):
            branch(effect, instruction, first if name == "b" else "", True)
        elif name.startswith("b.") or name in ("cbz", "cbnz", "tbz", "tbnz"):
            branch(effect, instruction, operands[-1], False)
        elif (instruction.relocation or "").startswith("R_AARCH64_TLSDESC_CALL"):
            effect.add("call", "(thread-local)")  # keeps all registers but two
            state.pop("x0", None)
            state.pop("x1", None)
        elif name in ("bl", "blr"):
            inside = Effect()
            branch(inside, instruction, first if name == "bl" else "", False)
            if inside.target is not None:
                called(effect, instruction.own)
            effect.lines += inside.lines
            for register in cls.clobbered:
                state.pop(register, None)
        elif any(operand.startswith("[") for operand in operands):
            value, shown, before = cls.place(instruction, state, operands)
            if shown:
                cls.touch(effect, name, operands, before, address(value))
            cls.loaded(name, operands, before, value, state)
        elif name not in cls.no_result and first:
            cls.define(name, operands, instruction, state)
        return effect

    @classmethod
    def touch(cls, effect, name, operands, before, where):
        width = {"b": 1, "h": 2}.get(name[-1]) if name[-1] in "bh" else \
            4 if name.endswith("sw") else None
        data = before - 1
        size = width or cls.widths.get(operands[data][0], 0)
        exclusive, lse = cls.exclusive.match(name), cls.lse.match(name)
        if exclusive:
            size = size if exclusive[3] == "r" else 2 * size
            if exclusive[1] == "ld":
                effect.add("exclusive", name, size, where)
            else:
                effect.add("rmw ?", name, size, where)
        elif lse:
            size = 2 * size if lse[1] in ("casp", "swpp") else size
            effect.add(f"rmw {cls.orders[lse[2]]}", name, size, where)
        elif name.startswith("prf"):
            effect.add("prefetch", f"{name} {operands[0]}", 1, where)
        elif re.match(r"(ldar|ldapr|ldapur|ldlar)", name):
            effect.add("acquire", name, size, where)
        elif re.match(r"(stlr|stlur|stllr)", name):
            effect.add("release", name, size, where)
        else:
            effect.add("load" if name.startswith("ld") else "store", "",
                       f"2*{size}" if re.match(r"(ld|st)n?p", name) else size, where)

    @classmethod
    def loaded(cls, name, operands, before, value, state):
        lse = cls.lse.match(name)
        if name.startswith("st") and cls.exclusive.match(name):
            written = operands[:1]
        elif name.startswith(("cas", "swp")):
            written = operands[:2] if name.startswith("casp") else \
                operands[:1] if name.startswith("cas") else operands[1:2]
        elif lse and lse[1].startswith("ld"):
            written = operands[1:2]
        elif name.startswith("ld"):
            written = operands[:before]
        else:
            written = []
            if value and value[0] == STACK:
                for i, register in enumerate(operands[:before]):
                    state[slot(shift(value, 8 * i))] = state.get(register)
        for i, register in enumerate(written):
            plain = name in ("ldr", "ldur", "ldp", "ldar", "ldapr") and register[0] == "x"
            there = shift(value, 8 * i)
            if plain and there and there[0] == STACK:
                state[register] = state.get(slot(there))
            else:
                state[cls.register(register)] = pointee(there) if plain else None

    @classmethod
    def define(cls, name, operands, instruction, state):
        to, value = operands[0], None
        source = state.get(operands[1]) if len(operands) > 1 else None
        if to == cls.stack:
            forget_slots(state)
            return
        if to[0] == "x":
            if name == "mov":
                value = source
            elif name in ("add", "sub") and operands[2].startswith("#"):
                by = hexadecimal(operands[2][1:])
                if len(operands) > 3:  # , lsl #12
                    by <<= hexadecimal(operands[3].split("#")[1])
                value = shift(source, by if name == "add" else -by)
                if instruction.relocation:
                    value = None
            elif name == "add":
                other = state.get(operands[2]) if len(operands) == 3 else None
                value = element(source or other) if not (source and other) else None
        state[cls.register(to)] = value


MACHINES = {"x86_64": X86, "aarch64": Arm64}
