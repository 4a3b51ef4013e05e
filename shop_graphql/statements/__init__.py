"""What reads select: pure functions that build statements and never run them."""
