"""This shop and its peers side by side, under the same load, on the same rows. Run by `make bench`."""
