"""Word that an order has become final; Regulation (EU) 2021/784, Art. 3(9)."""
