"""Import weights from other software, without unpickling code."""
