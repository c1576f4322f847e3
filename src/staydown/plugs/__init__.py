"""Rooms for what is many: one folder, one room."""
