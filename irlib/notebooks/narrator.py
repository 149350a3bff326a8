"""What a headless run tells: the notebook's own lines, and a sign of life when it is silent."""

import threading
import time
from typing import IO

SECONDS_OF_SILENCE = 20.0


class Narrator:
    """A text stream that puts the run's name before each line and speaks up in a long silence.

    Args:
        name: the run's name.
        stream: where lines go.
    """

    def __init__(self, name: str, stream: IO[str]) -> None:
        self.name, self.stream = name, stream
        self.place = "starting"  # which cell runs
        self._begun = self._told = time.monotonic()
        self._done = threading.Event()
        threading.Thread(target=self._fill_silence, daemon=True).start()

    def write(self, text: str) -> int:
        """Print whole lines as they come; blank ones are left out."""
        lines = [line for line in text.splitlines() if line.strip()]
        for line in lines:
            self.stream.write(f"[{self.name}] {line.rstrip()}\n")
        if lines:
            self.stream.flush()
            self._told = time.monotonic()
        return len(text)

    def flush(self) -> None:
        """Flush the stream behind."""
        self.stream.flush()

    def close(self) -> None:
        """Stop the signs of life."""
        self._done.set()

    def _fill_silence(self) -> None:
        while not self._done.wait(1.0):
            if time.monotonic() - self._told >= SECONDS_OF_SILENCE:
                self.write(f"{self.place}, {time.monotonic() - self._begun:.0f} s")
