"""Faces on disk: folders, ages, test sets, pair lists, loading, and synthetic faces."""
