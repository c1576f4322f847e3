"""The national order against illegal content, Article 9 of Regulation (EU) 2022/2065."""
