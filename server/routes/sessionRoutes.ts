import type { Workbench } from "@logomesh/core";
import { loginLink } from "../loginLink.ts";
import type { HandlersOf } from "./route.ts";

type SessionRoute =
  "createSession" | "deleteSession" | "createLoginCode" | "listTokens" | "createToken" | "deleteToken";

export function sessionRoutes({ access }: Workbench): HandlersOf<SessionRoute> {
  return {
    createSession: ({ body }) => access.createSession(body.code),
    async deleteSession({ identity }) {
      await access.revoke(identity.tokenId, identity.caller);
      return { ok: true };
    },
    createLoginCode({ request }) {
      const { code, expiresAt } = access.createLoginCode();
      // The host was checked: it is one under which this server may be reached.
      return { code, url: loginLink(`${request.protocol}://${request.host}`, code), expiresAt };
    },
    listTokens: async () => ({ items: await access.listTokens() }),
    createToken({ body: { name, scopes, tools = [], expiresInDays }, identity }) {
      return access.createToken(
        { name, scopes, tools, ...(expiresInDays === undefined ? {} : { expiresInDays }) },
        identity.caller,
      );
    },
    async deleteToken({ params, identity }) {
      await access.revoke(params.id, identity.caller);
      return { ok: true };
    },
  };
}
