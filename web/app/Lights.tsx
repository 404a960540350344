import { Group } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Light } from "../components/Light.tsx";
import { useApi } from "../lib/api.ts";
import { useLiveState } from "../lib/live.ts";
import { queryKeys } from "../lib/queryKeys.ts";
import { connectionLight, logLight, modelLight, sandboxLight } from "./lights.ts";
import classes from "./Lights.module.css";

const STATUS_REFRESH_MS = 30_000;

type LightName = "model" | "sandbox" | "log" | "connection";

interface LightsProps {
  only?: readonly LightName[];
  /** In the bar side by side; in the rail below each other, with their names. */
  place: "bar" | "rail";
}

/** Four quiet lights that say the truth at a glance and open their page. */
export function Lights({ only, place }: LightsProps) {
  const shows = (name: LightName): boolean => only?.includes(name) ?? true;
  const api = useApi();
  const status = useQuery({
    queryKey: queryKeys.status,
    queryFn: ({ signal }) => api.getStatus({ signal }),
    refetchInterval: STATUS_REFRESH_MS,
  });
  const live = useLiveState();
  const data = status.data;
  return (
    <Group
      gap="lg"
      wrap={place === "bar" ? "nowrap" : "wrap"}
      role="group"
      aria-label="Status"
      className={classes[place] ?? ""}
    >
      {shows("model") ? (
        <Link to="/" hash="model" className={classes["link"]}>
          <Light name="Model" {...modelLight(data)} />
        </Link>
      ) : null}
      {shows("sandbox") ? (
        <Link to="/plugins" className={classes["link"]}>
          <Light name="Sandbox" {...sandboxLight(data)} />
        </Link>
      ) : null}
      {shows("log") ? (
        <Link to="/audit" className={classes["link"]}>
          <Light name="Log" {...logLight(data)} />
        </Link>
      ) : null}
      {shows("connection") ? (
        <span tabIndex={0} role="status" className={classes["link"]}>
          <Light name="Connection" {...connectionLight(live)} />
        </span>
      ) : null}
    </Group>
  );
}
