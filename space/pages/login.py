"""The login button. Inside another site's frame it opens the board in a tab of its own."""

from __future__ import annotations

import json

import gradio as gr

from space.pages.parts import QUICK
from space.visitors.logins import account_of, logins_are_real

LOGIN, LOGOUT = "Log in with Hugging Face", "Log out ({})"

#: Logins live in a cookie that browsers do not send to a page in another site's frame (SameSite
#: Lax), so a login that was begun in the frame would never end.
_FOLLOW = """
(label) => {
  const page = '/PAGE' + window.location.search;
  const way = label === LOGIN ? '/login/huggingface' : '/logout';
  const to = way + '?_target_url=' + encodeURIComponent(page);
  if (window.self === window.top) window.location.assign(to);
  else window.open(to, '_blank');
}
"""


def login_button(app: gr.Blocks) -> None:
    """Lay out the button where logins are real; elsewhere there is none."""
    if not logins_are_real():
        return
    gr.LoginButton(visible=False)  # makes the framework offer logins
    button = gr.Button(LOGIN, variant="huggingface", size="sm", elem_classes=["oa-login"])
    script = _FOLLOW.replace("LOGIN", json.dumps(LOGIN)).replace("PAGE", button.page)
    button.click(None, [button], None, js=script, api_visibility="private")

    def label(profile: gr.OAuthProfile | None) -> str:
        account = account_of(profile)
        return LOGOUT.format(account) if account else LOGIN

    app.load(label, None, [button], **QUICK)
