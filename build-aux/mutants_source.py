# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors

"""For build-aux/mutants: finds each memory order of a source of weir, with its function, its
access and its edges; says what is one step weaker; and reads the table of mutants that live."""

import re

NEAR = 6  # lines between a comment's end and its access, as in lint-edges

CLAUSE = re.compile(r"sync\(([\w-]+)\):\s*(acquire|release|acq_rel|seq_cst)\b")

# Which argument of an operation is an order, and of what. A helper that takes an order belongs
# here.
OPERATIONS = {
    "weir_atomic_load": {1: "load"},
    "weir_atomic_store": {2: "store"},
    "weir_atomic_exchange": {2: "rmw"},
    "weir_atomic_fetch_add": {2: "rmw"},
    "weir_atomic_fetch_sub": {2: "rmw"},
    "weir_atomic_fetch_and": {2: "rmw"},
    "weir_atomic_fetch_or": {2: "rmw"},
    "weir_atomic_cas": {3: "rmw", 4: "failure"},
    "weir_atomic_cas_weak": {3: "rmw", 4: "failure"},
    "weir__dword_cas": {5: "rmw", 6: "failure"},
}
# Calls of these become calls of weir__dword_cas(), whose orders are the sanitizer's numbers.
DWORD = {"weir_dword_cas": ("4", "2"), "weir_dword_cas_seq_cst": ("5", "5")}
NUMBERS = {"0": "relaxed", "2": "acquire", "3": "release", "4": "acq_rel", "5": "seq_cst"}
MARK = "(weir__mutants_mark(MARK), {})"
ORDERS = {"WEIR_" + name.upper(): name for name in NUMBERS.values()}

WEAKER = {
    ("seq_cst", "rmw"): ["acq_rel"],
    ("seq_cst", "load"): ["acquire"],
    ("seq_cst", "failure"): ["acquire"],
    ("seq_cst", "store"): ["release"],
    ("acq_rel", "rmw"): ["acquire", "release"],
    ("acquire", "rmw"): ["relaxed"],
    ("acquire", "load"): ["relaxed"],
    ("acquire", "failure"): ["relaxed"],
    ("release", "rmw"): ["relaxed"],
    ("release", "store"): ["relaxed"],
}
WEAKER.update({("relaxed", kind): [] for kind in ("rmw", "load", "failure", "store")})


# ---- the source ----

class Unknown(Exception):
    """A shape that the parser does not know, with its place."""


def number_of(order):
    return next(number for number, name in NUMBERS.items() if name == order)


def edited(text, edits):
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


class Mutant:
    def __init__(self, path, line, function, access, weakening, edges, edits, mark):
        self.path, self.line, self.function, self.access = path, line, function, access
        self.weakening, self.edges, self.edits, self.mark = weakening, edges, edits, mark

    def key(self):
        return "  ".join((self.path, self.function, self.access, self.weakening))

    def apply(self, text):
        return edited(text, self.edits)


def marked(mutants, text):
    """The file, made to call weir__mutants_mark() with a number for each access, before it; and
    the number of each mutant, from 0."""
    numbers, edits = {}, {}
    for mutant in mutants:
        numbers[mutant] = list(edits).index(mutant.mark[0][:2]) if mutant.mark[0][:2] in edits \
            else len(edits)
        edits[mutant.mark[0][:2]] = numbers[mutant]
    changes = {place + (new.replace("MARK", str(edits[m.mark[0][:2]])),)
               for m in mutants for *place, new in m.mark for place in [tuple(place)]}
    return edited(text, changes), numbers


def blank(source):
    """The source, of the same length, with comments and strings blanked out; and the comments:
    first line, last line, text."""
    comments = []

    def replace(match):
        text = match[0]
        if text[0] == "/":
            first = source.count("\n", 0, match.start()) + 1
            comments.append((first, first + text.count("\n"), text))
        return re.sub(r"[^\n\\]", " ", text) if text[0] == "/" else re.sub(r"[^\n]", " ", text)

    token = r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
    return re.sub(token, replace, source, flags=re.S), comments


def regions(code):
    """(start, end, directive) of the source: directives with their continued lines, and what is
    between them."""
    at, found = 0, []
    for match in re.finditer(r"^[ \t]*#[ \t]*(\w*)(?:[^\n]*\\\n)*[^\n]*", code, re.M):
        found.append((at, match.start(), ""))
        found.append((match.start(), match.end(), match[1]))
        at = match.end()
    return found + [(at, len(code), "")]


NAME = re.compile(r"[A-Za-z_]\w*(?:\s*##\s*\w+)*")


def functions(code):
    """(start, end, name) of each function's body, and of macros without a function."""
    found, depth, opened, name = [], 0, 0, ""
    conditions = []
    candidate = None

    def scan(start, end):
        nonlocal depth, opened, name, candidate
        parentheses, word, at = 0, "", start
        while at < end:
            match = NAME.match(code, at, end)
            if match:
                word, at = re.sub(r"\s", "", match[0]), match.end()
                if depth == 0 and parentheses == 0 and re.match(r"\s*\(", code[at:end]) and \
                        word not in ("__attribute__", "WEIR_STATIC_ASSERT"):
                    candidate = word
                continue
            character = code[at]
            if character == "(":
                parentheses += 1
            elif character == ")":
                parentheses -= 1
            elif character == "{" and word != "extern":
                if depth == 0:
                    opened, name = at, candidate
                depth += 1
            elif character == "}" and depth > 0:
                depth -= 1
                if depth == 0:
                    if name is not None:
                        found.append((opened, at + 1, name))
                    candidate = None
            elif character == ";" and depth == 0 and parentheses == 0:
                candidate = None
            if not character.isspace() and character != "\\":
                word = ""
            at += 1

    for start, end, directive in regions(code):
        if directive == "":
            scan(start, end)
        elif directive == "define":
            head = re.match(r"[ \t]*#[ \t]*define\s+(\w+)(?:\([^)]*\))?", code[start:end])
            outer, before = (depth, opened, name, candidate), len(found)
            depth, candidate = 0, None
            scan(start + head.end(), end)
            depth, opened, name, candidate = outer
            if len(found) == before:
                found.append((start + head.end(), end, head[1]))
        elif directive in ("if", "ifdef", "ifndef"):
            conditions.append(depth)
        elif directive in ("else", "elif"):
            depth = conditions[-1]
        elif directive == "endif":
            conditions.pop()
    return found


def arguments(code, opening):
    """(start, end) of each argument, without the space around it; and where the call ends."""
    depth, start, found = 0, opening + 1, []
    for at in range(opening, len(code)):
        if code[at] in "([{":
            depth += 1
        elif code[at] in ")]}":
            depth -= 1
        if depth == 0 or depth == 1 and code[at] == ",":
            text = code[start:at]
            lead = len(text) - len(text.lstrip(" \n\\"))
            found.append((start + lead, start + len(text.rstrip(" \n\\"))))
            start = at + 1
        if depth == 0:
            return found, at
    return found, len(code)


def clauses(comments, first, last, barriers):
    """[edge, order] of the comments that belong to the access on these lines, the nearest first."""
    found = []
    for begin, end, text in sorted(comments, key=lambda c: -c[1]):
        if begin <= last and first - NEAR <= end and not any(end <= b < first for b in barriers):
            found.append(CLAUSE.findall(text))
    return found


def edges_of(groups, order, weaker):
    """The edges that the weakening takes away: of the nearest comment that speaks of them."""
    wanted = {"acquire", "release", "acq_rel", "seq_cst"}
    if order != "seq_cst":
        wanted -= {weaker, "seq_cst"} | ({"acquire", "release"} - {order} if order != "acq_rel"
                                         else set())
    for group in groups:
        names = [edge for edge, said in group if said in wanted]
        if names:
            return list(dict.fromkeys(names))
    return []


def mutants_of(path, source):
    """All mutants of a file. Raises Unknown."""
    code, comments = blank(source)
    bodies = functions(code)
    covered, found, numbers = set(), [], {}

    def line_of(at):
        return code.count("\n", 0, at) + 1

    barriers = [line_of(end - 1) for _, end, _ in bodies]

    def unknown(at, sentence):
        raise Unknown(f"{path}:{line_of(at)}: {sentence}")

    for match in re.finditer(r"#[ \t]*define[ \t]+(WEIR_\w+)[^\n]*", code):
        if match[1] in ORDERS:
            covered.add(match.start(1))
    for match in re.finditer(r"\b(weir_atomic_(?!init\b)\w+|weir__?dword_cas\w*)\s*\(", code):
        operation, inside = match[1], [b for b in bodies if b[0] <= match.start() < b[1]]
        if not inside:
            if re.search(r"#[ \t]*define[ \t]+$|\w[ \t*]+$", code[:match.start()]):
                continue  # the definition of the operation itself
            unknown(match.start(), f"{operation}() outside of a function")
        if operation not in OPERATIONS and operation not in DWORD:
            unknown(match.start(), f"{operation}() is no operation that is known here")
        given, end = arguments(code, match.end() - 1)
        if operation in DWORD:
            orders = [(5 + i, kind, NUMBERS[DWORD[operation][i]], None)
                      for i, kind in enumerate(("rmw", "failure"))]
        else:
            orders = []
            for index, kind in OPERATIONS[operation].items():
                if index >= len(given):
                    unknown(match.start(), f"{operation}() with {len(given)} arguments")
                token = code[slice(*given[index])]
                numbered = operation == "weir__dword_cas"
                order = (NUMBERS if numbered else ORDERS).get(token)
                if order is None:
                    unknown(given[index][0], f"`{token}` is no order that is known here")
                covered.add(given[index][0])
                orders.append((index, kind, order, given[index]))
        groups = clauses(comments, line_of(match.start()), line_of(end), barriers)
        what = " ".join(code[slice(*given[0])].replace("\\", " ").split())
        short = re.sub(r"^weir_+(?:atomic_)?", "", operation)
        for index, kind, order, place in orders:
            if (order, kind) not in WEAKER:
                unknown(match.start(), f"{order} of a {kind} of {operation}()")
            for weaker in WEAKER[order, kind]:
                if operation in DWORD:
                    numbers_now = list(DWORD[operation])
                    numbers_now[index - 5] = number_of(weaker)
                    callee = (match.start(1), match.end(1), "weir__dword_cas")
                    edits = [callee, (end, end, ", " + ", ".join(numbers_now))]
                    mark = [(match.start(), match.start(), MARK.format("")[:-1]),
                            (end + 1, end + 1, ")")]
                else:
                    numbered = operation == "weir__dword_cas"
                    edits = [place + (number_of(weaker) if numbered else "WEIR_" + weaker.upper(),)]
                    mark = [place + (MARK.format(code[slice(*place)]),)]
                access = f"{short}({what})"
                if len(orders) > 1:
                    access += " failure" if kind == "failure" else " success"
                same = (inside[-1][2], access, order, weaker)
                numbers[same] = numbers.get(same, 0) + 1
                if numbers[same] > 1:
                    access += f" #{numbers[same]}"
                found.append(Mutant(path, line_of(match.start()), inside[-1][2], access,
                                    f"{order} -> {weaker}", edges_of(groups, order, weaker), edits,
                                    mark))
    for match in re.finditer(r"\bWEIR_(?:RELAXED|ACQUIRE|RELEASE|ACQ_REL|SEQ_CST)\b", code):
        if match.start() not in covered:
            unknown(match.start(), f"{match[0]} is no argument of an operation that is known here")
    return found


# ---- the table of those that live ----

class Row:
    def __init__(self, line, key):
        self.line, self.key, self.argument = line, key, []
        self.pattern = re.compile(".*".join(re.escape(part) for part in key.split("...")))

    def fits(self, mutant):
        return self.pattern.fullmatch(mutant.key()) is not None


def table(text):
    """The rows, and what is wrong with them."""
    rows, errors = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0].isspace():
            if rows:
                rows[-1].argument.append(line.strip())
            else:
                errors.append(f"line {number}: an argument for nothing")
            continue
        parts = re.split(r"\s{2,}", line.strip())
        if len(parts) != 4 and "..." not in line:
            errors.append(f"line {number}: {len(parts)} columns, not 4")
        rows.append(Row(number, "  ".join(parts)))
    errors += [f"line {row.line}: no argument" for row in rows if not row.argument]
    return rows, errors


# ---- the self-test ----

SOURCE = """/* WEIR_ACQUIRE in a comment */
#define WEIR_RELAXED memory_order_relaxed
#define weir_atomic_load(object, order) atomic_load_explicit(object, order)
#ifdef __cplusplus
extern "C" {
#endif
static const char *text(void)
{
    return "weir_atomic_load(x, WEIR_ACQUIRE) /*";
}
static inline bool weir__dword_cas(weir_dword *object, uint64_t *lo, int success, int failure)
{
#if defined(ONE)
    if (one(object, success)) {
#else
    if (other(object, failure)) {
#endif
        return '{' == '}';
    }
}
WEIR_API bool weir_dword_cas(weir_dword *object, uint64_t *lo)
{
    return weir__dword_cas(object, lo, lo, 1, 2, 4, 2);
}
static inline long get(x *q)
{
    /* sync(own): acquire. Pairs with itself; the state. */
    weir_atomic_store(&q->own, weir_atomic_load(&q->now, WEIR_ACQUIRE), WEIR_RELAXED);
    /* sync(full): release. Pairs with put(). sync(empty): acquire. Pairs with put(). */
    if (weir_atomic_cas(&q->cell[f(1, 2)], &old, pair(a, b), WEIR_ACQ_REL,
                        WEIR_RELAXED))
        return weir_atomic_fetch_add(&q->n, 1, WEIR_SEQ_CST);
    weir_atomic_store(&q->own, 0, WEIR_SEQ_CST);
    return weir_atomic_load(&q->now, WEIR_ACQUIRE) + weir_atomic_load(&q->n, WEIR_SEQ_CST);
}
#define DEFINE(name)                                                          \\
    static inline int name##_get(x *q)                                        \\
    {                                                                         \\
        /* sync(more): acquire. Pairs with put(). */                          \\
        return weir_dword_cas(&q->d, &lo, &hi, 1,                             \\
                              2) + weir_atomic_load(                          \\
                                       q, WEIR_ACQUIRE);                      \\
    }                                                                         \\
    struct name
#define PEEK(q) weir_atomic_load((q), WEIR_ACQUIRE)
"""

FOUND = """weir_dword_cas  dword_cas(object) success  acq_rel -> acquire  []
weir_dword_cas  dword_cas(object) success  acq_rel -> release  []
weir_dword_cas  dword_cas(object) failure  acquire -> relaxed  []
get  load(&q->now)  acquire -> relaxed  [own]
get  cas(&q->cell[f(1, 2)]) success  acq_rel -> acquire  [full]
get  cas(&q->cell[f(1, 2)]) success  acq_rel -> release  [empty]
get  fetch_add(&q->n)  seq_cst -> acq_rel  [full empty]
get  store(&q->own)  seq_cst -> release  [full empty]
get  load(&q->now) #2  acquire -> relaxed  [empty]
get  load(&q->n)  seq_cst -> acquire  [full empty]
name##_get  dword_cas(&q->d) success  acq_rel -> acquire  []
name##_get  dword_cas(&q->d) success  acq_rel -> release  [more]
name##_get  dword_cas(&q->d) failure  acquire -> relaxed  [more]
name##_get  load(q)  acquire -> relaxed  [more]
PEEK  load((q))  acquire -> relaxed  []
"""

# What a mutant makes of a piece of SOURCE.
MADE = [
    (0, "lo, lo, 1, 2, 2, 2)"), (1, "lo, lo, 1, 2, 3, 2)"), (2, "lo, lo, 1, 2, 4, 0)"),
    (3, "&q->now, WEIR_RELAXED), WEIR_RELAXED);"), (5, "pair(a, b), WEIR_RELEASE,"),
    (10, "weir__dword_cas(&q->d, &lo, &hi, 1,"), (12, "2, 4, 0) + weir_atomic_load("),
]

# What to change in SOURCE, and what is then said.
REFUSED = [
    ("&q->own, 0, WEIR_SEQ_CST", "&q->own, 0, strong ? WEIR_SEQ_CST : WEIR_RELEASE",
     "is no order that is known"),
    ("&q->own, 0, WEIR_SEQ_CST", "&q->own, 0, order", "`order` is no order that is known"),
    ("&q->own, 0, WEIR_SEQ_CST", "&q->own, WEIR_SEQ_CST", "with 2 arguments"),
    ("&q->own, 0, WEIR_SEQ_CST", "&q->own, 0, WEIR_ACQUIRE", "acquire of a store"),
    ("weir_atomic_fetch_add(", "weir_atomic_fetch_max(", "is no operation that is known"),
    ("weir_atomic_fetch_add(", "helper(", "WEIR_SEQ_CST is no argument of an operation"),
    ("lo, lo, 1, 2, 4, 2)", "lo, lo, 1, 2, 4, failure)", "is no order that is known"),
    ("static inline long get", "int a = weir_atomic_load(&b, WEIR_ACQUIRE);\nstatic long get",
     "outside of a function"),
    ("WEIR_RELAXED))", "WEIR_RELEASE))", "release of a failure"),
    ("#define PEEK(q)", "static int order = WEIR_ACQUIRE;\n#define PEEK(q)",
     "WEIR_ACQUIRE is no argument of an operation"),
]

TABLE = """# a comment
x.h  get  load(&q->n)  seq_cst -> acquire
    It is not needed,
    and here is why.

x.h  name##_get  dword_cas(...
    All of them.
"""


def expect(condition, sentence):
    if not condition:
        raise SystemExit(f"self-test: {sentence}")


def self_test():
    found = mutants_of("x.h", SOURCE)
    said = "".join(f"{m.key()[5:]}  [{' '.join(m.edges)}]\n" for m in found)
    expect(said == FOUND, f"found:\n{said}")
    for index, made in MADE:
        text = found[index].apply(SOURCE)
        expect(made in text and made not in SOURCE, f"{found[index].key()} is not {made}")
        expect(text.count("\n") == SOURCE.count("\n"), f"{found[index].key()} moves lines")
    text, numbers = marked(found, SOURCE)
    for piece in ("lo, 1, 2, (weir__mutants_mark(0), 4), (weir__mutants_mark(1), 2))",
                  "pair(a, b), (weir__mutants_mark(3), WEIR_ACQ_REL),",
                  "return (weir__mutants_mark(8), weir_dword_cas(&q->d, &lo, &hi, 1,",
                  "2)) + weir_atomic_load("):
        expect(piece in text, f"not marked: {piece} in\n{text}")
    expect([numbers[m] for m in found] == [0, 0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 8, 8, 9, 10], "marks")
    for old, new, sentence in REFUSED:
        expect(old in SOURCE, old)
        try:
            mutants_of("x.h", SOURCE.replace(old, new, 1))
        except Unknown as unknown:
            expect(sentence in str(unknown), f"{new}: {unknown}")
        else:
            expect(False, f"{new}: accepted")
    rows, errors = table(TABLE)
    expect(not errors and rows[0].argument == ["It is not needed,", "and here is why."], errors)
    expect([sum(r.fits(m) for m in found) for r in rows] == [1, 3], "rows fit what they should not")
    for bad in ("    why\n" + TABLE, TABLE + "x.h  get  load\n    why\n", TABLE + "x.h  a  b  c\n"):
        expect(len(table(bad)[1]) == 1, bad)
    return f"{len(found)} mutants found, {len(REFUSED) + 3} bad inputs refused"
