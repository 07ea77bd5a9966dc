"""Generate the Python code of the contract into proto/gen.

The generator is older than the run time on purpose: code from it imports under every protobuf from 6.31 on.

    python proto/generate.py           write proto/gen
    python proto/generate.py --check   fail where proto/gen is not what would be written
"""

from __future__ import annotations

import argparse
import filecmp
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
GENERATED = HERE / "gen"
# What tools.txt asks for, resolved and with hashes; "make lock" writes it.
TOOLS = HERE / "tools.lock"
TOOL_HOME = HERE.parent / ".cache" / "protoc"


def tool_python() -> Path:
    """Return the interpreter of an environment that holds the pinned generator, making it where it is missing."""
    python = TOOL_HOME / "bin" / "python"
    stamp = TOOL_HOME / TOOLS.name
    if not stamp.exists() or stamp.read_bytes() != TOOLS.read_bytes():
        venv.create(TOOL_HOME, with_pip=False, clear=True)
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "--requirement", TOOLS], check=True)
        shutil.copyfile(TOOLS, stamp)
    return python


def generate(into: Path) -> None:
    """Write messages, services and their type stubs below ``into``."""
    python = tool_python()
    into.mkdir(parents=True, exist_ok=True)
    sources = sorted(path.relative_to(HERE).as_posix() for path in (HERE / "creditregistry").rglob("*.proto"))
    plugins = {name: python.parent / name for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")}
    command = [python, "-m", "grpc_tools.protoc", "-I.", f"--python_out={into}", f"--mypy_out=quiet:{into}"]
    command += [f"--plugin={name}={path}" for name, path in plugins.items()]
    subprocess.run([*command, *sources], check=True, cwd=HERE)
    services = [source for source in sources if source.endswith("_service.proto")]
    command += [f"--grpc_python_out={into}", f"--mypy_grpc_out=quiet:{into}"]
    subprocess.run([*command, *services], check=True, cwd=HERE)
    for folder in (into / "creditregistry", into / "creditregistry" / "v1"):
        (folder / "__init__.py").write_text('"""Generated from proto/; never edited."""\n')
        (folder / "py.typed").touch()


def differences(left: Path, right: Path) -> list[str]:
    """Name the files that are not the same below the two folders."""
    files = {
        p.relative_to(d) for d in (left, right) for p in d.rglob("*") if p.is_file() and "__pycache__" not in p.parts
    }
    return sorted(
        str(name)
        for name in files
        if not (left / name).exists()
        or not (right / name).exists()
        or not filecmp.cmp(left / name, right / name, shallow=False)
    )


def main() -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, fail where the code is out of date")
    if not parser.parse_args().check:
        generate(GENERATED)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        stale = differences(Path(folder), GENERATED)
    for name in stale:
        sys.stderr.write(f"proto/gen/{name} is not what proto/generate.py writes\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
