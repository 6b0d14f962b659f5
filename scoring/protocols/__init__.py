"""The protocols, each in corrected and paper mode."""
