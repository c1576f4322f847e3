"""Word to the issuing authority of an intended finding; Regulation (EU) 2021/784, Art. 4(5)."""
