"""Rooms of this kind: one folder, one room."""
