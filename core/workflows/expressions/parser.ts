import type { Ast, BinaryOperator } from "./ast.ts";
import { JqSyntaxError, type Token } from "./lexer.ts";

/** Thrown for jq that is valid but not compiled here: the reference evaluates it. */
export class NotCompiledError extends Error {
  override readonly name = "NotCompiledError";
}

/** Deeper nesting is refused: nobody writes it and it would exhaust the stack. */
const NESTING_MAX = 200;

const COMPARISONS = new Set(["==", "!=", "<", "<=", ">", ">="]);
const ASSIGNMENTS = new Set(["=", "|=", "+=", "-=", "*=", "/=", "%=", "//="]);
/** What may be folded; that it is not always does no harm. */
const CONSTANT_KINDS = new Set<Ast["kind"]>(["array", "object", "negate", "binary"]);
const KEYWORDS_NOT_COMPILED = new Set(["def", "foreach", "label", "import", "include", "__loc__"]);

/**
 * Parses the compiled subset of jq 1.8 with jq's precedences: `|` (right), `,`, `//` (right), `or`, `and`, comparisons (none),
 * `+ -`, `* / %`, then postfix terms.
 *
 * @throws JqSyntaxError for what jq refuses too, NotCompiledError for what only the reference knows
 */
export function parseJq(tokens: Token[]): Ast {
  const parser = new Parser(tokens);
  const ast = parser.pipe();
  parser.expectEnd();
  return ast;
}

class Parser {
  readonly #tokens: Token[];
  #at = 0;
  /** Where the innermost pipe stage began: the only place where `term as $name | …` is compiled. */
  #queryAt = 0;
  #depth = 0;

  constructor(tokens: Token[]) {
    this.#tokens = tokens;
  }

  expectEnd(): void {
    const token = this.#peek();
    if (token.kind !== "end") throw this.#unexpected(token);
  }

  pipe(): Ast {
    return this.#nested(() => {
      this.#queryAt = this.#at;
      const left = this.#comma();
      return this.#take("|") ? { kind: "pipe", left, right: this.pipe() } : left;
    });
  }

  #binding(source: Ast): Ast {
    const name = this.#bindingName();
    if (!this.#take("|")) throw this.#unexpected(this.#peek());
    return { kind: "bind", source, name, body: this.pipe() };
  }

  /** A plain `$name`; patterns that take values apart are left to the reference. */
  #bindingName(): string {
    const token = this.#next();
    if (token.kind !== "variable") throw new NotCompiledError("destructuring");
    return token.text.slice(1);
  }

  #comma(): Ast {
    let left = this.#alternative();
    while (this.#take(",")) left = { kind: "comma", left, right: this.#alternative() };
    return left;
  }

  #alternative(): Ast {
    const left = this.#or();
    if (this.#take("//")) return { kind: "alternative", left, right: this.#nested(() => this.#alternative()) };
    if (ASSIGNMENTS.has(this.#peek().text)) throw new NotCompiledError("assignment");
    return left;
  }

  #or(): Ast {
    let left = this.#and();
    while (this.#takeKeyword("or")) left = { kind: "or", left, right: this.#and() };
    return left;
  }

  #and(): Ast {
    let left = this.#comparison();
    while (this.#takeKeyword("and")) left = { kind: "and", left, right: this.#comparison() };
    return left;
  }

  #comparison(): Ast {
    const left = this.#sum();
    const token = this.#peek();
    if (token.kind !== "operator" || !COMPARISONS.has(token.text)) return left;
    this.#at += 1;
    const right = this.#sum();
    const after = this.#peek();
    if (after.kind === "operator" && COMPARISONS.has(after.text)) throw this.#unexpected(after);
    return { kind: "binary", operator: token.text as BinaryOperator, left, right };
  }

  #sum(): Ast {
    let left = this.#product();
    for (;;) {
      const operator = this.#peek().text;
      if (this.#peek().kind !== "operator" || (operator !== "+" && operator !== "-")) return left;
      this.#at += 1;
      left = { kind: "binary", operator, left, right: this.#product() };
    }
  }

  #product(): Ast {
    let left = this.#unary();
    for (;;) {
      const operator = this.#peek().text;
      if (this.#peek().kind !== "operator" || (operator !== "*" && operator !== "/" && operator !== "%")) return left;
      this.#at += 1;
      left = { kind: "binary", operator, left, right: this.#unary() };
    }
  }

  #unary(): Ast {
    const start = this.#at;
    if (this.#take("-")) return { kind: "negate", body: this.#nested(() => this.#unary()) };
    const mayBind = this.#queryAt === start;
    const term = this.#postfix();
    if (!this.#takeKeyword("as")) return term;
    if (!mayBind) throw new NotCompiledError("a binding inside an expression");
    return this.#binding(term);
  }

  #nested(parse: () => Ast): Ast {
    this.#depth += 1;
    if (this.#depth > NESTING_MAX)
      throw new JqSyntaxError(`Nested deeper than ${NESTING_MAX} levels`, this.#peek().start);
    const ast = parse();
    this.#depth -= 1;
    return ast;
  }

  #postfix(): Ast {
    let term = this.#term();
    for (;;) {
      const suffixed = this.#suffix(term);
      if (suffixed === undefined) return term;
      term = suffixed;
    }
  }

  /** `.name`, `."name"`, `[…]`, `.[…]`, `?`, or undefined when the term ends here. */
  #suffix(target: Ast): Ast | undefined {
    const token = this.#peek();
    if (token.kind === "field") {
      this.#at += 1;
      return this.#lenient({ kind: "index", target, key: { kind: "literal", value: token.text.slice(1) } });
    }
    if (this.#take("?")) return { kind: "optional", body: target };
    if (this.#take("[")) return this.#lenient(this.#bracket(target));
    if (token.text !== ".") return undefined;
    const after = this.#peek(1);
    if (after.kind === "string") {
      this.#at += 2;
      return this.#lenient({ kind: "index", target, key: this.#string(after) });
    }
    if (after.text !== "[") return undefined;
    this.#at += 2;
    if (this.#peek().text === ":") throw new NotCompiledError("a slice behind a dot");
    const step = this.#bracket(target);
    if (step.kind === "slice") throw new NotCompiledError("a slice behind a dot");
    return this.#lenient(step);
  }

  #lenient<T extends Ast>(step: T): T {
    return this.#take("?") ? { ...step, lenient: true } : step;
  }

  /** After `[`: `.[]`, `.[key]`, `.[from:to]`. */
  #bracket(target: Ast): Ast {
    if (this.#take("]")) return { kind: "iterate", target };
    if (this.#take(":")) {
      const to = this.pipe();
      this.#expect("]");
      return { kind: "slice", target, from: undefined, to };
    }
    const key = this.pipe();
    if (this.#take(":")) {
      if (this.#take("]")) return { kind: "slice", target, from: key, to: undefined };
      const to = this.pipe();
      this.#expect("]");
      return { kind: "slice", target, from: key, to };
    }
    this.#expect("]");
    return { kind: "index", target, key };
  }

  #term(): Ast {
    const token = this.#next();
    switch (token.kind) {
      case "number":
        return literalNumber(token);
      case "string":
        return this.#string(token);
      case "field":
        return this.#lenient({
          kind: "index",
          target: { kind: "identity" },
          key: { kind: "literal", value: token.text.slice(1) },
        });
      case "variable":
        if (token.text === "$ENV" || token.text.includes("::")) throw new NotCompiledError(token.text);
        return { kind: "variable", name: token.text.slice(1) };
      case "format":
        throw new NotCompiledError(token.text);
      case "identifier":
        return this.#call(token);
      case "keyword":
        return this.#keyword(token);
      case "operator":
        return this.#operatorTerm(token);
      case "end":
        throw this.#unexpected(token);
    }
  }

  #operatorTerm(token: Token): Ast {
    switch (token.text) {
      case ".": {
        if (this.#peek().kind === "string") {
          return this.#lenient({ kind: "index", target: { kind: "identity" }, key: this.#string(this.#next()) });
        }
        return { kind: "identity" };
      }
      case "..":
        return { kind: "recurse" };
      case "(": {
        const body = this.pipe();
        this.#expect(")");
        return body;
      }
      case "[": {
        if (this.#take("]")) return { kind: "array", body: undefined };
        const body = this.pipe();
        this.#expect("]");
        return { kind: "array", body };
      }
      case "{":
        return this.#object();
      default:
        throw this.#unexpected(token);
    }
  }

  #object(): Ast {
    const members: { key: Ast; value: Ast }[] = [];
    // A comma may follow the last member.
    while (!this.#take("}")) {
      members.push(this.#member());
      if (!this.#take(",") && this.#peek().text !== "}") throw this.#unexpected(this.#peek(), "“,” or “}”");
    }
    return { kind: "object", members };
  }

  #member(): { key: Ast; value: Ast } {
    const token = this.#next();
    if (token.kind === "variable") {
      if (this.#peek().text === ":" || token.text.includes("::")) throw new NotCompiledError("a variable as key");
      const name = token.text.slice(1);
      return { key: { kind: "literal", value: name }, value: { kind: "variable", name } };
    }
    let key: Ast;
    if (token.kind === "string") key = this.#string(token);
    else if (token.kind === "identifier" || token.kind === "keyword") key = { kind: "literal", value: token.text };
    else if (token.text === "(") {
      key = this.pipe();
      this.#expect(")");
      this.#expect(":");
      if (isConstant(key)) throw new NotCompiledError("a constant as computed key");
      return { key, value: this.#memberValue() };
    } else if (token.kind === "format") throw new NotCompiledError("a format as key");
    else throw this.#unexpected(token);
    if (!this.#take(":")) return { key, value: { kind: "index", target: { kind: "identity" }, key } };
    return { key, value: this.#memberValue() };
  }

  /** Everything but `,` and bindings may stand here without parentheses. */
  #memberValue(): Ast {
    const left = this.#alternative();
    return this.#take("|") ? { kind: "pipe", left, right: this.#nested(() => this.#memberValue()) } : left;
  }

  #call(token: Token): Ast {
    const args: Ast[] = [];
    if (this.#take("(")) {
      do args.push(this.pipe());
      while (this.#take(";"));
      this.#expect(")");
    }
    if (args.length === 0) {
      if (token.text === "true" || token.text === "false") return { kind: "literal", value: token.text === "true" };
      if (token.text === "null") return { kind: "literal", value: null };
    }
    return { kind: "call", name: `${token.text}/${args.length}`, args };
  }

  #keyword(token: Token): Ast {
    if (KEYWORDS_NOT_COMPILED.has(token.text)) throw new NotCompiledError(token.text);
    switch (token.text) {
      case "if":
        return this.#if();
      case "try": {
        const body = this.#tryPart();
        return { kind: "try", body, handler: this.#takeKeyword("catch") ? this.#tryPart() : undefined };
      }
      case "reduce":
        return this.#reduce();
      default:
        throw this.#unexpected(token);
    }
  }

  #tryPart(): Ast {
    if (this.#peek().text === "-") throw new NotCompiledError("try of a negation");
    return this.#postfix();
  }

  #if(): Ast {
    const condition = this.pipe();
    this.#expectKeyword("then");
    const then = this.pipe();
    if (this.#takeKeyword("elif")) return { kind: "if", condition, then, else: this.#nested(() => this.#if()) };
    const otherwise = this.#takeKeyword("else") ? this.pipe() : undefined;
    this.#expectKeyword("end");
    return { kind: "if", condition, then, else: otherwise };
  }

  #reduce(): Ast {
    if (this.#peek().text === "-") throw new NotCompiledError("reduce of a negation");
    const source = this.#postfix();
    if (this.#peek().text !== "as") throw new NotCompiledError("reduce of an operation");
    this.#expectKeyword("as");
    const name = this.#bindingName();
    this.#expect("(");
    const initial = this.pipe();
    this.#expect(";");
    const update = this.pipe();
    this.#expect(")");
    return { kind: "reduce", source, name, initial, update };
  }

  #string(token: Token): Ast {
    const parts = token.parts ?? [];
    const [only] = parts;
    if (parts.length === 1 && only !== undefined && "literal" in only) return { kind: "literal", value: only.literal };
    return {
      kind: "string",
      parts: parts.map((part) => ("literal" in part ? part.literal : parseJq(part.tokens))),
    };
  }

  #peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)] as Token;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  #take(operator: string): boolean {
    const token = this.#peek();
    if (token.kind !== "operator" || token.text !== operator) return false;
    this.#at += 1;
    return true;
  }

  #takeKeyword(word: string): boolean {
    const token = this.#peek();
    if (token.kind !== "keyword" || token.text !== word) return false;
    this.#at += 1;
    return true;
  }

  #expect(operator: string): void {
    if (!this.#take(operator)) throw this.#unexpected(this.#peek(), `“${operator}”`);
  }

  #expectKeyword(word: string): void {
    if (!this.#takeKeyword(word)) throw this.#unexpected(this.#peek(), `“${word}”`);
  }

  #unexpected(token: Token, wanted?: string): JqSyntaxError {
    const found = token.kind === "end" ? "end of the expression" : `“${token.text}”`;
    return new JqSyntaxError(`Unexpected ${found}${wanted === undefined ? "" : `, expected ${wanted}`}`, token.start);
  }
}

/** jq folds constants and refuses those that are no texts while it compiles, so that no `try` can catch it. */
function isConstant(ast: Ast): boolean {
  return ast.kind === "literal" ? typeof ast.value !== "string" : CONSTANT_KINDS.has(ast.kind);
}

function literalNumber(token: Token): Ast {
  const value = Number(token.text);
  // jq keeps the digits of a number as they were written.
  if (String(value) !== token.text) throw new NotCompiledError("a number in unusual form");
  return { kind: "literal", value };
}
