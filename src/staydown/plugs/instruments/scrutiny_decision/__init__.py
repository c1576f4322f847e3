"""The decision on an order; Regulation (EU) 2021/784, Art. 4(3) to (6)."""
