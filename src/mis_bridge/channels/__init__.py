"""Ways to reach people: each takes a message and gives an outcome."""
