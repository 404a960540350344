import { spawn } from "node:child_process";
import { createHash } from "node:crypto";

/** One measured figure, with the budget of docs/architecture.md and the peer of the same run where there is one. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** `max`: at most that much is wanted; `min`: at least. */
  budget?: { max: number } | { min: number };
  peer?: Peer | readonly Peer[];
}

export interface Peer {
  /** With its unit where it differs from the figure's. */
  name: string;
  value: number;
}

export interface BenchmarkResult {
  parameters: Record<string, number | string>;
  figures: Figure[];
  /** SHA-256 over what the measured code produced: the same work gives the same hash. */
  resultHash: string;
}

export interface Benchmark {
  name: string;
  /** What is measured and what is not, in one sentence. */
  about: string;
  run(): Promise<BenchmarkResult>;
}

export function quantile(samples: readonly number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

export function hashOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}

/** Runs a peer in its own process and parses the JSON line it prints last. */
export async function runPeer<T>(script: string, args: readonly (string | number)[]): Promise<T> {
  const child = spawn(process.execPath, [new URL(`./peers/${script}`, import.meta.url).pathname, ...args.map(String)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  if (code !== 0) throw new Error(`The peer ${script} ended with code ${String(code)}.`);
  return JSON.parse(output.trim().split("\n").at(-1) ?? "") as T;
}

/** How a figure stands to its budget and to its peer, in words for the table. */
export function verdict({ value, budget, peer }: Figure): { budget: string; peer: string } {
  const share = budget === undefined ? undefined : "max" in budget ? budget.max / value : value / budget.min;
  const isMet = budget !== undefined && ("max" in budget ? value <= budget.max : value >= budget.min);
  const wanted = budget === undefined ? "" : "max" in budget ? `≤ ${budget.max}` : `≥ ${budget.min}`;
  return {
    budget: share === undefined ? "" : `${wanted} (${isMet ? "met" : `${Math.round(share * 100)} %`})`,
    peer: [peer ?? []]
      .flat()
      .map((other) => `${format(other.value)} ${other.name} (${(value / other.value).toFixed(2)} ×)`)
      .join("; "),
  };
}

export function format(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
