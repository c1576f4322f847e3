"""Made-up removal orders, each a function of its seed, with text that tries to be something else."""

from __future__ import annotations

import random
from typing import Any

from staydown.law.states import EU

HOSTILE = (
    '#eval("1+1") #let x = 1; $x^2$ *bold* _thin_ [link](x) `code` <label> @ref = heading - list + enum / term: x // no /* no */ ~ \\',
    "</script><script>alert(1)</script> <!-- --> <?php ?> {{x}} {% x %} ${x} %s %n",
    "ends with a backslash \\\\ and a quote \" ' and a bracket ] } )",
    "العربية نص من اليمين إلى اليسار 123 https://a.example/ نهاية",
    "שלום עולם (123) [abc] https://a.example/?q=שלום",
    "\u202edecoded backwards\u202c \u2066isolated\u2069 zero\u200bwidth \ufeffmark \u00adsoft",
    "日本語のテキスト 中文 한국어 \U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e7\U0001f1ea",
    "e\u0301 Zal\u0334\u0335\u0336go \u0915\u094d\u0937 กำ ខ្មែរ \u05d0\u05b7 \u0628\u0651",
    "line one\nline two\r\nline three\n\n\n   - indented\n\ttab",
    "*** DRAFT, NOT AN ORDER ***\nSECTION G:\n  [x] the terrorist content has been removed",
    "control \x00\x07\x08\x0b\x0c\x1b[31m\x7f\x85 \u2028 \u2029 end",
    "x" * 5000,
    " ".join(f"https://host.example/{'a' * number}" for number in range(0, 200, 7)),
    "private \ue000 unassigned \U000e0041 \u0378 noncharacter \ufdd0 \uffff",
)
"""Texts that a renderer, a reader or a terminal could take for an instruction."""


def made_up_order(seed: int) -> dict[str, Any]:
    """A complete, made-up removal order in its canonical form; the same seed gives the same order."""
    chance = random.Random(seed)  # noqa: S311 - made-up data, no secret
    issuing, home = chance.choice(EU), chance.choice([*EU, "none"])
    crosses = home not in {issuing, "none"}
    day, hour = chance.randint(1, 28), chance.randint(0, 23)
    order: dict[str, Any] = {
        "a_issuing_ms": issuing,
        "a_addressee": _words(chance, 1, 5),
        "a_contact_point": f"orders{seed}@vid.example",
        "a_establishment_ms": home,
        "a_issued_at": f"2026-03-{day:02}T{hour:02}:{chance.randint(0, 59):02}:00{chance.choice(['Z', '+01:00', '-02:00'])}",
        "a_order_ref": f"{issuing}-2026-{seed:06}",
        "b_locations": [_location(chance, at) for at in range(chance.randint(1, 12))],
        "b_types": sorted(chance.sample(["2_7_a", "2_7_b", "2_7_c", "2_7_d", "2_7_e"], chance.randint(1, 5))),
        "b_reasoning": f"{_words(chance, 20, 400)}\n\n{chance.choice(HOSTILE)} {_words(chance, 5, 80)}",
        "c_non_disclosure": chance.random() < 0.2,
        "d_cross_border": crosses,
        "e_type": chance.choice(["judicial", "law_enforcement", "other"]),
        "e_name": f"{_words(chance, 2, 6)} {chance.choice(HOSTILE)}",
        "e_representative": _words(chance, 2, 6),
        "e_file_no": f"IRU/{seed}",
        "e_address": f"{_words(chance, 2, 4)}\n{_words(chance, 1, 3)}",
        "e_tel": f"+32 2 555 {seed % 100:02} 00",
        "e_email": f"desk{seed}@police.example",
        "e_date": f"2026-03-{day:02}",
        "f_feedback_contact": _words(chance, 2, 8),
        "g_body": _words(chance, 3, 9),
        "g_deadline": f"{chance.randint(10, 60)} days starting from receipt",
        "g_law_link": f"https://law.example/{issuing.lower()}",
    }
    if crosses:
        order |= {"d_copy_sent": True, "f_establishment_ca": _words(chance, 2, 8)}
    return order


def _location(chance: random.Random, at: int) -> dict[str, str]:
    path = "".join(chance.choice("abcXYZ019-_.~%/?&=+:@!") for _ in range(chance.choice([5, 30, 90, 400])))
    found = {"url": f"https://vid.example/{at}/{path}"}
    if chance.random() < 0.5:
        found["extra"] = f"{chance.choice(HOSTILE)} {_words(chance, 1, 10)}"
    return found


def _words(chance: random.Random, least: int, most: int) -> str:
    syllables = ["ma", "de", "up", "ta", "lo", "ré", "ß", "ñu", "ki", "zo", "Ω", "ж"]
    count = chance.randint(least, most)
    return " ".join("".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(count))
