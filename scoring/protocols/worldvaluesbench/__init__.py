"""The protocol `worldvaluesbench`: ratings of described respondents."""
