"""Uploads are hostile until read: caps first, a child process with limits, plain JSON back.

with Reader() as reader:
    outcome = reader.read(Job(path, name="answers.jsonl", release=release.root))
outcome.problems      # all at once, by row
outcome.report        # the scored report, or None
"""
