"""The survey's design: interview clusters, strata, and the variance of estimates under them."""
