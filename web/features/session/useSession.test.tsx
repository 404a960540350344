import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createSessionStore } from "../../lib/session.ts";
import { codeOfPasted } from "./codeOfPasted.ts";
import { useSession } from "./useSession.ts";

const NOW = Date.parse("2026-03-01T10:00:00.000Z");
const SESSION = { token: "secret", scopes: ["admin" as const], expiresAt: "2026-03-02T10:00:00.000Z" };

beforeEach(() => window.localStorage.clear());
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** The server answers a login once for each entry. */
function renderSession(...answers: { status: number; body: unknown }[]) {
  const asked: unknown[] = [];
  vi.stubGlobal("fetch", (_url: string, init: RequestInit) => {
    asked.push(JSON.parse(init.body as string));
    const answer = answers.shift()!;
    return Promise.resolve(new Response(JSON.stringify(answer.body), { status: answer.status }));
  });
  const store = createSessionStore(window.localStorage, () => NOW);
  const hook = renderHook(() =>
    useSession({ store, baseUrl: "http://127.0.0.1:1", location: window.location, history: window.history }),
  );
  return { store, asked, state: () => hook.result.current.state, session: () => hook.result.current };
}

const REFUSAL = {
  status: 401,
  body: { type: "about:blank", status: 401, title: "No", detail: "Used before.", code: "LM_API_LOGIN_CODE" },
};

test("the code of a login link becomes a session and leaves the address", async () => {
  window.history.replaceState(null, "", "/runs#code=abc");
  const { state, store, asked } = renderSession({ status: 201, body: SESSION });
  await waitFor(() => expect(state()).toEqual({ kind: "in", token: "secret" }));
  expect(asked).toEqual([{ code: "abc" }]);
  expect(store.read()).toEqual(SESSION);
  expect(window.location.hash).toBe("");
  expect(window.location.pathname).toBe("/runs");
});

test("a refused code says why, and nobody is logged in", async () => {
  window.history.replaceState(null, "", "/#code=old");
  const { state, store } = renderSession(REFUSAL);
  await waitFor(() => expect(state()).toMatchObject({ kind: "out", error: { code: "LM_API_LOGIN_CODE" } }));
  expect(store.read()).toBeUndefined();
});

test("an old link does not log out who is logged in", async () => {
  window.localStorage.setItem("logomesh.session", JSON.stringify(SESSION));
  window.history.replaceState(null, "", "/#code=old");
  const { state } = renderSession(REFUSAL);
  await waitFor(() => expect(state()).toEqual({ kind: "in", token: "secret" }));
});

test("without a session or with an expired one somebody is asked to log in", () => {
  window.history.replaceState(null, "", "/");
  window.localStorage.setItem(
    "logomesh.session",
    JSON.stringify({ ...SESSION, expiresAt: "2026-03-01T09:59:59.000Z" }),
  );
  expect(renderSession().state()).toEqual({ kind: "out", hasExpired: false });
});

test("a session that the server refuses is forgotten, and that is said", () => {
  window.history.replaceState(null, "", "/");
  window.localStorage.setItem("logomesh.session", JSON.stringify(SESSION));
  const { state, session, store } = renderSession();
  expect(state()).toEqual({ kind: "in", token: "secret" });
  act(() => session().forget({ hasExpired: true }));
  expect(state()).toEqual({ kind: "out", hasExpired: true });
  expect(store.read()).toBeUndefined();
});

test("what else stands in the storage is nobody's session", () => {
  for (const text of ["", "null", "{", "[]", '{"token":1}']) {
    window.localStorage.setItem("logomesh.session", text);
    expect(createSessionStore(window.localStorage, () => NOW).read()).toBeUndefined();
  }
});

test("a link, its fragment and the code alone can be pasted", () => {
  expect(codeOfPasted(" http://127.0.0.1:7420/#code=a-B_9 ")).toBe("a-B_9");
  expect(codeOfPasted("#code=xyz1")).toBe("xyz1");
  expect(codeOfPasted("xyz1")).toBe("xyz1");
  expect(codeOfPasted("http://127.0.0.1:7420/")).toBeUndefined();
  expect(codeOfPasted("")).toBeUndefined();
});
