"""Programs that cannot be had here, by what their sources do."""
