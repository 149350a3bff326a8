"""A file that is read at any place, by any thread, and again after being sent to another process.

Units: places and sizes in bytes.
"""

import os
import threading
import weakref
from pathlib import Path

_OPENING = threading.Lock()


class RandomFile:
    """A file that stays open; nothing of it is kept in memory.

    It is not mapped into memory: a mapped file that somebody cuts short ends the process.

    Args:
        path: the file.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size if path.is_file() else -1
        self._descriptor: int | None = None
        self._open()

    def read(self, place: int, count: int) -> bytes:
        """Up to count bytes from a place on; fewer at the end of the file.

        Raises:
            OSError: the file cannot be read, or is another one than when it was first opened.
        """
        descriptor = self._descriptor if self._descriptor is not None else self._open()
        try:
            data = os.pread(descriptor, count, place)
            while data and len(data) < count:  # a network may give less at a time
                more = os.pread(descriptor, count - len(data), place + len(data))
                if not more:
                    break
                data += more
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from None
        return data

    def _open(self) -> int:
        with _OPENING:
            if self._descriptor is not None:  # another thread was faster
                return self._descriptor
            if not self.path.is_file():  # a pipe would never open
                raise FileNotFoundError(f"{self.path}: no such file")
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            if (size := os.fstat(descriptor).st_size) != self.size:
                os.close(descriptor)
                raise OSError(f"{self.path}: {size} bytes, but it had {self.size} when opened")
            weakref.finalize(self, os.close, descriptor).atexit = False
            self._descriptor = descriptor
            return descriptor

    def __getstate__(self) -> dict[str, object]:
        return {"path": self.path, "size": self.size, "_descriptor": None}
