"""Embedding test images and judging verification, with intervals over identities."""
