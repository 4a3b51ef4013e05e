"""A shop that is broken on purpose while people buy: no acknowledged order may be lost or doubled.

`python -m tests.chaos` runs it; docs/chaos.md explains it.
"""
