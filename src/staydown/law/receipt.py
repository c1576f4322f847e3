"""What proves that a provider received an order, courier by courier: the hour runs from a proof, never from a hope. Data.

Source: Regulation (EU) 2021/784, Art. 3(3) and 3(5); Regulation (EU) 2021/784, recital 19.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Proof(StrEnum):
    """What shows that something arrived."""

    REPLY = "reply"  #: the receiver's own interface confirmed it, with its instant
    STATUS = "status"  #: asked for the reference, the receiver says that it has it
    RELAY = "relay"  #: a mail server took it, with a 250
    OUTBOX = "outbox"  #: it lies where a person will carry it from
    SIGNED = "signed"  #: a signed receipt of a registered delivery service
    READ = "read"  #: a person of the provider opened it at our portal, signed in
    FORM = "form"  #: the provider's own Annex II or III names the instant of receipt
    ANSWER = "answer"  #: it answered something else about the reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """Whether something starts the clock, and why."""

    starts: bool
    why: str


WEIGHT: Mapping[Proof, Weight] = {
    Proof.REPLY: Weight(starts=True, why="the receiver itself says when it had it"),
    Proof.STATUS: Weight(starts=True, why="it could not know the reference otherwise"),
    Proof.RELAY: Weight(starts=False, why="a relay that takes a letter says nothing of who has read it"),
    Proof.OUTBOX: Weight(starts=False, why="it has not left the house"),
    Proof.SIGNED: Weight(starts=True, why="it is a written record that fixes sender and time (Art. 3(5))"),
    Proof.READ: Weight(starts=True, why="a person of the provider has it before them"),
    Proof.FORM: Weight(starts=True, why="section A of the annex is the provider's own statement"),
    Proof.ANSWER: Weight(
        starts=True, why="who answers has received; the instant is no later than the answer"
    ),
}
"""What each of them weighs."""

COURIERS: Mapping[str, frozenset[Proof]] = {
    "api": frozenset({Proof.REPLY, Proof.STATUS}),
    "webform": frozenset({Proof.REPLY, Proof.STATUS}),
    "mail": frozenset({Proof.RELAY}),
    "files": frozenset({Proof.OUTBOX}),
}
"""What each courier can bring back by itself; everything else is noted by a person or comes as an answer."""


def may_prove(courier: str) -> bool:
    """Whether a courier's own word may start a clock; for one that is not of this house its author answers."""
    return courier not in COURIERS or any(WEIGHT[one].starts for one in COURIERS[courier])
