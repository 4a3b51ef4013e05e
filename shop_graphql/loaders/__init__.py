"""Batched reads for the edges of the graph: one statement per level and kind, whatever the number of rows."""
