"""Query parameters that say who shared an address or where it was clicked, not what it names.

A parameter belongs here only if no site is known to use the name for content. What a single provider
adds (`tracking` in its room) stays in its room. Sources: the vendors' own documentation of the names;
compared with the lists of ClearURLs and of the Brave and Firefox query-stripping features.
"""

from __future__ import annotations

import re
from collections.abc import Collection

PREFIXES = (
    "utm_",  # Google Analytics and everybody after it
    "mtm_",  # Matomo
    "pk_",  # Piwik
    "piwik_",
    "matomo_",
    "hsa_",  # HubSpot advertising
    "fb_action_",
    "bsft_",  # Blueshift
    "__hs",  # HubSpot
    "__cf_chl_",  # Cloudflare challenge
    "_branch_",  # Branch
    "_x_tr_",  # Google Translate
    "guce_referrer",  # Yahoo consent
)

# fmt: off
NAMES = frozenset({
    "fbclid", "fb_source", "fb_ref", "mibextid", "igshid", "igsh",
    "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "gad_source", "gad_campaignid", "srsltid", "_ga", "_gl",
    "msclkid", "yclid", "ysclid", "_openstat", "twclid", "ttclid", "li_fat_id", "rdt_cid", "epik", "scclid", "ndclid",
    "mc_cid", "mc_eid", "mkt_tok", "ml_subscriber", "ml_subscriber_hash", "vero_id", "vero_conv",
    "_hsenc", "_hsmi", "hsctatracking", "oly_anon_id", "oly_enc_id", "rb_clickid", "wickedid",
    "s_kwcid", "ef_id", "irclickid", "cjevent", "zanpid", "wt_mc", "wt_zmc", "xtor",
    "at_campaign", "at_medium", "at_custom1", "at_custom2", "at_custom3", "at_custom4", "itm_source", "itm_medium", "itm_campaign",
    "ref_src", "ref_url", "__twitter_impression", "guccounter",
})
# fmt: on

_SHARE_ID = re.compile(r"si=[A-Za-z0-9_-]{10,}")  # YouTube, Spotify, SoundCloud; a short `si` may be content


def is_tracking(parameter: str, own: Collection[str] = ()) -> bool:
    """Whether a `name=value` piece of a query is not identity.

    Args:
        own: Further names, small, that the provider's room declares.
    """
    name = parameter.partition("=")[0].lower()
    return (
        name in NAMES
        or name in own
        or name.startswith(PREFIXES)
        or (name == "si" and _SHARE_ID.fullmatch(parameter) is not None)
    )


def without_tracking(query: str, own: Collection[str] = ()) -> str:
    """The query without tracking parameters and without empty pieces; the order of the rest is kept."""
    kept = [piece for piece in query.split("&") if piece and not is_tracking(piece, own)]
    return "&".join(kept)
