"""From a picture to ArcFace's 112x112 crop: given landmarks, FG-NET's points, or a detector."""

from irlib.data.alignment.similarity import align

__all__ = ["align"]
