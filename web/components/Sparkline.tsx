/** A short line of recent values. The figure beside it says the last one; the picture only shows how it came about. */
import classes from "./Sparkline.module.css";

const WIDTH = 96;
const HEIGHT = 20;

interface SparklineProps {
  values: readonly number[];
  /** Value at the top; a higher one raises it. */
  most: number;
  label: string;
}

export function Sparkline({ values, most, label }: SparklineProps) {
  if (values.length < 2) return <span className={classes["none"]} aria-hidden />;
  const top = Math.max(most, ...values, Number.MIN_VALUE);
  const step = WIDTH / (values.length - 1);
  const points = values.map(
    (value, index) => `${(index * step).toFixed(1)},${(HEIGHT - 1 - (value / top) * (HEIGHT - 2)).toFixed(1)}`,
  );
  return (
    <svg
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      className={classes["line"]}
      role="img"
      aria-label={label}
      preserveAspectRatio="none"
    >
      <polyline points={points.join(" ")} fill="none" vectorEffect="non-scaling-stroke" />
    </svg>
  );
}
