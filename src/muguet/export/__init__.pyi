from .package import About, Exported, export_bioimageio
from .standalone import Standalone

__all__ = ["About", "Exported", "Standalone", "export_bioimageio"]
