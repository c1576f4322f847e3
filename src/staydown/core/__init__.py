"""Nouns and rules of thought: standard library only, no input or output, never asks the time."""
