"""Another password for whoever signs in by one."""

from __future__ import annotations

from fastapi import APIRouter, Request

from staydown.api.desk import TheApp
from staydown.api.means import TheMeans
from staydown.api.routes.session import Changes, _session, place_of
from staydown.flow import enrol, sign_in
from staydown.wire.people import Ended, PasswordChanged

router = APIRouter(tags=["sign-in"])


@router.post("/v1/password", name="change_password")
def change_password(
    request: Request, app: TheApp, means: TheMeans, caller: Changes, body: PasswordChanged
) -> Ended:
    """Change the own password, in a session that began with it; the person's other sessions end."""
    session = _session(caller)
    sign_in.draw_tries(app.tools, place_of(request), caller.person.id)
    ended = enrol.change_password(
        app.tools,
        means,
        caller.person,
        session,
        present=body.present,
        code=body.code,
        new=body.new,
        end_others=body.end_others,
    )
    return Ended(ended=ended)
