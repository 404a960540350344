import assert from "node:assert/strict";
import { test } from "node:test";
import { greet } from "./greet.ts";

test("the person is greeted by name", () => {
  assert.equal(greet("Ada", "Hello"), "Hello, Ada!");
});
