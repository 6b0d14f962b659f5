"""Studies in other people's harnesses: tasks to run there, and predictions from their logs."""
