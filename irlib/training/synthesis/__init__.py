"""Face age synthesis: its recipe (`config`), its batches (`batches`) and its loop (`loop`).

Importing this package does not import torch, so that a study can be described without it.
"""
