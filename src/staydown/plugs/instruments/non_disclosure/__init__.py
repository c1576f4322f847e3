"""The decision to keep an order from the content provider; Regulation (EU) 2021/784, Art. 11(3)."""
