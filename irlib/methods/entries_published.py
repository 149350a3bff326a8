"""The rows whose authors' settings differ from the common recipe, with those settings."""

from irlib.methods.method import Method

AS_PUBLISHED: tuple[Method, ...] = ()
