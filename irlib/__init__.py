"""Face recognition with large age gaps: the library behind the notebooks."""
