import { expect, test } from "vitest";
import { reachOf } from "./addressReach.ts";
import { assertMethod, parseTarget, readHeaders } from "./requestRules.ts";

test.each([
  ...[
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://0x7f.1/",
    "http://127.0.0.1./",
  ],
  ...[
    "http://１２７.0.0.1/",
    "http://127。0。0。1/",
    "http://%31%32%37.0.0.1/",
    "http:\\\\127.0.0.1\\",
    "HTTP://127.000.000.001/",
  ],
])("[NW1] %s is 127.0.0.1", (url) => {
  const { host, port, origin } = parseTarget(url);
  expect({ host, port, origin, reach: reachOf(host) }).toEqual({
    host: "127.0.0.1",
    port: 80,
    origin: "http://127.0.0.1:80",
    reach: "loopback",
  });
});

test.each([
  ["https://EXAMPLE.org.:8443/a#b", "https://example.org:8443", "https://example.org:8443/a"],
  ["https://bücher.example/?q=ü", "https://xn--bcher-kva.example:443", "https://xn--bcher-kva.example/?q=%C3%BC"],
  ["https://ＥＸＡＭＰＬＥ.org/", "https://example.org:443", "https://example.org/"],
  ["https://еxample.org/", "https://xn--xample-2of.org:443", "https://xn--xample-2of.org/"],
  ["http://[::FFFF:127.0.0.1]:81/", "http://[::ffff:7f00:1]:81", "http://[::ffff:7f00:1]:81/"],
  ["http://example.org:080/a/../b", "http://example.org:80", "http://example.org/b"],
])("[NW1] %s has one form", (url, origin, href) => {
  const target = parseTarget(url);
  expect([target.origin, target.url.href]).toEqual([origin, href]);
});

test.each([
  ["http://user@example.org/", "user"],
  ["http://:secret@example.org/", "password"],
  ["http://example.org@127.0.0.1/", "user"],
  ["ftp://example.org/", "ftp:"],
  ["file:///etc/passwd", "file:"],
  ["data:text/plain,x", "data:"],
  ["http://exa\tmple.org/", "control"],
  ["http://example.org/\r\nHost: x", "control"],
  ["http://example.org/\u0085", "control"],
  ["example.org", "not a URL"],
  ["http://", "not a URL"],
  ["http://[fe80::1%25eth0]/", "not a URL"],
  ["http://1.2.3.4.5/", "not a URL"],
  ["http://256.0.0.1/", "not a URL"],
  ["http://example.org:65536/", "not a URL"],
  ["http://example.org../", "names no host"],
  [`http://example.org/${"x".repeat(8192)}`, "8192"],
])("[NW2] %j is refused", (url, words) => {
  expect(() => parseTarget(url)).toThrow(
    expect.objectContaining({ code: "LM_NET_REFUSED", message: expect.stringContaining(words) }),
  );
});

test.each([
  ...["Host", "CONNECTION", "content-length", "Transfer-Encoding", "upgrade", "TE", "Trailer", "Keep-Alive", "Expect"],
  ...[
    "Proxy-Authorization",
    "proxy-connection",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "Forwarded",
    "Via",
    "X-Real-IP",
  ],
  ...["X-HTTP-Method-Override", "X-Method-Override", "HTTP2-Settings", "X-Original-URL"],
])("[NW6] the header %s is refused", (name) => {
  expect(() => readHeaders({ [name]: "x" })).toThrow(
    expect.objectContaining({ code: "LM_NET_REFUSED", message: expect.stringContaining(name) }),
  );
});

test.each([
  ["a line break in the value", { "x-a": "b\r\nHost: c" }, "x-a"],
  ["a single line feed", { "x-a": "b\nc" }, "x-a"],
  ["NUL", { "x-a": "b\0" }, "x-a"],
  ["what is not ASCII", { "x-a": "ü" }, "x-a"],
  ["a character that becomes a line feed when it is cut", { "x-a": "\u010a" }, "x-a"],
  ["a colon in the name", { "x-a:b": "c" }, "x-a:b"],
  ["a line break in the name", { "x-a\r\nhost": "c" }, "no name"],
  ["a space before the colon", { "transfer-encoding ": "chunked" }, "no name"],
  ["no name", { "": "c" }, "no name"],
  ["one name twice", { Accept: "a", accept: "b" }, "twice"],
  ["too many", Object.fromEntries(Array.from({ length: 65 }, (_none, index) => [`x-${index}`, "y"])), "64"],
  ["too much", { "x-a": "y".repeat(16 * 1024) }, "16384"],
])("[NW6] %s is refused", (_name, headers, words) => {
  expect(() => readHeaders(headers)).toThrow(
    expect.objectContaining({ code: "LM_NET_REFUSED", message: expect.stringContaining(words) }),
  );
});

test("[NW6] other headers go along as they are, whatever they are called", () => {
  const headers = JSON.parse('{"X-Api-Key":"k","__proto__":"p","Cookie":"a=b"}') as Record<string, string>;
  expect([...readHeaders(headers)]).toEqual([
    ["x-api-key", "k"],
    ["__proto__", "p"],
    ["cookie", "a=b"],
  ]);
});

test("[NW7] methods are upper-case tokens, and GET takes no body", () => {
  for (const method of ["GET", "POST", "DELETE", "M-SEARCH"]) assertMethod(method, { hasBody: false });
  assertMethod("DELETE", { hasBody: true });
  for (const method of ["get", "", "GET /", "GET\r\n", "CONNECT", "TRACE", "TRACK", "X".repeat(30)])
    expect(() => assertMethod(method, { hasBody: false }), method).toThrow(/method/);
  for (const method of ["GET", "HEAD"]) expect(() => assertMethod(method, { hasBody: true })).toThrow(/no body/);
});
