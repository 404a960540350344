import { LogoMeshError } from "@logomesh/contracts";
import { given } from "./parseVariable.ts";

const OLLAMA_PORT = "11434";

/**
 * The address that OLLAMA_HOST means, read as Ollama reads it: scheme and port may be missing, and the address that a server binds to
 * reach every interface is reached by loopback.
 * @throws LogoMeshError LM_SETTINGS_INVALID
 */
export function parseOllamaHost(text: string | undefined): string {
  const value = given(text) ?? "127.0.0.1";
  const hasScheme = /^https?:\/\//.test(value);
  const url = URL.parse(hasScheme ? value : `http://${value}`);
  if (url === null || url.hostname === "" || url.username !== "" || url.password !== "") {
    throw new LogoMeshError(
      "LM_SETTINGS_INVALID",
      `The environment variable OLLAMA_HOST=${url === null ? value : "…"} is not valid: give host, host:port or http://host:port.`,
    );
  }
  if (url.hostname === "0.0.0.0") url.hostname = "127.0.0.1";
  if (url.hostname === "[::]") url.hostname = "[::1]";
  // A URL drops the port that is its scheme's default, so 80 must be looked for in the text.
  const namesPort = /:\d+\/?$/.test(value.replace(/^(https?:\/\/[^/]*).*/, "$1"));
  if (!namesPort && !hasScheme) url.port = OLLAMA_PORT;
  return url.href.replace(/\/+$/, "");
}
