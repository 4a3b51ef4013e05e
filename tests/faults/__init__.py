"""What happens to a shop when what it stands on fails: one fault after another, each under load.

`python -m tests.faults` tries them all; docs/faults.md has what came of it.
"""
