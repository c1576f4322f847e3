"""Orders and letters over the API: footing, drawing up, signature, what comes back, the dossier."""

from __future__ import annotations

from staydown.client.calls import Calls
from staydown.wire import cases, orders


class Orders(Calls):
    """The part of the client that speaks of instruments on legal forms."""

    def footing(self, given: orders.NewFooting) -> orders.Options:
        """Which instrument fits each item, the least intrusive first, and why."""
        return self._post("/v1/footing", given, orders.Options)

    def draw(self, given: orders.NewOrder) -> orders.DrawnOrder:
        """Draw up an instrument on its form."""
        return self._post("/v1/orders", given, orders.DrawnOrder)

    def consider(self, reference: str) -> orders.Consideration:
        """All that the approver and the signatory have to see."""
        return self._get(f"/v1/requests/{reference}/consideration", orders.Consideration)

    def paper(self, reference: str, name: str) -> bytes:
        """A rendition: pdf, json, txt or pdf-signed."""
        return bytes(self._again(lambda: self._http.get(f"/v1/requests/{reference}/papers/{name}")).content)

    def sign(self, read: cases.Request, *, reasons: str = "") -> orders.Signed:
        """Sign exactly the order that was read."""
        given = orders.NewSignature(digest=read.digest, reasons=reasons)
        path = f"/v1/requests/{read.reference}/signatures"
        return self._post(path, given, orders.Signed, {"If-Match": f'"{read.version}"'})

    def order(self, reference: str) -> orders.Order:
        """How an order stands in law."""
        return self._get(f"/v1/requests/{reference}/order", orders.Order)

    def note_receipt(self, reference: str, given: orders.NewReceipt) -> orders.OrderStanding:
        """Note by what it is proved that an order arrived."""
        return self._post(f"/v1/requests/{reference}/receipts", given, orders.OrderStanding)

    def give_feedback(self, reference: str, given: orders.Feedback) -> orders.OrderStanding:
        """Annex II or III."""
        return self._post(f"/v1/requests/{reference}/feedback", given, orders.OrderStanding)

    def note_event(self, reference: str, given: orders.NewEvent) -> orders.OrderStanding:
        """Note what was said or done about an order."""
        return self._post(f"/v1/requests/{reference}/events", given, orders.OrderStanding)

    def decide_order(self, reference: str, given: orders.NewDecision) -> orders.OrderStanding:
        """What a signatory says of an issued order."""
        return self._post(f"/v1/requests/{reference}/decisions", given, orders.OrderStanding)

    def dossier(self, reference: str) -> bytes:
        """All that belongs to one request, as a ZIP."""
        return bytes(self._again(lambda: self._http.get(f"/v1/requests/{reference}/dossier")).content)

    def letters(self) -> orders.Letters:
        """Letters of the own agency."""
        return self._get("/v1/letters", orders.Letters)

    def letter(self, reference: str) -> orders.Letter:
        """One letter."""
        return self._get(f"/v1/letters/{reference}", orders.Letter)

    def draw_letter(self, given: orders.NewLetter) -> orders.Letter:
        """Draw up a letter."""
        return self._post("/v1/letters", given, orders.Letter)

    def approve_letter(self, read: orders.Letter) -> orders.Letter:
        """Consent to exactly the letter that was read."""
        given = orders.NewLetterConsent(digest=read.digest)
        return self._post(f"/v1/letters/{read.reference}/approvals", given, orders.Letter)

    def sign_letter(self, read: orders.Letter) -> orders.Letter:
        """Sign exactly the letter that was read."""
        given = orders.NewLetterConsent(digest=read.digest)
        return self._post(f"/v1/letters/{read.reference}/signatures", given, orders.Letter)

    def drop_letter(self, reference: str, reason: str) -> orders.Letter:
        """Say that a letter will not be sent."""
        return self._post(f"/v1/letters/{reference}/dropping", cases.Reasoned(reason=reason), orders.Letter)

    def note_letter_receipt(self, reference: str, given: orders.NewReceipt) -> orders.Letter:
        """Note by what it is proved that a letter arrived."""
        return self._post(f"/v1/letters/{reference}/receipts", given, orders.Letter)
