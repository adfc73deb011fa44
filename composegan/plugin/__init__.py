"""What a plugin is and how it is found: domains and the other extension points."""
