"""Margin heads: from embeddings and labels to the logits of a softmax over the classes."""

from irlib.heads.adaface import AdaFace
from irlib.heads.arcface import ArcFace
from irlib.heads.broadface import BroadFace
from irlib.heads.cosface import CosFace
from irlib.heads.curricularface import CurricularFace
from irlib.heads.margin import MarginHead
from irlib.heads.mv_softmax import MVAM, MVArc
from irlib.heads.sphereface import SphereFace

__all__ = [
    "MVAM",
    "AdaFace",
    "ArcFace",
    "BroadFace",
    "CosFace",
    "CurricularFace",
    "MVArc",
    "MarginHead",
    "SphereFace",
]
