import { execFileSync } from "node:child_process";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";

const SCRIPT = `
import json, sys
sys.path[:0] = sys.argv[1:3]
import stats
cases = json.load(sys.stdin)
json.dump([[stats.describe(v), stats.histogram(v, b), stats.linear_trend(v)] for v, b in cases], sys.stdout)
`;

interface Answer {
  0: Record<
    "count" | "mean" | "median" | "min" | "max" | "standard_deviation" | "lower_quartile" | "upper_quartile",
    number
  >;
  1: { start: number; end: number; count: number }[];
  2: Record<"slope" | "intercept" | "r_squared", number>;
}

function inPython(cases: readonly (readonly [number[], number])[]): Answer[] {
  const folders = [import.meta.dirname, join(import.meta.dirname, "../sdk-python")];
  const output = execFileSync("/usr/bin/python3", ["-I", "-B", "-c", SCRIPT, ...folders], {
    input: JSON.stringify(cases),
    encoding: "utf8",
  });
  return JSON.parse(output) as Answer[];
}

/** The textbook, again and differently. */
function reference(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  const at = (share: number): number => {
    const place = share * (n - 1);
    const low = sorted[Math.floor(place)] ?? 0;
    return low + (place % 1) * ((sorted[Math.ceil(place)] ?? 0) - low);
  };
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const middle = (n - 1) / 2;
  const xy = values.reduce((sum, value, index) => sum + (index - middle) * (value - mean), 0);
  const xx = values.reduce((sum, _value, index) => sum + (index - middle) ** 2, 0);
  const slope = xy / xx;
  return {
    ...{ count: n, mean, median: at(0.5), min: sorted[0], max: sorted.at(-1), lower: at(0.25), upper: at(0.75) },
    ...{ deviation: Math.sqrt(squares / (n - 1)), slope, intercept: mean - slope * middle },
    squared: squares === 0 ? 1 : xy ** 2 / (xx * squares),
  };
}

test("describe, histogram and linear_trend agree with the textbook on lists of every kind", () => {
  const value = fc.oneof(fc.integer({ min: -1_000, max: 1_000 }), fc.double({ min: -1e6, max: 1e6, noNaN: true }));
  const list = fc.array(value, { minLength: 2, maxLength: 40 });
  const cases = fc.sample(fc.tuple(list, fc.integer({ min: 1, max: 20 })), { seed: 5, numRuns: 300 });
  const answers = inPython(cases);
  expect(answers).toHaveLength(300);
  for (const [index, { 0: described, 1: bins, 2: trend }] of answers.entries()) {
    const [values, wanted] = cases[index]!;
    const expected = reference(values);
    const scale = Math.max(1, ...values.map(Math.abs));
    const near = (actual: number, of: number | undefined): void =>
      expect(Math.abs(actual - (of ?? Number.NaN)) / scale, JSON.stringify(values)).toBeLessThan(1e-9);
    expect([described.count, described.min, described.max]).toEqual([expected.count, expected.min, expected.max]);
    near(described.mean, expected.mean);
    near(described.median, expected.median);
    near(described.standard_deviation, expected.deviation);
    near(described.lower_quartile, expected.lower);
    near(described.upper_quartile, expected.upper);
    near(trend.slope, expected.slope);
    near(trend.intercept, expected.intercept);
    expect(trend.r_squared).toBeLessThan(1 + 1e-9);
    // Squares of tiny differences are 0 in the textbook's way.
    if (described.max - described.min > 1e-6 * scale) expect(trend.r_squared).toBeCloseTo(expected.squared, 5);
    expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(values.length);
    expect(bins).toHaveLength(described.min === described.max ? 1 : wanted);
    expect([bins[0]!.start, bins.at(-1)!.end]).toEqual([described.min, described.max]);
  }
});
