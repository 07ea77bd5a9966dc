"""Keeps a registry busy for long: python -m tests.soak --minutes MINUTES [--plot FILE]

The peak of a mixed load is measured first; then lenders report and check at 70 % of it and an auditor audits every
minute. Memory and latency of the last minutes are held against those after the first minutes: it fails where a run of
minutes ends with a tenth and 100 MB more memory, or with a latency of one and a half. The last line is JSON:

    {"minutes": 60, "calls": 123456, "errors": 0, "rss_growth_mb": 3, "p99_ratio": 1.02, "audits": 60, "findings": 0}
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.auditing.auditor import Auditor
from client_sdk.testing import TestRegistry
from tests.soak.load import Load
from tests.soak.plot import plot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.soak.load import Call

__all__ = ["Soaked", "soak"]

LENDERS = ("lender-1", "lender-2", "lender-3", "lender-4")
PROGRAMS = ("registry", "key-service-a", "key-service-b")
SHARE = 0.7
_PERSONS = 9_000
_PEAK_SECONDS = 30.0
_SAMPLE_SECONDS = 10.0
_AUDIT_SECONDS = 60.0
# This part of the time passes before memory and latency are looked at: five minutes of an hour.
_WARM = 1 / 12
# What has grown by no more than one of these is level: caches fill up by and by, each to its limit.
_LEVEL_SHARE, _LEVEL_MB = 0.1, 100
# The machine is never quite still.
_LEVEL_RATIO = 1.5
# A shorter run warms caches from its beginning to its end, and shows neither.
_LEAST_MINUTES = 5.0
_MEGABYTE = 2**20


class Sample(NamedTuple):
    """One look.

    Attributes:
        minutes: since the load began.
        memory: of each program, in MB.
        calls: that have ended since the look before.
    """

    minutes: float
    memory: dict[str, float]
    calls: list[Call]


class Soaked(NamedTuple):
    """What came of it.

    Attributes:
        minutes: how long.
        calls: that ended.
        errors: of them, those that failed; any is one too many.
        rss_growth_mb: of the program that has grown most, from after the first minutes to the end.
        growth: the same as a share of what it had.
        p99_ratio: 99th percentile of the last twelfth ÷ that of the second twelfth; 0 where there were too few calls.
        audits: that came to an end.
        findings: of the audits.
        samples: every look.
    """

    minutes: float
    calls: int
    errors: int
    rss_growth_mb: int
    growth: float
    p99_ratio: float
    audits: int
    findings: int
    samples: list[Sample]

    @property
    def problems(self) -> list[str]:
        """What is wrong; nothing where the run was fine."""
        long = self.minutes >= _LEAST_MINUTES
        found = {
            f"{self.errors} calls failed": self.errors,
            f"{self.findings} findings of audits": self.findings,
            "no audit came to an end": not self.audits,
            f"memory has grown by {self.growth:.0%}": long
            and self.growth > _LEVEL_SHARE
            and self.rss_growth_mb > _LEVEL_MB,
            f"latency has grown to {self.p99_ratio:.2f} of what it was": long and self.p99_ratio > _LEVEL_RATIO,
        }
        return [problem for problem, is_so in found.items() if is_so]

    def picture(self) -> str:
        """Return a plot of memory and latency as SVG."""
        memory = {name: [(at.minutes, at.memory[name]) for at in self.samples] for name in PROGRAMS}
        kinds = sorted({call.kind for at in self.samples for call in at.calls})
        latency = {
            kind: [(at.minutes, 1_000 * _p99([call for call in at.calls if call.kind == kind])) for at in self.samples]
            for kind in kinds
        }
        title = f"{self.calls:,} calls in {self.minutes:.0f} minutes, {self.errors} errors"
        return plot(title, {"resident memory, MB": memory, "99th percentile, ms": latency})


def _look(seconds: float, pids: Mapping[str, int], load: Load) -> Sample:
    """Return what is seen now, so many seconds after the beginning."""
    return Sample(seconds / 60, {name: _memory(pid) for name, pid in pids.items()}, load.take())


def soak(minutes: float, folder: Path | None = None, peak_seconds: float = _PEAK_SECONDS) -> Soaked:
    """Measure the peak, and keep 70 % of it up for so many minutes."""
    with TestRegistry(lenders=LENDERS, folder=folder) as registry:
        load = Load([registry.client(lender) for lender in LENDERS], _PERSONS)
        for _ in load.run(peak_seconds):
            pass
        rate = SHARE * len(load.take()) / peak_seconds
        print(f"{rate:.1f} calls a second: {SHARE:.0%} of the peak", flush=True)
        pids = {name: registry.process_id(name) for name in PROGRAMS}
        over, samples = threading.Event(), list[Sample]()
        with ThreadPoolExecutor(1) as auditing:
            audited = auditing.submit(_audit, registry, over)
            try:
                began = time.monotonic()
                for _ in load.run(60 * minutes, rate):
                    passed = time.monotonic() - began
                    if passed >= _SAMPLE_SECONDS * (len(samples) + 1) or passed >= 60 * minutes:
                        samples.append(_look(passed, pids, load))
                # On a machine with other work the last calls end after the last look.
                last = _look(time.monotonic() - began, pids, load)
                samples += [last] if last.calls else []
            finally:
                over.set()
            findings = audited.result()
    calls = [call for sample in samples for call in sample.calls]
    early = [at for at in samples if minutes * _WARM <= at.minutes < 2 * minutes * _WARM] or samples[:1]
    late = [at for at in samples if at.minutes >= minutes * (1 - _WARM)] or samples[-1:]
    before, after = early[0].memory, late[-1].memory
    grown = max(PROGRAMS, key=lambda name: after[name] - before[name])
    growth = after[grown] - before[grown]
    was, now = (_p99([call for at in part for call in at.calls]) for part in (early, late))
    return Soaked(
        minutes,
        len(calls),
        sum(bool(call.error) for call in calls),
        round(growth),
        growth / before[grown],
        round(now / was, 2) if was else 0.0,
        len(findings),
        sum(findings),
        samples,
    )


def _audit(registry: TestRegistry, over: threading.Event) -> list[int]:
    """Audit again and again; return the number of findings of each audit."""
    auditor, findings = Auditor.from_home(registry.home("auditor")), list[int]()
    while True:
        findings.append(auditor.audit().new)
        if over.wait(_AUDIT_SECONDS):
            return findings


def _p99(calls: list[Call]) -> float:
    """Return the 99th percentile of their times; 0 of too few."""
    return quantiles([call.seconds for call in calls], n=100)[98] if len(calls) > 1 else 0.0


def _memory(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MEGABYTE


def main() -> None:
    """Soak, print, and end with 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--plot", type=Path, help="SVG file that is written")
    given = parser.parse_args()
    soaked = soak(given.minutes)
    if given.plot is not None:
        given.plot.write_text(soaked.picture())
    for error in sorted({call.error for at in soaked.samples for call in at.calls if call.error}):
        print(error)
    for problem in soaked.problems:
        print(problem)
    names = ("minutes", "calls", "errors", "rss_growth_mb", "p99_ratio", "audits", "findings")
    print(json.dumps({name: getattr(soaked, name) for name in names}))
    sys.exit(bool(soaked.problems))


if __name__ == "__main__":
    main()
