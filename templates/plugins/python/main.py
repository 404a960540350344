from typing import TypedDict
from logomesh import Context, Plugin

plugin = Plugin("hello", "0.1.0")
Greeting = TypedDict("Greeting", {"text": str, "times": int})

@plugin.tool(effect="once")
def greet(context: Context, name: str, greeting: str = "Hello") -> Greeting:
    """Greets a person, and remembers how often."""
    times = context.host.store.get(name, 0) + 1
    context.host.store.put(name, times)
    return {"text": f"{greeting}, {name}!", "times": times}

plugin.serve()
