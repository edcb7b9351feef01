# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors

"""For build-aux/mutants: builds the clients of the model checker, without a mutation and with one,
and runs their scenarios."""

import glob
import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from mutants_source import marked

NOT_EXECUTED = "not executed by any client"

# What records the accesses that a scenario comes by: into a file, since the checker puts variables
# back.
RECORDER = r"""
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
static unsigned char *marks;
__attribute__((constructor)) static void make(void)
{
    const int file = open(getenv("WEIR_MUTANTS_MARKS"), O_RDWR);
    marks = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (marks == MAP_FAILED)
        abort();
}
void weir__mutants_mark(int number) { marks[number] = 1; }
"""

COMPILE = ["-std=c11", "-O1", "-g0", "-w", "-pthread", "-fsanitize=thread", "-D_GNU_SOURCE",
           "-Iinclude", "-I."]
LIBRARY = ["-fvisibility=hidden", "-fPIC"]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def copy_tree(base, tree):
    """Without what was made."""
    shutil.copytree(base, tree, ignore=lambda _, names: [n for n in names if n == "obj"])


class Trouble(Exception):
    """What ends the run, or a mutant: a sentence."""


def tool(command, directory):
    done = subprocess.run(command, cwd=directory, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise Trouble(" ".join(command) + "\n" + done.stdout)
    return done.stdout


def end(child):
    """With what it has started."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).digest()


class Client:
    def __init__(self, name):
        self.name, self.source = name, f"tests/model/{name}.c"
        self.files, self.members = set(), set()  # that it is made of; objects of libweir
        self.quick, self.deep = {}, []           # scenario: seconds; names
        self.program = None


class Scenario:
    """How one came out."""

    def __init__(self, verdict, finding, seconds):
        self.verdict, self.finding, self.seconds = verdict, finding, seconds


def parse(name, scenario, output, seconds):
    """verdict: clean, bug, or what else the last line of the scenario says."""
    verdict, finding = "no line", ""
    for line in re.split(r"[\r\n]", output):
        match = re.match(rf".*?{re.escape(name)}: {re.escape(scenario)}: \d+ graphs[^:]*: (.*) "
                         r"\(([\d.]+) s\)$", line)
        if match:
            seconds = float(match[2])
            if match[1].startswith("clean"):
                verdict = "clean"
            elif match[1].startswith("BUG: "):
                verdict, finding = "bug", match[1][5:]
            else:
                verdict = match[1]
    return Scenario(verdict, finding, seconds)


class Run:
    def __init__(self, options, top):
        self.options, self.top = options, top
        self.compiler = shlex.split(os.environ.get("CC") or "gcc")
        self.base = os.path.join(top, "base")
        self.lock = threading.Lock()
        self.clients, self.troubles = {}, []
        self.library = {}    # member: files that it is made of
        self.titles = {}     # client: as it calls itself
        self.kills = {}      # client, scenario: how often in this run; and with a file before them
        self.cached = {}     # mutant: client, scenario
        self.deep_times = {}
        self.marks, self.executed = {}, {}  # of mutants; of client, scenario: a byte for each
        self.children = set()
        self.stopping = False

    # -- processes --

    def run(self, directory, program, arguments_given, limit, environment=None):
        """Output, and whether it ended in time."""
        begin = time.monotonic()
        with tempfile.TemporaryFile(dir=directory) as output:
            child = subprocess.Popen([program] + arguments_given, cwd=directory, stdout=output,
                                     stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                     start_new_session=True, env=environment)
            with self.lock:
                self.children.add(child)
            try:
                child.wait(limit)
                ended = True
            except subprocess.TimeoutExpired:
                end(child)
                child.wait()
                ended = False
            with self.lock:
                self.children.discard(child)
            output.seek(0)
            return output.read().decode(errors="replace"), ended, time.monotonic() - begin

    def stop(self):
        self.stopping = True
        with self.lock:
            for child in self.children:
                end(child)

    # -- without a mutation --

    def depends(self, source):
        text = tool(self.compiler + COMPILE + ["-MM", source], self.base)
        return {os.path.normpath(p) for p in text.replace("\\\n", " ").split(":", 1)[1].split()}

    def compile(self, tree, source, target, *more):
        os.makedirs(os.path.dirname(os.path.join(tree, target)), exist_ok=True)
        tool(self.compiler + COMPILE + (LIBRARY if source.startswith("lib/") else []) +
             [*more, "-c", source, "-o", target], tree)

    def archive(self, tree, objects, target):
        if os.path.exists(os.path.join(tree, target)):
            os.remove(os.path.join(tree, target))
        tool(["ar", "rcs", target] + objects, tree)

    def link(self, tree, client_object, archive, target, *more):
        checker = self.options.checker
        tool(self.compiler + [*more, client_object, archive, checker, archive, "-o", target,
                              "-ldl", "-pthread"], tree)

    def make_base(self):
        tree = os.path.abspath(self.options.tree)
        for part in ("include", "lib", "tests/model"):
            shutil.copytree(os.path.join(tree, part), os.path.join(self.base, part))
        for source in sorted(glob.glob(os.path.join(self.base, "lib/*.c"))):
            member = os.path.splitext(os.path.basename(source))[0]
            self.library[member] = self.depends(f"lib/{member}.c")

    def workers(self, pool, function, things):
        return list(pool.map(function, things))

    def base_client(self, path, wanted):
        name = os.path.splitext(os.path.basename(path))[0]
        client = Client(name)
        try:
            self.compile(self.base, client.source, f"obj/tests/{name}.o")
            client.files = self.depends(client.source)
            self.link(self.base, f"obj/tests/{name}.o", "libweir.a", f"obj/tests/{name}",
                      f"-Wl,-Map=obj/tests/{name}.map")
        except Trouble as trouble:
            return client, [f"{client.source}: does not build: {trouble}"]
        linked = read(os.path.join(self.base, f"obj/tests/{name}.map"))
        client.members = {m for m in self.library if f"libweir.a({m}.o)" in linked}
        client.program = os.path.join(self.base, f"obj/tests/{name}")
        if not wanted & client.files.union(*(self.library[m] for m in client.members)):
            return client, []
        listed, _, _ = self.run(self.base, client.program, ["--list"], 60)
        names = [line for line in listed.split("\n") if line]
        output, ended, _ = self.run(self.base, client.program, [], 60)
        titles = {m[1] for m in re.finditer(r"^(?:.*\r)?([^:\r\n]+): ", output, re.M)}
        self.titles[name] = next((t for t in titles if any(f"{t}: {n}: " in output for n in names)),
                                 name)
        problems = [] if ended else [f"{client.source}: is not done after 60 s"]
        for scenario in names:
            if f"{self.titles[name]}: {scenario}: " not in output:
                client.deep.append(scenario)
                continue
            if f"{self.titles[name]}: {scenario}: FAILED" in output:
                problems.append(f"{client.source}: {scenario}: fails without any mutation")
            if parse(self.titles[name], scenario, output, 0).verdict != "clean":
                continue
            # Again, as it is run with mutations.
            alone, _, _ = self.run(self.base, client.program, [scenario], 60)
            came = parse(self.titles[name], scenario, alone, 0)
            if came.verdict == "clean":
                client.quick[scenario] = came.seconds
            else:
                problems.append(f"{client.source}: {scenario}: alone, without any mutation: "
                                f"{came.verdict} {came.finding}")
        return client, problems

    # -- what is come by --

    def make_marks(self, pool, mutants):
        """The programs, made to record the accesses that they come by; and what they do in each
        quick scenario: without its access a mutation changes nothing."""
        tree = os.path.join(self.top, "marked")
        copy_tree(self.base, tree)
        for path in sorted({m.path for m in mutants}):
            text, numbers = marked([m for m in mutants if m.path == path], read(f"{tree}/{path}"))
            first = max(self.marks.values(), default=-1) + 1
            write(f"{tree}/{path}", re.sub(r"weir__mutants_mark\((\d+)\)", lambda m, first=first:
                  f"weir__mutants_mark({int(m[1]) + first})", text))
            self.marks.update((m, n + first) for m, n in numbers.items())
        write(f"{tree}/mark.h", "void weir__mutants_mark(int number);\n")
        write(f"{tree}/mark.c", RECORDER.replace("ROOM", str(len(mutants))))
        tool(self.compiler + ["-D_GNU_SOURCE", "-w", "-c", "mark.c"], tree)
        self.workers(pool, lambda m: self.compile(tree, f"lib/{m}.c", f"obj/lib/{m}.o",
                                                  "-include", "mark.h"), self.library)
        self.archive(tree, [f"obj/lib/{m}.o" for m in self.library] + ["mark.o"], "libweir.a")
        self.workers(pool, lambda c: self.client_marks(c, tree, len(mutants)),
                     [c for c in self.clients.values() if c.quick])

    def client_marks(self, client, tree, room):
        target = f"obj/tests/{client.name}"
        self.compile(tree, client.source, target + ".o", "-include", "mark.h")
        self.link(tree, target + ".o", "libweir.a", target)
        environment = dict(os.environ, WEIR_MUTANTS_MARKS=os.path.join(tree, target + ".marks"))
        for scenario, seconds in client.quick.items():
            write(environment["WEIR_MUTANTS_MARKS"], "\0" * room)
            output, ended, _ = self.run(tree, os.path.join(tree, target), [scenario],
                                        max(self.options.limit, 10 * seconds), environment)
            if ended and parse(self.titles[client.name], scenario, output, 0).verdict == "clean":
                with open(environment["WEIR_MUTANTS_MARKS"], "rb") as file:
                    self.executed[client.name, scenario] = file.read()
            else:
                print(f"{client.source}: {scenario}: what it comes by is not known", flush=True)

    def comes_by(self, client, scenario, mutant):
        """Also if that is not known."""
        executed = self.executed.get((client, scenario))
        return executed is None or executed[self.marks[mutant]] != 0

    def deep_time(self, client, scenario):
        """Seconds that it takes unmutated; None if it is not clean then."""
        with self.lock:
            once = self.deep_times.setdefault((client.name, scenario), [threading.Lock()])
        with once[0]:
            if len(once) == 1:
                output, _, seconds = self.run(self.base, client.program, [scenario], 300)
                came = parse(self.titles[client.name], scenario, output, seconds)
                once.append(came.seconds if came.verdict == "clean" else None)
            return once[1]

    # -- with one --

    def candidates(self, mutant):
        """Clients that the file is part of, the nearest first."""
        stem = os.path.splitext(os.path.basename(mutant.path))[0]
        members = {m for m, files in self.library.items() if mutant.path in files}

        def rank(client):
            near = 0 if client.name == stem else \
                1 if client.name.startswith(stem) or stem.startswith(client.name) else 2
            return (near, -self.kills.get((mutant.path, client.name), 0), len(client.files),
                    client.name)

        return sorted((c for c in self.clients.values()
                       if c.program and (mutant.path in c.files or members & c.members)), key=rank)

    def trials(self, mutant, clients, deep):
        """client, scenario, seconds: first those that killed this one the last time, or one of
        its function; then by client."""
        times = {}
        for client in clients:
            for scenario in client.deep if deep else client.quick:
                if not deep and not self.comes_by(client.name, scenario, mutant):
                    continue
                times[client.name, scenario] = None if deep else client.quick[scenario]
        order = {c.name: i for i, c in enumerate(clients)}
        first = self.cached.get(mutant.key())
        place = (mutant.path, mutant.function)
        with self.lock:
            kills = dict(self.kills)
        return [(self.clients[c], s, times[c, s]) for c, s in sorted(times, key=lambda cs: (
            cs != first, -kills.get(place + cs, 0), order[cs[0]],
            -kills.get((mutant.path,) + cs, 0), times[cs] or 0, cs[1]))]

    def one(self, mutant, tree):
        """(killer, notes): client, scenario and finding, or None; what gave no answer."""
        path = os.path.join(tree, mutant.path)
        source = read(path)
        if source != read(os.path.join(self.base, mutant.path)):
            raise Trouble(f"{path}: has another mutation still")
        write(path, mutant.apply(source))
        try:
            return self.search(mutant, tree)
        finally:
            write(path, source)

    def search(self, mutant, tree):
        programs, notes, build, late = {}, [], Build(self, mutant, tree), 0
        trials = []
        for deep in (False, True) if self.options.deep else (False,):
            trials = self.trials(mutant, self.candidates(mutant), deep)
            for client, scenario, seconds in trials:
                if self.stopping:
                    return None, ["stopped"]
                if client.name not in programs:
                    programs[client.name] = build.program(client)
                if programs[client.name] is None:
                    continue
                if deep:
                    seconds = self.deep_time(client, scenario)
                    if seconds is None:
                        continue
                limit = self.options.limit if late < 3 else 1
                output, ended, took = self.run(tree, programs[client.name], [scenario],
                                               max(limit, 10 * seconds))
                came = parse(self.titles[client.name], scenario, output, took)
                late += not ended
                if ended and came.verdict == "bug":
                    return (client.name, scenario, came.finding), []
                if came.verdict != "clean" or not ended:
                    notes.append(f"{client.name}: {scenario}: " +
                                 (came.verdict if ended else f"not done after {took:.0f} s"))
        return None, notes if trials else [NOT_EXECUTED]


class Build:
    """Of one mutant in one tree: each object and program once, if a client wants it."""

    def __init__(self, run, mutant, tree):
        self.run, self.mutant, self.tree = run, mutant, tree
        self.changes = {m for m, files in run.library.items() if mutant.path in files}
        self.objects = {m: os.path.join(run.base, f"obj/lib/{m}.o") for m in run.library}
        self.built = set()
        os.makedirs(os.path.join(tree, "obj/tests"), exist_ok=True)

    def compile(self, source, target):
        """The object; None if it is the same as without the change."""
        self.run.compile(self.tree, source, target)
        mine, usual = (os.path.join(top, target) for top in (self.tree, self.run.base))
        return None if digest(mine) == digest(usual) else mine

    def program(self, client):
        """None if it is the same as without the change."""
        changed = False
        for member in self.changes & client.members:
            if member not in self.built:
                self.built.add(member)
                self.objects[member] = self.compile(f"lib/{member}.c", f"obj/lib/{member}.o") or \
                    self.objects[member]
            changed |= self.objects[member].startswith(self.tree + os.sep)
        target = f"obj/tests/{client.name}.o"
        its_object = os.path.join(self.run.base, target)
        if self.mutant.path in client.files:
            its_object = self.compile(client.source, target) or its_object
            changed |= its_object.startswith(self.tree + os.sep)
        if not changed:
            return None
        self.run.archive(self.tree, list(self.objects.values()), "libweir.a")
        program = os.path.join(self.tree, "obj/tests", client.name)
        self.run.link(self.tree, its_object, "libweir.a", program)
        return program
