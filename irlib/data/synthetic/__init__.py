"""Procedural portraits of people who age: a stand-in for cross-age face sets nobody may share.

`write` makes a set on disk; `portrait` and `contact_sheet` make pictures to look at.
"""

from irlib.data.synthetic.contact import contact_sheet, portrait
from irlib.data.synthetic.dataset import fingerprint, read_manifest, write
from irlib.data.synthetic.spec import SyntheticSpec

__all__ = [
    "SyntheticSpec",
    "contact_sheet",
    "fingerprint",
    "portrait",
    "read_manifest",
    "write",
]
