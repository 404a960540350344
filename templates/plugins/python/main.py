from typing import TypedDict
from logomesh import Plugin

plugin = Plugin("hello", "0.1.0")

class Greeting(TypedDict):
    text: str

@plugin.tool(effect="pure")
def greet(name: str, greeting: str = "Hello") -> Greeting:
    """Greets a person."""
    return {"text": f"{greeting}, {name}!"}

if __name__ == "__main__":
    plugin.serve()
