"""Check a release against every promise that it makes."""
