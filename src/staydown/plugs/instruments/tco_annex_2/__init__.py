"""The provider's feedback after removal, Annex II to Regulation (EU) 2021/784."""
