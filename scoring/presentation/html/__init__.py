"""A report as one page that opens offline: no script, no font, no request to anywhere."""

from __future__ import annotations

from scoring.presentation.html.page import page_text, write_page

__all__ = ["page_text", "write_page"]
