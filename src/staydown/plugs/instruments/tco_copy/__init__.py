"""The copy of an order to the authority of establishment; Regulation (EU) 2021/784, Art. 4(1)."""
