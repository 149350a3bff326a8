"""Embedding test images and judging verification and search, with intervals over identities."""

from irlib.evaluation.operating import tar_at_far
from irlib.evaluation.protocols import accuracy
from irlib.evaluation.verifying import verify

__all__ = ["accuracy", "tar_at_far", "verify"]
