"""The analyses behind the tables: what a trained network does to some faces, in numbers."""
