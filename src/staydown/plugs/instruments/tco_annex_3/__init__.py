"""The provider's word that an order cannot be executed, Annex III to Regulation (EU) 2021/784."""
