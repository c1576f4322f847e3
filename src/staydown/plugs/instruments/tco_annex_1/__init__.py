"""The removal order, Annex I to Regulation (EU) 2021/784."""
