"""Before training: which layers become sparse, with which links and initial weights."""
