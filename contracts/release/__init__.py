"""The release: tables, manifest, disclosure rule, readers, writers and the Hub."""
