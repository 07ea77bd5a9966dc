"""A contract for import-linter that says what a package may import, where the built-in ones say what it may not.

The table of who may import whom then stands in pyproject.toml as the design gives it, and what nobody thought of is
refused.
"""

from __future__ import annotations

import sys
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from importlinter import Contract, ContractCheck, fields, output

if TYPE_CHECKING:
    from grimp import ImportGraph

# Files, sockets, processes, the clock and the environment: what a pure function does not touch.
IMPURE = frozenset(
    {
        "asyncio",
        "builtins",
        "fcntl",
        "ftplib",
        "getpass",
        "glob",
        "http",
        "locale",
        "logging",
        "mmap",
        "multiprocessing",
        "os",
        "pathlib",
        "platform",
        "selectors",
        "shelve",
        "shutil",
        "signal",
        "smtplib",
        "socket",
        "socketserver",
        "sqlite3",
        "ssl",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "urllib",
    }
)


class AllowedImports(Contract):
    """The modules of ``packages`` import themselves, and what one of ``allowed`` and none of ``refused`` names.

    A name in ``allowed`` means the module and everything below it and may hold ``*``. ``stdlib`` means the standard
    library, ``pure-stdlib`` the same without ``IMPURE``. Only direct imports are looked at: each package of the
    project has a row of its own, so what is reached through another is held by that other's row.
    """

    type_name = "allowed"

    # The library declares fields and, when it reads the contract, puts lists of strings in their place.
    packages: list[str] = fields.ListField(subfield=fields.StringField())  # type: ignore[assignment]  # holds a list
    allowed: list[str] = fields.ListField(subfield=fields.StringField())  # type: ignore[assignment]  # holds a list
    # Modules below one of ``allowed`` that are kept back, such as those whose name begins with an underscore.
    refused: list[str] | None = fields.ListField(subfield=fields.StringField(), required=False)  # type: ignore[assignment]  # holds a list
    # Modules below ``packages`` that have a row of their own.
    apart_from: list[str] | None = fields.ListField(subfield=fields.StringField(), required=False)  # type: ignore[assignment]  # holds a list

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001  # the signature is given
        """Collect the imports that no row allows, with their line numbers."""
        output.verbose_print(verbose, f"{self.packages} -> {self.allowed}")
        found = [
            (importer, imported)
            for importer in sorted(graph.modules)
            if self.covers(importer)
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if not self.allows(imported)
        ]
        details = [
            detail
            for importer, imported in found
            for detail in graph.get_import_details(importer=importer, imported=imported)
        ]
        return ContractCheck(kept=not found, metadata={"details": details})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each import that is not allowed, with its line."""
        for detail in check.metadata["details"]:
            place = f"{detail['importer']} line {detail['line_number']}"
            output.print_error(f"{place}: {detail['line_contents']}", bold=False)
        output.new_line()

    def covers(self, module: str) -> bool:
        """Whether this row is about ``module``."""
        return is_below(module, self.packages) and not is_below(module, self.apart_from or [])

    def allows(self, imported: str) -> bool:
        """Whether a module of this row may import ``imported``."""
        if self.covers(imported):
            return True
        top = imported.partition(".")[0]
        if top in sys.stdlib_module_names:
            return "stdlib" in self.allowed or ("pure-stdlib" in self.allowed and top not in IMPURE)
        return is_below(imported, self.allowed) and not is_below(imported, self.refused or [])


def is_below(module: str, names: list[str]) -> bool:
    """Whether ``module`` is one of ``names`` or below it."""
    return any(fnmatchcase(module, name) or fnmatchcase(module, f"{name}.*") for name in names)
