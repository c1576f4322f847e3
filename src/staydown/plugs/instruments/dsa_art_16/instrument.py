"""The notice of illegal content, Article 16 of Regulation (EU) 2022/2065."""

from __future__ import annotations

from staydown.reason.formread import DataForm

INSTRUMENT = DataForm("staydown.plugs.instruments.dsa_art_16")
