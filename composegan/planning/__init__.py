"""What a grouping costs, by running the real networks, and which groupings fit a budget."""
