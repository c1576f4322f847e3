"""Word of an imminent threat to life; Regulation (EU) 2021/784, Art. 14(5) and Regulation (EU) 2022/2065, Art. 18."""
