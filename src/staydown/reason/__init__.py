"""Algorithms: pure, and able to explain themselves."""
