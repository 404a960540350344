import { LogoMeshError, type Lockdown } from "@logomesh/contracts";
import { cleanup, screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, beforeAll, expect, test } from "vitest";
import { installBrowserStubs, renderPage } from "../testing/renderPage.tsx";
import { LockdownBanner } from "./LockdownBanner.tsx";
import { LockdownModal } from "./LockdownModal.tsx";

beforeAll(installBrowserStubs);
afterEach(cleanup);

const ON: Lockdown = {
  on: true,
  reason: "The log does not verify.\u202e",
  setBy: "system:audit",
  setAt: "2026-01-01T00:00:00.000Z",
  leave: "logomesh lockdown off",
};

test("the banner says why and how to leave, and leaving is asked once", async () => {
  let state: Lockdown = ON;
  let refuse = true;
  renderPage(<LockdownBanner />, {
    getLockdown: () => Promise.resolve(state),
    endLockdown: () => {
      if (refuse) return Promise.reject(new LogoMeshError("LM_CONFLICT", "Repair the constitution first."));
      state = { on: false };
      return Promise.resolve(state);
    },
  });
  const banner = await screen.findByRole("alert");
  expect(banner.textContent).toContain("The log does not verify.");
  expect(banner.textContent).not.toContain("\u202e");
  expect(banner.textContent).toContain("logomesh lockdown off");
  await userEvent.click(screen.getByRole("button", { name: "Leave the lockdown…" }));
  await userEvent.click(screen.getByRole("button", { name: "Stay" }));
  expect(screen.queryByRole("button", { name: "Leave it" })).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Leave the lockdown…" }));
  await userEvent.click(screen.getByRole("button", { name: "Leave it" }));
  await screen.findByText("Repair the constitution first.");
  refuse = false;
  await userEvent.click(screen.getByRole("button", { name: "Leave it" }));
  await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
});

test("locking down says what will happen and takes a reason", async () => {
  const asked: unknown[] = [];
  let closed = 0;
  renderPage(<LockdownModal opened onClose={() => (closed += 1)} />, {
    beginLockdown: ({ body }) => {
      asked.push(body);
      return asked.length === 1
        ? Promise.reject(new LogoMeshError("LM_DB_FULL", "The disk is full."))
        : Promise.resolve(ON);
    },
  });
  expect(await screen.findByText(/Every plugin is ended at once/)).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Lock down now" }));
  await screen.findByText("The disk is full.");
  await userEvent.type(screen.getByLabelText(/^Reason/), "A drill.");
  await userEvent.click(screen.getByRole("button", { name: "Lock down now" }));
  await waitFor(() => expect(closed).toBe(1));
  expect(asked).toEqual([{}, { reason: "A drill." }]);
});
