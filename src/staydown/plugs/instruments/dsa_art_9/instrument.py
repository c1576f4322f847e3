"""The national order against illegal content, Article 9 of Regulation (EU) 2022/2065."""

from __future__ import annotations

from staydown.reason.formread import DataForm

INSTRUMENT = DataForm("staydown.plugs.instruments.dsa_art_9")
