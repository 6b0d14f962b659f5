"""Read replies: what a model said, as shares, a score, a choice, or a status that says why not.

Reading is apart from asking: it works on what the store kept, and can be repeated at any time.
Nothing is ever imputed: an answer that cannot be read has no shares.
"""

from elicitation.reading.answer import Answer, Option, ReadStatus
from elicitation.reading.read import read_reply

__all__ = ["Answer", "Option", "ReadStatus", "read_reply"]
