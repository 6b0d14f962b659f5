"""Texts of the page Run a model (HTML)."""

from __future__ import annotations

RUN_GUIDE = """
<h1>Run a model</h1>
<p>Ask a hosted model the survey's questions and see whose answers it comes closest to. First count
the calls: nothing is asked before you press Start, and what is asked is paid by your own account
with the provider. A run can be stopped and resumed; what came back is kept and is never asked
twice. At the end there is a report, the place on the board that it would take, and a button that
submits it.</p>
"""

RUN_PUBLIC = """
<p class="oa-notice">Log in with Hugging Face: the run asks inference providers with your login.
It is held in this server's memory while the run goes on, and written nowhere; after a restart of
the server you log in again and resume. Your runs are seen by you alone until you submit them.</p>
"""

RUN_HOME = """
<p class="oa-notice">The token or key is held in memory while the run goes on, and written nowhere.
Left empty, that of the environment is taken (<code>HF_TOKEN</code>, or
<code>OPENAI_API_KEY</code> for a server).</p>
"""

RUN_CLOSED = """
<p class="oa-notice oa-notice-warn">This board keeps nothing, so that no model can be run from
here. Open it over a folder: <code>opinion-atlas space --store FOLDER</code>.</p>
"""

NOT_ESTIMATED = (
    '<p class="oa-notice oa-notice-warn">The choice has changed: count the calls again first.</p>'
)
