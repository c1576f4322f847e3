"""The couriers against simulated providers, with double sends as after a kill, and hostile headers in mail."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default as modern
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staydown.core.errors import Invalid
from staydown.core.ids import ItemId
from staydown.core.request import NOT_BEGUN, Decision, DispatchState, Line, LineAnswer, Parcel
from staydown.fetch import GuardedFetch, Policy
from staydown.plugs.couriers.api import courier as api
from staydown.plugs.couriers.files import courier as files
from staydown.plugs.couriers.mail import courier as mail
from staydown.plugs.couriers.mail.letter import letter
from staydown.plugs.couriers.webform import courier as webform
from staydown.ports import Courier, CourierTools, Knows
from staydown.testing.memory import MemoryWorld
from staydown.testing.simulated import Servers
from staydown.testing.world import LineStatus

LINES = (
    Line(item=ItemId(1), number=1, address="https://x.exercise.example/a?b=1&c=ü", digest="0" * 64),
    Line(item=ItemId(2), number=3, address="https://x.exercise.example/b", digest="1" * 64),
)
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CONTACTS = {
    "flock": ("api", "http://api.flock.exercise.example/referrals"),
    "reel": ("api", "http://api.reel.exercise.example/referrals"),
    "quill": ("webform", "http://quill.exercise.example/report"),
    "bastion": ("webform", "http://bastion.exercise.example/report"),
    "hearth": ("mail", "referrals@mail.hearth.exercise.example"),
    "barehost": ("mail", "desk@mail.registrar.exercise.example"),
}
ASKABLE = [provider for provider, (kind, _) in CONTACTS.items() if kind != "mail"]


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld(now=AT)


@pytest.fixture
def couriers(world: MemoryWorld, tmp_path: Path) -> Iterator[dict[str, Courier]]:
    with Servers(world) as servers:
        fetch = GuardedFetch(Policy.LOOPBACK, hosts=servers.hosts)
        tools = CourierTools(
            fetch=fetch, outbox=tmp_path / "outbox", mail_host="", mail_port=25, mail_from="iru@agency.example", exercise=True
        )  # fmt: skip
        built: dict[str, Courier] = {"files": files.build(tools)}
        built["api"] = api.Api(fetch, timedelta(seconds=0.6))
        built["webform"] = webform.WebForm(fetch, timedelta(seconds=0.6))
        built["mail"] = mail.build(tools)
        built["mail"]._wait = 0.6  # type: ignore[attr-defined]
        yield built
        fetch.close()


def parcel(provider: str, reference: str = "NL-2026-0001", **more: object) -> Parcel:
    fields = {
        "reference": reference,
        "contact_point": CONTACTS[provider][1],
        "sender": "NL-IRU",
        "addressee": "Simulated desk, Ünit 7",
        "subject": "[EXERCISE] Referral of suspected content ✓",
        "text": "Made-up words.\n.\nA line with a dot: ü\n",
        "lines": LINES,
        "message_id": f"<{reference}@agency.example>",
        "exercise": True,
    }
    return Parcel(**{**fields, **more})  # type: ignore[arg-type]


def of(couriers: dict[str, Courier], provider: str) -> Courier:
    return couriers[CONTACTS[provider][0]]


@pytest.mark.parametrize("provider", CONTACTS)
def test_a_parcel_arrives_as_it_was_sent(
    couriers: dict[str, Courier], world: MemoryWorld, provider: str
) -> None:
    receipt = of(couriers, provider).send([parcel(provider)])[0]
    [intake] = world.intakes
    assert (intake.provider, intake.reference, intake.repeat) == (provider, "NL-2026-0001", False)
    assert intake.lines == tuple((line.number, line.address) for line in LINES)
    if CONTACTS[provider][0] == "mail":
        assert (receipt.state, receipt.at) == (DispatchState.SENT, None)
        assert intake.message_id == "<NL-2026-0001@agency.example>"
    else:
        assert (receipt.state, receipt.at) == (DispatchState.RECEIVED, AT)


@pytest.mark.parametrize("provider", ASKABLE)
def test_the_receiver_tells_what_it_knows(
    couriers: dict[str, Courier], world: MemoryWorld, provider: str
) -> None:
    courier = of(couriers, provider)
    assert courier.can_be_asked
    assert courier.ask([parcel(provider)])[0].knows is Knows.NO
    courier.send([parcel(provider)])
    world.states[provider, "NL-2026-0001"] = [
        LineStatus(number=1, state="removed", reason='broke <our> "rules"', at=AT),
        LineStatus(number=3, state="pending"),
        LineStatus(number=9, state="refused"),  # not ours
    ]
    known = courier.ask([parcel(provider), parcel(provider, "NL-2026-0002")])
    assert [one.knows for one in known] == [Knows.YES, Knows.NO]
    assert known[0].received_at == AT
    assert known[0].answers == (
        LineAnswer(number=1, decision=Decision.REMOVED, reason='broke <our> "rules"', at=AT),
        LineAnswer(number=3, decision=Decision.PENDING),
    )


@pytest.mark.parametrize("provider", ASKABLE)
@pytest.mark.parametrize("fault", ["stall", "reset", "nonsense", "error"])
def test_when_nobody_knows_the_receiver_is_asked_and_nothing_is_doubled(
    couriers: dict[str, Courier], world: MemoryWorld, provider: str, fault: str
) -> None:
    place = "/" + CONTACTS[provider][1].rsplit("/", 1)[1]
    world.faults[provider, place] = [fault]  # type: ignore[list-item]
    courier, sent = of(couriers, provider), parcel(provider)
    assert courier.send([sent])[0].state is DispatchState.INTENDED
    word = courier.ask([sent])[0]
    if word.knows is Knows.CANNOT_TELL:  # the form's status is at the same address and may fail as well
        word = courier.ask([sent])[0]
    assert word.knows is (Knows.NO if fault == "error" else Knows.YES)
    if word.knows is Knows.NO:
        assert courier.send([sent])[0].state is DispatchState.RECEIVED
    assert world.times_taken_in(provider, sent.reference) == 1


def test_an_api_takes_a_double_send_in_once_and_a_form_twice(
    couriers: dict[str, Courier], world: MemoryWorld
) -> None:
    for provider, taken in (("flock", 1), ("quill", 2)):
        first, second = (of(couriers, provider).send([parcel(provider)])[0] for _ in range(2))
        assert first.state is second.state is DispatchState.RECEIVED
        assert world.times_taken_in(provider, "NL-2026-0001") == taken
    assert first.at is not None


@pytest.mark.parametrize("provider", ASKABLE)
def test_an_ask_that_fails_is_no_answer(
    couriers: dict[str, Courier], world: MemoryWorld, provider: str
) -> None:
    courier, sent = of(couriers, provider), parcel(provider)
    courier.send([sent])
    elsewhere = replace(sent, contact_point=f"http://{provider}.exercise.example/nowhere")
    outside = replace(sent, contact_point="http://unknown.exercise.example/referrals")
    assert [one.knows for one in courier.ask([elsewhere, outside])] == [Knows.CANNOT_TELL] * 2


@pytest.mark.parametrize("provider", ASKABLE)
def test_clear_refusals_are_failures(couriers: dict[str, Courier], provider: str) -> None:
    wrong = [
        parcel(provider, contact_point=f"http://{provider}.exercise.example/nowhere"),
        parcel(provider, contact_point="http://unknown.exercise.example/referrals"),
        parcel(provider, contact_point="http://10.0.0.1/referrals"),
        parcel(provider, reference=""),
    ]
    receipts = of(couriers, provider).send(wrong)
    assert [receipt.state for receipt in receipts] == [DispatchState.FAILED] * 4


@pytest.mark.parametrize("provider", CONTACTS)
def test_lines_are_taken_back_by_number(
    couriers: dict[str, Courier], world: MemoryWorld, provider: str
) -> None:
    courier = of(couriers, provider)
    courier.send([parcel(provider)])
    back = parcel(
        provider, withdrawal=True, lines=LINES[1:], message_id="<w1@agency.example>", text="An error.\n"
    )
    if courier.can_be_asked:
        assert courier.ask([back])[0].knows is Knows.NO
    assert courier.send([back])[0].state in {DispatchState.SENT, DispatchState.RECEIVED}
    assert world.withdrawn == [(provider, "NL-2026-0001", (3,))]
    assert len(world.intakes) == 1
    if courier.can_be_asked:
        assert courier.ask([back])[0].knows is Knows.YES
        assert courier.ask([replace(back, lines=LINES)])[0].knows is Knows.NO


# --- mail ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "state", "temporary", "arrived"),
    [
        ("error", DispatchState.FAILED, True, 0),
        ("stall", DispatchState.INTENDED, False, 1),
        ("reset", DispatchState.INTENDED, False, 1),
        ("nonsense", DispatchState.INTENDED, False, 1),
    ],
)
def test_mail_says_what_is_certain_and_marks_a_repeat(
    couriers: dict[str, Courier],
    world: MemoryWorld,
    fault: str,
    state: DispatchState,
    temporary: bool,
    arrived: int,
) -> None:
    world.faults["hearth", "smtp"] = [fault]  # type: ignore[list-item]
    courier, sent = couriers["mail"], parcel("hearth")
    assert not courier.can_be_asked
    receipt = courier.send([sent])[0]
    assert (receipt.state, receipt.temporary, len(world.intakes)) == (state, temporary, arrived)
    assert courier.ask([sent])[0].knows is Knows.CANNOT_TELL
    assert courier.send([replace(sent, repeat=True)])[0].state is DispatchState.SENT
    assert world.times_taken_in("hearth", sent.reference) == 1
    assert world.intakes[0].repeat is (arrived == 0)


def test_a_batch_of_mail_goes_to_several_desks_and_one_failure_stops_no_other(
    couriers: dict[str, Courier], world: MemoryWorld
) -> None:
    world.faults["hearth", "smtp"] = [None, "reset", None]
    batch = [parcel(("hearth", "barehost")[n % 2], f"NL-{n}") for n in range(6)]
    batch[3] = parcel("hearth", "NL-3", contact_point="desk@unknown.exercise.example")
    batch[5] = parcel("hearth", "NL-5", subject="a\r\nBcc: x@agency.example")
    states = [receipt.state for receipt in couriers["mail"].send(batch)]
    sent, failed, unknown = DispatchState.SENT, DispatchState.FAILED, DispatchState.INTENDED
    assert states == [sent, sent, unknown, failed, sent, failed]
    assert {one.reference for one in world.intakes} == {"NL-0", "NL-1", "NL-2", "NL-4"}, (
        "a lost reply is no lost mail"
    )


def test_a_letter_carries_reference_marks_and_list() -> None:
    raw = letter(parcel("hearth", repeat=True, subject="Referral ✓"), mail_from="iru@agency.example", at=AT)
    read = message_from_bytes(raw, policy=modern)
    assert read["Subject"] == "[possible repeat of NL-2026-0001] [EXERCISE] Referral ✓"
    assert read["Message-ID"] == "<NL-2026-0001@agency.example>"
    assert read["X-Staydown-Reference"] == "NL-2026-0001"
    assert read["X-Staydown-Repeat"] == "possible repeat of NL-2026-0001"
    assert read["From"].addresses[0].display_name == "NL-IRU"
    assert read["To"].addresses[0].addr_spec == "referrals@mail.hearth.exercise.example"
    body = read.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert body.startswith("Made-up words.\n.\nA line")
    assert "3\thttps://x.exercise.example/b\n" in body
    [attached] = read.iter_attachments()
    assert [item["number"] for item in json.loads(attached.get_content())["items"]] == [1, 3]
    assert b"\n." not in raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0]


BREAKS = ["\r\n", "\n", "\r", "\x00", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]
WORDS = [
    "=?utf-8?q?a=0D=0AX-Evil:_1?=", "=?utf-8?b?YQ0KWC1FdmlsOiAx?=", "=?UTF-8?Q?a=0AX-Evil:_1?=", "=?us-ascii?q?a=0d=0ab?=",
    "=?utf-8*en?q?a=0D=0Ab?=", "=?latin-1?q?a=85b?=", "=?utf-8?q?=E2=80=A8?=", "=?utf-7?q?+AA0ACg-?=", "=?x?q?a=00b?=",
    "=?utf-8?b?4oA=?= =?utf-8?b?qA==?=", "=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3D0D=3D0Ab=3F=3D?=", "=?utf-16?b?DQAKAA==?=",
    "words =?utf-8?q?a=0D=0AX-Evil:_1?= words", "=?utf-8?q?=0D=0A?=", "=?unicode_escape?q?=5Cr=5Cn?=", "\ud800",
]  # fmt: skip
FIELDS = ["subject", "sender", "addressee", "reference", "message_id", "contact_point"]


@pytest.mark.parametrize(
    ("field", "evil"), list(product(FIELDS, [*(f"a{sign}X-Evil: 1" for sign in BREAKS), *WORDS]))
)
def test_no_header_can_be_added(field: str, evil: str) -> None:
    value = {"message_id": f"<{evil}@a.example>", "contact_point": f"{evil}@a.example"}.get(field, evil)
    with pytest.raises(Invalid):
        letter(parcel("hearth", **{field: value}), mail_from="iru@agency.example", at=AT)


@pytest.mark.parametrize(
    "evil", ["a@b.example\r\nX: y", "a b@c.example", "<a@b.example>", "a@b", "", "a@b.example,c@d.example"]
)
def test_the_sender_is_one_plain_mailbox(evil: str) -> None:
    with pytest.raises(Invalid):
        letter(parcel("hearth"), mail_from=evil, at=AT)


@given(subject=st.text(max_size=60), name=st.text(max_size=40), text=st.text(max_size=200))
def test_whatever_is_written_the_headers_stay_ours(subject: str, name: str, text: str) -> None:
    try:
        raw = letter(
            parcel("hearth", subject=subject, addressee=name, text=text),
            mail_from="iru@agency.example",
            at=AT,
        )
    except Invalid:
        return
    head = raw.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0] for line in re.split(rb"\r\n(?![ \t])", head)]
    assert sorted(names) == sorted(set(names))
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\x00", raw)
    read = message_from_bytes(raw, policy=modern)
    assert read["X-Staydown-Reference"] == "NL-2026-0001"
    assert len(list(read.iter_attachments())) == 1


# --- files ---------------------------------------------------------------------------------------------


def test_files_are_laid_down_once(couriers: dict[str, Courier], tmp_path: Path) -> None:
    courier, sent, outbox = couriers["files"], parcel("hearth"), tmp_path / "outbox"
    assert courier.ask([sent])[0].knows is Knows.NO
    assert courier.send([sent])[0].state is DispatchState.SENT
    assert courier.ask([sent])[0].knows is Knows.YES
    before = {path.name: path.read_bytes() for path in outbox.iterdir()}
    assert set(before) == {"NL-2026-0001.txt", "NL-2026-0001.json"}
    assert courier.send([replace(sent, text="other words")])[0].state is DispatchState.SENT
    assert {path.name: path.read_bytes() for path in outbox.iterdir()} == before
    assert b"3\thttps://x.exercise.example/b" in before["NL-2026-0001.txt"]
    assert json.loads(before["NL-2026-0001.json"])["message_id"] == sent.message_id
    back = replace(sent, withdrawal=True, lines=LINES[1:])
    assert courier.ask([back])[0].knows is Knows.NO
    assert courier.send([back])[0].state is DispatchState.SENT
    assert (outbox / "NL-2026-0001-withdrawal-3.json").exists()


def test_a_death_between_the_two_files_leaves_nothing_half_done(
    couriers: dict[str, Courier], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    courier, sent = couriers["files"], parcel("hearth")

    def die(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", die)
    assert courier.send([sent])[0].state is DispatchState.INTENDED
    assert courier.ask([sent])[0].knows is Knows.NO
    monkeypatch.undo()
    assert courier.send([replace(sent, lines=LINES[:1])])[0].state is DispatchState.SENT
    names = sorted(path.name for path in (tmp_path / "outbox").iterdir())
    assert names == ["NL-2026-0001.json", "NL-2026-0001.txt"]
    assert "x.exercise.example/b" not in (tmp_path / "outbox" / "NL-2026-0001.txt").read_text()


@pytest.mark.parametrize("reference", ["../escape", "a/b", "", ".hidden", "a\x00b", "a" * 200, "a\nb"])
def test_a_reference_never_leads_out_of_the_outbox(
    couriers: dict[str, Courier], tmp_path: Path, reference: str
) -> None:
    courier, sent = couriers["files"], parcel("hearth", reference)
    assert courier.send([sent])[0].state is DispatchState.FAILED
    assert courier.ask([sent])[0].knows is Knows.NO
    assert not list(tmp_path.rglob("*escape*"))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"reference": "another"}'])
def test_a_file_that_is_not_ours_is_no_answer(
    couriers: dict[str, Courier], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox" / "NL-2026-0001.json").write_bytes(content)
    assert couriers["files"].ask([parcel("hearth")])[0].knows is Knows.CANNOT_TELL


@pytest.mark.parametrize("provider", ["flock", "quill", "hearth", ""])
def test_nothing_is_begun_after_a_no_in_the_middle_of_a_batch(
    couriers: dict[str, Courier], world: MemoryWorld, tmp_path: Path, provider: str
) -> None:
    """A process that stood still may have lost its lease; whoever took over asked about what had not arrived."""
    left = [True] * 3

    def may_begin() -> bool:
        return bool(left) and left.pop()

    batch = [parcel(provider or "hearth", f"NL-{n}", may_begin=may_begin) for n in range(12)]
    courier = of(couriers, provider) if provider else couriers["files"]
    receipts = courier.send(batch)
    begun = {one.reference for one, receipt in zip(batch, receipts, strict=True) if receipt.begun}
    assert len(begun) == 3
    assert all(receipt is NOT_BEGUN for receipt in receipts if not receipt.begun)
    arrived = {one.reference for one in world.intakes} if provider else {
        path.stem for path in (tmp_path / "outbox").glob("*.json")
    }  # fmt: skip
    assert arrived == begun
