"""The demo: the main job of both plugins, told with the real commands and their real output."""
