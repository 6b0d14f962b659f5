"""The web app and the static board: reports in, a leaderboard out."""
