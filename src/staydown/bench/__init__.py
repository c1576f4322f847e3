"""Measurements: each topic measures ours and the peer in one run and gives figures as one object."""
