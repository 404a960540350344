import type { VerifyReport } from "@logomesh/contracts";

export type Finding = VerifyReport["findings"][number];

/** A log that was rewritten has a fault in every entry; the first ones are what a person acts on. */
const FINDINGS_MAX = 100;

/** Collects faults in the order in which they are met. */
export class Findings {
  readonly #kept: Finding[] = [];
  #tampered = false;
  #incomplete = false;
  #dropped = 0;

  add(finding: Finding): void {
    if (finding.severity === "tampered") this.#tampered = true;
    if (finding.severity === "incomplete") this.#incomplete = true;
    if (this.#kept.length < FINDINGS_MAX) this.#kept.push(finding);
    else this.#dropped++;
  }

  /** Tampered first, then incomplete, then notes; within each by entry. */
  list(): Finding[] {
    const rank = { tampered: 0, incomplete: 1, note: 2 };
    const sorted = this.#kept.toSorted(
      (a, b) => rank[a.severity] - rank[b.severity] || (a.seq ?? Infinity) - (b.seq ?? Infinity) || 0,
    );
    if (this.#dropped > 0) sorted.push({ severity: "note", message: `${this.#dropped} more findings are not listed.` });
    return sorted;
  }

  exitCode(): 0 | 1 | 2 {
    if (this.#tampered) return 1;
    return this.#incomplete ? 2 : 0;
  }
}
