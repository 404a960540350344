import { LogoMeshError } from "@logomesh/contracts";
import { z } from "zod";
import { sha256Hex } from "../../base/index.ts";
import type { AuditLog, BlobStore, WebFetch } from "../../ports/index.ts";
import { Form, inForm } from "./fileTools.ts";
import { hostTool, type HostRequest, type HostTool } from "./hostTool.ts";

const TIMEOUT_MS = 60_000;
const HEADERS_MAX = 50;

export interface NetworkServices {
  web: WebFetch;
  audit: AuditLog;
  blobs?: BlobStore | undefined;
}

/** `net_fetch`: hosts and methods that were granted. The request is recorded before it leaves, its answer before the plugin has it. */
export function networkTools({ web, audit, blobs }: NetworkServices): Record<string, HostTool> {
  return {
    net_fetch: hostTool({
      description:
        "Asks a host that this plugin may reach, with a method that was granted. Redirects are judged again.",
      input: z.strictObject({
        url: z.url({ protocol: /^https?$/ }).max(8_000),
        method: z
          .string()
          .regex(/^[A-Za-z]{1,20}$/)
          .transform((method) => method.toUpperCase())
          .default("GET"),
        headers: z.record(z.string().max(200), z.string().max(8_000)).default({}),
        body: z.string().optional(),
        bodyBase64: z.base64().optional(),
        as: Form,
      }),
      output: z.object({
        ...{ status: z.int(), headers: z.record(z.string(), z.string()), url: z.string(), bytes: z.int() },
        ...{ text: z.string().optional(), base64: z.string().optional(), handle: z.string().optional() },
      }),
      timeoutMs: TIMEOUT_MS + 1_000,
      record: "awaited",
      subject: ({ url, method }) => ({ host: new URL(url).host, method }),
      async run({ url, method, headers, body, bodyBase64, as }, request) {
        if (Object.keys(headers).length > HEADERS_MAX || (body !== undefined && bodyBase64 !== undefined))
          throw new LogoMeshError("LM_INPUT_INVALID", `Send at most ${HEADERS_MAX} headers, and one body at most.`);
        const bytes = bodyBase64 === undefined ? body && Buffer.from(body) : Buffer.from(bodyBase64, "base64");
        const { protocol, hostname, port } = new URL(url);
        const scheme = protocol.slice(0, -1);
        requireHost(request, { scheme, host: hostname, port: Number(port) || (scheme === "https" ? 443 : 80), method });
        await audit.append(sentEntry(request, { url, bytes: bytes || undefined }));
        const answer = await web.fetch(
          { url, method, headers, ...(bytes ? { body: bytes } : {}) },
          {
            signal: request.signal,
            caller: `plugin:${request.pluginId}`,
            authorize: (hop) => requireHost(request, hop),
            timeoutMs: TIMEOUT_MS,
          },
        );
        const { status, url: ended } = answer;
        const media = answer.headers["content-type"] ?? "application/octet-stream";
        return {
          result: {
            ...{ status, headers: { ...answer.headers }, url: ended, bytes: answer.body.length },
            ...(await inForm(answer.body, as, { request, blobs, media: media.slice(0, 200) })),
          },
          data: { httpStatus: status, sha256: sha256Hex(answer.body), bytes: answer.body.length },
        };
      },
    }),
  };
}

/** Passes what everyone in whose name it is asked may reach. @throws LogoMeshError LM_POLICY_DENIED */
export function requireHost(
  request: HostRequest,
  hop: { scheme: string; host: string; port: number; method: string; address?: string },
): void {
  request.require("net.fetch", {
    type: "NetHost",
    id: `${hop.scheme}://${hop.host}:${hop.port}`,
    attributes: { method: hop.method, ...(hop.address === undefined ? {} : { address: hop.address }) },
  });
}

/** What leaves is recorded before it does. */
export function sentEntry(request: HostRequest, { url, bytes }: { url: string; bytes: Buffer | undefined }) {
  const draft = request.entry({ bytes: bytes?.length ?? 0 });
  return {
    ...draft,
    trace: { ...draft.trace, status: "sent" },
    payload: {
      url: { bytes: url.toWellFormed(), media: "text/plain" },
      ...(bytes === undefined ? {} : { body: { bytes, media: "application/octet-stream" } }),
    },
  };
}
