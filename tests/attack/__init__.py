"""Attacks on a running server: every one is sent over a socket, and every answer is judged."""
