"""Output files: created atomically with mode 0600; an existing file is never overwritten. And folders for them.

    with NewFile(path) as file:     # refuses a path that exists; makes a draft beside it
        ...                         # what takes long or lasts: the registry is asked, records are sent
        file.write(data)            # the draft gets its name; until now nothing was there

Nothing that exists is ever replaced, by whatever spelling, symbolic link or hard link it is named, and a folder that
takes no file is refused before anything else is done. A block that ends without ``write`` leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from client_sdk._durable import give_name, sync
from client_sdk._files import cannot_be_written, path_of
from client_sdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

__all__ = ["NewFile", "check_new", "output_folder"]

_DRAFT = ".unfinished"


class NewFile:
    """One file to be written.

    Args:
        path: of the file; its folder must exist.

    Attributes:
        path: of the file.
        draft: where its content is until it is whole; in the same folder, mode 0600.

    Raises:
        ConfigError: something exists there already, or the folder takes no file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path_of(path, "path")
        check_new(self.path)
        try:
            descriptor, draft = tempfile.mkstemp(_DRAFT, ".", self.path.parent)
        except OSError as error:
            raise cannot_be_written(self.path, error) from error
        os.close(descriptor)
        self.draft = Path(draft)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def write(self, data: bytes) -> None:
        """Write the whole content and give the file its name.

        Raises:
            ConfigError: it cannot be written, or something has come to exist there.
        """
        try:
            self.draft.write_bytes(data)
        except OSError as error:
            raise cannot_be_written(self.path, error) from error
        self.publish()

    def publish(self) -> None:
        """Give the draft, once it is written, its name, durably.

        Raises:
            ConfigError: as ``write``.
        """
        try:
            sync(self.draft)
            give_name(self.draft, self.path)
            sync(self.path.parent)
        except FileExistsError:
            raise _exists(self.path) from None
        except OSError as error:
            raise cannot_be_written(self.path, error) from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove the draft, if it is still there."""
        with contextlib.suppress(OSError):
            self.draft.unlink(missing_ok=True)


@contextlib.contextmanager
def output_folder(path: Path) -> Iterator[Path]:
    """Make a folder for files, with its parents, where there is none.

    Where the block fails, those that were made here are removed again, unless something is in them.

    Raises:
        ConfigError: it cannot be made.
    """
    missing = [folder for folder in (path, *path.parents) if not os.path.lexists(folder)]
    try:
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_be_written(path, error) from error
        yield path
    except BaseException:
        for folder in missing:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


def check_new(path: Path) -> None:
    """Check that nothing is at a path, and that its folder exists; writes nothing.

    Raises:
        ConfigError: something exists there, or there is no such folder.
    """
    try:
        path.lstat()
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise ConfigError(f"{path} cannot be written: there is no folder {path.parent}") from None
    except OSError as error:
        raise cannot_be_written(path, error) from error
    else:
        raise _exists(path)


def _exists(path: Path) -> ConfigError:
    return ConfigError(f"{path} exists already and is not written over: name a new file")
