"""Pages that jurists read: the map of the law, and the register of clocks with its table of event orders."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tools.comments import member_comments
from tools.lawmap import Article, articles, of, places

ROOT = Path(__file__).parent.parent
ORDERS = ROOT / "tests/law/event_orders.toml"


def law() -> str:
    """Every article that matters with the code and tests that cite it, gaps included; then all that is cited."""
    listed = articles()
    gaps = [one for one in listed if not one.supported]
    parts = [
        f"# Law\n\n{len(listed)} articles matter to an agency; {len(listed) - len(gaps)} of them have code and tests that cite "
        f"them, {len(gaps)} are gaps, each with its reason. Every act has its part; the list is `law/articles.toml`, and a test "
        "fails where an article without a reason has no code or no test. The periods are on [the page of clocks](clocks.md).\n"
    ]
    for act in dict.fromkeys(one.act for one in listed):
        parts.append(f"\n## {act}\n\n| article | what it says | code | tests |\n| --- | --- | --- | --- |\n")
        parts += [_article(one) for one in listed if one.act == act]
    parts += _figures()
    named = {one.cited_as for one in listed}
    parts.append("\n## All that is cited\n\n| article | code | tests |\n| --- | --- | --- |\n")
    parts += [
        f"| {cited} | {_paths(by['code'])} | {_paths(by['tests'])} |\n"
        for cited, by in places().items()
        if cited not in named
    ]
    return "".join(parts)


def _figures() -> list[str]:
    from staydown.law.figures import FIGURES, HOUSE

    head = (
        "\n## What is reported each year\n\nCounted as it happens; `staydown transparency` prints the rows.\n\n"
        "| row | what | of | whose report | how fast, too | source |\n| --- | --- | --- | --- | --- | --- |\n"
    )
    return [head] + [
        f"| `{one.id}` | {one.label} | {one.of.value} | {one.by.value} | {'yes' if one.timed else ''} | {one.source} |\n"
        for one in (*FIGURES, *HOUSE)
    ]


def _article(one: Article) -> str:
    if not one.supported:
        return f"| {one.at} | {one.what} | **gap**: {one.reason} | |\n"
    return f"| {one.at} | {one.what} | {_paths(of(one, 'code'))} | {_paths(of(one, 'tests'))} |\n"


def _paths(paths: Iterable[str]) -> str:
    shown = (path.removeprefix("src/staydown/").removeprefix("tests/") for path in sorted(paths))
    return ", ".join(f"`{path}`" for path in shown) or "-"


def clocks() -> str:
    """The register of periods, what proves a receipt, and the orders of events with their deadlines."""
    from staydown.law.periods import Counts, Party
    from staydown.law.receipt import COURIERS, WEIGHT

    meanings = {
        **_comments("Counts", list(Counts), "src/staydown/law/periods.py"),
        **_comments("Proof", list(WEIGHT), "src/staydown/law/receipt.py"),
    }
    parts = [
        "# Clocks\n\nEvery period has two ends: the strict one, counted from the instant, and the legal one, by Regulation (EEC, "
        "Euratom) No 1182/71. [Why, and how they ring](../why/clocks.md). The values stand in `law/register.py` and "
        "`law/periods.py`.\n\n## Which end counts for what\n\n| word | means |\n| --- | --- |\n"
    ]
    parts += [f"| {one.value} | {meanings[one.value]} |\n" for one in Counts]
    parts.append(
        "\n## Register\n\n| id | name | what | length | whose | from | counts | binds | since | source |\n|"
        + " --- |" * 10
        + "\n"
    )
    parts += [_period(one) for one in _periods()]
    parts.append(
        "\nAn agency that is itself the authority of establishment has C05, C07 and C15 as duties and powers of its own "
        f"(party `{Party.AGENCY.value}`): it is warned before they end.\n"
    )
    parts.append(
        "\n## What proves a receipt\n\n| proof | what it is | starts the clock | why |\n| --- | --- | --- | --- |\n"
    )
    parts += [
        f"| {one.value} | {meanings[one.value]} | {'yes' if weight.starts else '**no**'} | {weight.why} |\n"
        for one, weight in WEIGHT.items()
    ]
    parts.append("\n| courier | can bring back |\n| --- | --- |\n")
    parts += [f"| {name} | {', '.join(sorted(proofs))} |\n" for name, proofs in COURIERS.items()]
    return "".join([*parts, _orders()])


def _periods() -> Sequence[Any]:
    from staydown.law.register import PERIODS

    return PERIODS


def _period(one: Any) -> str:
    length = one.length or (
        f"no figure; a reminder after {one.reminder}" if one.reminder else "by national law"
    )
    binds = "yes" if one.binding else "no"
    return (
        f"| {one.id or '-'} | `{one.name}` | {one.title} | {length} | {one.party.value} | {one.starts.value} |"
        f" {one.counts.value} | {binds} | {one.since} | {one.source} |\n"
    )


def _comments(kind: str, words: Sequence[Any], path: str) -> dict[str, str]:
    found = member_comments(ROOT / path)
    return {word.value: found.get((kind, word.name), "") for word in words}


def _orders() -> str:
    rows = tomllib.loads(ORDERS.read_text(encoding="utf-8"))["order"]
    head = (
        f"\n## Orders of events\n\n{len(rows)} orders of events and the deadlines that follow, reckoned by hand in "
        "`tests/law/event_orders.toml`; the tests play each through the code, on both databases too. Times are those of "
        "whoever has to act, with their offset from UTC.\n\n| what happens | then | ends, strict and legal | article | why |\n"
        "| --- | --- | --- | --- | --- |\n"
    )
    return head + "".join(
        f"| {one['title']} ({one['state']}{_rule(one)}) | {_events(one)} | {_ends(one)} | {one['article']} | {one['why']} |\n"
        for one in rows
    )


def _rule(order: dict[str, Any]) -> str:
    return f", {order['rule']}" if "rule" in order else ""


def _events(order: dict[str, Any]) -> str:
    begun = [
        f"`{one['clock']}`{_of(one)} from {_local(one['at'])}"
        + (f", {one['length']}" if "length" in one else "")
        for one in order["begin"]
    ]
    return "; ".join([*begun, *(f"{one['do']} {_local(one['at'])}" for one in order.get("steps", []))])


def _ends(order: dict[str, Any]) -> str:
    return "; ".join(_end(one) for one in order["expect"])


def _end(one: dict[str, Any]) -> str:
    whose = f"{one['view']}: " if "view" in one else f"{_of(one).strip()} ".lstrip()
    if one["strict"] == "stopped":
        return f"{whose}stands still"
    over = f" (the {one['over']} counts)" if "over" in one else ""
    return f"{whose}{_local(one['strict'])}, {_local(one['legal'])}{over}"


def _of(row: dict[str, Any]) -> str:
    words = ", ".join(row[name] for name in ("party", "place") if name in row)
    return f" ({words})" if words else ""


def _local(text: str) -> str:
    at = datetime.fromisoformat(text)
    clock = f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"
    offset = f"{at:%z}"
    return f"{at:%d.%m.%Y} {clock} {offset[:3]}"
