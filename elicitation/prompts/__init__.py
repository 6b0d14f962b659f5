"""What a model is asked: the plan of calls and the text of each."""
