"""Looks for strings in all that a session's container holds: `python3 seek.py PATTERNS RESULT`.

PATTERNS is a JSON object of names and strings, each written backwards, so that this search does not find itself.
"""
import json
import os
import re
import stat
import sys
from array import array

BLOCK = 16 << 20
PAGE = os.sysconf("SC_PAGE_SIZE")


def read_patterns(written):
    return {name: text[::-1].encode() for name, text in written.items()}


def processes():
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and int(pid) != os.getpid()]


def among(block, patterns, where, found):
    for name, pattern in patterns.items():
        if pattern in block:
            found.append([name, where])


def environments(patterns):
    """And command lines, of every process."""
    found = []
    for pid in processes():
        for file in ("environ", "cmdline"):
            try:
                among(open(f"/proc/{pid}/{file}", "rb").read(), patterns, f"/proc/{pid}/{file}", found)
            except OSError:
                continue
    return found


def touched(pages, start, end):
    """The parts of a range of memory that were ever written or read, as (start, end).

    The rest holds nothing, but reading it would make the kernel fill it, and it is gigabytes: more than the container may have.
    """
    at, runs = start, []
    while at < end:
        pages.seek(at // PAGE * 8)
        entries = array("Q", pages.read(min((end - at) // PAGE, 1 << 16) * 8))
        if not entries:
            break
        for entry in entries:
            # Present, or swapped out.
            if entry >> 62:
                if runs and runs[-1][1] == at:
                    runs[-1][1] = at + PAGE
                else:
                    runs.append([at, at + PAGE])
            at += PAGE
    return runs


def memories(patterns):
    """What a process of the same user may read of the others, which is all that they hold."""
    found, searched = [], 0
    for pid in processes():
        try:
            command = open(f"/proc/{pid}/cmdline").read().replace("\0", " ")[:40]
            maps = open(f"/proc/{pid}/maps").read()
            memory, pages = open(f"/proc/{pid}/mem", "rb", 0), open(f"/proc/{pid}/pagemap", "rb", 0)
        except OSError:
            continue
        with memory, pages:
            ranges = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) rw", maps, re.M)
            for at, end in (run for start, end in ranges for run in touched(pages, int(start, 16), int(end, 16))):
                while at < end:
                    try:
                        memory.seek(at)
                        block = memory.read(min(end - at, BLOCK))
                    except (OSError, ValueError, OverflowError):
                        break
                    if not block:
                        break
                    searched += len(block)
                    among(block, patterns, f"the memory of {pid}: {command}", found)
                    at += len(block)
    return found, searched


def files(patterns, folders, ignored=()):
    found = []
    overlap = max(map(len, patterns.values()))
    for top in folders:
        for folder, inner, names in os.walk(top):
            inner[:] = [name for name in inner if os.path.join(folder, name) not in ("/proc", "/sys", "/dev")]
            for name in names:
                path = os.path.join(folder, name)
                among(path.encode("utf8", "surrogateescape"), patterns, f"the name of {path}", found)
                if path in ignored:
                    continue
                try:
                    if not stat.S_ISREG(os.lstat(path).st_mode):
                        continue
                    with open(path, "rb") as file:
                        rest = b""
                        while block := file.read(BLOCK):
                            among(rest + block, patterns, path, found)
                            rest = block[-overlap:]
                except OSError:
                    continue
    return found


if __name__ == "__main__":
    wanted = read_patterns(json.load(open(sys.argv[1])))
    in_memory, searched = memories(wanted)
    everything = {
        "environments": environments(wanted),
        "memories": in_memory,
        # The image's own are searched from outside.
        "files": files(wanted, ["/workspace", "/claude", "/run", "/home", "/tmp", "/etc", "/opt", "/var", "/root"], sys.argv[1:]),
        "searched": searched,
    }
    with open(sys.argv[2], "w") as result:
        json.dump(everything, result)
