"""First-contact information, at least twelve hours before a first order; Regulation (EU) 2021/784, Art. 3(2)."""
