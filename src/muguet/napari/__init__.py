"""The plugin for the viewer napari: denoise layers with one button, see the noise law and the checks.

Modules without Qt (`source`, `views`, `runs`, `law`, `checks`, `layers`) hold all logic; `panel` and the tabs show it.
"""
