"""The data sets of the papers: a catalog of them, and readers of their layouts."""
