"""Training: the recipe as a value (`config`), the loop (`loop`), and what it leaves (`recorder`).

Importing this package does not import torch, so that a study can be described without it.
"""
