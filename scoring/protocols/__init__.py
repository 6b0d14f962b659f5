"""The four protocols, each in corrected and paper mode."""
