import type { JsonObject, JsonValue } from "@logomesh/contracts";
import { isExpressionText, isObject } from "../expressions/index.ts";
import type { Authentication } from "./definition.ts";
import type { Fields } from "./fields.ts";
import type { TaskParser } from "./parseTask.ts";

// How a call proves who it is. What a secret holds is never part of a definition, an argument or a record: only its name is.

const SCHEMES: Record<Authentication["scheme"], { required: readonly string[]; known: readonly string[] }> = {
  basic: { required: ["username", "password"], known: ["username", "password"] },
  bearer: { required: ["token"], known: ["token"] },
  digest: { required: ["username", "password"], known: ["username", "password"] },
  oauth2: {
    required: ["authority", "client"],
    known: ["authority", "grant", "client", "endpoints", "scopes", "audiences", "request"],
  },
};
const GRANTS = ["client_credentials", "client-credentials"];
const LITERAL_URL = /^https?:\/\/[^\s{}$]+$/;

/**
 * The policy of a call, named under `use.authentications` or written in place. `value` is what stands in the call, with a name replaced by
 * what it names, so that expressions in it are evaluated with the other arguments.
 */
export function parseAuthentication(
  parser: TaskParser,
  fields: Fields,
): { authentication: Authentication; value: JsonObject } | undefined {
  const given = fields.get("authentication");
  const resolved =
    isObject(given ?? null) && Object.hasOwn(given as JsonObject, "use") ? (given as JsonObject).use : given;
  const value =
    typeof resolved === "string" ? parser.component("authentications", resolved, fields, "authentication") : resolved;
  if (!isObject(value ?? null)) {
    if (value !== undefined)
      fields.fault("give a policy or the name of one under `use.authentications`", "authentication");
    return undefined;
  }
  const policy = parser.fields(value as JsonObject, [...fields.path, "authentication"]);
  const scheme = (Object.keys(SCHEMES) as Authentication["scheme"][]).find((name) => policy.has(name));
  if (scheme === undefined) {
    policy.fault(`give one of ${Object.keys(SCHEMES).join(", ")}; certificate and oidc are not supported`);
    return undefined;
  }
  policy.only([scheme], "an authentication policy");
  const body = policy.object(scheme, { required: true });
  if (body === undefined) return undefined;
  if (body.has("use")) return withSecret(parser, body, { scheme, value: value as JsonObject });
  body.only(SCHEMES[scheme].known, scheme);
  for (const name of SCHEMES[scheme].required) if (!body.has(name)) body.fault(`“${name}” is missing`);
  if (scheme === "oauth2") checkOAuth2(body);
  for (const name of ["password", "token"]) {
    const text = body.get(name);
    if (typeof text === "string" && !isExpressionText(text))
      body.warn(
        "whoever reads the definition reads this; keep it as a secret and write { use: <name of the secret> }",
        name,
      );
  }
  return { authentication: { scheme }, value: value as JsonObject };
}

function withSecret(
  parser: TaskParser,
  body: Fields,
  { scheme, value }: { scheme: Authentication["scheme"]; value: JsonObject },
): { authentication: Authentication; value: JsonObject } | undefined {
  body.only(["use"], scheme);
  const secret = body.text("use", { required: true });
  if (secret === undefined) return undefined;
  if (scheme === "oauth2") {
    body.fault("of oauth2 the client's secret is a secret: client: { id: …, secret: { use: <name> } }", "use");
    return undefined;
  }
  return parser.secret(body, "use", secret) ? { authentication: { scheme, secret }, value } : undefined;
}

function checkOAuth2(body: Fields): void {
  const authority = body.get("authority");
  if (typeof authority === "string" && !LITERAL_URL.test(authority))
    body.fault("“authority” must be a literal URL: what a workflow may reach is granted before it runs", "authority");
  const grant: JsonValue = body.get("grant") ?? "client_credentials";
  if (typeof grant !== "string" || !GRANTS.includes(grant)) body.fault("only client_credentials is supported", "grant");
  const client = body.object("client");
  client?.only(["id", "secret", "authentication"], "oauth2.client");
  if (client?.has("id") === false) client.fault("“id” is missing");
  const way = client?.get("authentication");
  if (way !== undefined && way !== "client_secret_basic" && way !== "client_secret_post")
    client?.fault("only client_secret_basic and client_secret_post are supported", "authentication");
}
