"""The tree of errors: each says whose fault it is and what to do next.

Faces alone map these to exit codes and statuses; everything below them only raises.
"""

from __future__ import annotations


class StaydownError(Exception):
    """Something a person has to know about.

    Args:
        message: What happened, in one sentence.
        hint: What the person in front of it can do next.
    """

    default_hint = "Run the command with --help, or see docs/how-to."

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint or self.default_hint


class Invalid(StaydownError):
    """The caller sent something malformed."""

    default_hint = "Correct the input and send it again."


class NotFound(StaydownError):
    """There is no such thing, or it is not theirs to see: both read alike."""

    default_hint = "Check the spelling; `staydown items` lists what is there."


class Refused(StaydownError):
    """A rule says no. Nothing was changed."""

    default_hint = "The rule is described in docs/why/safeguards.md."


class IllegalStep(Refused):
    """The state table has no such step."""

    default_hint = "See docs/reference/states.md for the steps that are open from here."


class NotEntitled(Refused):
    """The person may not do this for this agency."""

    default_hint = "Ask somebody of the owning agency who holds the role."


class SameEyes(Refused):
    """The second person is the first one, or has worked on the same items."""

    default_hint = "Another person of the agency has to give this consent."


class NoGround(Refused):
    """An assessment lacks its ground, a reason, or an answer about an exempt purpose."""

    default_hint = "Name the ground, answer every purpose question and give a reason."


class NoEvidence(Refused):
    """Nothing was kept before something would leave."""

    default_hint = "Run `staydown preserve`, or record a reasoned waiver."


class OnHold(Refused):
    """Wait: somebody has asked for it. Whose hold it is stays with the deconfliction officers."""

    default_hint = "Wait, or put the matter to your deconfliction officer."


class RateLimited(Refused):
    """Too many questions in a short time."""

    default_hint = "Wait an hour; the limit protects other agencies' cases."


class NotSignedIn(Refused):
    """Nobody is signed in, or the word shown opens nothing any more. Why is never said."""

    default_hint = "Sign in: POST /v1/session, or the page /sign-in."


class ProofNeeded(Refused):
    """The act takes a proof, given just now, of who is there."""

    default_hint = "Prove it anew (POST /v1/session/proof), then repeat the step within five minutes."


class RealStore(Refused):
    """The act is for an exercise store only, or the other way about."""

    default_hint = "An exercise store can never become a real one, nor a real one an exercise."


class Stale(StaydownError):
    """Somebody was faster: what was read is no longer so."""

    default_hint = "Read it again and repeat the step."


class Collision(Stale):
    """Two transactions stood in each other's way and this one gave way: nothing was written, and it may begin anew."""

    default_hint = "Repeat the step."


class Outside(StaydownError):
    """A provider, the network or a disk gave trouble.

    Args:
        permanent: True when trying again cannot help.
    """

    default_hint = "Nothing was lost; the same command goes on where it was."

    def __init__(self, message: str, *, hint: str | None = None, permanent: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.permanent = permanent


class Broken(StaydownError):
    """Evidence or ledger does not verify: stop, and call a person."""

    default_hint = "Stop working in this home, keep it as it is, and call the person responsible."
