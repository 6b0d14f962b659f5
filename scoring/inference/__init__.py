"""What can be told apart: intervals, ranks, tests, ceilings and floors."""
