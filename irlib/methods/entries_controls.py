"""Controls and ablations of the Inter-Prototype loss."""

from irlib.methods.method import Method

CONTROLS: tuple[Method, ...] = ()
