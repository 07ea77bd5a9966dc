"""A process that appends until it is killed, and says what was acknowledged; run by the tests of faults.

python -m tests.support.crashing_server URL FAULT COMMIT        dies at that commit
python -m tests.support.crashing_server URL register MOVE       dies before that move of the checkpoint register
python -m tests.support.crashing_server URL registered MOVE     dies after it, before anything is signed
python -m tests.support.crashing_server URL none 0              appends until it is killed
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from registry_server.sequencing.ledger import Ledger
from registry_server.storage.unit_of_work import Database
from tests.support.faulty_database import Fault, FaultyDatabase
from tests.support.faulty_register import DyingRegister
from tests.support.registers import register_of
from tests.support.registry_world import World, submit

if TYPE_CHECKING:
    from registry_server.storage.register import Register


def main(url: str, fault: str, at: str) -> None:
    """Report records named 0, 1, 2 and so on, each with its cure, in batches that grow and shrink."""
    world = World()
    register: Register = register_of(url)
    if fault in {"register", "registered"}:
        register = DyingRegister(url, int(at), after=fault == "registered")
        fault = "none"
    database = Database(url) if fault == "none" else FaultyDatabase(url, Fault(fault), int(at))
    with database, Ledger.open(database, register, world.log_signer, world.clock) as ledger:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        number = 0
        while True:
            names = [str(number + offset) for offset in range(1 + number % 7)]
            number += len(names)
            batch = [world.report("lender-1", name) for name in names]
            done = submit(ledger, *batch)
            for name, record in zip(names, done.results, strict=True):
                if record.place is None:
                    raise SystemExit(str(record.complaint))
                sys.stdout.write(f"{name} {record.place.leaf_index}\n")
            sys.stdout.flush()
            ledger.record_inquiries([world.inquiry("lender-1", str(number))]).result()


if __name__ == "__main__":
    main(*sys.argv[1:])
