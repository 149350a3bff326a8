"""Loss terms that act beside the classification loss."""

from irlib.losses.inter_prototype import inter_prototype_loss, require_variant

__all__ = ["inter_prototype_loss", "require_variant"]
