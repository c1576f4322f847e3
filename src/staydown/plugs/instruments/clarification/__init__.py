"""The authority's clarification of an order; Regulation (EU) 2021/784, Art. 3(8)."""
