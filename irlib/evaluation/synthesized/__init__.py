"""What synthesized faces are worth: age, identity, likeness to real faces and to the truth.

Numbers in, numbers with 95 % intervals over people out; docs/statistics.md tells what each says.
"""
