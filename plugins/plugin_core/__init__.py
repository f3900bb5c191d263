"""What both executables need. Nothing here may know a plugin: imports go from the plugins to the core, never back."""
