import type { ReactNode } from "react";
import classes from "./Split.module.css";

/** List on the left, detail on the right; on a narrow screen one of them. */
export function Split({ list, detail, isDetailOpen }: { list: ReactNode; detail: ReactNode; isDetailOpen: boolean }) {
  return (
    <div className={classes["split"]} data-open={isDetailOpen}>
      <section className={classes["list"]} aria-label="List">
        {list}
      </section>
      <section className={classes["detail"]} aria-label="Detail">
        {detail}
      </section>
    </div>
  );
}
