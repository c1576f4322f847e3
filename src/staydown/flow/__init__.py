"""The life of an item, one file per verb."""
