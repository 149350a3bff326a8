"""Methods that take age out of the embedding: OE-CNN, DAL and MTLFace.

They learn from the ages of the training images. An image without an age takes part in the identity
loss only. `irlib.age_invariant.synthesis` draws faces at other ages by a network that MTLFace
trained.
"""

from irlib.age_invariant.dal import DAL
from irlib.age_invariant.mtlface import MTLFace
from irlib.age_invariant.oecnn import OECNN

__all__ = ["DAL", "OECNN", "MTLFace"]
