"""A believable shop, the same for everybody who asks for the same size and random seed."""
