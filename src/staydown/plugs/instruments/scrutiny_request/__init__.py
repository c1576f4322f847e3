"""The request to scrutinise an order; Regulation (EU) 2021/784, Art. 4(4)."""
