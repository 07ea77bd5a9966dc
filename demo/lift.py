"""``python -m demo.lift --data FILE [--limit N]``: what shared records bring to a lender's risk model.

Takes the registry that ``python -m demo.portfolio`` has filled. The data set knows one card of each client. Here the
lender that asks has the limit, and what was billed and paid, in its own books; how late the client was lies with
another lender, and reaches the model through the registry alone. The program that trains is ``examples/risk_model.py``.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from client_sdk.errors import ConfigError
from client_sdk.invented.parties import LENDERS
from client_sdk.invented.people import invented_person
from client_sdk.testing.folder import reserved
from client_sdk.testing.interrupting import interruptible
from client_sdk.testing.programs import Programs
from client_sdk.testing.site import Site
from demo.crew import Order, read_clients
from demo.portfolio import FOLDER, open_registry
from demo.uci import PortfolioError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demo.uci import Client

__all__ = ["main"]

_MODEL = Path(__file__).parents[1] / "examples" / "risk_model.py"
_CURRENCY = "TWD"
_CONSENT_ON = date(2025, 1, 1)


def main() -> int:
    """Train both models; return 0 only if that went well."""
    parser = argparse.ArgumentParser(prog="python -m demo.lift", description="What shared records bring to a model.")
    parser.add_argument("--data", type=Path, required=True, help="the CSV file, as it is or compressed by gzip")
    parser.add_argument("--limit", type=int, help="take only the first so many clients")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="that demo.portfolio has filled")
    options = parser.parse_args()
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    folder = options.folder.resolve()
    try:
        _, clients = read_clients(Order(folder, options.data.resolve(), options.limit))
        with interruptible(), reserved(folder, Site.FILE), Programs(folder) as programs:
            open_registry(console, programs)
            return _train(folder / LENDERS[0].name, clients)
    except KeyboardInterrupt:
        console.print("Interrupted.")
        return 130
    except (PortfolioError, ConfigError, OSError) as error:
        console.print(str(error), markup=False)
        return 1


def _train(home: Path, clients: Sequence[Client]) -> int:
    """Write the lender's own books and have the example train on them; the file ends with the run."""
    with tempfile.TemporaryDirectory(dir=home) as folder:
        books, consent = Path(folder, "borrowers.csv"), Path(folder, "consent.txt")
        _write(books, clients)
        consent.write_text("I agree that you ask the registry about me for as long as you lend to me.\n")
        words = ("--home", home, "--borrowers", books, "--consent", consent, "--given-on", _CONSENT_ON.isoformat())
        command = [sys.executable, str(_MODEL), *map(str, words), "--officer", "model-desk", "--currency", _CURRENCY]
        return subprocess.run(command, check=False).returncode


def _write(path: Path, clients: Sequence[Client]) -> None:
    months = range(1, len(clients[0].months) + 1)
    headings = ["number", "limit", *(f"{what}_{month}" for what in ("billed", "paid") for month in months), "defaulted"]
    with path.open("x", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(headings)
        for client in clients:
            billed, paid = ([getattr(month, name) for month in client.months] for name in ("billed", "paid"))
            rows.writerow([invented_person(client.number).number, client.limit, *billed, *paid, int(client.defaulted)])


if __name__ == "__main__":
    sys.exit(main())
