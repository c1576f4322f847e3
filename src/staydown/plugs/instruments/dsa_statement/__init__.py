"""The statement of reasons for the Commission's data base, Article 24(5) of Regulation (EU) 2022/2065."""
