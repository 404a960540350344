/** A constitution of the fake workbench: it takes any text in which every rule has a name, and knows one request. */
import {
  LogoMeshError,
  type Constitution,
  type ConstitutionChange,
  type PutConstitutionParams,
} from "@logomesh/contracts";

const FILE = "/home/ada/notes/constitution.cedar";
const RULE = /^\s*@id\("([^"]*)"\)/;

const TEXT = `// Rules that no grant can overrule.

@id("no-credential-files")
@why("Nobody touches credential files.")
forbid (principal, action in Action::"fs.any", resource)
when { resource.lowerPath like "*.pem" };

@id("private-stays-off-the-network")
@why("Private data stays off the network.")
forbid (principal, action == Action::"net.fetch", resource)
when { context.tainted };
`;

export class FakeConstitution {
  text = TEXT;
  #inForce = TEXT;

  /** As an editor outside would. */
  writeFile(text: string): void {
    this.text = text;
    if (problemOf(text) === undefined) this.#inForce = text;
  }

  get(): Constitution {
    const problem = problemOf(this.text);
    const rules = idsIn(this.#inForce).map((id) => ({ id, text: `@id("${id}") …` }));
    return {
      ...{ file: FILE, text: this.text, sha256: hashOf(this.text), inForce: { sha256: hashOf(this.#inForce), rules } },
      ...(problem === undefined ? {} : { problem: problem.toProblem() }),
    };
  }

  put({ text, baseSha256 }: PutConstitutionParams, { preview }: { preview: boolean }): ConstitutionChange {
    const problem = problemOf(text);
    if (problem !== undefined) throw problem;
    if (!preview && baseSha256 !== hashOf(this.text))
      throw new LogoMeshError("LM_CONFLICT", "The constitution was changed since this text was made from it.");
    const [before, after] = [idsIn(this.#inForce), idsIn(text)];
    const added = after.filter((id) => !before.includes(id));
    if (!preview) this.writeFile(text);
    return {
      ...{ applied: !preview, sha256: hashOf(text), replayed: 214, left: added.length > 0 ? 12 : 0 },
      rules: { added, removed: before.filter((id) => !after.includes(id)), changed: [] },
      flips: added.map((id) => ({
        ...{ principal: "Plugin:org.logomesh.text-tools", action: "fs.read", resource: "docs/diary.md" },
        ...{ tainted: true, callDepth: 0, from: "decision" },
        before: { allowed: true, policies: ["grant:fs.read:docs"], reason: "Granted." },
        after: { allowed: false, policies: [id], reason: "Not \u202ethis\u202c one." },
      })),
    };
  }
}

function idsIn(text: string): string[] {
  return text.split("\n").flatMap((line) => RULE.exec(line)?.[1] ?? []);
}

/** A rule without a name. */
function problemOf(text: string): LogoMeshError | undefined {
  const lines = text.split("\n");
  const index = lines.findIndex((line, at) => line.startsWith("forbid") && !/^@/.test(lines[at - 1] ?? ""));
  if (index < 0) return undefined;
  const data = { file: FILE, line: index + 1, column: 1 };
  const detail = `${FILE}, line ${index + 1}, column 1: the rule has no name: write @id("…") before it.`;
  return new LogoMeshError("LM_POLICY_CONSTITUTION_INVALID", detail, { data });
}

function hashOf(text: string): string {
  return Array.from(text)
    .reduce((sum, character) => (sum * 31 + (character.codePointAt(0) ?? 0)) >>> 0, 7)
    .toString(16);
}
