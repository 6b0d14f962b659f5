"""Rewrite the JSON Schemas: python -m contracts.schemas [FOLDER]."""

from __future__ import annotations

import sys

from contracts.schemas import write_schemas

if __name__ == "__main__":
    for path in write_schemas(*sys.argv[1:2]):
        print(path)
