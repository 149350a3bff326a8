"""The history of a training, as whoever looks on reads it; without torch."""

import json
from pathlib import Path
from typing import Any

from irlib.training.config import HISTORY


def read_history(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's history; a last line that was cut short is left out."""
    path = folder / HISTORY
    if not path.exists():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:  # the process was killed while it wrote
            break
    return lines
