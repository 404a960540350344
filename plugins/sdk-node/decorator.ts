import { makeTool, type Handler, type Tool, type ToolContext, type ToolOptions } from "./tool.ts";

// The decorator form, for TypeScript that is compiled: standard decorators, which Node.js does not run and cannot strip.

/** What the methods of an object declared while it was made. */
const declared = new WeakMap<object, Tool[]>();

export interface ToolDecoratorOptions<I, O> extends Omit<ToolOptions<I, O>, "handler"> {
  /** Default: the name of the method. */
  name?: string;
}

/**
 * Declares a method as a tool: `@tool({ description, effect, input })`. Its first parameter is the arguments, checked against `input`, its
 * second the context. Hand an instance of the class to `plugin.addTools`.
 */
export function tool<I, O>({ name, ...options }: ToolDecoratorOptions<I, O>) {
  return function <This extends object>(
    method: (this: This, args: I, context: ToolContext) => O | Promise<O>,
    context: ClassMethodDecoratorContext<This>,
  ): void {
    context.addInitializer(function () {
      const handler: Handler<I, O> = (args, call) => method.call(this, args, call);
      const tools = declared.get(this) ?? [];
      tools.push(makeTool(name ?? String(context.name), { ...options, handler }));
      declared.set(this, tools);
    });
  };
}

/** @throws TypeError when no method of it is a tool */
export function toolsOf(instance: object): readonly Tool[] {
  const tools = declared.get(instance);
  if (tools === undefined) throw new TypeError("No method of this object is declared with @tool()");
  return tools;
}
