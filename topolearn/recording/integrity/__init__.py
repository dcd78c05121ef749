"""Whether a run is what was recorded: its manifest, and checks that files and links are unchanged."""
