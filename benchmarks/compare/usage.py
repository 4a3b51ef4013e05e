"""What processes cost: processor time and memory of a process with all its children, out of /proc."""

import os
import resource
from dataclasses import dataclass
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """One process: its parent, the seconds that it and the children it has outlived took, and its memory in bytes."""

    parent: int
    seconds: float
    memory: int


def parse_stat(text: str) -> Process:
    """Read /proc/PID/stat. The name, in brackets, can hold anything."""
    fields = text.rpartition(")")[2].split()
    return Process(int(fields[1]), sum(map(int, fields[11:15])) * TICK, int(fields[21]) * PAGE)


def _everything() -> dict[int, Process]:
    found = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                found[int(folder.name)] = parse_stat((folder / "stat").read_text())
            except OSError:  # it has ended meanwhile
                continue
    return found


def _tree(pid: int) -> list[Process]:
    processes, found, waiting = _everything(), list[Process](), [pid]
    while waiting:
        pid = waiting.pop()
        if pid in processes:
            found.append(processes[pid])
        waiting += [child for child, process in processes.items() if process.parent == pid]
    return found


def seconds(pid: int) -> float:
    """Return the processor time of a process and all below it."""
    return sum(process.seconds for process in _tree(pid))


def megabytes(pid: int) -> float:
    """Return the resident memory of a process and all below it."""
    return sum(process.memory for process in _tree(pid)) / 2**20


def busy_seconds() -> float:
    """Return the processor time that the whole machine has spent on anything."""
    fields = [int(field) for field in (PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) * TICK


def ended_children_seconds() -> float:
    """Return the processor time of the programs that this process has run to their end, such as wrk."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
