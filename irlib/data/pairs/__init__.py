"""Verification pairs: the published rules, lists on disk, and what a set of pairs holds."""
