"""Four eyes and six cannot be got around: a random walk, judged by an observer (reliability, R8)."""

from __future__ import annotations

from pathlib import Path

from ordering import drawn, ready
from walking import Acted, Story, Walk, walk


def test_nothing_leaves_without_the_persons_the_rule_asks_for(tmp_path: Path, database: str | None) -> None:
    done = walk(tmp_path / "home", seed=7, steps=700, database=database, draws=0.05)
    assert not done.violations
    assert done.counts["arrived order"] >= 1
    assert done.counts["arrived notice"] >= 1
    assert any(name.startswith("sign refused") for name in done.counts)
    assert any(name.startswith("approve refused") for name in done.counts)


def test_the_observer_is_not_blind(tmp_path: Path) -> None:
    from dataclasses import replace

    from ordering import consented, signed

    one = Walk(tmp_path / "home", 1)
    try:
        items = ready(one.desk, one.desk.show("some_one"))
        request = drawn(one.desk, items).request
        story = one.stories[request.reference] = Story(
            drawn_by="alice", assessed_by=frozenset({"alice"}), binds=True
        )
        with one.desk.store.begin(write=False) as work:
            content, now = one.content(work, request.id), work.now
        story.approvals.append(Acted(eyes=frozenset({"bob"}), by="bob", content=content, at=now))
        story.signatures.append(Acted(eyes=frozenset({"sam"}), by="sam", content=content, at=now))
        consented(one.desk, request)
        signed(one.desk, request)
        one.desk.work()
        (arrival,) = (a for a in one.arrivals if a.reference == request.reference)
        assert one.fault_of(story, arrival) is None
        assert one.fault_of(story, replace(arrival, text=arrival.text + "!"))
        assert one.fault_of(story, replace(arrival, files=arrival.files[:1]))
        unsigned = replace(story, signatures=[])
        assert one.fault_of(unsigned, arrival)
        for name, changed in (
            ("drew it", replace(story, drawn_by="bob")),
            ("assessed it", replace(story, assessed_by=frozenset({"sam"}))),
            (
                "lent eyes",
                replace(story, signatures=[replace(story.signatures[0], eyes=frozenset({"sam", "bob"}))]),
            ),
        ):
            assert one.fault_of(changed, arrival), name
    finally:
        one.close()
