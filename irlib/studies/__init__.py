"""The studies: which data, which backbone, which recipe, and what to expect of them.

Importing this package is cheap (no torch), so that a wrong name is told at once.
"""

from irlib.studies.entries import STUDIES
from irlib.studies.lookup import SETTABLE, find, require_data, require_made
from irlib.studies.study import Study

__all__ = ["SETTABLE", "STUDIES", "Study", "find", "require_data", "require_made"]
