"""The notice of illegal content, Article 16 of Regulation (EU) 2022/2065."""
