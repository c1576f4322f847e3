"""The page probe: reads an answer as a page."""
