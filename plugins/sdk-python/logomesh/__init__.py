"""Write LogoMesh plugins in Python: typed tools, served over the Model Context Protocol. Standard library only."""

from .context import Cancelled, Context, HostError, ToolError
from .plugin import Plugin
from .schema import Field

__all__ = ["Cancelled", "Context", "Field", "HostError", "Plugin", "ToolError"]
