import { loginCodeOf } from "../../lib/session.ts";

/** The code in what somebody pasted: a whole link, its fragment, or the code alone. */
export function codeOfPasted(pasted: string): string | undefined {
  const text = pasted.trim();
  const hash = text.indexOf("#");
  if (hash !== -1) return loginCodeOf(text.slice(hash));
  return /^[\w-]{4,200}$/.test(text) ? text : undefined;
}
